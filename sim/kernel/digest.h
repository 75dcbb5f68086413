// digest: a 64-bit hash of bytes, computed eight bytes at a time, for a run's hash and to compare a received text with
// the stored one. A run digests every message; a byte-wise hash would cost a noticeable part of its time. Not stable over
// versions of this project, and not for labels (runtime/random.h) or tables of outside data. Pure; never fails.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>

namespace reliant::sim {

static_assert(std::endian::native == std::endian::little, "a digest is the same on every machine: it reads native words");

// The length is part of the digest, so that "ab","c" and "a","bc" differ.
inline std::uint64_t digest(std::string_view bytes, std::uint64_t hash) {
  constexpr std::uint64_t kFactor = 0x9ddfea08eb382d69ull;
  const auto take = [&](std::uint64_t word) {
    hash = (hash ^ word) * kFactor;
    hash ^= hash >> 32;
  };
  take(bytes.size());
  std::uint64_t word = 0;
  for (; bytes.size() >= sizeof word; bytes.remove_prefix(sizeof word)) {
    std::memcpy(&word, bytes.data(), sizeof word);
    take(word);
  }
  if (bytes.empty()) return hash;
  word = 0;
  std::memcpy(&word, bytes.data(), bytes.size());
  take(word);
  return hash;
}

}  // namespace reliant::sim
