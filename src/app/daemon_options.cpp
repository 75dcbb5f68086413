#include "app/daemon_options.h"

#include <filesystem>
#include <fstream>
#include <iostream>
#include <iterator>
#include <utility>

#include "adapters/posix/os_entropy.h"
#include "app/server_options.h"
#include "app/tool_environment.h"
#include "base/json.h"
#include "base/text.h"
#include "base/url.h"
#include "model/daemon_kind.h"

namespace reliant::app {
namespace {

constexpr std::string_view kIdentityFile = "daemon.json";
constexpr std::string_view kTokenPrefix = "rlnt_pat_";  // R72

constexpr Flag kFlags[] = {
    under("Gateway", {"--gateway", "URL", "RELIANT_GATEWAY_URL", "",
                      "https://host[:port], or http:// for plain text; several with commas; without it gateway.SERVER"}),
    {"--grpc-url", "URL", "DAEMON_GRPC_URL", "", "the same; it wins over --gateway"},
    {"--server", "URL", "RELIANT_SERVER_URL", "https://reliantapi.com", "where the daemon registers"},
    under("TLS", {"--tls-mode", "MODE", "DAEMON_TLS_MODE", "",
                  "tls, insecure_tls_skip_verify or h2c (plain text); without it by the gateway's URL"}),
    {"--tls-ca", "FILE", "TLS_CA_FILE", "", "certificates (PEM) to trust"},
    {"--tls-cert", "FILE", "TLS_CERT_FILE", "", "a client certificate (PEM), for gateways that want one"},
    {"--tls-key", "FILE", "TLS_KEY_FILE", "", "its key (PEM)"},
    under("Credentials", {"--token", "", "", "", "read a token from the standard input; it wins over the credentials file"}),
    {"--token-file", "FILE", "", "", "read it from a file"},
    under("Daemon", {"--name", "NAME", "", "", "how people call it; without it the name of this host"}),
    kDaemonDataDirFlag,
    kToolEnvFlag,
    under("Process", {"--background", "", "", "",
                      "without this terminal: the command ends when the daemon is connected, or says why it is not"}),
    {"--wait", "SECONDS", "", "15", "how long --background waits for that"},
    kLogLevelFlag,
    kLogFormatFlag,
    {"--log-file", "FILE", "LOG_FILE", "", "where the log goes; - is the standard error; without it in --data-dir"},
    kLogSizeFlag,
    kLogFilesFlag,
    kLogBurstFlag,
    kGraceFlag};

Result<std::string> home_of(const Environment& environment, std::string_view flag) {
  if (auto home = environment.get("HOME")) return *std::move(home);
  return invalid_field(flag, concat("there is no home directory (HOME) to keep things in; say where with ", flag));
}

struct GatewayUrls {
  std::string text;
  std::string from;
};

Result<GatewayUrls> gateway_urls(const Arguments& arguments, const HttpUrl& server) {
  for (const char* flag : {"--grpc-url", "--gateway"}) {
    if (arguments.is_set(flag)) return GatewayUrls{arguments.text(flag), arguments.origin(flag)};
  }
  const std::string& host = server.server.host;
  const bool is_name = host.find_first_not_of("0123456789.") != std::string::npos && host.find(':') == std::string::npos;
  if (!is_name || host.find('.') == std::string::npos) {
    return invalid_field("--gateway",
                         concat("--gateway is missing, and \"", host, "\" has none by name; give --gateway https://host:port"));
  }
  return GatewayUrls{concat(server.secure ? "https" : "http", "://gateway.", host), "--gateway"};  // R71
}

// R73: TLS or not is what the URLs say.
Status read_gateways(const GatewayUrls& urls, DaemonStartOptions& options) {
  std::string_view rest = urls.text;
  std::optional<bool> secure;
  do {
    const std::size_t comma = rest.find(',');
    const auto url = parse_http_url(rest.substr(0, comma));
    if (!url.ok()) return invalid_field(urls.from, concat(urls.from, ": ", message_of(url.status())));
    if (secure && *secure != url->secure)
      return invalid_field(urls.from, concat(urls.from, " is \"", urls.text, "\"; give all of them https:// or all http://"));
    secure = url->secure;
    options.gateways.push_back(url->server.str());
    rest.remove_prefix(comma == std::string_view::npos ? rest.size() : comma + 1);
  } while (!rest.empty());
  options.links.security = *secure ? adapters::GrpcLinkSecurity::kTls : adapters::GrpcLinkSecurity::kPlaintext;
  return ok_status();
}

Status read_tls_mode(const Arguments& arguments, DaemonStartOptions& options) {
  const std::string mode = arguments.text("--tls-mode");
  if (mode.empty()) return ok_status();
  if (mode == "tls") {
    options.links.security = adapters::GrpcLinkSecurity::kTls;
  } else if (mode == "insecure_tls_skip_verify") {
    options.links.security = adapters::GrpcLinkSecurity::kTlsSkipVerify;
  } else if (mode == "h2c") {
    options.links.security = adapters::GrpcLinkSecurity::kPlaintext;
  } else {
    const std::string from = arguments.origin("--tls-mode");
    return invalid_field(from, concat(from, " is \"", mode, "\"; give tls, insecure_tls_skip_verify or h2c"));
  }
  return ok_status();
}

// C13: --token has no value, so that no token is ever seen in a list of processes.
Result<std::string> token_of(const Arguments& arguments) {
  const std::string file = arguments.text("--token-file");
  if (!arguments.is_set("--token") && file.empty()) return "";
  std::string token;
  std::string where = "the standard input";
  if (file.empty()) {
    std::getline(std::cin, token);
  } else {
    where = file;
    std::ifstream in(file);
    std::getline(in, token);
  }
  while (token.ends_with('\r') || token.ends_with(' ')) token.pop_back();
  if (token.starts_with(kTokenPrefix)) return token;
  const std::string_view flag = file.empty() ? "--token" : "--token-file";
  return invalid_field(flag, concat(flag, ": there is no token in ", where, "; it begins with ", kTokenPrefix,
                                    ", as `reliant admin token create` shows it"));
}

Result<DaemonIdentity> identity_from(const std::string& path, std::string_view text) {
  const auto fail = [&path](const Status& why) {
    return with_field(invalid_argument(path, ": ", message_of(why), "; correct it, or remove it to start with a new one"),
                      path);
  };
  const auto parsed = parse_json(text);
  if (!parsed.ok()) return fail(parsed.status());
  DaemonIdentity out;
  JsonReader reader(*parsed);
  if (auto id = reader.optional_string("daemon_id")) out.id = DaemonId(*std::move(id));
  if (const json::value* labels = reader.optional_value("labels")) {
    const json::object* const object = labels->if_object();
    if (object == nullptr) return fail(invalid_argument("labels must be an object"));
    for (const auto& member : *object) {
      const auto* const value = member.value().if_string();
      if (value == nullptr) return fail(invalid_argument("the label \"", std::string_view(member.key()), "\" must be a text"));
      out.labels.emplace(std::string(member.key()), std::string(value->data(), value->size()));
    }
  }
  if (const Status read = reader.finish(); !read.ok()) return fail(read);
  if (!out.id.empty() && !valid_id(out.id.str())) return fail(invalid_argument("daemon_id may have letters, digits, - and _"));
  return out;
}

std::string new_id() {
  constexpr std::string_view kHex = "0123456789abcdef";
  std::string id = "daemon_";
  for (const char c : adapters::os_secret_bytes(8)) {
    id += kHex[static_cast<unsigned char>(c) >> 4];
    id += kHex[static_cast<unsigned char>(c) & 15];
  }
  return id;
}

}  // namespace

const Command kDaemonStartCommand = {
    "daemon start", "", 0, 0, "Runs the tools daemon: a user's tools, on this machine, until it is stopped.", kFlags};

Result<std::string> daemon_data_dir_of(const Arguments& arguments, const Environment& environment) {
  if (arguments.is_set("--data-dir")) return data_dir_of(arguments, environment);
  TRY_ASSIGN(const std::string home, home_of(environment, "--data-dir"));
  return home + "/.reliant";
}

Result<DaemonStartOptions> daemon_start_options(const Arguments& arguments, const Environment& environment, WallTime now) {
  DaemonStartOptions out;
  out.name = arguments.is_set("--name") ? arguments.text("--name") : host_name();
  if (model::is_daemon_kind(out.name)) {  // C21
    return invalid_field("--name", concat(arguments.is_set("--name") ? "--name" : "the name of this host", " is \"", out.name,
                                          "\", which asks for daemons of a type; give another one: --name NAME"));
  }
  out.server_url = arguments.text("--server");
  while (out.server_url.ends_with('/')) out.server_url.pop_back();
  const auto server = parse_http_url(out.server_url);
  if (!server.ok()) {
    const std::string from = arguments.origin("--server");
    return invalid_field(from, concat(from, ": ", message_of(server.status())));
  }
  TRY_ASSIGN(const GatewayUrls urls, gateway_urls(arguments, *server));
  TRY_OK(read_gateways(urls, out));
  TRY_OK(read_tls_mode(arguments, out));
  out.ca_file = arguments.text("--tls-ca");
  TRY_ASSIGN(out.links.roots, trusted_certificates_of(arguments, "--tls-ca"));
  TRY_ASSIGN(out.links.client_certificate, tls_credentials_of(arguments, now));
  TRY_ASSIGN(out.log, log_options(arguments));
  TRY_ASSIGN(out.grace, grace_of(arguments));
  TRY_ASSIGN(out.data_dir, daemon_data_dir_of(arguments, environment));
  TRY_ASSIGN(out.tool_env, tool_env_of(arguments));
  TRY_ASSIGN(out.background, arguments.on("--background"));
  TRY_ASSIGN(const std::int64_t wait, arguments.number("--wait", 1, 3600));
  out.wait = std::chrono::seconds(wait);
  if (out.background && out.log.file == "-") {
    return invalid_field("--log-file", concat(arguments.origin("--log-file"),
                                              " is -, which --background has not; name a file, "
                                              "or leave it out"));
  }
  out.session_token = environment.get("RELIANT_TOKEN").value_or("");
  TRY_ASSIGN(out.token, token_of(arguments));
  if (out.token.empty()) {
    TRY_ASSIGN(const std::string home, home_of(environment, "--token"));
    out.credentials_path = environment.get("XDG_CONFIG_HOME").value_or(home + "/.config") + "/reliant/auth/reliant-daemon.json";
    out.own_files.push_back(out.credentials_path.substr(0, out.credentials_path.rfind('/')));
  }
  for (const char* const flag : {"--token-file", "--tls-key"}) {
    std::error_code error;
    if (arguments.is_set(flag)) out.own_files.push_back(std::filesystem::absolute(arguments.text(flag), error).string());
  }
  return out;
}

Result<DaemonIdentity> prepare_identity(const DataDirectory& directory) {
  const std::string path = directory.file(kIdentityFile);
  std::ifstream in(path, std::ios::binary);
  const std::string text((std::istreambuf_iterator<char>(in)), {});
  DaemonIdentity identity;
  if (!text.empty()) {
    TRY_ASSIGN(identity, identity_from(path, text));
  }
  if (!identity.id.empty()) return identity;
  identity.id = DaemonId(new_id());
  json::object labels;
  for (const auto& [name, value] : identity.labels) labels[name] = value;
  const json::object file{{"daemon_id", identity.id.str()}, {"labels", std::move(labels)}};
  TRY_OK(directory.write_private(kIdentityFile, to_json(file) + "\n"));
  return identity;
}

}  // namespace reliant::app
