# The vocabulary of this project's CMakeLists.txt files.
#
#   reliant_library(<name> [SOURCES f.cpp..] [HEADERS f.h..] [DEPS ..])      src/<name>, target reliant_<name>
#   reliant_sim_library(<name> [SOURCES ..] [HEADERS ..] [DEPS ..])          sim/<name>, target reliant_sim_<name>
#   reliant_test_library(<name> [SOURCES ..] [HEADERS ..] [DEPS ..])         tests/<name>, target reliant_tests_<name>
#   reliant_program(<name> SOURCES .. [HEADERS ..] [DEPS ..])                bin/<name>
#   reliant_test(<name>_test SOURCES .. [HEADERS ..] [DEPS ..] [LABELS ..] [TIMEOUT s] [ARGS ..])   one binary, one ctest entry;
#     one whose sources include RapidCheck gets the label `drawn`
#   reliant_bench(<name>_bench SOURCES .. [HEADERS ..] [DEPS ..])            bin/<name>_bench, not run by ctest
#   reliant_fuzz(<thing>_fuzz SOURCES .. [HEADERS ..] [DEPS ..])             libFuzzer; ctest replays fuzz/corpus/<thing>
#   reliant_script_test(<name>_test [ARGS ..])                               <name>_test.py beside the CMakeLists.txt
#   reliant_check(<name> <script> [ARGS ..])                                 tools/check/<script> as the ctest check.<name>
#   reliant_scenarios(f.yaml ..)
#   reliant_data(f ..)               files of a judged kind that nothing compiles (say why beside the call)
#
# DEPS: `base` and `sim_kernel` stand for reliant_base and reliant_sim_kernel; targets with `::` in them,
# `rapidcheck_gtest` and `temporal_proto` are taken as they are. Dependencies are public.
# Sources are always named, never globbed: an unnamed file fails the configure step (reliant_finish).

# `warn` (also as an environment variable, at the first configure) is for a checkout in which several people are half-way
# through something: unregistered, missing and unknown names are then reported, and what can be built is built.
if(DEFINED ENV{RELIANT_REGISTRATION})
  set(RELIANT_REGISTRATION "$ENV{RELIANT_REGISTRATION}" CACHE STRING "fail or warn")
else()
  set(RELIANT_REGISTRATION fail CACHE STRING "fail or warn")
endif()
option(RELIANT_PCH "precompiled headers" ON)

# --- folders ---------------------------------------------------------------------------------------------------------

function(reliant_add_folder path)
  if(EXISTS "${CMAKE_SOURCE_DIR}/${path}/CMakeLists.txt")
    add_subdirectory("${CMAKE_SOURCE_DIR}/${path}" "${CMAKE_BINARY_DIR}/${path}")
  endif()
endfunction()

function(reliant_add_subfolders path)
  file(GLOB lists CONFIGURE_DEPENDS RELATIVE "${CMAKE_SOURCE_DIR}" "${CMAKE_SOURCE_DIR}/${path}/*/CMakeLists.txt")
  foreach(list IN LISTS lists)
    cmake_path(GET list PARENT_PATH folder)
    reliant_add_folder(${folder})
  endforeach()
endfunction()

# --- registration ----------------------------------------------------------------------------------------------------

function(_reliant_complain)
  string(JOIN "" text "\n  " ${ARGN} "\n")  # indented, or CMake breaks the line
  if(RELIANT_REGISTRATION STREQUAL "warn")
    message(WARNING "${text}")
  else()
    message(SEND_ERROR "${text}")
  endif()
endfunction()

