// digest: 64 bits of some bytes, eight at a time: for what goes into a run's hash and for comparing what was said with
// what was kept. A run digests every message, and byte by byte would be a part of its time. Not stable over versions of
// this project, and not for labels (runtime/random.h) or tables of outside data. Pure; never fails.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>

namespace reliant::sim {

static_assert(std::endian::native == std::endian::little, "a digest is the same on every machine: words are read as they lie");

// With the length, so that "ab","c" and "a","bc" differ.
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
