#include "model/token.h"

#include <string>

namespace reliant::model {

std::string_view to_string(TokenKind kind) { return kind == TokenKind::kUser ? "user" : "daemon"; }

TokenKind token_kind_from(std::string_view text) { return text == "user" ? TokenKind::kUser : TokenKind::kDaemon; }

bool refuses_token(const Status& status) {
  const std::string reason = reason_of(status);
  if (status.code() == StatusCode::kPermissionDenied) return reason == kReasonTokenOtherDaemon;
  if (status.code() != StatusCode::kUnauthenticated) return false;
  return reason == kReasonTokenInvalid || reason == kReasonTokenRevoked || reason == kReasonTokenExpired;
}

}  // namespace reliant::model