# Takes the names of list variables; takes out of them what does not exist, after complaining.
function(_reliant_existing)
  foreach(list IN LISTS ARGN)
    set(existing)
    foreach(file IN LISTS ${list})
      cmake_path(ABSOLUTE_PATH file BASE_DIRECTORY "${CMAKE_CURRENT_SOURCE_DIR}" NORMALIZE OUTPUT_VARIABLE absolute)
      if(EXISTS "${absolute}")
        list(APPEND existing "${file}")
      else()
        cmake_path(RELATIVE_PATH absolute BASE_DIRECTORY "${CMAKE_SOURCE_DIR}" OUTPUT_VARIABLE shown)
        _reliant_complain("${shown}:1: registration: a reliant_* call names this file, and it does not exist "
          "— take it out of the list, or add it.")
      endif()
    endforeach()
    set(${list} "${existing}" PARENT_SCOPE)
  endforeach()
endfunction()

function(_reliant_register)
  foreach(file IN LISTS ARGN)
    cmake_path(ABSOLUTE_PATH file BASE_DIRECTORY "${CMAKE_CURRENT_SOURCE_DIR}" NORMALIZE)
    set_property(GLOBAL APPEND PROPERTY RELIANT_REGISTERED "${file}")
  endforeach()
endfunction()

function(reliant_data)
  _reliant_register(${ARGN})
endfunction()

function(reliant_scenarios)
  set(files ${ARGN})
  _reliant_existing(files)
  _reliant_register(${files})
  foreach(file IN LISTS files)
    cmake_path(ABSOLUTE_PATH file BASE_DIRECTORY "${CMAKE_CURRENT_SOURCE_DIR}" NORMALIZE)
    set_property(GLOBAL APPEND PROPERTY RELIANT_SCENARIOS "${file}")
  endforeach()
endfunction()

# --- targets ---------------------------------------------------------------------------------------------------------

function(_reliant_deps result)
  set(deps)
  foreach(dep IN LISTS ARGN)
    if(dep MATCHES "::|^reliant_|^(rapidcheck|rapidcheck_gtest|temporal_proto)$")
      list(APPEND deps "${dep}")
    else()
      list(APPEND deps "reliant_${dep}")
    endif()
  endforeach()
  set(${result} "${deps}" PARENT_SCOPE)
endfunction()

# Common to everything we compile. `pch` is the target whose precompiled header is used.
function(_reliant_compile target pch)
  target_compile_options(${target} PRIVATE ${RELIANT_WARNINGS})
  if(RELIANT_PCH)
    target_precompile_headers(${target} REUSE_FROM ${pch})
  endif()
endfunction()

# Remembers a target's dependencies; reliant_finish can then name a missing one and its user, where CMake itself would pass
# the name on to the linker.
function(_reliant_link target kind)
  _reliant_deps(deps ${ARGN})
  target_link_libraries(${target} ${kind} ${deps})
  foreach(dep IN LISTS deps)
    set_property(GLOBAL APPEND PROPERTY RELIANT_WANTED "${target}=${dep}")
  endforeach()
endfunction()

# A precompiled header hides a missing #include, so the headers of a library are also compiled without it, all in one unit, and
# once more in reverse order: a missing include is hidden only if a header before it and one after it bring it. Objects rather
# than -fsyntax-only: they cost the same (a header emits next to no code), and ccache keeps them. Not part of `all`:
# `ninja header_check`, and ctest runs it. tools/check/tidy reads the first unit as that of each of the headers.
function(_reliant_header_check target root)
  set(includes)
  foreach(header IN LISTS ARGN)
    cmake_path(ABSOLUTE_PATH header BASE_DIRECTORY "${CMAKE_CURRENT_SOURCE_DIR}" NORMALIZE OUTPUT_VARIABLE absolute)
    cmake_path(RELATIVE_PATH absolute BASE_DIRECTORY "${root}" OUTPUT_VARIABLE include)
    list(APPEND includes "#include \"${include}\"")
  endforeach()
  if(NOT includes)
    return()
  endif()
  set(units)
  foreach(order IN ITEMS forward reverse)
    if(order STREQUAL "reverse")
      list(REVERSE includes)
    endif()
    list(JOIN includes "\n" text)
    file(CONFIGURE OUTPUT "${CMAKE_BINARY_DIR}/header_check/${target}.${order}.cpp" CONTENT "${text}\n" @ONLY)
    list(APPEND units "${CMAKE_BINARY_DIR}/header_check/${target}.${order}.cpp")
  endforeach()
  set(check header_check_${target})
  add_library(${check} OBJECT EXCLUDE_FROM_ALL ${units})
  target_link_libraries(${check} PRIVATE ${target})
  # Parts of one whole (runtime/executor.h) leave inline functions to the whole: the compiler warns in a real user's own file.
  target_compile_options(${check} PRIVATE ${RELIANT_WARNINGS} -Wno-undefined-inline -O0 -g0)
  set_property(GLOBAL APPEND PROPERTY RELIANT_HEADER_CHECKS ${check})
