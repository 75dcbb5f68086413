// Lists page by cursor: an opaque text that names the last row seen, so that rows that come and go move no
// other.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/status.h"
#include "store/wall_time.h"

namespace reliant::store {

inline constexpr std::size_t kMaxPage = 200;

struct PageRequest {
  std::string cursor;      // "" = from the start
  std::size_t limit = 50;  // 1 to kMaxPage
};

template <class T>
struct Page {
  std::vector<T> items;
  std::string next_cursor;  // "" = this was the last page
};

// A list that is read by sequence is bounded by bytes as well: one item may have a megabyte. At least one item is read.
struct SliceLimits {
  std::size_t items = kMaxPage;
  std::size_t bytes = std::size_t{1} << 20;  // of contents, as characters; the last item may go beyond it
};

template <class T>
struct Slice {
  std::vector<T> items;
  bool more = false;  // there are items after these
};

// Where a page starts in a list that is ordered by (time, id), newest first: at rows before this one.
struct Position {
  std::int64_t time = INT64_MAX;
  std::string id;
};

std::string cursor_of(const Position& position);
// INVALID_ARGUMENT (field "cursor" or "limit").
Result<Position> position_of(const PageRequest& request);

// A page was read with one item more than asked for, to learn whether there is a next one.
template <class T>
void trim(Page<T>& page, std::size_t limit) {
  if (page.items.size() <= limit) return;
  page.items.erase(page.items.begin() + static_cast<std::ptrdiff_t>(limit), page.items.end());
  const T& last = page.items.back();
  page.next_cursor = cursor_of({microseconds_of(last.created_at), last.id.str()});
}

}  // namespace reliant::store
