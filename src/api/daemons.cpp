#include "api/daemons.h"

#include <map>
#include <string>

#include "model/daemon_status.h"
#include "store/wall_time.h"

namespace reliant::api {
namespace {

json::object show(const std::map<std::string, std::string>& labels) {
  json::object out;
  for (const auto& [key, value] : labels) out[key] = value;
  return out;
}

// C16: connection and activity are facts of their own; the status is a projection of the connection.
json::object show(const store::Daemon& daemon, WallTime now) {
  const model::DaemonConnection connection = model::under_lease(daemon.connection, daemon.gateway_lives(now));
  json::array tools;
  for (const std::string& tool : daemon.tools) tools.emplace_back(tool);
  json::object out;
  out["id"] = daemon.id.str();
  out["name"] = daemon.name;
  out["type"] = daemon.kind;
  out["status"] = std::string(model::to_string(model::project(connection)));
  out["connection"] = std::string(model::to_string(connection));
  out["activity"] = daemon.busy ? "busy" : "quiet";
  out["labels"] = show(daemon.labels);
  out["tools"] = std::move(tools);
  out["connected_at"] = store::rfc3339(daemon.connected_at);
  out["last_seen_at"] = store::rfc3339(daemon.last_seen);
  return out;
}

json::object show(const router::ConsideredDaemon& considered) {
  const router::DaemonCandidate& candidate = considered.candidate;
  json::array failed;
  for (const model::FailedTerm& term : considered.failed) {
    json::object& shown = failed.emplace_back(json::object()).as_object();
    shown["term"] = term.term;
    shown["wanted"] = term.wanted;
    shown["found"] = term.found ? json::value(json::string(*term.found)) : json::value(nullptr);
  }
  json::object out;
  out["id"] = candidate.id.str();
  out["name"] = candidate.name;
  out["type"] = std::string(model::to_string(candidate.type));
  out["labels"] = show(candidate.labels);
  out["status"] = std::string(model::to_string(model::project(candidate.worth())));
  out["chosen"] = considered.chosen;
  out["why"] = considered.why;
  out["failed"] = std::move(failed);
  out["remedy"] = considered.remedy;
  return out;
}

}  // namespace

Task<Answer> Daemons::list(Call call) {
  CO_TRY_OK(QueryReader(call.request).finish());
  CO_TRY_ASSIGN(const auto daemons, co_await store_.daemons().list(call.user, call.deadline));
  json::array items;
  for (const store::Daemon& daemon : daemons) items.push_back(show(daemon, clock_.wall_now()));
  co_return json_response(200, {{"items", std::move(items)}, {"next_cursor", ""}});
}

Task<Answer> Daemons::explain(Call call) {
  CO_TRY_OK(QueryReader(call.request).finish());
  CO_TRY_ASSIGN(const ChatId id, path_id<ChatId>(call, "chat"));
  CO_TRY_ASSIGN(const store::Chat chat, co_await store_.chats().get(call.user, id, call.deadline));
  router::SelectionRequest request{.session = model::daemon_selector_of_chat(chat.active_daemon)};
  CO_TRY_ASSIGN(const auto resolved, co_await resolver_.resolve(call.user, std::move(request), call.deadline));
  json::array candidates;
  for (const router::ConsideredDaemon& each : resolved.considered) candidates.push_back(show(each));
  json::object out;
  out["daemon_id"] = resolved.daemon ? resolved.daemon->str() : "";
  out["source"] = std::string(router::to_string(resolved.source));
  out["step"] = std::string(router::to_string(resolved.step));
  out["selector"] = resolved.selector ? json::value(model::to_json_object(*resolved.selector)) : json::value(nullptr);
  out["must_resume"] = resolved.must_resume;
  out["problem"] = resolved.problem;
  out["candidates"] = std::move(candidates);
  co_return json_response(200, out);
}

}  // namespace reliant::api