endfunction()

function(_reliant_library target root pch)
  cmake_parse_arguments(PARSE_ARGV 3 arg "" "" "SOURCES;HEADERS;DEPS")
  if(arg_UNPARSED_ARGUMENTS)
    message(FATAL_ERROR "${target}: does not understand `${arg_UNPARSED_ARGUMENTS}`; see tools/cmake/reliant.cmake")
  endif()
  _reliant_existing(arg_SOURCES arg_HEADERS)
  _reliant_register(${arg_SOURCES} ${arg_HEADERS})
  if(arg_SOURCES)
    add_library(${target} STATIC ${arg_SOURCES} ${arg_HEADERS})
    target_include_directories(${target} PUBLIC "${root}")
    _reliant_link(${target} PUBLIC ${arg_DEPS})
    _reliant_compile(${target} ${pch})
  else()  # only headers, as in src/ports
    add_library(${target} INTERFACE ${arg_HEADERS})
    target_include_directories(${target} INTERFACE "${root}")
    _reliant_link(${target} INTERFACE ${arg_DEPS})
  endif()
  _reliant_header_check(${target} "${root}" ${arg_HEADERS})
endfunction()

function(reliant_library name)
  _reliant_library(reliant_${name} "${CMAKE_SOURCE_DIR}/src" reliant_pch ${ARGN})
endfunction()

function(reliant_sim_library name)
  _reliant_library(reliant_sim_${name} "${CMAKE_SOURCE_DIR}/sim" reliant_pch ${ARGN})
endfunction()

function(reliant_test_library name)
  _reliant_library(reliant_tests_${name} "${CMAKE_SOURCE_DIR}/tests" reliant_test_pch ${ARGN})
endfunction()

# `include_roots` reach the sources of this one program only.
function(_reliant_executable name pch)
  cmake_parse_arguments(PARSE_ARGV 2 arg "" "" "SOURCES;HEADERS;DEPS")
  if(arg_UNPARSED_ARGUMENTS)
    message(FATAL_ERROR "${name}: does not understand `${arg_UNPARSED_ARGUMENTS}`; see tools/cmake/reliant.cmake")
  endif()
  _reliant_existing(arg_SOURCES arg_HEADERS)
  _reliant_register(${arg_SOURCES} ${arg_HEADERS})
  if(NOT arg_SOURCES)
    file(CONFIGURE OUTPUT "${CMAKE_BINARY_DIR}/missing.cpp" CONTENT "" @ONLY)
    set(arg_SOURCES "${CMAKE_BINARY_DIR}/missing.cpp")  # does not link, and does not keep others from building
  endif()
  add_executable(${name} ${arg_SOURCES} ${arg_HEADERS})
  _reliant_link(${name} PRIVATE ${arg_DEPS})
  _reliant_compile(${name} ${pch})
endfunction()

function(reliant_program name)
  _reliant_executable(${name} reliant_pch ${ARGN})
endfunction()

