#include "ports/link.h"

#include <algorithm>

namespace reliant::ports {
namespace {

bool metadata_key(std::string_view key) {
  return !key.empty() && std::all_of(key.begin(), key.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_' || c == '.';
  });
}

}  // namespace

Status check_target(const LinkTarget& target) {
  if (target.method.empty()) return invalid_field("method", "is empty: name the service's method");
  for (const auto& [key, value] : target.metadata) {
    if (!metadata_key(key)) {
      return invalid_field("metadata", concat("`", key, "` is not a key: use lower-case letters, digits, `-`, `_`, `.`"));
    }
    if (value.find_first_of("\r\n") != std::string::npos) {
      return invalid_field("metadata", concat("the value of `", key, "` has a line break"));
    }
  }
  return ok_status();
}

}  // namespace reliant::ports
