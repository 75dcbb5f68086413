#include "ports/database.h"

#include "base/assert.h"

namespace reliant::ports {

std::int64_t Row::integer(std::size_t column) const {
  RELIANT_ASSERT(column < values_.size(), "no such column");
  const auto* value = std::get_if<std::int64_t>(&values_[column]);
  RELIANT_ASSERT(value, "the column is not an integer");
  return *value;
}

const std::string& Row::text(std::size_t column) const {
  RELIANT_ASSERT(column < values_.size(), "no such column");
  const auto* value = std::get_if<std::string>(&values_[column]);
  RELIANT_ASSERT(value, "the column is not text");
  return *value;
}

const std::string& Row::bytes(std::size_t column) const {
  RELIANT_ASSERT(column < values_.size(), "no such column");
  const auto* value = std::get_if<Blob>(&values_[column]);
  RELIANT_ASSERT(value, "the column is not bytes");
  return value->bytes;
}

std::string Row::text_or(std::size_t column, std::string_view fallback) const {
  return is_null(column) ? std::string(fallback) : text(column);
}

}  // namespace reliant::ports
