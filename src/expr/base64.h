// Base64 (RFC 4648), with padding; it may be missing where it is read.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace reliant::expr {

std::string base64_encode(std::string_view bytes);
std::optional<std::string> base64_decode(std::string_view text);

}  // namespace reliant::expr
