#include "api/auth.h"

#include <utility>

namespace reliant::api {

Task<Result<auth::Caller>> Gate::admit(ports::RpcHeaders headers, Instant deadline) {
  const auto header = headers.find("authorization");
  if (header == headers.end()) {
    co_return with_reason(unauthenticated("no token; send the header \"authorization: Bearer rlnt_pat_…\""),
                          kReasonTokenInvalid);
  }
  CO_TRY_ASSIGN(auth::Caller caller, co_await authenticator_.identify(header->second, deadline));
  if (caller.kind == model::TokenKind::kDaemon) {
    const Status refused =
        with_reason(permission_denied("this token belongs to daemon ", caller.daemon.str(),
                                      " and can only connect it to a gateway; call with a token of the user"),
                    model::kReasonTokenScope);
    co_await authenticator_.record_refusal(std::move(caller), refused, deadline);
    co_return refused;
  }
  co_await authenticator_.record_use(caller, deadline);
  if (FirstRequestObserver* const observer = std::exchange(observer_, nullptr))
    observer->on_first_request(caller.user);
  co_return caller;
}

}  // namespace reliant::api
