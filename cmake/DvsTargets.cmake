# The targets a consumer links: dvs::dvs (the API), dvs::conformance (the laws as a suite), one per backend, and
# dvs::proxies (links between nodes).
include(GNUInstallDirs)
find_package(Threads REQUIRED)
find_package(Boost 1.81 REQUIRED COMPONENTS context)

# dvs_interface(TARGET NAME INCLUDE_DIRECTORY LIBRARIES...) declares a header-only TARGET that consumers call dvs::NAME.
function(dvs_interface target name directory)
  add_library(${target} INTERFACE)
  add_library(dvs::${name} ALIAS ${target})
  set_target_properties(${target} PROPERTIES EXPORT_NAME ${name})
  target_compile_features(${target} INTERFACE cxx_std_20)
  target_include_directories(${target} INTERFACE
    $<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}/${directory}> $<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}>)
  target_link_libraries(${target} INTERFACE ${ARGN})
endfunction()

dvs_interface(dvs dvs include Boost::headers)
dvs_interface(dvs_userspace userspace backends/userspace/include dvs::dvs Boost::context Threads::Threads)
dvs_interface(dvs_conformance conformance tests/conformance/include dvs::dvs)
