#include "app/mains.h"

#include <utility>

#include "adapters/beast/beast_http_server.h"
#include "api/server.h"
#include "app/backbone.h"
#include "app/cross_origin.h"
#include "app/debug_server.h"
#include "app/health_server.h"
#include "app/server_options.h"
#include "app/server_process.h"
#include "auth/authenticator.h"
#include "base/text.h"
#include "router/nats_daemon_router.h"
#include "store/store.h"
#include "temporal/workflow_client.h"
#include "updates/nats_update_hub.h"

namespace reliant::app {
namespace {

api::ApiOptions api_options(const ApiServerOptions& options) {
  api::ApiOptions out;
  out.listen_address = options.api.address;
  out.http_server_limits.max_connections_per_address = static_cast<std::size_t>(options.max_connections_per_address);
  out.limits.projects = options.max_projects;
  out.limits.chats = options.max_chats;
  out.limits.tokens = options.max_tokens;
  out.limits.stored_bytes = options.max_stored_mb << 20;
  return out;
}

Task<Status> live(ServerProcess& process, ApiServerOptions options) {
  process.warn_about_few_open_files();
  CO_TRY_ASSIGN(const Backbone backbone, co_await open_backbone(process, options.server));
  ports::Database& database = *backbone.database.database;
  adapters::NatsBus& bus = *backbone.bus;
  CO_TRY_ASSIGN(const auto temporal, co_await open_temporal(process, options.temporal, backbone.start_deadline));
  const std::string name_space = options.temporal.name_space;
  SharedState shared(process, database);
  Clock& clock = shared.clock;
  store::Store& store = shared.store;
  auth::DbPatValidator authenticator(store.tokens());
  updates::NatsUpdateHub hub(bus, process.log());
  temporal::WorkflowClient workflows(*temporal, clock, process.random().stream("workflows"),
                                     {.name_space = name_space, .identity = identity_of("api")});
  adapters::BeastHttpServer http_server(process.executor(), process.log(), options.tls);
  adapters::BeastHttpServer operator_http_server(process.executor(), process.log(), options.tls, adapters::PlainText::kServed);
  CrossOrigin cross_origin(http_server, options.cors_origins);
  CO_TRY_OK(co_await shared.prepare(process));
  auth::BusSigner signer(*shared.keys, clock, process.random().stream("nonces"));
  router::NatsDaemonRouter router(bus, clock, signer);

  HealthServer health(clock, process.log(), operator_http_server, [&process] { return process.stopping(); });
  const ChatId probe(process.random().stream("ready").hex(16));
  add_checks(health, backbone, shared.store);
  health.add("streaming", [&hub, &probe](Instant deadline) { return hub_answers(hub, probe, deadline); });
  add_temporal_check(health, *temporal, name_space);
  if (const Status status = health.start(options.server.health.address); !status.ok())
    co_return cannot_listen(status, options.server.health);
  DebugServer debug(operator_http_server, backbone.database);
  if (const Status status = debug.start(options.debug.address); !status.ok()) co_return cannot_listen(status, options.debug);

  api::ApiServer server(process.context(), process.random(),
                        {.clock = clock,
                         .log = process.log(),
                         .http_server = cross_origin,
                         .store = store,
                         .authenticator = authenticator,
                         .hub = hub,
                         .workflows = workflows,
                         .router = router,
                         .secrets = shared.secrets},
                        api_options(options));
  if (const Status status = server.start(); !status.ok()) co_return cannot_listen(status, options.api);
  const Instant deadline = co_await process.until_asked_to_stop(
      concat("reliant server api is ready on ", options.tls ? "https://" : "http://", server.address(), ", health on http://",
             health.address(), ", debug on http://", debug.address()));
  co_await server.stop(deadline);
  (void)co_await bus.drain(deadline);  // what is left then is not worth a failure
  process.leave_in_time();
  co_return ok_status();
}

}  // namespace

int api_main(const Command&, const Arguments& arguments, const Environment& environment) {
  return run_server(api_server_options(arguments, environment, wall_now()), live);
}

}  // namespace reliant::app
