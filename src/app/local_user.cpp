#include "app/local_user.h"

#include "app/os_secrets.h"
#include "auth/token.h"
#include "model/token.h"

namespace reliant::app {
namespace {

constexpr std::string_view kTokenFile = "token";

}  // namespace

Task<Result<LocalUser>> prepare_local_user(store::Store& store, const DataDirectory& directory, Instant deadline) {
  LocalUser local;
  CO_TRY_ASSIGN(const store::User user, co_await store.users().create(UserId("local"), "Local user", deadline));
  local.id = user.id;
  CO_TRY_ASSIGN(const auto kept, directory.read_line(kTokenFile));
  if (kept && auth::parse_token(*kept).ok()) {
    local.token = *kept;
    const auto known = co_await store.tokens().authenticate(local.token, deadline);
    if (known.ok()) co_return local;
    if (reason_of(known.status()) == model::kReasonUserDisabled) co_return local;  // what it is sent is refused, and says why
    if (known.status().code() != StatusCode::kUnauthenticated) co_return known.status();
    if (reason_of(known.status()) == kReasonTokenRevoked) local.token.clear();
  }
  if (local.token.empty()) {
    local.token = auth::make_token(OsSecrets().next());
    local.created = true;
    CO_TRY_OK(directory.write_private(kTokenFile, local.token + "\n"));
  }
  CO_TRY_OK((co_await store.tokens().create(local.id, "this machine", local.token, deadline)).status());
  co_return local;
}

}  // namespace reliant::app
