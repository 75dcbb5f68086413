#include "app/daemon_main.h"

#include <filesystem>
#include <utility>
#include <variant>

#include "adapters/beast_http.h"
#include "adapters/posix_filesystem.h"
#include "adapters/posix_process.h"
#include "adapters/sqlite_database.h"
#include "app/daemon_options.h"
#include "app/report.h"
#include "app/server_process.h"
#include "app/version.h"
#include "base/text.h"
#include "daemon/daemon.h"
#include "daemon/supervisor.h"
#include "runtime/race.h"
#include "runtime/scope.h"
#include "tools/standard_tools.h"

namespace reliant::app {
namespace {

// The supervisor's, from its start to its end.
struct Life {
  daemon::Supervisor& supervisor;
  Status end;
  Event ended;
};

Task<void> serve(Life& life) {
  life.end = co_await life.supervisor.run();
  life.ended.set();
}

Task<void> until_ended(Life& life) { co_await life.ended.wait(); }

daemon::DaemonSettings settings_of(const DaemonStartOptions& options, const DaemonIdentity& identity) {
  return {.name = options.name, .labels = identity.labels, .gateway_addresses = options.gateways};
}

Result<daemon::DaemonOptions> daemon_options(const DaemonStartOptions& options, const DataDirectory& directory) {
  TRY_ASSIGN(const DaemonIdentity identity, prepare_identity(directory));
  daemon::DaemonOptions out;
  out.id = identity.id;
  out.name = options.name;
  out.labels = identity.labels;
  out.gateway_addresses = options.gateways;
  out.version = kVersion;
  std::error_code none;
  const auto here = std::filesystem::current_path(none);
  if (!none) out.working_directory = here.string();
  out.read_again = [&options, &directory]() -> Result<daemon::DaemonSettings> {
    TRY_ASSIGN(const DaemonIdentity changed, prepare_identity(directory));
    return settings_of(options, changed);
  };
  return out;
}

// R69: what there has to be before it can begin.
Status check_credentials(const DaemonStartOptions& options) {
  std::error_code ignored;
  if (!options.token.empty() || !options.session_token.empty() || std::filesystem::exists(options.credentials_path, ignored))
    return ok_status();
  return unauthenticated("there are no credentials in ", options.credentials_path,
                         "; give a token with --token (on the standard input) or --token-file FILE, or a user's token in "
                         "RELIANT_TOKEN to register with");
}

Task<Status> live(ServerProcess& process, const DaemonStartOptions& options, const DataDirectory& directory,
                  const Environment& environment) {
  CO_TRY_OK(check_credentials(options));
  CO_TRY_ASSIGN(const auto journal, adapters::SqliteDatabase::open(directory.file("journal.db"), adapters::Durability::kPower));
  CO_TRY_ASSIGN(const auto links, adapters::GrpcLinkTransport::open(process.executor(), options.links));
  CO_TRY_ASSIGN(auto daemon_options_, daemon_options(options, directory));
  adapters::PosixProcesses processes(process.executor().io(), environment.for_children());
  adapters::PosixFilesystem files(process.executor().io());
  tools::ToolRegistry tools = tools::make_standard_tools(processes, files);
  Clock& clock = process.clock();
  daemon::Daemon daemon(process.context(), clock, process.random().stream("daemon"), process.log(), *links, tools, *journal,
                        std::move(daemon_options_));
  adapters::BeastHttp http(process.executor(), options.ca_file);
  daemon::CredentialsFile file(files, options.credentials_path);
  daemon::Registration registration(http, {options.server_url}, options.session_token);
  daemon::Supervisor supervisor(daemon, file, registration, clock, process.random().stream("supervisor"), process.log(),
                                options.token);
  Life life{supervisor, {}, {}};
  TaskScope scope(process.context());
  scope.spawn(serve(life));
  const auto first = co_await race(
      process.until_asked_to_stop(concat("reliant daemon ", daemon.id().str(), " starts, gateway ", options.gateways[0])),
      until_ended(life));
  if (const Instant* const deadline = std::get_if<0>(&first)) {
    co_await supervisor.stop(*deadline);
    co_await scope.join();
  }
  co_return life.end;
}

Task<Status> remember(Task<Status> life, Status& end) {
  end = co_await std::move(life);
  co_return end;
}

}  // namespace

int daemon_main(const Command&, const Arguments& arguments, const Environment& environment) {
  const auto options = daemon_start_options(arguments, environment, wall_now());
  if (!options.ok()) return report(options.status());
  const auto directory = DataDirectory::open(options->data_dir);
  if (!directory.ok()) return report(directory.status());
  auto process = ServerProcess::open(
      {.role = "daemon", .data_dir = options->data_dir, .log = options->log, .grace = options->grace});
  if (!process.ok()) return report(process.status());
  Status end;
  const int code = (*process)->run(remember(live(**process, *options, *directory, environment), end));
  return end.ok() ? code : code == kUsage ? code : daemon::exit_code_of(end);
}

}  // namespace reliant::app
