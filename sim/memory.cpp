// The memory of reliant-sim: malloc and free, and with them everything that is built on them, for a program of one thread
// that makes and drops small pieces many million times a second. A freed piece goes on the list of its size and is the next
// one of that size that is handed out: ten instructions, where an allocator for everybody needs forty.
//
// Pieces of up to 2 KiB lie in slabs of one size each, in one range of addresses: so `free` knows the size from the place.
// Everything else, and everything once the range is full, is mimalloc's. Memory is taken as it is used and not given back.
// Which piece somebody gets is seen by no one. Not in builds with a sanitizer, which bring an allocator of their own.
#include <mimalloc.h>

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <new>

namespace {

constexpr std::size_t kStep = 16;
constexpr std::size_t kLargest = 2048;
constexpr std::size_t kClasses = kLargest / kStep + 1;
constexpr std::size_t kSlab = std::size_t{64} << 10;
constexpr std::size_t kSlabs = std::size_t{1} << 14;
constexpr std::size_t kRange = kSlab * kSlabs;  // 1 GiB of addresses, of which only what is used is backed

static_assert(kClasses <= 256, "the class of a slab is kept in a byte");

struct Piece {
  Piece* next;
};

struct Class {
  Piece* free;
  char* fresh;       // the rest of its newest slab, never used
  std::size_t left;  // pieces of it
};

struct Memory {
  Class classes[kClasses];
  std::size_t slabs;  // in use
  std::uint8_t class_of_slab[kSlabs];
  alignas(64) char range[kRange];
};

constinit Memory memory = {};

constexpr std::size_t class_of(std::size_t bytes) { return (bytes + kStep - 1) / kStep; }
constexpr std::size_t size_of(std::size_t number) { return number == 0 ? kStep : number * kStep; }

// Beyond the range for what is not ours.
std::size_t place_of(const void* piece) { return static_cast<std::size_t>(static_cast<const char*>(piece) - memory.range); }

[[gnu::noinline]] void* take_of_new_slab(std::size_t number) {
  if (memory.slabs == kSlabs) return mi_malloc(size_of(number));
  const std::size_t slab = memory.slabs++;
  char* const begin = memory.range + slab * kSlab;
  memory.class_of_slab[slab] = static_cast<std::uint8_t>(number);
  memory.classes[number].fresh = begin + size_of(number);
  memory.classes[number].left = kSlab / size_of(number) - 1;
  return begin;
}

// Null: there is none.
inline void* take(std::size_t bytes) {
  if (bytes > kLargest) [[unlikely]] return mi_malloc(bytes);
  const std::size_t number = class_of(bytes);
  Class& mine = memory.classes[number];
  if (Piece* const piece = mine.free) [[likely]] {
    mine.free = piece->next;
    return piece;
  }
  if (mine.left == 0) return take_of_new_slab(number);
  --mine.left;
  char* const fresh = mine.fresh;
  mine.fresh += size_of(number);
  return fresh;
}

inline void give(void* piece) {
  const std::size_t place = place_of(piece);
  if (place >= kRange) [[unlikely]] return mi_free(piece);
  Class& its = memory.classes[memory.class_of_slab[place / kSlab]];
  its.free = ::new (piece) Piece{its.free};
}

inline void* take_or_throw(std::size_t bytes) {
  void* const piece = take(bytes);
  if (piece == nullptr) [[unlikely]] throw std::bad_alloc();
  return piece;
}

std::size_t usable(const void* piece) {
  const std::size_t place = place_of(piece);
  return place < kRange ? size_of(memory.class_of_slab[place / kSlab]) : mi_usable_size(piece);
}

}  // namespace

extern "C" {

void* malloc(std::size_t bytes) noexcept { return take(bytes); }
void free(void* piece) noexcept { give(piece); }

void* calloc(std::size_t count, std::size_t bytes) noexcept {
  std::size_t all = 0;
  if (__builtin_mul_overflow(count, bytes, &all) || all > kLargest) return mi_calloc(count, bytes);
  void* const piece = take(all);
  return piece == nullptr ? nullptr : std::memset(piece, 0, all);
}

void* realloc(void* piece, std::size_t bytes) noexcept {
  if (piece == nullptr) return take(bytes);
  if (place_of(piece) >= kRange) return mi_realloc(piece, bytes);
  const std::size_t has = usable(piece);
  if (bytes <= has && bytes > has / 2) return piece;
  void* const moved = take(bytes);
  if (moved == nullptr) return nullptr;
  std::memcpy(moved, piece, bytes < has ? bytes : has);
  give(piece);
  return moved;
}

std::size_t malloc_usable_size(void* piece) noexcept { return piece == nullptr ? 0 : usable(piece); }
void* aligned_alloc(std::size_t alignment, std::size_t bytes) noexcept { return mi_malloc_aligned(bytes, alignment); }
void* memalign(std::size_t alignment, std::size_t bytes) noexcept { return mi_malloc_aligned(bytes, alignment); }
int posix_memalign(void** piece, std::size_t alignment, std::size_t bytes) noexcept {
  return mi_posix_memalign(piece, alignment, bytes);
}

}  // extern "C"

void* operator new(std::size_t bytes) { return take_or_throw(bytes); }
void* operator new[](std::size_t bytes) { return take_or_throw(bytes); }
void* operator new(std::size_t bytes, const std::nothrow_t&) noexcept { return take(bytes); }
void* operator new[](std::size_t bytes, const std::nothrow_t&) noexcept { return take(bytes); }
void operator delete(void* piece) noexcept { give(piece); }
void operator delete[](void* piece) noexcept { give(piece); }
void operator delete(void* piece, std::size_t) noexcept { give(piece); }
void operator delete[](void* piece, std::size_t) noexcept { give(piece); }
void operator delete(void* piece, const std::nothrow_t&) noexcept { give(piece); }
void operator delete[](void* piece, const std::nothrow_t&) noexcept { give(piece); }
