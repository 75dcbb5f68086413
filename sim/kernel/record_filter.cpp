#include "kernel/record_filter.h"

#include <algorithm>

#include "base/text.h"

namespace reliant::sim {

RecordFilter RecordFilter::of(std::string_view text) {
  const std::size_t blank = std::min(text.find(' '), text.size());
  RecordFilter filter{.name = std::string(text.substr(0, blank))};
  const std::size_t equals = text.find('=', blank);
  if (equals == std::string_view::npos) return filter;
  filter.field = text.substr(blank + 1, equals - blank - 1);
  filter.value = text.substr(equals + 1);
  return filter;
}

bool RecordFilter::fits(const TraceRecord& record) const {
  if (name != record.name) return false;
  if (field.empty()) return true;
  if (const std::string* text = record.text(field)) return *text == value;
  const std::int64_t* number = record.number(field);
  return number != nullptr && concat(*number) == value;
}

}  // namespace reliant::sim
