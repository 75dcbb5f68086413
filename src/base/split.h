// A list in one text: "a, b,c".
#pragma once

#include <cstddef>
#include <string_view>
#include <vector>

namespace reliant {

// The parts between the commas, without blanks around them; one may be empty. Of the text "": none. A comma at the end begins
// no other one.
inline std::vector<std::string_view> split_at_commas(std::string_view list) {
  std::vector<std::string_view> out;
  while (!list.empty()) {
    const std::size_t comma = list.find(',');
    std::string_view part = list.substr(0, comma);
    list.remove_prefix(comma == std::string_view::npos ? list.size() : comma + 1);
    while (part.starts_with(' ')) part.remove_prefix(1);
    while (part.ends_with(' ')) part.remove_suffix(1);
    out.push_back(part);
  }
  return out;
}

}  // namespace reliant
