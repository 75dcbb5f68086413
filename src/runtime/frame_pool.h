// FramePool: memory for coroutine frames. A task is born and dies many million times a second, nearly always
// in one of a few sizes, so freed frames are kept in lists by size and handed out again.
//
// Each thread has its own lists; memory stays with the thread that frees it and is not given back. Under AddressSanitizer
// every frame is a plain allocation, so that a use after free is seen.
#pragma once

#include <cstddef>
#include <new>
#include <utility>

#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#define RELIANT_FRAME_POOL_DISABLED 1
#endif
#endif
#if defined(__SANITIZE_ADDRESS__)
#define RELIANT_FRAME_POOL_DISABLED 1
#endif

namespace reliant {

// What a thread keeps: freed blocks by size, and how many are out.
struct FrameLists {
  struct FreeBlock {
    FreeBlock* next;
  };
  static constexpr std::size_t kClasses = 33;  // up to 2 KiB; larger frames are rare

  FreeBlock* free[kClasses] = {};
  std::ptrdiff_t live = 0;
};

class FramePool {
 public:
  static void* allocate(std::size_t bytes) {
    ++lists_.live;
#ifndef RELIANT_FRAME_POOL_DISABLED
    const std::size_t size_class = class_of(bytes);
    if (size_class < FrameLists::kClasses) [[likely]] {
      if (FrameLists::FreeBlock* block = lists_.free[size_class]) [[likely]] {
        lists_.free[size_class] = block->next;
        return block;
      }
      return ::operator new(size_class * kStep);
    }
#endif
    return ::operator new(bytes);
  }

  static void release(void* memory, [[maybe_unused]] std::size_t bytes) noexcept {
    --lists_.live;
#ifndef RELIANT_FRAME_POOL_DISABLED
    const std::size_t size_class = class_of(bytes);
    if (size_class < FrameLists::kClasses) [[likely]] {
      lists_.free[size_class] = ::new (memory) FrameLists::FreeBlock{lists_.free[size_class]};
      return;
    }
#endif
    ::operator delete(memory);
  }

  // Blocks that this thread has allocated and not released: what leak checks compare.
  static std::ptrdiff_t live() noexcept { return lists_.live; }

 private:
  static constexpr std::size_t kStep = 64;
  static constexpr std::size_t class_of(std::size_t bytes) { return (bytes + kStep - 1) / kStep; }

  static inline constinit thread_local FrameLists lists_;
};

}  // namespace reliant
