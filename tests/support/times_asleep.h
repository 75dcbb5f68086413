// How often the test's own thread has given its processor away because it had to wait: for news, for a lock, for a page.
// From any thread: the logic may be on another one (AsioExecutor::Sharing).
#pragma once

#include <unistd.h>

#include <cstdint>
#include <fstream>
#include <string>

namespace reliant::tests {

inline std::int64_t times_asleep() {
  std::ifstream status("/proc/self/task/" + std::to_string(getpid()) + "/status");
  std::string name;
  while (status >> name && name != "voluntary_ctxt_switches:") continue;
  std::int64_t times = -1;
  status >> times;
  return times;
}

}  // namespace reliant::tests
