// What the commands of `reliant` are given: flags and environment as values (R35, R43).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "app/environment.h"
#include "app/limited_event_log.h"
#include "app/log_file.h"
#include "base/command_line.h"
#include "base/event_log.h"
#include "base/status.h"
#include "runtime/time.h"

namespace reliant::app {

enum class DaemonStart : std::uint8_t { kOnFirstRequest, kAtBoot };  // R13, C46

struct ModelOptions {
  std::string script;  // a file of answers, instead of a model
  std::string api_key;
  std::string base_url;
  std::string model;
};

// What every server's log is like.
struct LogOptions {
  Level level = Level::kInfo;
  bool as_text = false;
  std::string file;  // "": in the data directory; "-": the standard error
  LogRotation rotation;
  LogLimit limit;
};

struct MonolithOptions {
  std::string listen_address;
  std::string tls_listen_address;  // "": no HTTPS
  std::vector<std::string> cors_origins;
  std::string data_dir;
  ModelOptions model;
  DaemonStart daemon = DaemonStart::kOnFirstRequest;
  std::vector<std::string> tool_env;  // variables that tools are given, besides the usual ones (app/tool_environment.h)
  LogOptions log;
  Duration grace{};
};

struct ClientOptions {
  std::string data_dir;
  std::string server_url;  // "" = the one of the data directory
  std::string token;       // likewise
  std::string ca_file;     // trusted besides the system's certificates; "" = no more than those
  bool json = false;
  Duration timeout{};  // how long a call is tried while the server is away
};

extern const Command kMonolithCommand;

Result<MonolithOptions> monolith_options(const Arguments& arguments, const Environment& environment);
// Of any command with --data-dir: an absolute path.
Result<std::string> data_dir_of(const Arguments& arguments, const Environment& environment);
// Of any command with kLogFlags, kGraceFlag, the model's flags.
Result<LogOptions> log_options(const Arguments& arguments);
Result<Duration> grace_of(const Arguments& arguments);
Result<ModelOptions> model_options(const Arguments& arguments, const Environment& environment);
// Of any command with --cors-origins: what a browser says in its Origin header, app/cross_origin.h.
Result<std::vector<std::string>> cors_origins_of(const Arguments& arguments);
// For any command with the client's flags.
Result<ClientOptions> client_options(const Arguments& arguments, const Environment& environment);

inline constexpr Flag kDataDirFlag = {"--data-dir", "DIR", "DATA_DIR", "",
                                      "where databases, token and address are; without it ~/.local/share/reliant"};
inline constexpr Flag kModelScriptFlag = {"--model-script", "FILE", "RELIANT_MODEL_SCRIPT", "",
                                          "answers from a YAML script instead of a model"};
inline constexpr Flag kModelFlag = {"--model", "NAME", "OPENAI_MODEL", "gpt-4o-mini",
                                    "which model of the OpenAI-compatible server"};
inline constexpr Flag kModelUrlFlag = {"--model-url", "URL", "OPENAI_BASE_URL", "https://api.openai.com/v1",
                                       "that server; its key is OPENAI_API_KEY"};
inline constexpr Flag kLogLevelFlag = {"--log-level", "LEVEL", "LOG_LEVEL", "info", "debug, info, warning or error"};
inline constexpr Flag kLogFormatFlag = {"--log-format", "FORMAT", "LOG_FORMAT", "json", "json, or text for people"};
inline constexpr Flag kLogSizeFlag = {"--log-size", "MIB", "LOG_SIZE", "64",
                                      "how large a log file becomes before the next one is begun"};
inline constexpr Flag kLogFilesFlag = {"--log-files", "N", "LOG_FILES", "5", "how many of them are kept: FILE, FILE.1, …"};
inline constexpr Flag kLogBurstFlag = {"--log-burst", "N", "LOG_BURST", "100",
                                       "how many warnings of one kind a minute are written; the others are counted; 0: all"};
inline constexpr Flag kGraceFlag = {"--grace", "SECONDS", "", "10", "how long a stop waits for what is under way"};
inline constexpr Flag kServerFlag = {"--server", "URL", "RELIANT_SERVER_URL", "",
                                     "which server; without it the one that uses the data directory"};
inline constexpr Flag kTokenFileFlag = {"--token-file", "FILE", "", "",
                                        "a file with the token; without it RELIANT_TOKEN, or the data directory's"};
inline constexpr Flag kTlsCaFlag = {
    "--tls-ca", "FILE", "TLS_CA_FILE", "",
    "certificates (PEM) to trust, besides the system's; without it the data directory's tls.crt"};
inline constexpr Flag kTimeoutFlag = {"--timeout", "SECONDS", "", "20", "how long to try while the server cannot be reached"};
inline constexpr Flag kJsonFlag = {"--json", "", "", "", "one JSON object a line, for scripts"};

}  // namespace reliant::app
