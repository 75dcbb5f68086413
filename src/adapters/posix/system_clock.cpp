#include "adapters/posix/system_clock.h"

#include <chrono>

namespace reliant::adapters {

WallTime SystemClock::wall_now() const { return std::chrono::time_point_cast<Duration>(std::chrono::system_clock::now()); }

}  // namespace reliant::adapters
