# How this repository compiles itself; nothing here reaches a consumer of the package.
set(CMAKE_CXX_STANDARD 20)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_C_STANDARD 11)
set(CMAKE_C_EXTENSIONS OFF)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)

if(NOT CMAKE_BUILD_TYPE AND NOT CMAKE_CONFIGURATION_TYPES)
  set(CMAKE_BUILD_TYPE Release CACHE STRING "Build type" FORCE)
endif()

# -O3 brings servers nothing but size, and false warnings about what it inlined.
set(CMAKE_CXX_FLAGS_RELEASE "-O2 -DNDEBUG")
set(CMAKE_C_FLAGS_RELEASE "-O2 -DNDEBUG")

find_program(DVS_CCACHE ccache)
if(DVS_CCACHE AND NOT CMAKE_CXX_COMPILER_LAUNCHER)
  set(CMAKE_C_COMPILER_LAUNCHER ${DVS_CCACHE})
  set(CMAKE_CXX_COMPILER_LAUNCHER ${DVS_CCACHE})
endif()

add_library(dvs_strict INTERFACE)
target_compile_options(dvs_strict INTERFACE -Wall -Wextra -Wpedantic -Wshadow -Werror)
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
  # g++ 12 warns of overlapping copies inside its own std::string, which there are not.
  target_compile_options(dvs_strict INTERFACE -Wno-restrict)
endif()
if(DVS_SANITIZE)
  target_compile_options(dvs_strict INTERFACE
    -fsanitize=${DVS_SANITIZE} -fno-omit-frame-pointer -fno-sanitize-recover=all)
  target_link_options(dvs_strict INTERFACE -fsanitize=${DVS_SANITIZE})
  if(CMAKE_CXX_COMPILER_ID MATCHES "Clang" AND DVS_SANITIZE MATCHES "undefined")
    target_compile_options(dvs_strict INTERFACE -fno-sanitize=function) # clang 14 cannot do that for coroutines
  endif()
  if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
    # The instrumented code of g++ 12 draws false warnings about initialisation in its own headers.
    target_compile_options(dvs_strict INTERFACE -Wno-maybe-uninitialized)
  endif()
  if(DVS_SANITIZE MATCHES "thread" AND CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
    target_compile_options(dvs_strict INTERFACE -Wno-tsan) # fences: the channels do not rely on them under TSan
  endif()
endif()
