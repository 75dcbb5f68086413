#include "app/debug_server.h"

#include <utility>

#include "base/json.h"

namespace reliant::app {
namespace {

// SQLite has one writer and no pool: it has nothing to tell but what it is.
json::object load_of(const ChosenDatabase& database) {
  if (database.postgres == nullptr) return {{"driver", "sqlite"}};
  const adapters::DatabaseLoad load = database.postgres->load();
  return {{"driver", "postgres"},
          {"connections", load.connections},
          {"connections_in_use", load.in_use},
          {"write_queue_depth", load.waiting_writers},
          {"read_queue_depth", load.waiting_readers}};
}

}  // namespace

Status DebugServer::start(std::string address) {
  TRY_ASSIGN(listener_, http_server_.listen(std::move(address), *this, {}));
  return ok_status();
}

Task<void> DebugServer::handle(ports::HttpServerRequest request, ports::HttpResponder& responder) {
  ports::HttpServerResponse response = ports::http_refusal(404, "there is /debug/db");
  if (request.path == "/debug/db")
    response = {200, {{"content-type", "application/json"}, {"cache-control", "no-store"}}, to_json(load_of(database_))};
  (void)co_await responder.reply(std::move(response));
}

}  // namespace reliant::app
