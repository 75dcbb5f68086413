#include "app/monolith.h"

#include <utility>

#include "adapters/posix/os_entropy.h"
#include "app/tool_environment.h"
#include "base/version.h"

namespace reliant::app {
namespace {

constexpr Duration kStartTime = std::chrono::seconds(30);
constexpr std::string_view kGatewayAddress = "monolith:9190";  // in memory: no port of the machine
constexpr std::string_view kAddressFile = "address";
constexpr std::string_view kTlsAddressFile = "tls-address";

api::ApiOptions api_options(const MonolithOptions& options) {
  api::ApiOptions out;
  out.listen_address = options.listen_address;
  // It is the user's own machine.
  out.limits.projects = out.limits.chats = out.limits.tokens = out.limits.stored_bytes = 0;
  return out;
}

gateway::GatewayOptions gateway_options() {
  gateway::GatewayOptions out;
  out.id = GatewayId("monolith");
  out.listen_address = kGatewayAddress;
  out.kinds_as_ids = gateway::KindsAsIds::kAllowed;
  return out;
}

daemon::DaemonOptions daemon_options(const LocalUser& user) {
  daemon::DaemonOptions out;
  out.id = DaemonId("local");
  out.name = host_name();
  out.gateway_addresses = {std::string(kGatewayAddress)};
  out.token = user.token;
  out.version = kVersion;
  return out;
}

}  // namespace

Result<Databases> Databases::open(const DataDirectory& directory) {
  Databases out;
  // Power loss may take the last commits of either, each for itself. The api's reconciler begins again what the engine has lost,
  // and a turn whose message the store has lost is over (worker/call_model.cpp).
  TRY_ASSIGN(out.reliant, adapters::SqliteDatabase::open(directory.file("reliant.db")));
  TRY_ASSIGN(out.temporal, adapters::SqliteDatabase::open(directory.file("temporal.db")));
  TRY_ASSIGN(out.journal, adapters::SqliteDatabase::open(directory.file("journal.db"), adapters::SqliteDurability::kPower));
  return out;
}

Monolith::Monolith(MonolithParts parts, MonolithOptions options, const Environment& environment)
    : parts_(std::move(parts)),
      options_(std::move(options)),
      random_(adapters::os_seed()),
      root_(parts_.executor, 0),
      store_(*parts_.databases.reliant, parts_.clock, random_.stream("store")),
      validator_(store_.tokens()),
      plain_http_server_(parts_.executor, parts_.log),
      tls_http_server_(parts_.executor, parts_.log, parts_.tls),
      both_http_servers_(plain_http_server_, tls_http_server_, options_.tls_listen_address),
      http_server_(both_http_servers_, options_.cors_origins),
      processes_(parts_.executor, environment_of_tools(environment, options_.tool_env), environment.inherited()),
      filesystem_(parts_.executor, environment.inherited()),
      tools_(tools::make_standard_tools(processes_, filesystem_)),
      temporal_(root_.context(), parts_.clock, random_.stream("temporal"), parts_.log, *parts_.databases.temporal),
      workflows_(temporal_, parts_.clock, random_.stream("workflows"), temporal::WorkflowClientOptions{.identity = "api"}),
      records_(store_, validator_, secrets_, parts_.clock),
      gateway_(root_.context(), parts_.clock, parts_.log, links_, records_, gateway_options()),
      router_(gateway_),
      worker_(root_.context(), random_.stream("worker"), temporal_,
              {parts_.clock, parts_.log, store_, hub_, router_, parts_.model, tools_}, {.identity = "worker"}),
      api_(root_.context(), random_,
           {parts_.clock, parts_.log, http_server_, store_, validator_, hub_, workflows_, router_, secrets_},
           api_options(options_)) {}

Task<Status> Monolith::start() {
  if (auto cgroups = adapters::ProcessCgroups::open())
    processes_.use_cgroups(*std::move(cgroups), std::string(tools::kRequestVariable));
  filesystem_.close_paths(own_paths({}, parts_.directory.path()));
  const Instant deadline = after(parts_.clock.now(), kStartTime);
  CO_TRY_OK(co_await store_.migrate(deadline));
  CO_TRY_OK(co_await temporal_.start(deadline));
  CO_TRY_ASSIGN(user_, co_await prepare_local_user(store_, parts_.directory, deadline));
  CO_TRY_OK(co_await gateway_.start());
  daemon_.emplace(root_.context(), parts_.clock, random_.stream("daemon"), parts_.log, links_, tools_, processes_,
                  *parts_.databases.journal, daemon_options(user_));
  starter_.emplace(root_.context(), parts_.log, *daemon_);
  CO_TRY_ASSIGN(const bool left_work, co_await store_.chats().any_running(deadline));
  if (left_work || options_.daemon == DaemonStart::kAtBoot) starter_->start();
  CO_TRY_OK(co_await worker_.start(deadline));
  api_.set_first_request_observer(*starter_);
  CO_TRY_OK(api_.start());
  parts_.directory.remove(kTlsAddressFile);  // of a run that did not end in order
  if (!tls_address().empty()) CO_TRY_OK(parts_.directory.write_private(kTlsAddressFile, tls_address() + "\n"));
  co_return parts_.directory.write_private(kAddressFile, api_.address() + "\n");
}

Task<void> Monolith::stop(Instant deadline) {
  parts_.directory.remove(kAddressFile);
  parts_.directory.remove(kTlsAddressFile);
  co_await api_.stop(deadline);
  co_await worker_.stop(deadline);
  if (starter_) co_await starter_->stop(deadline);
  co_await gateway_.stop(deadline);
}

}  // namespace reliant::app
