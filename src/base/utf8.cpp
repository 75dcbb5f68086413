#include "base/utf8.h"

#include <algorithm>
#include <cstdint>
#include <cstring>

namespace reliant {
namespace {

constexpr std::string_view kReplacement = "\xEF\xBF\xBD";
constexpr std::uint64_t kHighBits = 0x8080808080808080;

bool continues(unsigned char c) { return (c & 0xC0) == 0x80; }

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

// The length of the valid text at the front. Most text is ASCII, so eight bytes are judged at once.
std::size_t valid_prefix(std::string_view bytes) {
  std::size_t at = 0;
  while (at < bytes.size()) {
    std::uint64_t word = kHighBits;
    if (bytes.size() - at >= sizeof word) std::memcpy(&word, bytes.data() + at, sizeof word);
    if ((word & kHighBits) == 0) {
      at += sizeof word;
      continue;
    }
    const std::size_t length = utf8_length(bytes.substr(at));
    if (length == 0) break;
    at += length;
  }
  return at;
}

// Appends to `out` what can be decided; returns the incomplete rest.
std::string_view clean(std::string_view bytes, std::string& out) {
  for (;;) {
    const std::size_t valid = valid_prefix(bytes);
    out.append(bytes.substr(0, valid));
    bytes.remove_prefix(valid);
    if (bytes.empty() || first_character(bytes).incomplete) return bytes;
    out.append(kReplacement);
    bytes.remove_prefix(1);
  }
}

}  // namespace

bool is_valid_utf8(std::string_view bytes) { return valid_prefix(bytes) == bytes.size(); }

std::string text_from_bytes(std::string_view bytes, std::size_t limit) {
  // A replacement is longer than what it replaces, so bytes beyond the limit are never shown; four more tell whether the
  // last character is whole.
  if (bytes.size() > limit && bytes.size() - limit > 4) bytes = bytes.substr(0, limit + 4);
  Utf8Stream stream;
  std::string text = stream.feed(bytes);
  text += stream.finish();
  if (text.size() > limit) text.resize(character_start(text, limit));
  return text;
}

std::size_t utf8_length(std::string_view bytes) { return bytes.empty() ? 0 : first_character(bytes).size; }

std::size_t character_start(std::string_view text, std::size_t at) {
  while (at > 0 && at < text.size() && continues(static_cast<unsigned char>(text[at]))) --at;
  return at;
}

std::string Utf8Stream::feed(std::string_view bytes) {
  std::string out;
  if (held_.empty()) {
    held_ = clean(bytes, out);
  } else {
    const std::string all = held_.append(bytes);
    held_ = clean(all, out);
  }
  return out;
}

std::string Utf8Stream::finish() {
  std::string out;
  for (std::size_t i = 0; i < held_.size(); ++i) out.append(kReplacement);
  held_.clear();
  return out;
}

}  // namespace reliant
