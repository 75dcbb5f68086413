#include "api/auth.h"

#include <utility>

#include "base/digest.h"

namespace reliant::api {

Task<Result<auth::Caller>> Gate::admit(const ports::HttpServerRequest& head, Instant deadline) {
  const auto header = head.headers.find("authorization");
  if (header == head.headers.end()) {
    co_return with_reason(unauthenticated("no token; send the header \"authorization: Bearer rlnt_pat_…\""),
                          kReasonTokenInvalid);
  }
  const std::string address = head.peer.substr(0, head.peer.rfind(':'));
  const std::string token = sha256_hex(header->second);
  const bool changes = head.method != "GET" && head.method != "HEAD";
  const auto known = good_.find(token);
  const bool counted = changes && known != good_.end();  // without a query: too many must not cost the others one each
  if (counted) CO_TRY_OK(changes_.admit(known->second, clock_.now()));
  if (known == good_.end()) CO_TRY_OK(unknown_.check(address, clock_.now()));
  auto identified = co_await authenticator_.identify(header->second, deadline);
  if (identified.status().code() == StatusCode::kUnauthenticated) {
    good_.erase(token);
    (void)unknown_.admit(address, clock_.now());
  }
  CO_TRY_ASSIGN(auth::Caller caller, std::move(identified));
  if (good_.size() >= kManyTokens) good_.clear();
  good_.insert_or_assign(token, caller.user);
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
  if (FirstRequestObserver* const observer = std::exchange(observer_, nullptr))
    observer->on_first_request(caller.user);
  co_return caller;
}

}  // namespace reliant::api
