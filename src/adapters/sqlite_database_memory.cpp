#include "adapters/sqlite_database_memory.h"

#include <sqlite3.h>

#include <algorithm>
#include <cstddef>
#include <cstdlib>
#include <cstring>

namespace reliant::adapters {
namespace {

constexpr std::size_t kStep = 32;
constexpr std::size_t kClasses = 160;  // up to 5 KiB: a page with what SQLite keeps of it

struct Piece {
  union {
    std::size_t size_class;  // in use
    Piece* next;             // free
  };
  void* memory() { return this + 1; }
  static Piece* of(void* memory) { return static_cast<Piece*>(memory) - 1; }
};

constinit Piece* free_pieces[kClasses] = {};

void* take(int bytes) {
  const std::size_t size_class = (static_cast<std::size_t>(bytes) + sizeof(Piece) + kStep - 1) / kStep;
  Piece* piece = size_class < kClasses ? free_pieces[size_class] : nullptr;
  if (piece != nullptr) {
    free_pieces[size_class] = piece->next;
  } else {
    piece = static_cast<Piece*>(std::malloc(size_class * kStep));
    if (piece == nullptr) return nullptr;
  }
  piece->size_class = size_class;
  return piece->memory();
}

void give_back(void* memory) {
  if (memory == nullptr) return;
  Piece* const piece = Piece::of(memory);
  const std::size_t size_class = piece->size_class;
  if (size_class >= kClasses) return std::free(piece);
  piece->next = free_pieces[size_class];
  free_pieces[size_class] = piece;
}

int size_of(void* memory) {
  return memory == nullptr ? 0 : static_cast<int>(Piece::of(memory)->size_class * kStep - sizeof(Piece));
}

void* resize(void* memory, int bytes) {
  void* const other = take(bytes);
  if (other == nullptr) return nullptr;
  std::memcpy(other, memory, static_cast<std::size_t>(std::min(bytes, size_of(memory))));
  give_back(memory);
  return other;
}

int round_up(int bytes) { return (bytes + 7) & ~7; }
int begin(void*) { return SQLITE_OK; }
void end(void*) {}

}  // namespace

void keep_sqlite_memory() {
  static constexpr sqlite3_mem_methods kMethods = {take, give_back, resize, size_of, round_up, begin, end, nullptr};
  sqlite3_config(SQLITE_CONFIG_MALLOC, &kMethods);
}

}  // namespace reliant::adapters
