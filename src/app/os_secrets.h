// OsSecrets: tokens out of the system's entropy.
#pragma once

#include <array>
#include <cstring>

#include "adapters/posix/os_entropy.h"
#include "auth/secret_source.h"

namespace reliant::app {

class OsSecrets final : public auth::SecretSource {
 public:
  std::array<std::byte, auth::kTokenBytes> next() override {
    std::array<std::byte, auth::kTokenBytes> secret{};
    const std::string bytes = adapters::os_secret_bytes(secret.size());
    std::memcpy(secret.data(), bytes.data(), secret.size());
    return secret;
  }
};

}  // namespace reliant::app
