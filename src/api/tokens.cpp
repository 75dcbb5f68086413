#include "api/tokens.h"

#include <algorithm>

#include "auth/token.h"
#include "base/text.h"
#include "model/daemon_kind.h"
#include "store/wall_time.h"

namespace reliant::api {
namespace {

json::value time_or_null(const std::optional<WallTime>& time) {
  return time ? json::value(store::rfc3339(*time)) : json::value(nullptr);
}

json::object show(const store::Token& token) {
  json::object out;
  out["id"] = token.id.str();
  out["name"] = token.name;
  out["kind"] = std::string(model::to_string(token.kind));
  out["daemon_id"] = token.daemon.str();
  out["created_at"] = store::rfc3339(token.created_at);
  out["expires_at"] = time_or_null(token.expires_at);
  out["last_used_at"] = time_or_null(token.last_used_at);
  out["revoked_at"] = time_or_null(token.revoked_at);
  return out;
}

json::object show(const store::AuditEntry& entry) {
  json::object out;
  out["id"] = entry.id.str();
  out["action"] = entry.action;
  out["object"] = entry.object;
  out["daemon_id"] = entry.daemon.str();
  out["chat_id"] = entry.chat.str();
  out["created_at"] = store::rfc3339(entry.created_at);
  return out;
}

}  // namespace

Task<Answer> Tokens::register_daemon(Call call) {
  CO_TRY_OK(QueryReader(call.request).finish());
  CO_TRY_ASSIGN(const json::value body, parse_json(call.request.body));
  JsonReader reader(body);
  const DaemonId daemon(reader.required_string("daemon_id"));
  const std::string name = reader.optional_string("name").value_or(daemon.str());
  const std::optional<std::int64_t> days = reader.optional_int("expires_in_days");
  CO_TRY_OK(reader.finish());
  CO_TRY_OK(check_id("daemon_id", daemon.str()));
  if (model::is_daemon_kind(daemon.str()))
    co_return invalid_field(
        "daemon_id", concat("\"", daemon.str(), "\" names a kind of daemon; choose another id, such as the host's name"));
  CO_TRY_OK(check_text("name", name, limits_.title, Empty::kRefused));
  if (days && (*days < 1 || *days > limits_.token_days))
    co_return invalid_field("expires_in_days", concat("expires_in_days is ", *days, "; give 1 to ", limits_.token_days,
                                                      ", or leave it out for a token that does not expire"));
  CO_TRY_OK(rate_.admit(call.user, clock_.now()));

  const std::string secret = auth::make_token(secrets_.next());
  store::NewToken wanted{call.user, concat("daemon ", name), model::TokenKind::kDaemon, daemon, std::nullopt};
  if (days) wanted.lifetime = std::chrono::days(*days);
  CO_TRY_ASSIGN(const store::Token token, co_await store_.tokens().create(std::move(wanted), secret, call.deadline));
  log_.info("api.daemon.registered", {{"user", call.user.str()}, {"daemon", daemon.str()}, {"token", token.id.str()}});
  json::object out;
  out["token"] = secret;
  out["token_id"] = token.id.str();
  out["user_id"] = call.user.str();
  out["daemon_id"] = daemon.str();
  if (token.expires_at) out["expires_at"] = store::rfc3339(*token.expires_at);  // a daemon of an older version asks for none
  co_return json_response(201, out);
}

Task<Answer> Tokens::me(Call call) {
  CO_TRY_OK(QueryReader(call.request).finish());
  CO_TRY_ASSIGN(const store::User user, co_await store_.users().find(call.user, call.deadline));
  CO_TRY_ASSIGN(const auto tokens, co_await store_.tokens().list(call.user, call.deadline));
  json::object out{{"user_id", user.id.str()}, {"name", user.name}};
  const auto mine = std::ranges::find(tokens, call.token, &store::Token::id);
  out["token"] = mine == tokens.end() ? json::value(nullptr) : json::value(show(*mine));
  co_return json_response(200, out);
}

Task<Answer> Tokens::list(Call call) {
  CO_TRY_OK(QueryReader(call.request).finish());
  store::Page<store::Token> page;
  CO_TRY_ASSIGN(page.items, co_await store_.tokens().list(call.user, call.deadline));
  co_return page_response(page, static_cast<json::object (*)(const store::Token&)>(&show));
}

Task<Answer> Tokens::revoke(Call call) {
  CO_TRY_OK(QueryReader(call.request).finish());
  CO_TRY_ASSIGN(const TokenId id, path_id<TokenId>(call, "token"));
  CO_TRY_OK(co_await store_.tokens().revoke(call.user, id, call.deadline));
  log_.info("api.token.revoked", {{"user", call.user.str()}, {"token", id.str()}});
  co_return no_content();
}

Task<Answer> Tokens::audit(Call call) {
  QueryReader query(call.request);
  const store::PageRequest page = query.page();
  CO_TRY_OK(query.finish());
  CO_TRY_ASSIGN(const auto entries, co_await store_.audit().list(call.user, page, call.deadline));
  co_return page_response(entries, static_cast<json::object (*)(const store::AuditEntry&)>(&show));
}

}  // namespace reliant::api
