// Wall-clock times as the tables keep them (microseconds since 1970, UTC) and as people and JSON read them.
#pragma once

#include <cstdint>
#include <string>

#include "runtime/time.h"

namespace reliant::store {

constexpr WallTime wall_time(std::int64_t microseconds) { return WallTime(std::chrono::microseconds(microseconds)); }
constexpr std::int64_t microseconds_of(WallTime time) {
  return std::chrono::floor<std::chrono::microseconds>(time).time_since_epoch().count();
}

std::string rfc3339(WallTime time);  // "2026-01-31T23:59:59.123Z"

}  // namespace reliant::store
