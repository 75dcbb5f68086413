# Everything that is not ours, and is installed. Names to use in DEPS: Boost::headers Boost::container absl::... protobuf::libprotobuf
# GTest::gtest GTest::gmock rapidcheck_gtest benchmark::benchmark SQLite::SQLite3 OpenSSL::Crypto OpenSSL::SSL
# PkgConfig::fyaml PkgConfig::re2 PkgConfig::nats PkgConfig::pqxx gRPC::grpc++

find_package(Threads REQUIRED)
find_package(Boost 1.81 REQUIRED CONFIG COMPONENTS headers container)
find_package(absl REQUIRED CONFIG)
find_package(Protobuf REQUIRED)
find_package(GTest REQUIRED CONFIG)
find_package(rapidcheck REQUIRED CONFIG)
find_package(benchmark REQUIRED CONFIG)
find_package(SQLite3 REQUIRED)
find_package(OpenSSL REQUIRED)
find_package(PkgConfig REQUIRED)
pkg_check_modules(fyaml REQUIRED IMPORTED_TARGET libfyaml)
pkg_check_modules(re2 REQUIRED IMPORTED_TARGET re2)
add_library(re2::re2 ALIAS PkgConfig::re2)  # gRPC's CMake package wants it by this name, and finds no package of re2
find_package(gRPC REQUIRED CONFIG)
pkg_check_modules(nats REQUIRED IMPORTED_TARGET libnats)  # its own CMake package stops with an error about a missing file
pkg_check_modules(pqxx REQUIRED IMPORTED_TARGET libpqxx)
find_package(Python3 3.11 REQUIRED COMPONENTS Interpreter)  # tools/check

# Where tools/setup leaves what it fetches; the same rule as there.
if(NOT "$ENV{RELIANT_CACHE}" STREQUAL "")
  set(RELIANT_CACHE_FOLDER "$ENV{RELIANT_CACHE}")
elseif(NOT "$ENV{XDG_CACHE_HOME}" STREQUAL "")
  set(RELIANT_CACHE_FOLDER "$ENV{XDG_CACHE_HOME}/reliant")
elseif(NOT "$ENV{HOME}" STREQUAL "")
  set(RELIANT_CACHE_FOLDER "$ENV{HOME}/.cache/reliant")
else()
  set(RELIANT_CACHE_FOLDER "${CMAKE_SOURCE_DIR}/build/.cache")
endif()
