#include "auth/authenticator.h"

#include "auth/token.h"

namespace reliant::auth {

Task<Result<Caller>> Authenticator::identify(std::string bearer, Instant deadline) {
  CO_TRY_ASSIGN(UserId user, co_await authenticate(std::move(bearer), deadline));
  co_return Caller{std::move(user), TokenId()};
}

Task<Result<std::vector<TokenId>>> Authenticator::revoked(std::vector<TokenId>, Instant) {
  co_return std::vector<TokenId>();
}

Task<Result<UserId>> DbPatValidator::authenticate(std::string bearer, Instant deadline) {
  CO_TRY_ASSIGN(Caller caller, co_await identify(std::move(bearer), deadline));
  co_return std::move(caller.user);
}

Task<Result<Caller>> DbPatValidator::identify(std::string bearer, Instant deadline) {
  CO_TRY_ASSIGN(std::string token, parse_token(bearer));
  CO_TRY_ASSIGN(store::Token found, co_await tokens_.authenticate(std::move(token), deadline));
  co_return Caller{std::move(found.user), std::move(found.id)};
}

Task<Result<std::vector<TokenId>>> DbPatValidator::revoked(std::vector<TokenId> tokens, Instant deadline) {
  return tokens_.revoked(std::move(tokens), deadline);
}

}  // namespace reliant::auth
