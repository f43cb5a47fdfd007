# The targets a consumer links: dvs::dvs (the API) and one per backend.
include(GNUInstallDirs)
find_package(Threads REQUIRED)
find_package(Boost 1.81 REQUIRED COMPONENTS context)

add_library(dvs INTERFACE)
add_library(dvs::dvs ALIAS dvs)
target_compile_features(dvs INTERFACE cxx_std_20)
target_include_directories(dvs INTERFACE $<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}/include> $<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}>)
target_link_libraries(dvs INTERFACE Boost::headers)

add_library(dvs_userspace INTERFACE)
add_library(dvs::userspace ALIAS dvs_userspace)
set_target_properties(dvs_userspace PROPERTIES EXPORT_NAME userspace)
target_include_directories(dvs_userspace INTERFACE $<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}/backends/userspace/include> $<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}>)
target_link_libraries(dvs_userspace INTERFACE dvs Boost::context Threads::Threads)
