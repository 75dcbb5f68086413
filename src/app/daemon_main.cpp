#include "app/mains.h"

#include <unistd.h>

#include <filesystem>
#include <memory>
#include <utility>
#include <variant>

#include "adapters/beast/beast_http_client.h"
#include "adapters/posix/posix_filesystem.h"
#include "adapters/posix/posix_process.h"
#include "adapters/sqlite/sqlite_database.h"
#include "adapters/sqlite/sqlite_database_commit_thread.h"
#include "app/background.h"
#include "app/daemon_options.h"
#include "app/daemon_state.h"
#include "app/report.h"
#include "app/server_process.h"
#include "app/tool_environment.h"
#include "base/text.h"
#include "base/url.h"
#include "base/version.h"
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

daemon::DaemonSettings settings_of(const DaemonStartOptions& options, const DaemonIdentity& identity) {
  return {.name = options.name, .labels = identity.labels, .gateway_addresses = options.gateways};
}

daemon::DaemonOptions daemon_options(const DaemonStartOptions& options, const DaemonIdentity& identity,
                                     const DataDirectory& directory) {
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

DaemonState state_of(const DaemonStartOptions& options, const DaemonIdentity& identity, const DataDirectory& directory) {
  DaemonState out;
  out.process = ::getpid();
  out.version = kVersion;
  out.daemon = identity.id.str();
  out.name = options.name;
  out.log = options.log.file.empty() ? directory.file("daemon.log") : std::filesystem::absolute(options.log.file).string();
  if (options.log.file == "-") out.log = "-";
  out.grace_seconds = std::chrono::ceil<std::chrono::seconds>(options.grace).count();
  return out;
}

// Connected, or not in time: the starter waits for either.
Task<void> tell_starter(Background& background, DaemonStateKeeper& keeper, Instant deadline) {
  const bool connected = co_await keeper.connected_once().wait(deadline);
  const DaemonState& state = keeper.state();
  if (connected) {
    background.started(0, concat("connected to ", state.address, ", process ", state.process, ", log ", state.log));
    co_return;
  }
  background.started(kFailed, concat("reliant: not connected yet", state.problem.empty() ? "" : ": ", state.problem,
                                     "; process ", state.process,
                                     " goes on trying, `reliant daemon status` tells how it is, "
                                     "`reliant daemon stop` ends it"));
}

struct Surroundings {
  const DaemonStartOptions& options;
  const Environment& environment;
  const DataDirectory& directory;
  const DaemonIdentity& identity;
  DaemonStateKeeper& log;
  Background* background;  // null: runs in a terminal
};

Task<Status> live(ServerProcess& process, Surroundings around) {
  const auto& [options, environment, directory, identity, log, background] = around;
  CO_TRY_OK(check_credentials(options));
  CO_TRY_ASSIGN(const auto journal,
                adapters::SqliteDatabase::open(directory.file("journal.db"), adapters::SqliteDurability::kPower,
                                               std::make_unique<adapters::SqliteCommitThread>(process.executor())));
  CO_TRY_ASSIGN(const auto links, adapters::GrpcLinkTransport::open(process.executor(), options.links));
  adapters::PosixProcesses processes(process.executor(), environment_of_tools(environment, options.tool_env),
                                     environment.inherited());
  if (auto cgroups = adapters::ProcessCgroups::open())
    processes.use_cgroups(*std::move(cgroups), std::string(tools::kRequestVariable));
  adapters::PosixFilesystem files(process.executor(), environment.inherited());
  files.close_paths(own_paths(options.own_files, directory.path()));
  adapters::PosixFilesystem own_files(process.executor());
  tools::ToolRegistry tools = tools::make_standard_tools(processes, files);
  Clock& clock = process.clock();
  daemon::Daemon daemon(process.context(), clock, process.random().stream("daemon"), log, *links, tools, processes, *journal,
                        daemon_options(options, identity, directory));
  adapters::BeastHttpClient http(process.executor(), options.ca_file);
  daemon::CredentialsFile file(own_files, options.credentials_path);
  daemon::Registration registration(http, {options.server_url}, options.session_token);
  daemon::Supervisor supervisor(daemon, file, registration, clock, process.random().stream("supervisor"), log, options.token);
  Life life{supervisor, {}, {}};
  TaskScope scope(process.context());
  scope.spawn(serve(life));
  if (background != nullptr) scope.spawn(tell_starter(*background, log, after(clock.now(), options.wait)));
  const auto first = co_await race(
      process.until_asked_to_stop(concat("reliant daemon ", daemon.id().str(), " starts, gateway ", options.gateways[0])),
      life.ended.wait());
  if (const Instant* const deadline = std::get_if<0>(&first)) {
    co_await supervisor.stop(*deadline);
    co_await scope.join();
  }
  co_return life.end;
}

Task<Status> remember(Task<Status> life, DaemonStateKeeper& log, Status& end) {
  end = co_await std::move(life);
  log.ended(end);
  co_return end;
}

int run(const DaemonStartOptions& options, const Environment& environment, Background* background) {
  const auto directory = DataDirectory::open(options.data_dir);
  if (!directory.ok()) return report(directory.status());
  const auto identity = prepare_identity(*directory);
  if (!identity.ok()) return report(identity.status());
  auto process =
      ServerProcess::open({.role = "daemon", .data_dir = options.data_dir, .log = options.log, .grace = options.grace});
  if (!process.ok()) return report(process.status());
  DaemonStateKeeper log((*process)->log(), (*process)->clock(), *directory, state_of(options, *identity, *directory));
  Status end;
  const int code =
      (*process)->run(remember(live(**process, {options, environment, *directory, *identity, log, background}), log, end));
  return end.ok() ? code : code == kUsage ? code : daemon::exit_code_of(end);
}

}  // namespace

int daemon_main(const Command&, const Arguments& arguments, const Environment& environment) {
  const auto options = daemon_start_options(arguments, environment, wall_now());
  if (!options.ok()) return report(options.status());
  if (const auto url = parse_http_url(options->server_url); url.ok() && is_readable_on_the_way(*url))
    warn(concat("the token goes to ", options->server_url, " in plain text; use https://"));
  if (!options->background) return run(*options, environment, nullptr);
  auto background = Background::begin(options->wait);
  if (!background.ok()) return report(background.status());
  if (background->exit_code()) return *background->exit_code();
  return run(*options, environment, &*background);
}

}  // namespace reliant::app
