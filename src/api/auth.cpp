#include "api/auth.h"

#include <utility>

namespace reliant::api {

Task<Result<auth::Caller>> Gate::admit(const ports::HttpServerRequest& head, Instant deadline) {
  const auto header = head.headers.find("authorization");
  if (header == head.headers.end()) {
    co_return with_reason(unauthenticated("no token; send the header \"authorization: Bearer rlnt_pat_…\""),
                          kReasonTokenInvalid);
  }
  const bool changes = head.method != "GET" && head.method != "HEAD";
  const UserId* const known = changes ? tokens_.user_of(header->second) : nullptr;
  const bool counted = known != nullptr;  // without a query: too many must not cost the others one each
  if (counted) CO_TRY_OK(changes_.admit(*known, clock_.now()));
  CO_TRY_ASSIGN(auth::Caller caller, co_await tokens_.identify(header->second, head.peer, deadline));
  if (changes && !counted) CO_TRY_OK(changes_.admit(caller.user, clock_.now()));
  if (caller.kind == model::TokenKind::kDaemon) {
    const Status refused =
        with_reason(permission_denied("this token belongs to daemon ", caller.daemon.str(),
                                      " and can only connect it to a gateway; call with a token of the user"),
                    model::kReasonTokenScope);
    co_await authenticator_.record_refusal(std::move(caller), refused, deadline);
    co_return refused;
  }
  co_await authenticator_.record_use(caller, deadline);
  if (FirstRequestObserver* const observer = std::exchange(observer_, nullptr)) observer->on_first_request(caller.user);
  co_return caller;
}

}  // namespace reliant::api
