#include "api/daemons.h"

#include "model/daemon_status.h"
#include "store/wall_time.h"

namespace reliant::api {
namespace {

json::object show(const store::Daemon& daemon) {
  json::object labels;
  for (const auto& [key, value] : daemon.labels) labels[key] = value;
  json::array tools;
  for (const std::string& tool : daemon.tools) tools.emplace_back(tool);
  json::object out;
  out["id"] = daemon.id.str();
  out["name"] = daemon.name;
  out["type"] = daemon.kind;
  out["status"] = std::string(model::to_string(model::project(daemon.connection)));
  out["labels"] = std::move(labels);
  out["tools"] = std::move(tools);
  out["connected_at"] = store::rfc3339(daemon.connected_at);
  out["last_seen_at"] = store::rfc3339(daemon.last_seen);
  return out;
}

}  // namespace

Task<Answer> Daemons::list(Call call) {
  CO_TRY_OK(QueryReader(call.request).finish());
  store::Page<store::Daemon> page;
  CO_TRY_ASSIGN(page.items, co_await store_.daemons().list(call.user, call.deadline));
  co_return page_response(page, &show);
}

}  // namespace reliant::api
