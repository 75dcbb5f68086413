// What `reliant daemon start` is given (R69 to R73, C13, C14, C32, C43), and who it is: its identity file (R78).
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "adapters/grpc_link/grpc_link.h"
#include "app/data_directory.h"
#include "app/environment.h"
#include "app/options.h"
#include "base/command_line.h"
#include "base/ids.h"
#include "base/status.h"

namespace reliant::app {

extern const Command kDaemonStartCommand;
inline constexpr Flag kDaemonDataDirFlag = {"--data-dir", "DIR", "DATA_DIR", "",
                                            "identity (daemon.json), journal, state and log; without it ~/.reliant"};
// Of any command with that flag.
Result<std::string> daemon_data_dir_of(const Arguments& arguments, const Environment& environment);

struct DaemonStartOptions {
  std::string name;
  std::vector<std::string> gateways;  // "host:port", at least one
  adapters::GrpcLinkOptions links;    // TLS or not, by the gateways' URLs
  std::string server_url;             // where it registers
  std::string ca_file;                // trusted besides the system's; "" = none
  std::string token;                  // given by hand; "": from the credentials file
  std::string session_token;          // of a user, to register with; "": no user is logged in
  std::string credentials_path;       // R66
  std::string data_dir;
  std::vector<std::string> own_files;  // with secrets, absolute: file tools do not open them
  std::vector<std::string> tool_env;   // variables that tools are given, besides the usual ones (app/tool_environment.h)
  LogOptions log;
  Duration grace{};
  bool background = false;
  Duration wait{};  // in the background, until it is connected
};

// Reads the standard input for --token.
Result<DaemonStartOptions> daemon_start_options(const Arguments& arguments, const Environment& environment, WallTime now);

// DIR/daemon.json: {"daemon_id": "…", "labels": {"gpu": "yes"}}.
struct DaemonIdentity {
  DaemonId id;
  std::map<std::string, std::string> labels;
};
// The file as it is; one without an id, or none, is given a new one. INVALID_ARGUMENT: what is wrong in it.
Result<DaemonIdentity> prepare_identity(const DataDirectory& directory);

}  // namespace reliant::app
