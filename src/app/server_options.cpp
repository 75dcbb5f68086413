#include "app/server_options.h"

#include <algorithm>
#include <fstream>
#include <iterator>
#include <utility>

#include "adapters/nats/nats_bus_nkey.h"
#include "adapters/nats/nats_bus_options.h"
#include "adapters/posix/os_entropy.h"
#include "adapters/tls/tls_credentials.h"
#include "base/cause.h"
#include "base/split.h"
#include "base/text.h"
#include "base/url.h"
#include "runtime/random.h"

namespace reliant::app {
namespace {

constexpr Flag kApiPortFlag = {"--api-port", "PORT", "API_PORT", "8080", "where clients connect"};
constexpr Flag kDaemonPortFlag = {"--daemon-port", "PORT", "TOOLS_DAEMON_PORT", "9190", "where tools daemons connect"};
constexpr Flag kApiHealthPortFlag = {"--health-port", "PORT", "HEALTH_PORT", "8081", "/health and /ready"};
constexpr Flag kGatewayHealthPortFlag = {"--health-port", "PORT", "HEALTH_PORT", "8080", "/health and /ready"};
constexpr Flag kPprofPortFlag = {"--pprof-port", "PORT", "PPROF_PORT", "6060", "/debug/db, on 127.0.0.1 only"};
constexpr Flag kBindFlag = {"--bind-address", "ADDRESS", "BIND_ADDRESS", "0.0.0.0", "on which interface"};
constexpr Flag kCorsFlag = {
    "--cors-origins", "LIST", "CORS_ALLOWED_ORIGINS", "*",
    "pages of which sites may call, separated by commas; :* is any port, * is all sites, without cookies"};
constexpr Flag kConnectionsFlag = {"--max-connections-per-address", "N", "MAX_CONNECTIONS_PER_ADDRESS", "1024",
                                   "of clients, each address; 0: any number, as behind a proxy"};
constexpr Flag kMaxProjectsFlag = {"--max-projects-per-user", "N", "MAX_PROJECTS_PER_USER", "1000", "0: any number"};
constexpr Flag kMaxChatsFlag = {"--max-chats-per-user", "N", "MAX_CHATS_PER_USER", "10000", "0: any number"};
constexpr Flag kMaxTokensFlag = {"--max-tokens-per-user", "N", "MAX_TOKENS_PER_USER", "1000",
                                 "that were not revoked; 0: any number"};
constexpr Flag kMaxStoredFlag = {"--max-stored-mb-per-user", "MB", "MAX_STORED_MB_PER_USER", "2048", "in chats; 0: any number"};
constexpr Flag kAdvertiseFlag = {
    "--advertise-address", "ADDRESS", "ADVERTISE_ADDRESS", "",
    "host:port by which daemons reach this gateway; without it the bound one, or the name of this host"};
constexpr Flag kSingleDaemonFlag = {"--single-daemon-per-user", "", "SINGLE_DAEMON_PER_USER", "",
                                    "a user's newly connected daemon takes the place of every other one"};
constexpr Flag kMaxDaemonsFlag = {"--max-daemons-per-user", "N", "MAX_DAEMONS_PER_USER", "100",
                                  "ids that a user's daemons may register with; 0: any number"};
constexpr Flag kStreamsFlag = {"--max-streams-per-address", "N", "MAX_STREAMS_PER_ADDRESS", "8192",
                               "of daemons, each address; 0: any number, as behind a proxy"};
constexpr Flag kAllowUnsignedFlag = {
    "--allow-unsigned-requests", "", "ALLOW_UNSIGNED_REQUESTS", "",
    "accept requests of NATS clients that do not sign, on the subjects of a user: every client that "
    "may publish there can then run tools on every user's machine"};
constexpr Flag kTlsCertFlag = {"--tls-cert", "FILE", "TLS_CERT_FILE", "", "certificate and those that vouch for it (PEM)"};
constexpr Flag kWorkerTlsCertFlag = {"--tls-cert", "FILE", "TLS_CERT_FILE", "",
                                     "for --health-port: certificate and those that vouch for it (PEM); without it plain text"};
constexpr Flag kTlsKeyFlag = {"--tls-key", "FILE", "TLS_KEY_FILE", "", "its key (PEM)"};
constexpr Flag kDisableTlsFlag = {"--disable-tls", "", "DISABLE_TLS", "", "plain text: behind a proxy, or on one machine"};
constexpr Flag kServerDataDirFlag = {"--data-dir", "DIR", "DATA_DIR", "./data", "where the log is, and SQLite's database"};
constexpr Flag kNatsUrlFlag = {"--nats-url", "URL", "NATS_URL", "",
                               "nats://[user:password@]host:4222, several of a cluster with commas; needed"};
constexpr Flag kNatsCaFlag = {"--nats-ca", "FILE", "NATS_CA", "",
                              "certificates (PEM) to trust instead of the system's; NATS then speaks TLS"};
constexpr Flag kNatsCertFlag = {"--nats-cert", "FILE", "NATS_CERT", "", "a client certificate (PEM); NATS then speaks TLS"};
constexpr Flag kNatsKeyFlag = {"--nats-key", "FILE", "NATS_KEY", "", "its key (PEM)"};
constexpr Flag kNatsCredsFlag = {"--nats-creds", "FILE", "NATS_CREDS", "",
                                 "a user's JWT and seed, as nsc writes them (.creds)"};
constexpr Flag kNatsNkeyFlag = {"--nats-nkey", "FILE", "NATS_NKEY", "", "the seed of a user's NKey (SU...)"};
constexpr Flag kStreamingFlag = {"--streaming-driver", "DRIVER", "STREAMING_DRIVER", "nats",
                                 "nats; memory is for one process and taken for nats"};
constexpr Flag kTemporalHostFlag = {"--temporal-host", "HOST", "TEMPORAL_HOST", "localhost", "of the Temporal cluster"};
constexpr Flag kTemporalPortFlag = {"--temporal-port", "PORT", "TEMPORAL_PORT", "7233", "its gRPC port"};
constexpr Flag kTemporalNamespaceFlag = {"--temporal-namespace", "NAME", "TEMPORAL_NAMESPACE", "reliant",
                                         "which must be there"};
constexpr Flag kTemporalTlsFlag = {"--temporal-tls", "", "TEMPORAL_TLS", "",
                                   "speak TLS to it; an API key, if it wants one, is TEMPORAL_API_KEY"};
constexpr Flag kTemporalCaFlag = {"--temporal-tls-ca", "FILE", "TEMPORAL_TLS_CA", "",
                                  "certificates (PEM) to trust instead of the system's"};
constexpr Flag kTemporalCertFlag = {"--temporal-tls-cert", "FILE", "TEMPORAL_TLS_CERT", "", "a client certificate (PEM)"};
constexpr Flag kTemporalKeyFlag = {"--temporal-tls-key", "FILE", "TEMPORAL_TLS_KEY", "", "its key (PEM)"};
constexpr Flag kServerLogFileFlag = {"--log-file", "FILE", "LOG_FILE", "",
                                     "where the log goes; - is the standard error; without it in --data-dir"};

constexpr std::string_view kQuotas = "Quotas of a user", kListeners = "Listeners", kTls = "TLS",
                           kDatabase = "Database and files", kNats = "NATS", kTemporal = "Temporal", kModel = "Model",
                           kProcess = "Process";

constexpr Flag kApiFlags[] = {under(kListeners, kApiPortFlag),
                              kApiHealthPortFlag,
                              kPprofPortFlag,
                              kBindFlag,
                              kCorsFlag,
                              kConnectionsFlag,
                              under(kQuotas, kMaxProjectsFlag),
                              kMaxChatsFlag,
                              kMaxTokensFlag,
                              kMaxStoredFlag,
                              under(kTls, kTlsCertFlag),
                              kTlsKeyFlag,
                              kDisableTlsFlag,
                              under(kDatabase, kDbDriverFlag),
                              kDbUrlFlag,
                              kServerDataDirFlag,
                              under(kNats, kNatsUrlFlag),
                              kNatsCaFlag,
                              kNatsCertFlag,
                              kNatsKeyFlag,
                              kNatsCredsFlag,
                              kNatsNkeyFlag,
                              kStreamingFlag,
                              under(kTemporal, kTemporalHostFlag),
                              kTemporalPortFlag,
                              kTemporalNamespaceFlag,
                              kTemporalTlsFlag,
                              kTemporalCaFlag,
                              kTemporalCertFlag,
                              kTemporalKeyFlag,
                              under(kProcess, kLogLevelFlag),
                              kLogFormatFlag,
                              kServerLogFileFlag,
                              kLogSizeFlag,
                              kLogFilesFlag,
                              kLogBurstFlag,
                              kGraceFlag};

constexpr Flag kWorkerFlags[] = {under(kListeners, kApiHealthPortFlag),
                                 kBindFlag,
                                 under(kTls, kWorkerTlsCertFlag),
                                 kTlsKeyFlag,
                                 kDisableTlsFlag,
                                 under(kDatabase, kDbDriverFlag),
                                 kDbUrlFlag,
                                 kServerDataDirFlag,
                                 under(kNats, kNatsUrlFlag),
                                 kNatsCaFlag,
                                 kNatsCertFlag,
                                 kNatsKeyFlag,
                                 kNatsCredsFlag,
                                 kNatsNkeyFlag,
                                 kStreamingFlag,
                                 under(kTemporal, kTemporalHostFlag),
                                 kTemporalPortFlag,
                                 kTemporalNamespaceFlag,
                                 kTemporalTlsFlag,
                                 kTemporalCaFlag,
                                 kTemporalCertFlag,
                                 kTemporalKeyFlag,
                                 under(kModel, kModelScriptFlag),
                                 kModelFlag,
                                 kModelUrlFlag,
                                 under(kProcess, kLogLevelFlag),
                                 kLogFormatFlag,
                                 kServerLogFileFlag,
                                 kLogSizeFlag,
                                 kLogFilesFlag,
                                 kLogBurstFlag,
                                 kGraceFlag};

constexpr Flag kGatewayFlags[] = {under(kListeners, kDaemonPortFlag),
                                  kGatewayHealthPortFlag,
                                  kBindFlag,
                                  kAdvertiseFlag,
                                  kSingleDaemonFlag,
                                  kMaxDaemonsFlag,
                                  kStreamsFlag,
                                  under(kTls, kTlsCertFlag),
                                  kTlsKeyFlag,
                                  kDisableTlsFlag,
                                  under(kDatabase, kDbDriverFlag),
                                  kDbUrlFlag,
                                  kServerDataDirFlag,
                                  under(kNats, kNatsUrlFlag),
                                  kNatsCaFlag,
                                  kNatsCertFlag,
                                  kNatsKeyFlag,
                                  kNatsCredsFlag,
                                  kNatsNkeyFlag,
                                  kAllowUnsignedFlag,
                                  under(kProcess, kLogLevelFlag),
                                  kLogFormatFlag,
                                  kServerLogFileFlag,
                                  kLogSizeFlag,
                                  kLogFilesFlag,
                                  kLogBurstFlag,
                                  kGraceFlag};

Result<std::uint16_t> port_of(const Arguments& arguments, std::string_view flag, std::uint16_t least = 0) {
  TRY_ASSIGN(const std::int64_t port, arguments.number(flag, least, 65535));
  return static_cast<std::uint16_t>(port);
}

Result<ListenOptions> listen_of(const Arguments& arguments, std::string_view flag, const std::string& host) {
  TRY_ASSIGN(const std::uint16_t port, port_of(arguments, flag));
  return ListenOptions{HostPort{host, port}.str(), arguments.origin(flag)};
}

Result<std::string> content_of(const Arguments& arguments, std::string_view flag, std::string_view what = "a PEM file") {
  const std::string path = arguments.text(flag);
  std::ifstream in(path, std::ios::binary);
  std::string content((std::istreambuf_iterator<char>(in)), {});
  if (in.good() || (in.eof() && !content.empty())) return content;
  const std::string from = arguments.origin(flag);
  return invalid_field(from, concat(from, " is \"", path, "\", which cannot be read; name ", what));
}

Status unusable_file(const Arguments& arguments, std::string_view flag, std::string_view why) {
  const std::string from = arguments.origin(flag);
  return invalid_field(from, concat(from, " is \"", arguments.text(flag), "\", which is unusable: ", why));
}

// The file of a user that nsc has made: the JWT, and the seed that signs the server's challenge.
Status check_nats_credentials(const Arguments& arguments) {
  TRY_ASSIGN(const std::string content, content_of(arguments, kNatsCredsFlag.name, "a .creds file"));
  const std::size_t jwt = content.find("-----BEGIN NATS USER JWT-----");
  const std::size_t seed = content.find("-----BEGIN USER NKEY SEED-----");
  if (jwt == std::string::npos || seed == std::string::npos) {
    return unusable_file(arguments, kNatsCredsFlag.name,
                         "it has no user JWT with its seed; name a .creds file (nsc generate creds)");
  }
  const auto key = adapters::nats_nkey(std::string_view(content).substr(content.find('\n', seed) + 1));
  if (key.ok()) return ok_status();
  return unusable_file(arguments, kNatsCredsFlag.name,
                       concat(message_of(key.status()), "; name a .creds file (nsc generate creds)"));
}

Status check_nats_nkey(const Arguments& arguments) {
  TRY_ASSIGN(const std::string content, content_of(arguments, kNatsNkeyFlag.name, "a file with the seed of a user's NKey"));
  const auto key = adapters::nats_nkey(content);
  if (key.ok()) return ok_status();
  return unusable_file(arguments, kNatsNkeyFlag.name,
                       concat(message_of(key.status()), "; name a file with the seed of a user's NKey (nk -gen user)"));
}

// Files are checked here, and read again by the library at each connection: a renewed certificate needs no restart.
Result<NatsChoice> nats_of(const Arguments& arguments, WallTime now) {
  NatsChoice out{.urls = arguments.text("--nats-url"), .from = arguments.origin("--nats-url")};
  if (out.urls.empty())
    return invalid_field("--nats-url", "--nats-url is missing; give --nats-url nats://host:4222 (or NATS_URL)");
  const auto good = adapters::parse_nats_urls(out.urls);
  if (!good.ok()) return invalid_field(out.from, concat(out.from, ": ", message_of(good.status())));
  TRY_OK(trusted_certificates_of(arguments, kNatsCaFlag.name).status());
  TRY_OK(tls_credentials_of(arguments, now, kNatsCertFlag.name, kNatsKeyFlag.name).status());
  out.ca_file = arguments.text(kNatsCaFlag.name);
  out.certificate_file = arguments.text(kNatsCertFlag.name);
  out.key_file = arguments.text(kNatsKeyFlag.name);
  out.credentials_file = arguments.text(kNatsCredsFlag.name);
  out.nkey_file = arguments.text(kNatsNkeyFlag.name);
  if (!out.credentials_file.empty() && !out.nkey_file.empty()) {
    return invalid_field(arguments.origin(kNatsNkeyFlag.name),
                         concat(arguments.origin(kNatsNkeyFlag.name), " and ", arguments.origin(kNatsCredsFlag.name),
                                " exclude each other; leave one out"));
  }
  if (!out.credentials_file.empty()) TRY_OK(check_nats_credentials(arguments));
  if (!out.nkey_file.empty()) TRY_OK(check_nats_nkey(arguments));
  return out;
}

// Where certificates are trusted, and which one is shown.
Status read_temporal_tls(const Arguments& arguments, WallTime now, TemporalChoice& choice) {
  constexpr std::string_view kCa = "--temporal-tls-ca", kCertificate = "--temporal-tls-cert", kKey = "--temporal-tls-key";
  TRY_ASSIGN(choice.tls, arguments.on("--temporal-tls"));
  for (const std::string_view flag : {kCa, kCertificate, kKey}) {
    if (choice.tls || !arguments.is_set(flag)) continue;
    return invalid_field("--temporal-tls", concat(arguments.origin(flag), " is for TLS; give --temporal-tls, too"));
  }
  TRY_ASSIGN(choice.ca, trusted_certificates_of(arguments, kCa));
  TRY_ASSIGN(auto credentials, tls_credentials_of(arguments, now, kCertificate, kKey));
  if (!credentials) return ok_status();
  choice.certificate = std::move(credentials->certificate_chain);
  choice.key = std::move(credentials->private_key);
  return ok_status();
}

Result<TemporalChoice> temporal_of(const Arguments& arguments, const Environment& environment, WallTime now) {
  TemporalChoice out;
  out.host = arguments.text("--temporal-host");
  out.host_from = arguments.origin("--temporal-host");
  out.port_from = arguments.origin("--temporal-port");
  out.namespace_from = arguments.origin("--temporal-namespace");
  out.name_space = arguments.text("--temporal-namespace");
  TRY_ASSIGN(const std::int64_t port, arguments.number("--temporal-port", 1, 65535));
  out.port = static_cast<std::uint16_t>(port);
  if (out.host.empty() || out.host.find_first_of("/ ") != std::string::npos) {
    return invalid_field(out.host_from,
                         concat(out.host_from, " is \"", out.host, "\"; give the name or address of a host, without a scheme"));
  }
  if (out.name_space.empty())
    return invalid_field(out.namespace_from, concat(out.namespace_from, " is empty; give a namespace of the cluster"));
  TRY_OK(read_temporal_tls(arguments, now, out));
  out.api_key = environment.get("TEMPORAL_API_KEY").value_or("");
  if (!out.api_key.empty() && !out.tls)
    return invalid_field("--temporal-tls", "TEMPORAL_API_KEY would go out in plain text; give --temporal-tls, too");
  return out;
}

// R29: whatever is asked for, it is NATS. What is no driver at all is a mistake.
Result<std::string> forced_streaming(const Arguments& arguments) {
  const std::string driver = arguments.text("--streaming-driver");
  if (driver == "nats") return "";
  if (driver == "memory") return driver;
  const std::string from = arguments.origin("--streaming-driver");
  return invalid_field(from, concat(from, " is \"", driver, "\"; give nats"));
}

Result<ServerOptions> server_options(const Arguments& arguments, const Environment& environment, WallTime now,
                                     std::string role) {
  ServerOptions out;
  out.role = std::move(role);
  TRY_ASSIGN(out.database, database_options(arguments, environment));
  TRY_ASSIGN(out.nats, nats_of(arguments, now));
  TRY_ASSIGN(out.data_dir, data_dir_of(arguments, environment));
  TRY_ASSIGN(out.health, listen_of(arguments, "--health-port", arguments.text("--bind-address")));
  TRY_ASSIGN(out.log, log_options(arguments));
  TRY_ASSIGN(out.grace, grace_of(arguments));
  return out;
}

// Of a server on which only its operators call: plain text, unless there is a certificate.
Result<std::optional<adapters::TlsCredentials>> optional_tls_of(const Arguments& arguments, WallTime now) {
  TRY_ASSIGN(const bool disabled, arguments.on("--disable-tls"));
  if (disabled && (arguments.is_set("--tls-cert") || arguments.is_set("--tls-key"))) {
    return invalid_field(arguments.origin("--disable-tls"),
                         concat(arguments.origin("--disable-tls"), " and a certificate exclude each other; leave one out"));
  }
  return tls_credentials_of(arguments, now);
}

// R18: a server's certificate comes from outside; to do without TLS has to be said.
Result<std::optional<adapters::TlsCredentials>> server_tls_of(const Arguments& arguments, WallTime now) {
  TRY_ASSIGN(auto tls, optional_tls_of(arguments, now));
  TRY_ASSIGN(const bool disabled, arguments.on("--disable-tls"));
  if (!tls && !disabled) {
    return invalid_field("--tls-cert",
                         "--tls-cert is missing; give --tls-cert FILE and --tls-key FILE, or --disable-tls behind a proxy");
  }
  return tls;
}

Result<std::string> advertised_of(const Arguments& arguments, const std::string& host, std::uint16_t port) {
  const std::string given = arguments.text("--advertise-address");
  if (given.empty()) {
    const bool everywhere = host.empty() || host == "0.0.0.0" || host == "::";
    return HostPort{everywhere ? host_name() : host, port}.str();
  }
  const auto good = parse_host_port(given);
  if (good.ok() && !good->host.empty() && good->port != 0) return given;
  const std::string from = arguments.origin("--advertise-address");
  return invalid_field(from, concat(from, " is \"", given, "\"; give host:port"));
}

// Each life has an id of its own: two containers may have the same host name and port, and one must not withdraw the other or
// end its daemons' streams. What an earlier life held is over when its lease has run out.
GatewayId gateway_id(std::uint16_t port) {
  std::string id = concat(host_name(), "-", port, "-", Random(adapters::os_seed()).hex(8));
  for (char& c : id) {
    if (!valid_id(std::string_view(&c, 1))) c = '-';
  }
  return GatewayId(id.substr(id.size() - std::min(id.size(), kMaxIdLength)));
}

}  // namespace

const Command kApiCommand = {"server api", "", 0, 0, "Runs an api server: what clients talk to. Any number of them.",
                             kApiFlags};
const Command kWorkerCommand = {"server worker", "", 0, 0, "Runs a worker: the chats' workflows. Any number of them.",
                                kWorkerFlags};
const Command kGatewayCommand = {
    "server gateway", "", 0, 0, "Runs a gateway: it holds the streams of the tools daemons. Any number of them.",
    kGatewayFlags};

Result<std::optional<adapters::TlsCredentials>> tls_credentials_of(const Arguments& arguments, WallTime now,
                                                                   std::string_view certificate_flag,
                                                                   std::string_view key_flag) {
  if (!arguments.is_set(certificate_flag) && !arguments.is_set(key_flag)) return std::nullopt;
  for (const auto& [has, lacks] : {std::pair(certificate_flag, key_flag), std::pair(key_flag, certificate_flag)}) {
    if (arguments.is_set(has) && !arguments.is_set(lacks))
      return invalid_field(lacks, concat(lacks, " is missing; give it with ", arguments.origin(has)));
  }
  adapters::TlsCredentials out;
  TRY_ASSIGN(out.certificate_chain, content_of(arguments, certificate_flag));
  TRY_ASSIGN(out.private_key, content_of(arguments, key_flag));
  Status usable = adapters::check_credentials(out, now);
  if (usable.ok()) usable = adapters::check_certificates(out.certificate_chain);
  if (usable.ok()) return out;
  const std::string from = arguments.origin(certificate_flag);
  return invalid_field(from, concat(from, " is \"", arguments.text(certificate_flag), "\", which is unusable: ",
                                    message_of(usable), "; give a certificate that holds, and its key with ", key_flag));
}

Result<std::string> trusted_certificates_of(const Arguments& arguments, std::string_view flag) {
  if (!arguments.is_set(flag)) return "";
  TRY_ASSIGN(std::string pem, content_of(arguments, flag));
  const Status usable = adapters::check_certificates(pem);
  if (usable.ok()) return pem;
  const std::string from = arguments.origin(flag);
  return invalid_field(from, concat(from, " is \"", arguments.text(flag), "\", which is unusable: ", message_of(usable),
                                    "; name a PEM file with the certificates to trust"));
}

Status of_flag(const Status& why, const std::string& from, std::string_view value, std::string_view remedy) {
  const std::string description = described(why);
  std::string_view said = description;
  while (said.ends_with('.')) said.remove_suffix(1);
  return with_field(make_status(why.code(), from, " ", value, ": ", said, "; ", remedy), from);
}

Status cannot_listen(const Status& why, const ListenOptions& options) {
  return with_field(make_status(why.code(), options.from, ": ", message_of(why)), options.from);
}

Result<ApiServerOptions> api_server_options(const Arguments& arguments, const Environment& environment, WallTime now) {
  ApiServerOptions out;
  TRY_ASSIGN(out.server, server_options(arguments, environment, now, "api"));
  TRY_ASSIGN(out.server.forced_streaming, forced_streaming(arguments));
  TRY_ASSIGN(out.temporal, temporal_of(arguments, environment, now));
  TRY_ASSIGN(out.api, listen_of(arguments, "--api-port", arguments.text("--bind-address")));
  TRY_ASSIGN(out.debug, listen_of(arguments, "--pprof-port", "127.0.0.1"));
  TRY_ASSIGN(out.tls, server_tls_of(arguments, now));
  TRY_ASSIGN(out.cors_origins, cors_origins_of(arguments));
  TRY_ASSIGN(out.max_connections_per_address, arguments.number("--max-connections-per-address", 0, 1'000'000));
  TRY_ASSIGN(out.max_projects, arguments.number("--max-projects-per-user", 0, 1'000'000'000));
  TRY_ASSIGN(out.max_chats, arguments.number("--max-chats-per-user", 0, 1'000'000'000));
  TRY_ASSIGN(out.max_tokens, arguments.number("--max-tokens-per-user", 0, 1'000'000'000));
  TRY_ASSIGN(out.max_stored_mb, arguments.number("--max-stored-mb-per-user", 0, 1'000'000'000));
  return out;
}

Result<WorkerServerOptions> worker_server_options(const Arguments& arguments, const Environment& environment, WallTime now) {
  WorkerServerOptions out;
  TRY_ASSIGN(out.server, server_options(arguments, environment, now, "worker"));
  TRY_ASSIGN(out.server.forced_streaming, forced_streaming(arguments));
  TRY_ASSIGN(out.temporal, temporal_of(arguments, environment, now));
  TRY_ASSIGN(out.tls, optional_tls_of(arguments, now));
  TRY_ASSIGN(out.model, model_options(arguments, environment));
  return out;
}

Result<GatewayServerOptions> gateway_server_options(const Arguments& arguments, const Environment& environment, WallTime now) {
  GatewayServerOptions out;
  TRY_ASSIGN(out.server, server_options(arguments, environment, now, "gateway"));
  const std::string host = arguments.text("--bind-address");
  TRY_ASSIGN(out.daemons, listen_of(arguments, "--daemon-port", host));
  TRY_ASSIGN(const std::uint16_t port, port_of(arguments, "--daemon-port", 1));
  out.id = gateway_id(port);
  TRY_ASSIGN(out.advertised, advertised_of(arguments, host, port));
  TRY_ASSIGN(out.tls, server_tls_of(arguments, now));
  TRY_ASSIGN(out.single_daemon_per_user, arguments.on("--single-daemon-per-user"));
  TRY_ASSIGN(out.max_daemons_per_user, arguments.number("--max-daemons-per-user", 0, 1'000'000));
  TRY_ASSIGN(out.max_streams_per_address, arguments.number("--max-streams-per-address", 0, 1'000'000));
  TRY_ASSIGN(out.allow_unsigned_requests, arguments.on("--allow-unsigned-requests"));
  return out;
}

}  // namespace reliant::app
