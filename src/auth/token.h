// The text of a personal access token: "rlnt_pat_" and 64 hexadecimal digits. The prefix lets secret scanners
// find one that leaked.
#pragma once

#include <array>
#include <cstddef>
#include <string>
#include <string_view>

#include "base/status.h"

namespace reliant::auth {

inline constexpr std::string_view kTokenPrefix = "rlnt_pat_";
inline constexpr std::size_t kTokenBytes = 32;

// `random` comes from the system's entropy in production: it is the secret.
std::string make_token(const std::array<std::byte, kTokenBytes>& random);

// Takes off "Bearer " if it is there. UNAUTHENTICATED + TOKEN_INVALID: nothing there, or not the form of a
// token.
Result<std::string> parse_token(std::string_view bearer);

}  // namespace reliant::auth
