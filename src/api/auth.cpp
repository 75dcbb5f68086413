#include "api/auth.h"

#include <utility>

namespace reliant::api {

Task<Result<UserId>> Gate::admit(ports::RpcHeaders headers, Instant deadline) {
  const auto header = headers.find("authorization");
  if (header == headers.end()) {
    co_return with_reason(unauthenticated("no token; send the header \"authorization: Bearer rlnt_pat_…\""),
                          kReasonTokenInvalid);
  }
  CO_TRY_ASSIGN(const UserId user, co_await authenticator_.authenticate(header->second, deadline));
  if (FirstRequestObserver* const observer = std::exchange(observer_, nullptr))
    observer->on_first_request(user);
  co_return user;
}

}  // namespace reliant::api