# Label: the folder under tests/ (`ctest -L unit`). Runs in the root of the checkout, so that scenarios/ and fuzz/corpus/
# have short names. Under a sanitizer a test has five times the timeout. RapidCheck draws from a fixed seed: a red test is then
# caused by a change. `tools/sweep --properties` draws fresh seeds.
function(_reliant_ctest name timeout)
  cmake_path(RELATIVE_PATH CMAKE_CURRENT_SOURCE_DIR BASE_DIRECTORY "${CMAKE_SOURCE_DIR}" OUTPUT_VARIABLE place)
  string(REGEX REPLACE "^tests/" "" kind "${place}")
  string(REGEX REPLACE "/.*" "" kind "${kind}")
  if(RELIANT_SANITIZE)
    math(EXPR timeout "${timeout} * 5")
  endif()
  # `ctest -L fast`: what can be run at each build. `slow`: starts servers, or waits for the real clock.
  set(fast)
  if(kind MATCHES "^(unit|property|checks|fuzz)$" AND NOT "slow" IN_LIST ARGN)
    set(fast fast)
  endif()
  # What .ci/run runs under AddressSanitizer, too: no real server, no real processes but those that a unit test starts.
  set(sanitized)
  if(kind MATCHES "^(unit|property|fuzz)$" OR "sanitized" IN_LIST ARGN OR
     (kind STREQUAL "contract" AND NOT name MATCHES "_(nats|grpc|postgres|real|differential)_test$"))
    set(sanitized sanitized)
    if(TARGET ${name})
      set_property(GLOBAL APPEND PROPERTY RELIANT_SANITIZED ${name})
    endif()
  endif()
  set(tsan "suppressions=${CMAKE_SOURCE_DIR}/tools/tsan.supp")
  if(RELIANT_SYMBOLIZER)
    string(APPEND tsan ":external_symbolizer_path=${RELIANT_SYMBOLIZER}")
  endif()
  set_tests_properties(${name} PROPERTIES
    LABELS "${kind};${ARGN};${fast};${sanitized}"
    TIMEOUT ${timeout}
    WORKING_DIRECTORY "${CMAKE_SOURCE_DIR}"
    ENVIRONMENT
    "TSAN_OPTIONS=${tsan};LSAN_OPTIONS=suppressions=${CMAKE_SOURCE_DIR}/tools/lsan.supp:print_suppressions=0;RC_PARAMS=seed=46")
endfunction()

function(reliant_test name)
  cmake_parse_arguments(PARSE_ARGV 1 arg "" "TIMEOUT" "SOURCES;HEADERS;DEPS;LABELS;ARGS")
  if(NOT name MATCHES "_test$")
    message(FATAL_ERROR "reliant_test(${name}): the name has to end in _test")
  endif()
  if(NOT arg_TIMEOUT)
    set(arg_TIMEOUT 60)
  endif()
  _reliant_executable(${name} reliant_test_pch ${arg_UNPARSED_ARGUMENTS}
    SOURCES ${arg_SOURCES} HEADERS ${arg_HEADERS} DEPS ${arg_DEPS} GTest::gtest_main GTest::gtest rapidcheck_gtest)
  target_include_directories(${name} PRIVATE "${CMAKE_SOURCE_DIR}/tests")
  add_test(NAME ${name} COMMAND ${name} ${arg_ARGS})
  foreach(source IN LISTS arg_SOURCES)
    set(drawing)
    if(EXISTS "${CMAKE_CURRENT_SOURCE_DIR}/${source}")
      file(STRINGS "${source}" drawing REGEX "#include <rapidcheck" LIMIT_COUNT 1)
    endif()
    if(drawing)
      list(APPEND arg_LABELS drawn)
      break()
    endif()
  endforeach()
  _reliant_ctest(${name} ${arg_TIMEOUT} ${arg_LABELS})
endfunction()

