# The configuration of a cluster: dvs::cluster. Who builds dvs as a part of another project without these libraries gets
# everything but this target.
set(required)
if(PROJECT_IS_TOP_LEVEL)
  set(required REQUIRED)
endif()
find_package(tomlplusplus ${required})
find_package(nlohmann_json ${required})
find_library(DVS_SODIUM sodium ${required})

if(tomlplusplus_FOUND AND nlohmann_json_FOUND AND DVS_SODIUM)
  dvs_interface(dvs_cluster cluster backends/proxies/include
    dvs::dvs tomlplusplus::tomlplusplus nlohmann_json::nlohmann_json sodium)
endif()
