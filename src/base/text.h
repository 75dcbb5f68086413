// Putting messages together: concat("port ", 8080, " is in use"). Debian's Abseil has a string_view of its own that
// does not take the standard one, so its StrCat is not used.
#pragma once

#include <charconv>
#include <concepts>
#include <string>
#include <string_view>
#include <vector>

namespace reliant {

inline void append(std::string& out, std::string_view part) { out.append(part); }
inline void append(std::string& out, const char* part) { out.append(part); }
inline void append(std::string& out, char part) { out.push_back(part); }
inline void append(std::string& out, bool part) { out.append(part ? "true" : "false"); }
template <class Number>
  requires std::integral<Number> || std::floating_point<Number>
void append(std::string& out, Number part) {
  char digits[40];
  const auto end = std::to_chars(digits, digits + sizeof digits, part).ptr;
  out.append(digits, end);
}

template <class... Parts>
std::string concat(const Parts&... parts) {
  std::string out;
  (append(out, parts), ...);
  return out;
}

// "a, b, c"
inline std::string join(const std::vector<std::string>& parts, std::string_view separator) {
  std::string out;
  for (const std::string& part : parts) {
    if (!out.empty()) out.append(separator);
    out.append(part);
  }
  return out;
}

}  // namespace reliant
