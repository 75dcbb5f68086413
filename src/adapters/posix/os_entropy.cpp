#include "adapters/posix/os_entropy.h"

#include <sys/random.h>
#include <cerrno>
#include <cstring>

#include "base/assert.h"

namespace reliant::adapters {

std::string os_secret_bytes(std::size_t count) {
  std::string bytes(count, '\0');
  std::size_t have = 0;
  while (have < count) {
    const ssize_t got = ::getrandom(bytes.data() + have, count - have, 0);
    if (got < 0 && errno == EINTR) continue;
    RELIANT_ASSERT(got > 0, "getrandom(2) gives bytes on every Linux that this program can run on");
    have += static_cast<std::size_t>(got);
  }
  return bytes;
}

std::uint64_t os_seed() {
  const std::string bytes = os_secret_bytes(sizeof(std::uint64_t));
  std::uint64_t seed = 0;
  std::memcpy(&seed, bytes.data(), sizeof seed);
  return seed;
}

}  // namespace reliant::adapters
