# Installs dvs from its build tree into an empty prefix, then builds and runs the project beside this file against it.
# Arguments: BUILD_TREE, WORK, GENERATOR, C_COMPILER, CXX_COMPILER.
file(REMOVE_RECURSE ${WORK})
set(options COMMAND_ERROR_IS_FATAL ANY)
execute_process(COMMAND ${CMAKE_COMMAND} --install ${BUILD_TREE} --prefix ${WORK}/prefix OUTPUT_QUIET ${options})
execute_process(COMMAND ${CMAKE_COMMAND} -S ${CMAKE_CURRENT_LIST_DIR} -B ${WORK}/build -G ${GENERATOR}
  -D CMAKE_BUILD_TYPE=Debug -D CMAKE_PREFIX_PATH=${WORK}/prefix
  -D CMAKE_C_COMPILER=${C_COMPILER} -D CMAKE_CXX_COMPILER=${CXX_COMPILER} ${options})
execute_process(COMMAND ${CMAKE_COMMAND} --build ${WORK}/build ${options})
execute_process(COMMAND ${WORK}/build/consumer ${options})
execute_process(COMMAND ${WORK}/build/laws ${options})
