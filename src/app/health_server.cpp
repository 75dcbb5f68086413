#include "app/health_server.h"

#include "base/cause.h"
#include "base/json.h"
#include "base/text.h"
#include "runtime/all.h"
#include "runtime/deadline.h"

namespace reliant::app {
namespace {

constexpr Duration kCheckTimeout = std::chrono::milliseconds(1900);  // the answer comes within 2 s; probes rarely wait less

ports::HttpServerResponse answer(int status, const json::object& body) {
  return {status, {{"content-type", "application/json"}, {"cache-control", "no-store"}}, to_json(body)};
}

}  // namespace

Status HealthServer::start(std::string address) {
  TRY_ASSIGN(listener_, http_server_.listen(std::move(address), *this, {}));
  return ok_status();
}

Task<void> HealthServer::handle(ports::HttpServerRequest request, ports::HttpResponder& responder) {
  ports::HttpServerResponse response = ports::http_refusal(404, "there are /health and /ready");
  if (request.path == "/health") response = answer(200, {{"status", "alive"}});
  if (request.path == "/ready") response = co_await ready();
  (void)co_await responder.reply(std::move(response));
}

Task<Status> HealthServer::asked(const HealthCheck& check, Instant deadline) {
  const auto found = co_await with_deadline(check.ask(deadline), deadline);
  co_return found ? *found : deadline_exceeded("no answer in time");
}

Task<ports::HttpServerResponse> HealthServer::ready() {
  if (stopping_()) co_return answer(503, {{"status", "stopping"}});
  const Instant deadline = after(clock_.now(), kCheckTimeout);
  std::vector<Task<Status>> asking;
  asking.reserve(checks_.size());
  for (const HealthCheck& check : checks_) asking.push_back(asked(check, deadline));
  const std::vector<Status> found = co_await all(std::move(asking));
  json::object checks;
  bool everything = true;
  for (std::size_t i = 0; i < found.size(); ++i) {
    everything = everything && found[i].ok();
    if (!found[i].ok()) log_.warning("health.check.failed", {{"check", checks_[i].name}, {"error", described(found[i])}});
    const std::string_view said = found[i].ok() ? std::string_view("ok") : message_of(found[i]);
    checks[checks_[i].name] = json::string(said.data(), said.size());
  }
  co_return answer(everything ? 200 : 503, {{"status", everything ? "ready" : "not ready"}, {"checks", std::move(checks)}});
}

}  // namespace reliant::app
