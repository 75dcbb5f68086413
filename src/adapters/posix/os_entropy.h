// Unpredictable bytes from the kernel's generator: the seed of a process's RandomStreams, and secrets (tokens, keys,
// salts), which never come from a Random. Any thread. Waits only while a machine that has just booted has no entropy;
// cannot fail otherwise.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

namespace reliant::adapters {

std::uint64_t os_seed();
std::string os_secret_bytes(std::size_t count);

}  // namespace reliant::adapters
