#include "app/mains.h"

#include <algorithm>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "adapters/embedded_temporal/embedded_temporal.h"
#include "adapters/grpc_temporal/grpc_temporal_server.h"
#include "adapters/sqlite/sqlite_database.h"
#include "app/data_directory.h"
#include "app/options.h"
#include "app/report.h"
#include "app/server_options.h"
#include "app/server_process.h"
#include "base/text.h"
#include "base/url.h"

namespace reliant::app {
namespace {

constexpr Duration kStartTimeout = std::chrono::seconds(8);
constexpr std::size_t kLongestName = 1000;

constexpr Flag kFlags[] = {
    under("Listener",
          {"--port", "PORT", "TEMPORAL_PORT", "7233", "where clients and workers connect; 0 takes a free one, and says which"}),
    {"--bind-address", "ADDRESS", "BIND_ADDRESS", "127.0.0.1", "on which interface"},
    under("TLS",
          {"--tls-cert", "FILE", "TLS_CERT_FILE", "", "certificate and those that vouch for it (PEM); without it plain text"}),
    {"--tls-key", "FILE", "TLS_KEY_FILE", "", "its key (PEM)"},
    under("Engine", {"--namespace", "NAME", "", "", "a namespace besides `default`; may be given several times", {}, true}),
    kDataDirFlag,
    under("Process", kLogLevelFlag),
    kLogFormatFlag,
    {"--log-file", "FILE", "LOG_FILE", "", "where the log goes; - is the standard error; without it in --data-dir"},
    kLogSizeFlag,
    kLogFilesFlag,
    kLogBurstFlag,
    kGraceFlag};

struct Options {
  std::string data_dir;
  ListenOptions listen;
  std::vector<std::string> namespaces = {"default"};
  std::optional<adapters::TlsCredentials> tls;
  LogOptions log;
  Duration grace{};
};

Result<std::vector<std::string>> namespaces_of(const Arguments& arguments) {
  std::vector<std::string> out = {"default"};
  for (const std::string& name : arguments.list("--namespace")) {
    if (name.empty() || name.size() > kLongestName || name.find_first_of(" \t\r\n/") != std::string::npos)
      return invalid_field("--namespace", concat("--namespace is \"", name, "\"; give a name without blanks and slashes"));
    if (std::ranges::find(out, name) == out.end()) out.push_back(name);
  }
  return out;
}

Result<Options> options_of(const Arguments& arguments, const Environment& environment, WallTime now) {
  Options out;
  TRY_ASSIGN(out.data_dir, data_dir_of(arguments, environment));
  TRY_ASSIGN(const std::int64_t port, arguments.number("--port", 0, 65535));
  const HostPort address{arguments.text("--bind-address"), static_cast<std::uint16_t>(port)};
  out.listen = {address.str(), arguments.origin("--port")};
  TRY_ASSIGN(out.namespaces, namespaces_of(arguments));
  TRY_ASSIGN(out.tls, tls_credentials_of(arguments, now));
  TRY_ASSIGN(out.log, log_options(arguments));
  TRY_ASSIGN(out.grace, grace_of(arguments));
  return out;
}

Task<Status> live(ServerProcess& process, Options options) {
  CO_TRY_ASSIGN(const DataDirectory directory, DataDirectory::open(options.data_dir));
  CO_TRY_ASSIGN(const auto database, adapters::SqliteDatabase::open(directory.file("temporal.db")));
  temporal::engine::EngineOptions engine_options;
  engine_options.namespaces = options.namespaces;
  adapters::EmbeddedTemporal engine(process.context(), process.clock(), process.random().stream("temporal"), process.log(),
                                    *database, std::move(engine_options));
  CO_TRY_OK(co_await engine.start(after(process.clock().now(), kStartTimeout)));
  CO_TRY_ASSIGN(const HostPort address, parse_host_port(options.listen.address));
  adapters::GrpcTemporalServerOptions server_options;
  server_options.host = address.host;
  server_options.port = address.port;
  server_options.namespaces = std::move(options.namespaces);
  server_options.tls = std::move(options.tls);
  auto server = adapters::GrpcTemporalServer::listen(process.executor(), process.context(), engine, std::move(server_options));
  if (!server.ok()) co_return cannot_listen(server.status(), options.listen);
  const HostPort bound{address.host, (*server)->port()};
  const Instant deadline = co_await process.until_asked_to_stop(concat("reliant temporal serve is ready on ", bound.str()));
  co_await (*server)->stop(deadline);
  co_return ok_status();
}

}  // namespace

const Command kTemporalServeCommand = {
    "temporal serve", "", 0, 0, "Runs the workflow engine alone, as a Temporal server on this machine.", kFlags};

int temporal_main(const Command&, const Arguments& arguments, const Environment& environment) {
  auto options = options_of(arguments, environment, wall_now());
  if (!options.ok()) return report(options.status());
  auto process = ServerProcess::open({"temporal", options->data_dir, options->log, options->grace});
  if (!process.ok()) return report(process.status());
  return (*process)->run(live(**process, *std::move(options)));
}

}  // namespace reliant::app
