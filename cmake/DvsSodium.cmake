# libsodium, as Debian installs it: a header and a library. Only MUK needs it, so no consumer of the package does.
find_path(DVS_SODIUM_INCLUDE sodium.h REQUIRED)
find_library(DVS_SODIUM_LIBRARY sodium REQUIRED)
add_library(dvs_sodium INTERFACE)
target_include_directories(dvs_sodium SYSTEM INTERFACE ${DVS_SODIUM_INCLUDE})
target_link_libraries(dvs_sodium INTERFACE ${DVS_SODIUM_LIBRARY})
