// SecretSource: where new tokens come from. Its output is unpredictable: in production the system's entropy, never a
// Random. A port of the roles that issue tokens (api). Executor: the logic thread. Cannot fail.
#pragma once

#include <array>
#include <cstddef>

#include "auth/token.h"

namespace reliant::auth {

class SecretSource {
 public:
  virtual ~SecretSource() = default;
  virtual std::array<std::byte, kTokenBytes> next() = 0;
};

}  // namespace reliant::auth