function(reliant_bench name)
  cmake_parse_arguments(PARSE_ARGV 1 arg "" "" "SOURCES;HEADERS;DEPS")
  _reliant_executable(${name} reliant_pch ${arg_UNPARSED_ARGUMENTS}
    SOURCES ${arg_SOURCES} HEADERS ${arg_HEADERS} DEPS ${arg_DEPS} benchmark::benchmark_main benchmark::benchmark)
  target_include_directories(${name} PRIVATE "${CMAKE_SOURCE_DIR}/tests")
endfunction()

# In every preset ctest replays the corpus; to search, build it in the preset `fuzz`, where the code under test carries
# the coverage that libFuzzer steers by.
function(reliant_fuzz name)
  cmake_parse_arguments(PARSE_ARGV 1 arg "" "" "SOURCES;HEADERS;DEPS")
  if(NOT name MATCHES "_fuzz$")
    message(FATAL_ERROR "reliant_fuzz(${name}): the name has to end in _fuzz")
  endif()
  _reliant_executable(${name} reliant_pch ${arg_UNPARSED_ARGUMENTS}
    SOURCES ${arg_SOURCES} HEADERS ${arg_HEADERS} DEPS ${arg_DEPS})
  target_link_options(${name} PRIVATE -fsanitize=fuzzer)
  target_include_directories(${name} PRIVATE "${CMAKE_SOURCE_DIR}/tests")
  string(REGEX REPLACE "_fuzz$" "" thing "${name}")
  set(corpus "${CMAKE_SOURCE_DIR}/fuzz/corpus/${thing}")
  if(NOT IS_DIRECTORY "${corpus}")
    message(FATAL_ERROR "reliant_fuzz(${name}): fuzz/corpus/${thing} is missing\nRemedy: add it with at least one input.")
  endif()
  # An input that fails is copied to the build folder, not to the working directory, which is the source tree.
  add_test(NAME ${name} COMMAND ${name} -runs=0 "-artifact_prefix=${CMAKE_CURRENT_BINARY_DIR}/" "${corpus}")
  _reliant_ctest(${name} 60)
endfunction()

function(reliant_script_test name)
  cmake_parse_arguments(PARSE_ARGV 1 arg "" "" "LABELS;ARGS")
  set(script ${name}.py)
  _reliant_existing(script)
  _reliant_register(${script})
  if(script)
    add_test(NAME ${name} COMMAND "${Python3_EXECUTABLE}" -B "${CMAKE_CURRENT_SOURCE_DIR}/${script}" ${arg_ARGS})
    _reliant_ctest(${name} 120 ${arg_LABELS})
  endif()
endfunction()

function(reliant_check name script)
  cmake_parse_arguments(PARSE_ARGV 2 arg "" "" "ARGS")
  add_test(NAME check.${name} COMMAND "${Python3_EXECUTABLE}" -B "${CMAKE_SOURCE_DIR}/tools/check/${script}" ${arg_ARGS})
  _reliant_ctest(check.${name} 60)
endfunction()

# --- the end of configuring ------------------------------------------------------------------------------------------

