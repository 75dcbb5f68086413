#include "app/options.h"

#include <filesystem>
#include <fstream>

#include "adapters/posix/json_event_log.h"
#include "app/cross_origin.h"
#include "app/server_certificate.h"
#include "app/tool_environment.h"
#include "base/split.h"
#include "base/text.h"
#include "base/url.h"

namespace reliant::app {
namespace {

constexpr Flag kMonolithFlags[] = {
    {"--port", "PORT", "API_PORT", "8080", "where clients connect; 0 takes a free one, see DIR/address"},
    {"--tls-port", "PORT", "API_TLS_PORT", "8443",
     "where clients connect with HTTPS; 0 takes a free one, see DIR/tls-address; off: nowhere"},
    {"--bind-address", "ADDRESS", "BIND_ADDRESS", "127.0.0.1", "on which interface"},
    {"--cors-origins", "LIST", "CORS_ALLOWED_ORIGINS", "http://localhost:*,http://127.0.0.1:*",
     "pages of which sites may call, separated by commas; :* is any port, * is all sites, without cookies"},
    kDataDirFlag,
    kModelScriptFlag,
    kModelFlag,
    kModelUrlFlag,
    {"--start-daemon", "", "", "", "start the tools daemon at once, not with the first request"},
    kToolEnvFlag,
    kLogLevelFlag,
    kLogFormatFlag,
    {"--log-file", "FILE", "LOG_FILE", "", "where the log goes; - is the standard error; without it DIR/reliant.log"},
    kLogSizeFlag,
    kLogFilesFlag,
    kLogBurstFlag,
    kGraceFlag,
};

// "" is off.
Result<std::string> tls_address_of(const Arguments& arguments, const std::string& host) {
  const std::string text = arguments.text("--tls-port");
  if (text == "off") return "";
  const auto port = arguments.number("--tls-port", 0, 65535);
  if (!port.ok()) return with_field(invalid_argument(message_of(port.status()), ", or off"), field_of(port.status()));
  return HostPort{host, static_cast<std::uint16_t>(*port)}.str();
}

}  // namespace

const Command kMonolithCommand = {
    "monolith",    "", 0, 0, "Runs everything in one process: api, workflow engine, worker, gateway and tools daemon.",
    kMonolithFlags};

Result<std::string> data_dir_of(const Arguments& arguments, const Environment& environment) {
  std::string path = arguments.text("--data-dir");
  if (path.empty()) {
    const auto data_home = environment.get("XDG_DATA_HOME");
    const auto home = environment.get("HOME");
    if (!data_home && !home) {
      return invalid_field("--data-dir", "there is no home directory to keep data in; say where with --data-dir DIR");
    }
    path = data_home ? *data_home + "/reliant" : *home + "/.local/share/reliant";
  }
  std::error_code error;
  const auto absolute = std::filesystem::absolute(path, error);
  if (error) return invalid_field("--data-dir", concat("cannot use \"", path, "\" as a path: ", error.message()));
  return absolute.lexically_normal().string();
}

Result<std::vector<std::string>> cors_origins_of(const Arguments& arguments) {
  std::vector<std::string> origins;
  const std::string list = arguments.text("--cors-origins");
  for (std::string_view part : split_at_commas(list)) {
    while (part.ends_with('/')) part.remove_suffix(1);
    if (part.empty()) continue;
    const std::string& origin = origins.emplace_back(part);
    if (origin == "*") continue;
    const std::string_view site = part.ends_with(kAnyPort) ? part.substr(0, part.size() - kAnyPort.size()) : part;
    const auto url = parse_http_url(site);
    if (url.ok() && url->target == "/") continue;
    const std::string from = arguments.origin("--cors-origins");
    return invalid_field(
        from, concat(from, " has \"", origin, "\"; give origins like https://app.example.com, http://localhost:*, or *"));
  }
  return origins;
}

// A model must be chosen: to start without one and fail each chat would only be the same error later.
Result<ModelOptions> model_options(const Arguments& arguments, const Environment& environment) {
  ModelOptions model;
  model.script = arguments.text("--model-script");
  model.api_key = environment.get("OPENAI_API_KEY").value_or("");
  model.base_url = arguments.text("--model-url");
  model.model = arguments.text("--model");
  if (!model.script.empty()) return model;
  const bool has_server = arguments.is_set("--model-url");
  if (model.api_key.empty() && !has_server) {
    return with_field(failed_precondition("no model to talk to; set OPENAI_API_KEY (and OPENAI_BASE_URL for another server "
                                          "than OpenAI's), or give --model-script FILE"),
                      "--model-script");
  }
  if (const auto url = parse_http_url(model.base_url); !url.ok()) {
    const std::string from = arguments.origin("--model-url");
    return invalid_field(from, concat(from, ": ", message_of(url.status())));
  }
  return model;
}

Result<LogOptions> log_options(const Arguments& arguments) {
  LogOptions options;
  const auto level = adapters::level_from(arguments.text("--log-level"));
  if (!level.ok()) {
    const std::string from = arguments.origin("--log-level");
    return invalid_field(from, concat(from, ": ", message_of(level.status())));
  }
  options.level = *level;
  const std::string format = arguments.text("--log-format");
  if (format != "json" && format != "text") {
    const std::string from = arguments.origin("--log-format");
    return invalid_field(from, concat(from, " is \"", format, "\"; give json or text"));
  }
  options.as_text = format == "text";
  options.file = arguments.text("--log-file");
  TRY_ASSIGN(const std::int64_t mebibytes, arguments.number("--log-size", 1, 1024 * 1024));
  options.rotation.largest = static_cast<std::uint64_t>(mebibytes) * 1024 * 1024;
  TRY_ASSIGN(const std::int64_t files, arguments.number("--log-files", 2, 1000));
  options.rotation.files = static_cast<std::size_t>(files);
  TRY_ASSIGN(const std::int64_t burst, arguments.number("--log-burst", 0, 1'000'000));
  options.limit.burst = static_cast<std::size_t>(burst);
  return options;
}

Result<Duration> grace_of(const Arguments& arguments) {
  TRY_ASSIGN(const std::int64_t grace, arguments.number("--grace", 0, 3600));
  return std::chrono::seconds(grace);
}

Result<MonolithOptions> monolith_options(const Arguments& arguments, const Environment& environment) {
  MonolithOptions options;
  TRY_ASSIGN(const std::int64_t port, arguments.number("--port", 0, 65535));
  const std::string host = arguments.text("--bind-address");
  options.listen_address = HostPort{host, static_cast<std::uint16_t>(port)}.str();
  TRY_ASSIGN(options.tls_listen_address, tls_address_of(arguments, host));
  TRY_ASSIGN(options.cors_origins, cors_origins_of(arguments));
  TRY_ASSIGN(options.data_dir, data_dir_of(arguments, environment));
  TRY_ASSIGN(options.model, model_options(arguments, environment));
  if (arguments.is_set("--start-daemon")) options.daemon = DaemonStart::kAtBoot;
  TRY_ASSIGN(options.tool_env, tool_env_of(arguments));
  TRY_ASSIGN(options.log, log_options(arguments));
  TRY_ASSIGN(options.grace, grace_of(arguments));
  return options;
}

Result<ClientOptions> client_options(const Arguments& arguments, const Environment& environment) {
  ClientOptions options;
  TRY_ASSIGN(options.data_dir, data_dir_of(arguments, environment));
  options.server_url = arguments.text("--server");
  if (!options.server_url.empty()) {
    if (const auto url = parse_http_url(options.server_url); !url.ok()) {
      const std::string from = arguments.origin("--server");
      return invalid_field(from, concat(from, ": ", message_of(url.status())));
    }
    while (options.server_url.ends_with('/')) options.server_url.pop_back();
  }
  options.token = environment.get("RELIANT_TOKEN").value_or("");
  if (const std::string file = arguments.text("--token-file"); !file.empty()) {
    std::ifstream in(file);
    if (!std::getline(in, options.token)) {
      return invalid_field("--token-file", concat("cannot read a token from ", file, "; name a file that holds one"));
    }
  }
  options.ca_file = arguments.text("--tls-ca");
  if (options.ca_file.empty() && options.server_url.starts_with("https:")) {
    const std::string own = concat(options.data_dir, "/", kCertificateFile);
    std::error_code ignored;
    if (std::filesystem::exists(own, ignored)) options.ca_file = own;
  }
  options.json = arguments.is_set("--json");
  TRY_ASSIGN(const std::int64_t timeout, arguments.number("--timeout", 0, 24 * 3600));
  options.timeout = std::chrono::seconds(timeout);
  return options;
}

}  // namespace reliant::app
