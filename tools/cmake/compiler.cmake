# The compiler and everything that is the same for every target. Flags that the precompiled header has to share
# with its users are set here, for all, because clang refuses a header built with other ones.

if(NOT CMAKE_CXX_COMPILER_ID STREQUAL "Clang")
  message(FATAL_ERROR
    "reliant is built with clang-19, not with ${CMAKE_CXX_COMPILER_ID} ${CMAKE_CXX_COMPILER_VERSION}.\n"
    "Reason: g++ 12 destroys some temporaries twice when their full expression contains a co_await (braced "
    "aggregates, capturing lambdas, class-typed ?:), silently; and the same seed must give the same hash, which is "
    "checked for clang only.\n"
    "Remedy: tools/setup, then `cmake --preset release` in a fresh build folder (unset CXX).")
endif()
if(CMAKE_CXX_COMPILER_VERSION VERSION_LESS 16)
  message(FATAL_ERROR
    "clang ${CMAKE_CXX_COMPILER_VERSION} is too old: clang-19 is the compiler, clang-16 the second one.\n"
    "Remedy: tools/setup, then `cmake --preset release` in a fresh build folder.")
endif()

set(CMAKE_CXX_STANDARD 20)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_CXX_SCAN_FOR_MODULES OFF)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)
set(CMAKE_RUNTIME_OUTPUT_DIRECTORY "${CMAKE_BINARY_DIR}/bin")
if(NOT CMAKE_BUILD_TYPE)
  set(CMAKE_BUILD_TYPE RelWithDebInfo)
endif()

# NDEBUG is defined nowhere: asserts are on in every build.
set(CMAKE_CXX_FLAGS_RELWITHDEBINFO "-O2 -g1")
set(CMAKE_CXX_FLAGS_DEBUG "-O0 -g -D_GLIBCXX_ASSERTIONS")

# One logic thread does not mean no threads; -pthread is part of what a precompiled header must agree on.
# No contraction of a*b+c: a seed must give the same numbers on every processor.
# The prefix map keeps the place of the checkout out of binaries, logs and assert messages.
add_compile_options(-pthread -ffp-contract=off "-ffile-prefix-map=${CMAKE_SOURCE_DIR}/=")
add_link_options(-pthread)

set(RELIANT_SANITIZE "" CACHE STRING "what -fsanitize= gets (the presets asan, tsan and fuzz set it)")
if(RELIANT_SANITIZE)
  # -O1: at -O0 the sanitised tests take three times as long.
  set(CMAKE_CXX_FLAGS_DEBUG "-O1 -g1 -D_GLIBCXX_ASSERTIONS")
  add_compile_options(-fsanitize=${RELIANT_SANITIZE} -fno-sanitize-recover=all -fno-omit-frame-pointer)
  add_link_options(-fsanitize=${RELIANT_SANITIZE})
endif()
# tools/tsan.supp names functions: without a symbolizer ThreadSanitizer knows none of them. clang-19 looks for the one of llvm-19 only.
if(RELIANT_SANITIZE STREQUAL "thread")
  find_program(RELIANT_SYMBOLIZER NAMES llvm-symbolizer-19 llvm-symbolizer REQUIRED)
endif()

# `tools/sim optimize` sets these: it counts how often the simulator goes where, and then builds one that is laid out for that.
# Names of static functions go without the folders of this machine, and a function that has changed since is compiled without.
set(RELIANT_PROFILE_GENERATE "" CACHE PATH "folder into which the simulator writes its counters")
set(RELIANT_PROFILE_USE "" CACHE FILEPATH "merged counters (.profdata)")
set(profile_names "SHELL:-mllvm -static-func-full-module-prefix=false")
if(RELIANT_PROFILE_GENERATE)
  add_compile_options("-fprofile-generate=${RELIANT_PROFILE_GENERATE}" "${profile_names}")
  add_link_options("-fprofile-generate=${RELIANT_PROFILE_GENERATE}")
elseif(RELIANT_PROFILE_USE)
  add_compile_options("-fprofile-use=${RELIANT_PROFILE_USE}" "${profile_names}"
    -Wno-profile-instr-unprofiled -Wno-profile-instr-out-of-date -Wno-backend-plugin)
endif()

find_program(RELIANT_MOLD NAMES mold ld.mold)
if(RELIANT_PROFILE_GENERATE)
  add_link_options(-fuse-ld=lld)  # mold 1.10 ends with a failed assertion where the counters' runtime is linked in
elseif(RELIANT_MOLD)
  add_link_options(-fuse-ld=mold)
else()
  message(WARNING "mold is missing: linking will be slow. Remedy: tools/setup")
endif()

# ccache refuses to cache anything near a precompiled header unless told that macros and time stamps do not matter,
# and clang writes a time stamp into the header unless told not to. (No CCACHE_BASEDIR: it would turn __FILE__ into
# ../../src/..; and a precompiled header ties objects to their checkout anyway.)
find_program(RELIANT_CCACHE ccache)
if(RELIANT_CCACHE AND NOT CMAKE_CXX_COMPILER_LAUNCHER)
  set(CMAKE_CXX_COMPILER_LAUNCHER
    env CCACHE_SLOPPINESS=pch_defines,time_macros "${RELIANT_CCACHE}")
  add_compile_options("SHELL:-Xclang -fno-pch-timestamp")
endif()

# For our own code only; generated code is compiled without any.
set(RELIANT_WARNINGS
  -Wall -Wextra -Wpedantic -Werror
  -Wshadow -Wnon-virtual-dtor -Woverloaded-virtual -Wextra-semi -Wimplicit-fallthrough
  -Wunreachable-code -Wrange-loop-analysis -Wcast-align -Wformat=2 -Wsuggest-override
  -Wunused-result  # Task is [[nodiscard]]: a forgotten co_await must not compile
  # Leaving out members in a designated initialiser is what designated initialisers are for.
  -Wno-missing-field-initializers -Wno-missing-designated-field-initializers
  -Wno-unknown-warning-option)  # the second compiler, clang-16, does not know them all
