// Monolith: every role in one process, on local databases and in-memory transports (R10, R11, R14).
//
// Owner: monolith_main. Executor: its own, the logic thread. Each member stands on those above it.
#pragma once

#include <memory>
#include <optional>

#include "adapters/asio/asio_executor.h"
#include "adapters/beast/beast_http_client.h"
#include "adapters/beast/beast_http_server.h"
#include "adapters/embedded_temporal/embedded_temporal.h"
#include "adapters/memory/memory_link.h"
#include "adapters/posix/json_event_log.h"
#include "adapters/posix/posix_filesystem.h"
#include "adapters/posix/posix_process.h"
#include "adapters/posix/system_clock.h"
#include "adapters/sqlite/sqlite_database.h"
#include "api/server.h"
#include "app/cross_origin.h"
#include "app/data_directory.h"
#include "app/http_server_with_tls.h"
#include "app/lazy_daemon_starter.h"
#include "app/local_user.h"
#include "app/options.h"
#include "app/os_secrets.h"
#include "auth/authenticator.h"
#include "daemon/daemon.h"
#include "gateway/gateway.h"
#include "llm/model_provider.h"
#include "router/local_daemon_router.h"
#include "runtime/scope.h"
#include "store/store.h"
#include "temporal/workflow_client.h"
#include "tools/standard_tools.h"
#include "updates/memory_update_hub.h"
#include "worker/worker_role.h"

namespace reliant::app {

struct Databases {
  std::unique_ptr<adapters::SqliteDatabase> reliant;
  std::unique_ptr<adapters::SqliteDatabase> temporal;
  std::unique_ptr<adapters::SqliteDatabase> journal;

  static Result<Databases> open(const DataDirectory& directory);
};

// What the process has made before: the outermost things.
struct MonolithParts {
  adapters::AsioExecutor& executor;
  adapters::SystemClock& clock;
  EventLog& log;
  Databases& databases;
  const DataDirectory& directory;
  ports::HttpClient& http;
  llm::ModelProvider& model;
  std::optional<adapters::TlsCredentials> tls;  // where the options have an address for it
};

class Monolith {
 public:
  Monolith(MonolithParts parts, MonolithOptions options, const Environment& environment);

  // Serves from now on, when it is OK. The address is in the data directory then.
  Task<Status> start();
  // In order: no new calls, running activities, running tools; until `deadline`.
  Task<void> stop(Instant deadline);
  const std::string& address() const { return api_.address(); }
  const std::string& tls_address() const { return both_http_servers_.tls_address(); }  // "": no HTTPS
  const LocalUser& user() const { return user_; }

 private:
  MonolithParts parts_;
  MonolithOptions options_;
  RandomStreams random_;
  TaskScope root_;
  store::Store store_;
  auth::DbPatValidator validator_;
  OsSecrets secrets_;
  updates::MemoryUpdateHub hub_;
  adapters::MemoryLinkTransport links_;
  adapters::BeastHttpServer plain_http_server_;
  adapters::BeastHttpServer tls_http_server_;
  HttpServerWithTls both_http_servers_;
  CrossOrigin http_server_;
  adapters::PosixProcesses processes_;
  adapters::PosixFilesystem filesystem_;
  tools::ToolRegistry tools_;
  adapters::EmbeddedTemporal temporal_;
  temporal::WorkflowClient workflows_;
  gateway::Records records_;
  gateway::Gateway gateway_;
  router::LocalDaemonRouter router_;
  worker::WorkerRole worker_;
  api::ApiServer api_;
  LocalUser user_;
  std::optional<daemon::Daemon> daemon_;  // it needs the user's token
  std::optional<LazyDaemonStarter> starter_;
};

}  // namespace reliant::app
