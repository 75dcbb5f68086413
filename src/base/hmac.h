// HMAC-SHA256 (RFC 2104), and the comparison of two such codes. Any thread.
#pragma once

#include <string>
#include <string_view>

namespace reliant {

// 64 lower-case hexadecimal digits.
std::string hmac_sha256_hex(std::string_view key, std::string_view message);

// In a time that tells nothing of where they differ.
bool equal_secrets(std::string_view a, std::string_view b);

}  // namespace reliant
