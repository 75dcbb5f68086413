// Shared by the fuzz targets: the input as text, and the checks of every decoder's errors.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <utility>

#include "base/assert.h"
#include "base/status.h"

namespace reliant::fuzz {

inline std::string_view text_of(const std::uint8_t* data, std::size_t size) {
  return {reinterpret_cast<const char*>(data), size};
}

// The text before the first line break, and the text after it.
inline std::pair<std::string_view, std::string_view> split_at_line(std::string_view text) {
  const std::size_t end = text.find('\n');
  if (end == std::string_view::npos) return {text, {}};
  return {text.substr(0, end), text.substr(end + 1)};
}

// Bad input is INVALID_ARGUMENT, in words.
inline void check_refusal(const Status& status) {
  RELIANT_ASSERT(status.code() == StatusCode::kInvalidArgument, "bad input is INVALID_ARGUMENT");
  RELIANT_ASSERT(!message_of(status).empty(), "an error says what is wrong");
}

// Of JSON: an error names the field, or the byte at which it is no JSON.
inline void check_json_refusal(const Status& status) {
  check_refusal(status);
  const std::string_view message = message_of(status);
  const bool of_all = message.find("JSON") != std::string_view::npos;
  RELIANT_ASSERT(of_all || !field_of(status).empty() || message.starts_with("field \"\""), "an error names its field");
}

}  // namespace reliant::fuzz
