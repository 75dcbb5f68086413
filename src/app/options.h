// What the commands of `reliant` are given: flags and environment as values (R35, R43).
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "app/command_line.h"
#include "app/environment.h"
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

struct MonolithOptions {
  std::string listen_address;
  std::string tls_listen_address;  // "": no HTTPS
  std::string data_dir;
  ModelOptions model;
  DaemonStart daemon = DaemonStart::kOnFirstRequest;
  Level log_level = Level::kInfo;
  bool log_as_text = false;
  std::string log_file;  // "": in the data directory; "-": the standard error
  Duration grace{};
};

struct ClientOptions {
  std::string data_dir;
  std::string server_url;  // "" = the one of the data directory
  std::string token;       // likewise
  std::string ca_file;     // trusted besides the system's certificates; "" = no more than those
  bool json = false;
};

extern const Command kMonolithCommand;

Result<MonolithOptions> monolith_options(const Arguments& arguments, const Environment& environment);
// Of any command with --data-dir: an absolute path.
Result<std::string> data_dir_of(const Arguments& arguments, const Environment& environment);
// For any command with the client's flags.
Result<ClientOptions> client_options(const Arguments& arguments, const Environment& environment);

inline constexpr Flag kDataDirFlag = {
    "--data-dir", "DIR", "DATA_DIR", "",
    "where databases, token and address are; without it ~/.local/share/reliant"};
inline constexpr Flag kServerFlag = {"--server", "URL", "RELIANT_SERVER_URL", "",
                                     "which server; without it the one that uses the data directory"};
inline constexpr Flag kTokenFileFlag = {
    "--token-file", "FILE", "", "",
    "a file with the token; without it RELIANT_TOKEN, or the data directory's"};
inline constexpr Flag kTlsCaFlag = {
    "--tls-ca", "FILE", "TLS_CA_FILE", "",
    "certificates (PEM) to trust, besides the system's; without it the data directory's tls.crt"};
inline constexpr Flag kJsonFlag = {"--json", "", "", "", "one JSON object a line, for scripts"};

}  // namespace reliant::app
