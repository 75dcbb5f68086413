#include "store/page.h"

#include <charconv>

#include "base/ids.h"
#include "base/text.h"

namespace reliant::store {

std::string cursor_of(const Position& position) { return concat(position.time, ".", position.id); }

Result<Position> position_of(const PageRequest& request) {
  if (request.limit < 1 || request.limit > kMaxPage) return invalid_field("limit", concat("must be between 1 and ", kMaxPage));
  Position position;
  if (request.cursor.empty()) return position;
  const char* const begin = request.cursor.data();
  const char* const end = begin + request.cursor.size();
  const auto [point, error] = std::from_chars(begin, end, position.time);
  if (error == std::errc() && point != end && *point == '.') {
    position.id.assign(point + 1, end);
    if (valid_id(position.id)) return position;
  }
  return invalid_field("cursor", "is invalid; omit it to start from the beginning");
}

}  // namespace reliant::store
