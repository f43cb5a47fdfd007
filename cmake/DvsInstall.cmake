# The package: headers, targets, and the files that find_package(dvs) reads.
include(CMakePackageConfigHelpers)
set(package_dir ${CMAKE_INSTALL_LIBDIR}/cmake/dvs)

install(TARGETS dvs dvs_userspace dvs_loopback dvs_proxies dvs_udt dvs_cluster dvs_daemon dvs_conformance
  EXPORT dvsTargets)
foreach(directory include backends/userspace/include backends/loopback/include backends/proxies/include
    tests/conformance/include)
  install(DIRECTORY ${PROJECT_SOURCE_DIR}/${directory}/ DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}
    FILES_MATCHING PATTERN "*.hpp" PATTERN "*.h")
endforeach()
install(FILES ${PROJECT_SOURCE_DIR}/LICENSE DESTINATION ${CMAKE_INSTALL_DOCDIR})
install(EXPORT dvsTargets NAMESPACE dvs:: DESTINATION ${package_dir})

configure_package_config_file(${PROJECT_SOURCE_DIR}/cmake/dvsConfig.cmake.in ${PROJECT_BINARY_DIR}/dvsConfig.cmake
  INSTALL_DESTINATION ${package_dir})
# Until 1.0 every minor version may change the API.
write_basic_package_version_file(${PROJECT_BINARY_DIR}/dvsConfigVersion.cmake
  COMPATIBILITY SameMinorVersion ARCH_INDEPENDENT)
install(FILES ${PROJECT_BINARY_DIR}/dvsConfig.cmake ${PROJECT_BINARY_DIR}/dvsConfigVersion.cmake
  DESTINATION ${package_dir})
