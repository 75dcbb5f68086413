#include "adapters/open_files.h"

#include <sys/resource.h>

#include "base/assert.h"

namespace reliant::adapters {

std::uint64_t allow_all_open_files() {
  rlimit limit{};
  RELIANT_ASSERT(::getrlimit(RLIMIT_NOFILE, &limit) == 0, "a process may ask for its limits");
  const rlim_t before = limit.rlim_cur;
  limit.rlim_cur = limit.rlim_max;
  return ::setrlimit(RLIMIT_NOFILE, &limit) == 0 ? limit.rlim_cur : before;
}

}  // namespace reliant::adapters
