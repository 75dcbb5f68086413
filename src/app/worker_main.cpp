#include "app/mains.h"

#include <utility>
#include <variant>

#include "adapters/beast/beast_http_client.h"
#include "adapters/beast/beast_http_server.h"
#include "adapters/posix/posix_filesystem.h"
#include "adapters/posix/posix_process.h"
#include "app/backbone.h"
#include "app/health_server.h"
#include "app/model_choice.h"
#include "app/server_options.h"
#include "app/server_process.h"
#include "app/tool_environment.h"
#include "base/text.h"
#include "router/nats_daemon_router.h"
#include "runtime/race.h"
#include "store/store.h"
#include "tools/standard_tools.h"
#include "updates/nats_update_hub.h"
#include "worker/worker_role.h"

namespace reliant::app {
namespace {

constexpr Duration kStartTimeout = std::chrono::seconds(8);
// Nothing that it has begun can be handed back to a Temporal that refuses it.
constexpr Duration kRefusedStopTimeout = std::chrono::seconds(5);

// R41: what runs here instead of on a daemon. Its processes see none of our secrets.
struct LocalTools {
  LocalTools(adapters::AsioExecutor& executor, const Environment& environment, const std::string& data_dir)
      : processes(executor, environment_of_tools(environment, {}), environment.inherited()),
        files(executor, environment.inherited()),
        registry(tools::make_standard_tools(processes, files)) {
    files.close_paths(own_paths({}, data_dir));
  }

  adapters::PosixProcesses processes;
  adapters::PosixFilesystem files;
  tools::ToolRegistry registry;
};

// C35: whether polls are answered. They are long polls that tolerate errors for a while: another check reports that Temporal is away.
Task<Status> polls(const worker::WorkerRole& role) { co_return role.health(); }

Task<Status> live(ServerProcess& process, WorkerServerOptions options, const Environment& environment) {
  adapters::BeastHttpClient http(process.executor());
  CO_TRY_ASSIGN(const auto model, choose_model(options.model, http));
  CO_TRY_ASSIGN(const Backbone backbone, co_await open_backbone(process, options.server));
  ports::Database& database = *backbone.database.database;
  adapters::NatsBus& bus = *backbone.bus;
  CO_TRY_ASSIGN(const auto temporal, co_await open_temporal(process, options.temporal, backbone.start_deadline));
  SharedState shared(process, database);
  Clock& clock = shared.clock;
  store::Store& store = shared.store;
  updates::NatsUpdateHub hub(bus, process.log());
  const LocalTools tools(process.executor(), environment, options.server.data_dir);
  CO_TRY_OK(co_await shared.prepare(process));
  auth::BusSigner signer(*shared.keys, clock, process.random().stream("nonces"));
  router::NatsDaemonRouter router(bus, clock, signer, &store.executions());
  worker::WorkerRole role(process.context(), process.random().stream("worker"), *temporal,
                          {.clock = clock,
                           .log = process.log(),
                           .store = store,
                           .hub = hub,
                           .router = router,
                           .model = *model,
                           .tools = tools.registry},
                          {.name_space = options.temporal.name_space, .identity = identity_of("worker")});

  adapters::BeastHttpServer http_server(process.executor(), process.log(), options.tls, adapters::PlainText::kServed);
  HealthServer health(clock, process.log(), http_server, [&process] { return process.stopping(); });
  add_checks(health, backbone, shared.store);
  add_temporal_check(health, *temporal, options.temporal.name_space);
  health.add("pollers", [&role](Instant) { return polls(role); });
  if (const Status status = health.start(options.server.health.address); !status.ok())
    co_return cannot_listen(status, options.server.health);
  CO_TRY_OK(co_await role.start(after(clock.now(), kStartTimeout)));
  const auto end =
      co_await race(process.until_asked_to_stop(concat("reliant server worker is ready, health on http://", health.address())),
                    role.gave_up());
  const Status* const refused = std::get_if<1>(&end);
  const Instant deadline = refused == nullptr ? std::get<0>(end) : after(clock.now(), kRefusedStopTimeout);
  co_await role.stop(deadline);
  (void)co_await bus.drain(deadline);  // what is left then is not worth a failure
  if (refused != nullptr) co_return temporal_failed(*refused, options.temporal);
  process.leave_in_time();
  co_return ok_status();
}

}  // namespace

int worker_main(const Command&, const Arguments& arguments, const Environment& environment) {
  const auto life = [&environment](ServerProcess& process, WorkerServerOptions options) {
    return live(process, std::move(options), environment);
  };
  return run_server(worker_server_options(arguments, environment, wall_now()), life);
}

}  // namespace reliant::app
