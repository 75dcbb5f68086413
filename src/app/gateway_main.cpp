#include "app/mains.h"

#include <utility>

#include "adapters/beast/beast_http_server.h"
#include "adapters/grpc_link/grpc_link.h"
#include "app/backbone.h"
#include "app/health_server.h"
#include "app/server_options.h"
#include "app/server_process.h"
#include "auth/authenticator.h"
#include "base/text.h"
#include "gateway/gateway.h"
#include "gateway/tool_bridge.h"
#include "store/store.h"

namespace reliant::app {
namespace {

// In a burst the gateway sends a retry-after (GatewayOptions::max_registrations). If the link refused the connection
// instead, the daemon would take the gateway for lost, and back off.
constexpr std::size_t kCrowd = 4096;

// C35. The health port opens first: during the start its answer names what is still missing.
Task<Status> accepts(const gateway::Gateway& gateway) { co_return gateway.ready(); }

Task<Status> live(ServerProcess& process, GatewayServerOptions options) {
  process.warn_about_few_open_files();
  CO_TRY_ASSIGN(const Backbone backbone, co_await open_backbone(process, options.server));
  ports::Database& database = *backbone.database.database;
  adapters::NatsBus& bus = *backbone.bus;
  SharedState shared(process, database);
  Clock& clock = shared.clock;
  auth::DbPatValidator authenticator(shared.store.tokens());
  gateway::Records records(shared.store, authenticator, shared.secrets, clock);
  CO_TRY_ASSIGN(const auto links,
                adapters::GrpcLinkTransport::open(process.executor(), {.certificate = options.tls,
                                                                       .backlog = kCrowd,
                                                                       .max_received = gateway::kMaxMessage,
                                                                       .keepalive_timeout = gateway::kKeepaliveTimeout}));
  CO_TRY_OK(co_await shared.prepare(process));
  gateway::Gateway gateway(process.context(), clock, process.log(), *links, records,
                           {.id = options.id,
                            .listen_address = options.daemons.address,
                            .advertised_address = options.advertised,
                            .single_daemon_per_user = options.single_daemon_per_user,
                            .max_streams_per_address = static_cast<std::size_t>(options.max_streams_per_address),
                            .max_daemons_per_user = options.max_daemons_per_user});
  gateway::NatsToolBridge bridge(process.context(), clock, process.log(), bus, gateway, *shared.keys,
                                 process.random().stream("nonces"),
                                 {.allow_unsigned_requests = options.allow_unsigned_requests});
  gateway.set_observer(bridge);

  adapters::BeastHttpServer http_server(process.executor(), process.log(), options.tls, adapters::PlainText::kServed);
  HealthServer health(clock, process.log(), http_server, [&process] { return process.stopping(); });
  add_checks(health, backbone, shared.store);
  health.add("listener", [&gateway](Instant) { return accepts(gateway); });
  if (const Status status = health.start(options.server.health.address); !status.ok())
    co_return cannot_listen(status, options.server.health);
  if (const Status status = co_await gateway.start(); !status.ok()) co_return cannot_listen(status, options.daemons);
  const Instant deadline = co_await process.until_asked_to_stop(concat("reliant server gateway is ready for daemons on ",
                                                                       options.tls ? "https://" : "http://", gateway.address(),
                                                                       ", health on http://", health.address()));
  co_await gateway.stop(deadline);
  (void)co_await bus.drain(deadline);  // what is left then is not worth a failure
  process.leave_in_time();
  co_return ok_status();
}

}  // namespace

int gateway_main(const Command&, const Arguments& arguments, const Environment& environment) {
  return run_server(gateway_server_options(arguments, environment, wall_now()), live);
}

}  // namespace reliant::app
