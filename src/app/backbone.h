// Backbone: what a server of the distributed mode stands on: the database, NATS and, where it needs one, Temporal (R16, R28,
// R56). Each is known to answer when it is there: what cannot be reached is one line that names the flag, within 10 s.
//
// Owner: the server's life; destroyed after its roles. Executor: the logic thread.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "adapters/grpc_temporal/grpc_temporal.h"
#include "adapters/nats/nats_bus.h"
#include "app/database_choice.h"
#include "app/health_server.h"
#include "app/os_secrets.h"
#include "app/report.h"
#include "app/server_options.h"
#include "app/server_process.h"
#include "auth/key_ring.h"
#include "base/ids.h"
#include "base/status.h"
#include "runtime/scope.h"
#include "runtime/task.h"
#include "store/database_clock.h"
#include "store/store.h"
#include "updates/update_hub.h"

namespace reliant::app {

// What the servers share that is in the database: its time, and the keys with which they sign. Owner: the server's life.
struct SharedState {
  SharedState(ServerProcess& process, ports::Database& database);

  store::DatabaseClock clock;
  store::Store store;
  OsSecrets secrets;
  std::optional<auth::KeyRing> keys;  // from prepare() on
  TaskScope scope;                    // last: its tasks use everything above

  // Makes or upgrades the tables, and learns the database's time.
  Task<Status> prepare(ServerProcess& process);
};

struct Backbone {
  ChosenDatabase database;
  std::unique_ptr<adapters::NatsBus> bus;
  Instant start_deadline;  // of the server's start as a whole
};

Task<Result<Backbone>> open_backbone(ServerProcess& process, ServerOptions options);
// Connected, and the namespace is there. It has until `start_deadline`, and a moment at least.
Task<Result<std::unique_ptr<adapters::GrpcTemporal>>> open_temporal(ServerProcess& process, TemporalChoice choice,
                                                                    Instant start_deadline);

// Names the flag and the remedy of what Temporal has said.
Status temporal_failed(const Status& why, const TemporalChoice& choice);

// For /ready (R32, R54, C35): each goes there and back. What they are given outlives them.
Task<Status> database_serves(ports::Database& database, store::Store& store, Instant deadline);  // it also takes writes
Task<Status> bus_answers(adapters::NatsBus& bus, Instant deadline);
Task<Status> hub_answers(updates::UpdateHub& hub, ChatId chat, Instant deadline);  // on a chat of its own
Task<Status> temporal_answers(ports::Temporal& temporal, std::string name_space, Instant deadline);

// The first two of them, which every server has.
void add_checks(HealthServer& health, const Backbone& backbone, store::Store& store);
// The third, of who needs it. `temporal` outlives `health`.
void add_temporal_check(HealthServer& health, ports::Temporal& temporal, const std::string& name_space);

ProcessOptions process_options(const ServerOptions& options);
// The main of a server: its process, and its life there, which is called with the process and the options.
template <class Options, class Life>
int run_server(Result<Options> options, Life life) {
  if (!options.ok()) return report(options.status());
  auto process = ServerProcess::open(process_options(options->server));
  if (!process.ok()) return report(process.status());
  return (*process)->run(life(**process, *std::move(options)));
}
// How other systems' lists call this process: "worker@host:4711".
std::string identity_of(std::string_view role);

}  // namespace reliant::app
