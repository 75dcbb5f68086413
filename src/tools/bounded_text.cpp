#include "tools/bounded_text.h"

#include <algorithm>

#include "base/text.h"

namespace reliant::tools {
namespace {

constexpr std::string_view kReplacement = "\xEF\xBF\xBD";

bool continues(unsigned char c) {
  return (c & 0xC0) == 0x80;
}

struct Sequence {
  std::size_t size = 0;     // of the well-formed character at the front; 0: there is none
  bool incomplete = false;  // it would be one if more bytes followed
};

Sequence first_character(std::string_view bytes) {
  const auto at = [&](std::size_t i) { return static_cast<unsigned char>(bytes[i]); };
  const unsigned char first = at(0);
  if (first < 0x80) return {1, false};
  const std::size_t size = first >= 0xF0 ? 4 : first >= 0xE0 ? 3 : 2;
  if (first < 0xC2 || first > 0xF4) return {};
  if (bytes.size() > 1) {
    const unsigned char second = at(1);
    if (!continues(second)) return {};
    // Overlong forms, surrogates, and what lies beyond U+10FFFF.
    if ((first == 0xE0 && second < 0xA0) || (first == 0xED && second > 0x9F)) return {};
    if ((first == 0xF0 && second < 0x90) || (first == 0xF4 && second > 0x8F)) return {};
  }
  for (std::size_t i = 2; i < std::min(size, bytes.size()); ++i) {
    if (!continues(at(i))) return {};
  }
  if (bytes.size() < size) return {0, true};
  return {size, false};
}

// Appends to `out` what can be decided; returns the incomplete rest.
std::string_view clean(std::string_view bytes, std::string& out) {
  while (!bytes.empty()) {
    const Sequence next = first_character(bytes);
    if (next.incomplete) return bytes;
    out.append(next.size > 0 ? bytes.substr(0, next.size) : kReplacement);
    bytes.remove_prefix(std::max<std::size_t>(next.size, 1));
  }
  return {};
}

std::size_t character_start(std::string_view text, std::size_t at) {
  while (at > 0 && at < text.size() && continues(static_cast<unsigned char>(text[at]))) --at;
  return at;
}

}  // namespace

std::string valid_utf8(std::string_view bytes) {
  Utf8Stream stream;
  std::string text = stream.feed(bytes);
  return text + stream.finish();
}

std::string Utf8Stream::feed(std::string_view bytes) {
  std::string out;
  const std::string all = held_.append(bytes);
  held_ = clean(all, out);
  return out;
}

std::string Utf8Stream::finish() {
  std::string out;
  for (std::size_t i = 0; i < held_.size(); ++i) out.append(kReplacement);
  held_.clear();
  return out;
}

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
  if (tail_.size() <= 2 * half_)
    return;  // cut rarely, so that a byte is moved at most once for each that comes
  std::size_t cut = character_start(tail_, tail_.size() - half_);
  cut_bytes_ += cut;
  cut_lines_ += static_cast<std::uint64_t>(
      std::count(tail_.begin(), tail_.begin() + static_cast<std::ptrdiff_t>(cut), '\n'));
  tail_.erase(0, cut);
}

std::string HeadAndTail::text() const {
  const std::size_t cut = tail_.size() <= half_ ? 0 : character_start(tail_, tail_.size() - half_);
  const std::uint64_t bytes = cut_bytes_ + cut;
  if (bytes == 0) return head_ + tail_;
  const auto lines = cut_lines_ + static_cast<std::uint64_t>(std::count(
                                      tail_.begin(), tail_.begin() + static_cast<std::ptrdiff_t>(cut), '\n'));
  return concat(head_, "\n[... ", bytes, " bytes (", lines, " lines) left out ...]\n", tail_.substr(cut));
}

std::size_t whole_characters(std::string_view text, std::size_t limit) {
  if (text.size() <= limit) return text.size();
  const std::size_t fits = character_start(text, limit);
  return fits > 0 ? fits : std::max<std::size_t>(limit, 1);
}

std::string shortened(std::string_view line, std::size_t limit) {
  if (line.size() <= limit) return std::string(line);
  const std::size_t fits = character_start(line, limit);
  return concat(line.substr(0, fits), "[... ", line.size() - fits, " bytes more]");
}

}  // namespace reliant::tools
