# The tests about the repository itself. Sanitizer builds leave them out; those labelled "house" say the same under
# every compiler, so only g++ runs them.
find_package(Catch2 2.13 REQUIRED)
find_package(Python3 3.9 REQUIRED COMPONENTS Interpreter)

add_test(NAME tidy COMMAND ${Python3_EXECUTABLE} ${PROJECT_SOURCE_DIR}/tests/tidy.py
  --compile-commands ${PROJECT_BINARY_DIR}/compile_commands.json)
set_tests_properties(tidy PROPERTIES LABELS house)

add_test(NAME consumer COMMAND ${CMAKE_COMMAND}
  -D BUILD_TREE=${PROJECT_BINARY_DIR} -D WORK=${PROJECT_BINARY_DIR}/consumer -D GENERATOR=${CMAKE_GENERATOR}
  -D C_COMPILER=${CMAKE_C_COMPILER} -D CXX_COMPILER=${CMAKE_CXX_COMPILER}
  -P ${PROJECT_SOURCE_DIR}/tests/consumer/install_and_build.cmake)
set_tests_properties(consumer PROPERTIES LABELS house)

add_subdirectory(${PROJECT_SOURCE_DIR}/tests/headers)
add_subdirectory(${PROJECT_SOURCE_DIR}/tests/compile_fail)
