// What a personal access token may do, and why one is refused (R52, R67, C10).
//
// Kinds: a user's token speaks for the user everywhere, and may also connect a daemon. A daemon's token is bound to one
// daemon id: it can connect that daemon to a gateway, and nothing else; no endpoint of the api takes it.
#pragma once

#include <cstdint>
#include <string_view>

#include "base/status.h"

namespace reliant::model {

enum class TokenKind : std::uint8_t { kUser, kDaemon };

std::string_view to_string(TokenKind kind);        // "user", "daemon"
TokenKind token_kind_from(std::string_view text);  // an unknown word is kDaemon: the kind with the fewest rights

// Reasons beside TOKEN_INVALID and TOKEN_REVOKED (base/status.h).
inline constexpr std::string_view kReasonTokenExpired = "TOKEN_EXPIRED";           // UNAUTHENTICATED
inline constexpr std::string_view kReasonUserDisabled = "USER_DISABLED";           // UNAUTHENTICATED: whose token it is
inline constexpr std::string_view kReasonTokenScope = "TOKEN_SCOPE";               // PERMISSION_DENIED: not for this call
inline constexpr std::string_view kReasonTokenOtherDaemon = "TOKEN_OTHER_DAEMON";  // PERMISSION_DENIED: another daemon's

// Whether a gateway has refused the token for good, so that only another token can help (C10). Any other status, also an
// UNAUTHENTICATED without one of these reasons, is temporary: a disabled user may be enabled again.
bool refuses_token(const Status& status);

}  // namespace reliant::model
