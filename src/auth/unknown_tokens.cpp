#include "auth/unknown_tokens.h"

#include <utility>

#include "base/digest.h"
#include "base/peer_address.h"

namespace reliant::auth {

const UserId* UnknownTokens::user_of(const std::string& bearer) const {
  const auto found = good_.find(sha256_hex(bearer));
  return found == good_.end() ? nullptr : &found->second;
}

Task<Result<Caller>> UnknownTokens::identify(std::string bearer, std::string peer, Instant deadline) {
  const std::string address = network_of_peer(peer);
  const std::string token = sha256_hex(bearer);
  if (!good_.contains(token)) CO_TRY_OK(limiter_.check(address, clock_.now()));
  auto identified = co_await authenticator_.identify(std::move(bearer), deadline);
  if (identified.status().code() == StatusCode::kUnauthenticated) {
    good_.erase(token);
    (void)limiter_.admit(address, clock_.now());
  }
  if (!identified.ok()) co_return identified;
  if (good_.size() >= kManyTokens) good_.clear();
  good_.insert_or_assign(token, identified->user);
  co_return identified;
}

}  // namespace reliant::auth
