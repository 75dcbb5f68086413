#include "tools/bounded_text.h"

#include <algorithm>

#include "base/text.h"
#include "base/utf8.h"

namespace reliant::tools {

void HeadAndTail::add(std::string_view text) {
  if (text.empty()) return;
  last_ = text.back();
  if (cut_bytes_ == 0 && tail_.empty()) {
    const std::size_t room = half_ - std::min(half_, head_.size());
    const std::size_t fits = text.size() <= room ? text.size() : character_start(text, room);
    head_.append(text.substr(0, fits));
    text.remove_prefix(fits);
  }
  tail_.append(text);
  if (tail_.size() <= 2 * half_) return;  // cut rarely, so that a byte is moved at most once for each that comes
  std::size_t cut = character_start(tail_, tail_.size() - half_);
  cut_bytes_ += cut;
  cut_lines_ += static_cast<std::uint64_t>(std::count(tail_.begin(), tail_.begin() + static_cast<std::ptrdiff_t>(cut), '\n'));
  tail_.erase(0, cut);
}

std::string HeadAndTail::text() const {
  const std::size_t cut = tail_.size() <= half_ ? 0 : character_start(tail_, tail_.size() - half_);
  const std::uint64_t bytes = cut_bytes_ + cut;
  if (bytes == 0) return head_ + tail_;
  const auto lines = cut_lines_ + static_cast<std::uint64_t>(
                                      std::count(tail_.begin(), tail_.begin() + static_cast<std::ptrdiff_t>(cut), '\n'));
  return concat(head_, "\n[... ", bytes, " bytes (", lines, " lines) left out ...]\n", tail_.substr(cut));
}

std::size_t whole_characters(std::string_view text, std::size_t limit) {
  if (text.size() <= limit) return text.size();
  const std::size_t fits = character_start(text, limit);
  return fits > 0 ? fits : std::max<std::size_t>(limit, 1);
}

std::string shortened(std::string_view line, std::size_t limit) {
  if (line.size() <= limit) return text_from_bytes(line);
  const std::size_t fits = whole_characters(line, limit);
  return concat(text_from_bytes(line.substr(0, fits)), "[... ", line.size() - fits, " bytes more]");
}

}  // namespace reliant::tools