function(reliant_finish)
  get_property(checks GLOBAL PROPERTY RELIANT_HEADER_CHECKS)
  add_custom_target(header_check)
  if(checks)
    add_dependencies(header_check ${checks})
    if(NOT RELIANT_SANITIZE)  # the same headers: once is enough
      add_test(NAME header_check
        COMMAND "${CMAKE_COMMAND}" --build "${CMAKE_BINARY_DIR}" --target header_check -- -k 0)
      cmake_host_system_information(RESULT processors QUERY NUMBER_OF_LOGICAL_CORES)
      set_tests_properties(header_check PROPERTIES LABELS checks TIMEOUT 1200 PROCESSORS ${processors})
    endif()
  endif()

  add_custom_target(sanitized)
  get_property(sanitized GLOBAL PROPERTY RELIANT_SANITIZED)
  if(TARGET reliant-sim)
    list(APPEND sanitized reliant-sim)
  endif()
  if(sanitized)
    add_dependencies(sanitized ${sanitized})
  endif()

  # CONFIGURE_DEPENDS: a new file makes the next build configure again, so it is caught at once and not in CI.
  file(GLOB_RECURSE present CONFIGURE_DEPENDS
    "${CMAKE_SOURCE_DIR}/src/*.cpp" "${CMAKE_SOURCE_DIR}/src/*.h"
    "${CMAKE_SOURCE_DIR}/sim/*.cpp" "${CMAKE_SOURCE_DIR}/sim/*.h"
    "${CMAKE_SOURCE_DIR}/tests/*.cpp" "${CMAKE_SOURCE_DIR}/tests/*.h" "${CMAKE_SOURCE_DIR}/tests/*.py"
    "${CMAKE_SOURCE_DIR}/fuzz/*.cpp" "${CMAKE_SOURCE_DIR}/fuzz/*.h"
    "${CMAKE_SOURCE_DIR}/proto/*.proto"
    "${CMAKE_SOURCE_DIR}/scenarios/*.yaml" "${CMAKE_SOURCE_DIR}/scenarios/*.yml")
  get_property(registered GLOBAL PROPERTY RELIANT_REGISTERED)
  foreach(file IN LISTS registered)
    list(REMOVE_ITEM present "${file}")
  endforeach()
  foreach(file IN LISTS present)
    cmake_path(RELATIVE_PATH file BASE_DIRECTORY "${CMAKE_SOURCE_DIR}" OUTPUT_VARIABLE shown)
    cmake_path(GET shown PARENT_PATH folder)
    _reliant_complain("${shown}:1: registration: no reliant_* call names this file, so nothing would build or run it "
      "— name it in ${folder}/CMakeLists.txt (or the nearest one above), or delete it.")
  endforeach()

  get_property(wanted GLOBAL PROPERTY RELIANT_WANTED)
  foreach(pair IN LISTS wanted)
    string(REGEX MATCH "^([^=]*)=(.*)$" _ "${pair}")
    if(NOT TARGET "${CMAKE_MATCH_2}")
      # A warning while the tree grows: the linker reports it to a target that links it.
      message(WARNING "${CMAKE_MATCH_1}: dependency: there is no target ${CMAKE_MATCH_2} "
        "— correct its name in DEPS, or add the folder that defines it.")
    endif()
  endforeach()
endfunction()

# --- precompiled headers ---------------------------------------------------------------------------------------------

# Two: what a library may lean on, and the same with the test framework (2.5 s of every test file without). Each is built
# by one target that has nothing else, and lent to all.
file(CONFIGURE OUTPUT "${CMAKE_BINARY_DIR}/pch/empty.cpp" CONTENT "" @ONLY)
add_library(reliant_pch STATIC EXCLUDE_FROM_ALL "${CMAKE_BINARY_DIR}/pch/empty.cpp")
add_library(reliant_test_pch STATIC EXCLUDE_FROM_ALL "${CMAKE_BINARY_DIR}/pch/empty.cpp")
target_link_libraries(reliant_pch PRIVATE absl::statusor)
target_link_libraries(reliant_test_pch PRIVATE absl::statusor GTest::gtest rapidcheck_gtest)
foreach(pch IN ITEMS reliant_pch reliant_test_pch)
  target_compile_options(${pch} PRIVATE ${RELIANT_WARNINGS})
endforeach()
if(RELIANT_PCH)
  set(common
    <algorithm> <array> <bit> <charconv> <chrono> <concepts> <coroutine> <cstddef> <cstdint> <cstring> <deque>
    <exception> <functional> <initializer_list> <limits> <map> <memory> <new> <optional> <ostream> <set> <span>
    <sstream> <string> <string_view> <tuple> <type_traits> <utility> <variant> <vector> <absl/status/statusor.h>)
  target_precompile_headers(reliant_pch PRIVATE ${common})
  target_precompile_headers(reliant_test_pch PRIVATE ${common} <gtest/gtest.h> <rapidcheck.h> <rapidcheck/gtest.h>)
endif()
