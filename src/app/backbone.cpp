#include "app/backbone.h"

#include <unistd.h>

#include <algorithm>
#include <utility>

#include "adapters/postgres/postgres_database.h"
#include "base/cause.h"
#include "base/text.h"
#include "base/version.h"

namespace reliant::app {
namespace {

// To connect to every service. Of the 10 s it leaves enough for an attempt to connect in a library's thread, which the end waits
// for (NatsOptions::connect_timeout), and for the message that names what is missing.
constexpr Duration kStartTimeout = std::chrono::seconds(6);
// For the tables, once the database has answered.
constexpr Duration kTablesTimeout = std::chrono::seconds(8);
// For a service that is asked when the ones before it have used up the time: else its name would stand for their delay.
constexpr Duration kMoment = std::chrono::seconds(2);

std::string without_passwords(std::string_view urls) {
  std::string out;
  while (!urls.empty()) {
    const std::size_t comma = urls.find(',');
    append(out, concat(out.empty() ? "" : ",", without_password(urls.substr(0, comma))));
    urls.remove_prefix(comma == std::string_view::npos ? urls.size() : comma + 1);
  }
  return out;
}

adapters::NatsOptions nats_options(const ServerOptions& options) {
  adapters::NatsOptions out;
  out.urls = options.nats.urls;
  out.name = concat("reliant-", options.role);
  out.ca_file = options.nats.ca_file;
  out.certificate_file = options.nats.certificate_file;
  out.key_file = options.nats.key_file;
  out.credentials_file = options.nats.credentials_file;
  out.nkey_file = options.nats.nkey_file;
  return out;
}

// What a server that refuses this client needs is not another address.
std::string nats_remedy(const Status& why, const NatsChoice& nats) {
  const std::string said = described(why);
  const bool refused = said.find("uthoriz") != std::string_view::npos || said.find("uthentic") != std::string_view::npos;
  if (refused)
    return "correct --nats-creds, --nats-nkey, or user and password in the URL: the server does not know this client";
  const bool tls = said.find("ertificate") != std::string_view::npos || said.find("TLS") != std::string_view::npos ||
                   said.find("SSL") != std::string_view::npos || said.find("ecure") != std::string_view::npos;
  if (tls) return "correct --nats-ca, --nats-cert and --nats-key: the TLS handshake failed";
  return concat("start NATS there, or correct ", nats.from);
}

}  // namespace

std::string identity_of(std::string_view role) { return concat(role, "@", host_name(), ":", ::getpid()); }

void add_checks(HealthServer& health, const Backbone& backbone, store::Store& store) {
  health.add("database", [&database = *backbone.database.database, &store](Instant deadline) {
    return database_serves(database, store, deadline);
  });
  health.add("nats", [&bus = *backbone.bus](Instant deadline) { return bus_answers(bus, deadline); });
}

void add_temporal_check(HealthServer& health, ports::Temporal& temporal, const std::string& name_space) {
  health.add("temporal",
             [&temporal, name_space](Instant deadline) { return temporal_answers(temporal, name_space, deadline); });
}

ProcessOptions process_options(const ServerOptions& options) {
  return {.role = options.role, .data_dir = options.data_dir, .log = options.log, .grace = options.grace};
}

Task<Status> database_serves(ports::Database& database, store::Store& store, Instant deadline) {
  CO_TRY_ASSIGN(const auto transaction, co_await database.begin(ports::Access::kRead, deadline));
  CO_TRY_OK((co_await transaction->execute("SELECT 1", {})).status());
  CO_TRY_OK(co_await transaction->commit());
  co_return co_await store.writable().check(deadline);
}

Task<Status> bus_answers(adapters::NatsBus& bus, Instant deadline) {
  if (!bus.connected()) co_return co_await bus.wait_connected(Instant{});  // says why not, at once
  const Status answered = co_await bus.flush(deadline);
  if (answered.code() == StatusCode::kDeadlineExceeded) co_return unavailable("NATS is connected and does not answer");
  co_return answered;
}

Task<Status> temporal_answers(ports::Temporal& temporal, std::string name_space, Instant deadline) {
  ports::wf::DescribeNamespaceRequest request;
  request.set_namespace_(std::move(name_space));
  co_return (co_await temporal.describe_namespace(std::move(request), deadline)).status();
}

Task<Status> hub_answers(updates::UpdateHub& hub, ChatId chat, Instant deadline) {
  const UserId user("ready");
  CO_TRY_ASSIGN(const auto notices, hub.subscribe(user, chat));
  CO_TRY_OK((co_await notices->next(deadline)).status());  // the interest has taken effect
  hub.publish(user, chat, 1);
  co_return (co_await notices->next(deadline)).status();
}

SharedState::SharedState(ServerProcess& process, ports::Database& database)
    : clock(database, process.clock()), store(database, clock, process.random().stream("store")), scope(process.context()) {}

Task<Status> SharedState::prepare(ServerProcess& process) {
  const Instant deadline = after(clock.now(), kTablesTimeout);
  CO_TRY_OK(co_await store.migrate(deadline));
  CO_TRY_OK(co_await clock.measure(deadline));
  keys.emplace(process.context(), clock, process.log(), store.signing_keys(), secrets);
  scope.spawn(clock.keep_measured(process.log()));
  co_return ok_status();
}

Task<Result<Backbone>> open_backbone(ServerProcess& process, ServerOptions options) {
  const Instant deadline = after(process.clock().now(), kStartTimeout);
  Backbone out{.start_deadline = deadline};
  if (!options.forced_streaming.empty())
    process.log().warning("process.streaming.forced", {{"asked", options.forced_streaming}});
  if (const auto host = adapters::unverified_postgres_host(options.database.url); host.has_value()) {
    process.log().warning("process.database.unverified",
                          {{"host", *host},
                           {"remedy",
                            "add sslmode=verify-full&sslrootcert=FILE to the URL: otherwise any machine on the way "
                            "can pose as the database"}});
  }
  CO_TRY_ASSIGN(out.database, co_await open_database(process.executor(), options.database, deadline));
  CO_TRY_ASSIGN(out.bus, adapters::NatsBus::open(process.executor(), process.log(), nats_options(options),
                                                 process.random().stream("nats")));
  const Status connected = co_await out.bus->wait_connected(deadline);
  if (!connected.ok()) {
    co_return of_flag(connected, options.nats.from, without_passwords(options.nats.urls), nats_remedy(connected, options.nats));
  }
  co_return out;
}

Task<Result<std::unique_ptr<adapters::GrpcTemporal>>> open_temporal(ServerProcess& process, TemporalChoice choice,
                                                                    Instant start_deadline) {
  const Instant deadline = std::max(start_deadline, after(process.clock().now(), kMoment));
  auto temporal = adapters::GrpcTemporal::open(process.executor(), {.host = choice.host,
                                                                    .port = choice.port,
                                                                    .tls = choice.tls,
                                                                    .ca_certificates = choice.ca,
                                                                    .client_certificate = choice.certificate,
                                                                    .client_key = choice.key,
                                                                    .api_key = choice.api_key,
                                                                    .client_version = std::string(kVersion)});
  if (!temporal.ok()) co_return temporal.status();
  const Status there = co_await temporal_answers(**temporal, choice.name_space, deadline);
  if (there.ok()) co_return std::move(*temporal);
  co_return temporal_failed(there, choice);
}

Status temporal_failed(const Status& why, const TemporalChoice& choice) {
  if (why.code() == StatusCode::kNotFound) {
    return of_flag(why, choice.namespace_from, choice.name_space,
                   concat("create it (temporal operator namespace create --namespace ", choice.name_space, "), or correct ",
                          choice.namespace_from));
  }
  const std::string where = concat(choice.host, ":", choice.port);
  if (why.code() == StatusCode::kPermissionDenied || why.code() == StatusCode::kUnauthenticated) {
    return of_flag(
        why, choice.host_from, where,
        concat("correct TEMPORAL_API_KEY or --temporal-tls-cert: they are to be allowed to use ", choice.name_space));
  }
  return of_flag(why, choice.host_from, where,
                 concat("start Temporal there, or correct ", choice.host_from, " and ", choice.port_from));
}

}  // namespace reliant::app
