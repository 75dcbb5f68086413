// Random: a stream of pseudo-random numbers, and RandomStreams: many independent streams from one seed.
//
// Every draw in the system comes from a `Random` that was handed in, so that a run repeats from its seed on
// every platform and compiler. Streams are labelled ("link/gw1/d17"): a draw added in one place re-rolls no
// other place. Draw once a statement: the order of evaluation inside an expression is the compiler's.
//
// Cheap to copy, but a copy repeats the same numbers. Not for secrets.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include "base/assert.h"
#include "runtime/time.h"

namespace reliant {

// The finaliser of splitmix64: every bit of the result depends on every bit of `x`.
constexpr std::uint64_t mix_bits(std::uint64_t x) {
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9ull;
  x = (x ^ (x >> 27)) * 0x94d049bb133111ebull;
  return x ^ (x >> 31);
}

// FNV-1a over bytes. Stable everywhere; for labels, names and traces, not for hash tables of outside data.
inline constexpr std::uint64_t kHashSeed = 0xcbf29ce484222325ull;
constexpr std::uint64_t hash_bytes(std::string_view bytes, std::uint64_t hash = kHashSeed) {
  for (const char c : bytes) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3ull;
  return hash;
}

class Random final {
 public:
  explicit constexpr Random(std::uint64_t seed) : state_(seed) {}

  constexpr std::uint64_t next() {
    state_ += 0x9e3779b97f4a7c15ull;
    return mix_bits(state_);
  }

  // Uniform in [0, n), without bias; n > 0.
  constexpr std::uint64_t below(std::uint64_t n) {
    RELIANT_ASSERT(n > 0, "Random::below(0) has no answer");
    Wide product = static_cast<Wide>(next()) * n;
    if (static_cast<std::uint64_t>(product) < n) [[unlikely]] {
      const std::uint64_t biased = (0 - n) % n;
      while (static_cast<std::uint64_t>(product) < biased) product = static_cast<Wide>(next()) * n;
    }
    return static_cast<std::uint64_t>(product >> 64);
  }

  // True `numerator` times out of `denominator`.
  constexpr bool chance(std::uint64_t numerator, std::uint64_t denominator) { return below(denominator) < numerator; }

  // Uniform in [low, high], both included; low <= high.
  constexpr std::int64_t between(std::int64_t low, std::int64_t high) {
    RELIANT_ASSERT(low <= high, "Random::between needs low <= high");
    const std::uint64_t span = static_cast<std::uint64_t>(high) - static_cast<std::uint64_t>(low) + 1;
    const std::uint64_t offset = span == 0 ? next() : below(span);
    return static_cast<std::int64_t>(static_cast<std::uint64_t>(low) + offset);
  }

  // Uniform in [low, high], both included, to the nanosecond.
  constexpr Duration duration(Duration low, Duration high) { return Duration(between(low.count(), high.count())); }

  template <class T>
  void shuffle(std::span<T> items) {
    for (std::size_t left = items.size(); left > 1; --left) {
      const std::uint64_t other = below(left);
      std::swap(items[left - 1], items[other]);
    }
  }

  void fill(std::span<std::byte> bytes);
  // `digits` lower-case hexadecimal digits, for ids.
  std::string hex(std::size_t digits);

 private:
  __extension__ using Wide = unsigned __int128;

  std::uint64_t state_;
};

// The seed of a run. Each label names one stream, always the same for the same seed.
class RandomStreams final {
 public:
  explicit constexpr RandomStreams(std::uint64_t seed) : seed_(seed) {}

  constexpr std::uint64_t seed() const { return seed_; }
  constexpr Random stream(std::string_view label) const {
    return Random(mix_bits(hash_bytes(label) ^ mix_bits(seed_ + 0x9e3779b97f4a7c15ull)));
  }

 private:
  std::uint64_t seed_;
};

}  // namespace reliant
