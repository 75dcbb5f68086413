// sim/memory.cpp, which this program is linked with: its own malloc and free, and those of everything else in it.
#include <gtest/gtest.h>
#include <malloc.h>
#include <stdlib.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <vector>

#include "runtime/random.h"

namespace reliant::sim {
namespace {

// A piece, filled with a byte of its own from end to end.
struct Held {
  unsigned char* at;
  std::size_t bytes;
  unsigned char mark;

  void fill() const { std::memset(at, mark, bytes); }
  bool intact(std::size_t first) const {
    for (std::size_t i = 0; i < first; ++i) {
      if (at[i] != mark) return false;
    }
    return true;
  }
};

std::size_t any_size(Random& random) {
  return static_cast<std::size_t>(random.chance(1, 10) ? random.between(0, 200'000) : random.between(0, 2'100));
}

TEST(Memory, NobodyWritesIntoThePieceOfAnother) {
  Random random(1);
  std::vector<Held> held;
  for (int i = 0; i < 100'000; ++i) {
    const auto mark = static_cast<unsigned char>(random.below(256));
    const std::uint64_t act = held.empty() ? 0 : random.below(4);
    if (act == 0 || (act == 1 && held.size() < 500)) {
      const std::size_t bytes = any_size(random);
      held.push_back({static_cast<unsigned char*>(malloc(bytes)), bytes, mark});
      ASSERT_NE(held.back().at, nullptr);
      ASSERT_GE(malloc_usable_size(held.back().at), bytes);
      held.back().fill();
      continue;
    }
    std::swap(held[random.below(held.size())], held.back());
    Held& last = held.back();
    ASSERT_TRUE(last.intact(last.bytes));
    if (act == 2) {
      const std::size_t bytes = any_size(random) + 1;
      last.at = static_cast<unsigned char*>(realloc(last.at, bytes));
      ASSERT_TRUE(last.intact(std::min(bytes, last.bytes)));
      last.bytes = bytes;
      last.fill();
    } else {
      free(last.at);
      held.pop_back();
    }
  }
  for (const Held& piece : held) {
    EXPECT_TRUE(piece.intact(piece.bytes));
    free(piece.at);
  }
}

bool is_aligned(void* piece, std::size_t alignment) {
  void* aligned = piece;
  std::size_t room = alignment;
  return std::align(alignment, 1, aligned, room) == piece;
}

TEST(Memory, OfEverySizeIsAlignedForEveryType) {
  for (std::size_t bytes = 0; bytes < 5'000; ++bytes) {
    void* const piece = malloc(bytes);
    EXPECT_TRUE(is_aligned(piece, alignof(std::max_align_t))) << bytes;
    free(piece);
  }
}

TEST(Memory, IsAsAlignedAsItIsAskedFor) {
  for (std::size_t alignment = 16; alignment <= 4096; alignment *= 2) {
    void* const piece = aligned_alloc(alignment, alignment * 3);
    EXPECT_TRUE(is_aligned(piece, alignment)) << alignment;
    free(piece);
  }
}

TEST(Memory, ThatWasUsedIsZeroAgainWhenZeroIsAskedFor) {
  for (const std::size_t bytes : {1u, 16u, 100u, 2'048u, 2'049u, 70'000u}) {
    void* const used = malloc(bytes);
    std::memset(used, 0xff, bytes);
    free(used);
    auto* const zero = static_cast<unsigned char*>(calloc(bytes, 1));
    EXPECT_TRUE((Held{zero, bytes, 0}.intact(bytes))) << bytes;
    free(zero);
  }
  EXPECT_EQ(calloc(SIZE_MAX / 2, 3), nullptr);
}

TEST(Memory, IsHandedOutAgainAfterItWasFreed) {
  void* const first = malloc(1'000);
  free(first);
  void* const second = malloc(1'000);
  EXPECT_EQ(second, first);
  free(second);
}

TEST(Memory, OfNothingMayBeFreed) {
  free(nullptr);
  delete static_cast<int*>(nullptr);
  void* const piece = realloc(nullptr, 10);
  EXPECT_NE(piece, nullptr);
  free(piece);
}

}  // namespace
}  // namespace reliant::sim
