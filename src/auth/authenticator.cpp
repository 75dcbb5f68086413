#include "auth/authenticator.h"

#include "auth/token.h"

namespace reliant::auth {

Task<Result<UserId>> DbPatValidator::authenticate(std::string bearer, Instant deadline) {
  CO_TRY_ASSIGN(std::string token, parse_token(bearer));
  CO_TRY_ASSIGN(store::Token found, co_await tokens_.authenticate(std::move(token), deadline));
  co_return std::move(found.user);
}

}  // namespace reliant::auth
