// The memory of the simulator: blocks that were given back last are given out first, while they are still in the processor's
// cache; the allocator below walks through all of a page before it takes one again. Small blocks only, by size; they
// stay with the thread that gave them back. Behind it is whatever allocator the program is linked with.

#include <malloc.h>

#include <cstddef>
#include <cstdlib>
#include <new>

namespace {

constexpr std::size_t kStep = 16;
constexpr std::size_t kClasses = 65;  // up to 1 KiB

struct Block {
  Block* next;
};

constinit thread_local Block* free_blocks[kClasses] = {};

// The C++ library's way out when there is none.
void* from_below(std::size_t bytes) {
  void* const memory = std::malloc(bytes);
  if (memory == nullptr) throw std::bad_alloc();
  return memory;
}

inline void* take(std::size_t bytes) {
  const std::size_t size_class = (bytes + kStep - 1) / kStep;
  if (size_class >= kClasses || bytes == 0) return from_below(bytes == 0 ? kStep : bytes);
  Block* const block = free_blocks[size_class];
  if (block == nullptr) return from_below(size_class * kStep);
  free_blocks[size_class] = block->next;
  return block;
}

// A block of a class holds at least that many steps.
inline void give_back(void* memory, std::size_t size_class) {
  if (size_class == 0 || size_class >= kClasses) return std::free(memory);
  Block* const block = static_cast<Block*>(memory);
  block->next = free_blocks[size_class];
  free_blocks[size_class] = block;
}

inline void give_back_sized(void* memory, std::size_t bytes) {
  if (memory != nullptr) give_back(memory, (bytes + kStep - 1) / kStep);
}

inline void give_back_unsized(void* memory) {
  if (memory != nullptr) give_back(memory, malloc_usable_size(memory) / kStep);
}

}  // namespace

void* operator new(std::size_t bytes) { return take(bytes); }
void* operator new[](std::size_t bytes) { return take(bytes); }
void operator delete(void* memory) noexcept { give_back_unsized(memory); }
void operator delete[](void* memory) noexcept { give_back_unsized(memory); }
void operator delete(void* memory, std::size_t bytes) noexcept { give_back_sized(memory, bytes); }
void operator delete[](void* memory, std::size_t bytes) noexcept { give_back_sized(memory, bytes); }
