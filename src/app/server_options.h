// What the servers of the distributed mode are given: `reliant server api`, `worker` and `gateway` (R35, R43, R53). The same
// flag, variable and default wherever a flag is of several of them. INVALID_ARGUMENT names the flag, its value and the remedy.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "adapters/tls/tls_credentials.h"
#include "app/database_choice.h"
#include "app/environment.h"
#include "app/options.h"
#include "base/command_line.h"
#include "base/ids.h"
#include "base/status.h"
#include "runtime/time.h"

namespace reliant::app {

extern const Command kApiCommand;
extern const Command kWorkerCommand;
extern const Command kGatewayCommand;

// Where a server listens, and by which flag or variable that was said: for messages.
struct ListenOptions {
  std::string address;  // "host:port"
  std::string from;
};

struct NatsChoice {
  std::string urls;
  std::string from;
  // Paths; "": not given.
  std::string ca_file;
  std::string certificate_file;
  std::string key_file;
  std::string credentials_file;
  std::string nkey_file;
};

struct TemporalChoice {
  std::string host;
  std::uint16_t port = 0;
  std::string name_space;
  bool tls = false;
  std::string ca;           // PEM; "": the system's
  std::string certificate;  // PEM, for a cluster that wants one
  std::string key;
  std::string api_key;
  std::string host_from;
  std::string port_from;
  std::string namespace_from;
};

// What all three have.
struct ServerOptions {
  std::string role;  // "api"
  DatabaseOptions database;
  NatsChoice nats;
  std::string data_dir;
  ListenOptions health;
  std::string forced_streaming;  // the driver that was asked for, if it is another one than NATS (R29)
  LogOptions log;
  Duration grace{};
};

struct ApiServerOptions {
  ServerOptions server;
  TemporalChoice temporal;
  ListenOptions api;
  ListenOptions debug;
  std::optional<adapters::TlsCredentials> tls;
  std::vector<std::string> cors_origins;
  std::int64_t max_connections_per_address = 0;
  // Of a user; 0: any number.
  std::int64_t max_projects = 0;
  std::int64_t max_chats = 0;
  std::int64_t max_tokens = 0;
  std::int64_t max_stored_mb = 0;
};

struct WorkerServerOptions {
  ServerOptions server;
  TemporalChoice temporal;
  ModelOptions model;
  std::optional<adapters::TlsCredentials> tls;  // of the health port
};

struct GatewayServerOptions {
  ServerOptions server;
  GatewayId id;  // of this host, port and life
  ListenOptions daemons;
  std::string advertised;  // "host:port"; sent to daemons
  std::optional<adapters::TlsCredentials> tls;
  bool single_daemon_per_user = false;  // C2, R83
  std::int64_t max_daemons_per_user = 0;
  std::int64_t max_streams_per_address = 0;
  bool allow_unsigned_requests = false;  // gateway/tool_bridge.h
};

Result<ApiServerOptions> api_server_options(const Arguments& arguments, const Environment& environment, WallTime now);
Result<WorkerServerOptions> worker_server_options(const Arguments& arguments, const Environment& environment, WallTime now);
Result<GatewayServerOptions> gateway_server_options(const Arguments& arguments, const Environment& environment, WallTime now);

// Of any command with flags for a certificate and its key: both or none. `now`: an expired certificate is refused.
Result<std::optional<adapters::TlsCredentials>> tls_credentials_of(const Arguments& arguments, WallTime now,
                                                                   std::string_view certificate_flag = "--tls-cert",
                                                                   std::string_view key_flag = "--tls-key");
// PEM, of a flag that names a file of certificates to trust; "": it is not given.
Result<std::string> trusted_certificates_of(const Arguments& arguments, std::string_view flag);

// "--nats-url nats://h:4222: refused; start NATS there, or correct --nats-url": a flag whose value turned out to be unusable.
Status of_flag(const Status& why, const std::string& from, std::string_view value, std::string_view remedy);

// The same for an address on which the server cannot listen; `why` has the address and the remedy.
Status cannot_listen(const Status& why, const ListenOptions& options);

}  // namespace reliant::app
