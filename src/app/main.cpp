// reliant: one binary, the server and its client.
#include <algorithm>
#include <cstdio>
#include <string>
#include <string_view>
#include <vector>

#include "adapters/posix/process_start.h"
#include "app/daemon_control.h"
#include "app/daemon_options.h"
#include "app/environment.h"
#include "app/mains.h"
#include "app/options.h"
#include "app/process_secrets.h"
#include "app/report.h"
#include "app/server_options.h"
#include "base/command_line.h"
#include "base/version.h"

namespace reliant::app {
namespace {

using Run = int (*)(const Command&, const Arguments&, const Environment&);

struct Entry {
  std::string_view group;  // the heading that it is listed under
  const Command* command;
  Run run;
  bool serves = false;  // until it is stopped
};

std::vector<Entry> all_commands() {
  std::vector<Entry> out = {
      {"Everything in one process", &kMonolithCommand, monolith_main, true},
      {"Servers of a distributed system", &kApiCommand, api_main, true},
      {"Servers of a distributed system", &kWorkerCommand, worker_main, true},
      {"Servers of a distributed system", &kGatewayCommand, gateway_main, true},
      {"The tools daemon, on a user's machine", &kDaemonStartCommand, daemon_main, true},
      {"The tools daemon, on a user's machine", &kDaemonStatusCommand, daemon_status},
      {"The tools daemon, on a user's machine", &kDaemonStopCommand, daemon_stop},
      {"The tools daemon, on a user's machine", &kDaemonLogsCommand, daemon_logs},
      {"The tools daemon, on a user's machine", &kDaemonExplainCommand, client_main},
      {"A workflow engine of its own", &kTemporalServeCommand, temporal_main, true},
  };
  for (const Command& command : kChatCommands) out.push_back({"Chats", &command, client_main});
  for (const Command& command : kWorkflowCommands) out.push_back({"Workflows, as files", &command, workflow_main});
  for (const Command& command : kAdminCommands) out.push_back({"Users and tokens, in the database", &command, admin_main});
  return out;
}

int run(const std::vector<std::string>& words, const Environment& environment) {
  const std::vector<Entry> entries = all_commands();
  Program program{"reliant", kVersion, "chats with a model whose tools run on your machine", {}};
  for (const Entry& entry : entries) program.commands.push_back({entry.group, entry.command});
  const auto read = read_command_line(program, words, environment);
  if (!read.ok()) {
    report(read.status());
    return kUsage;
  }
  if (read->command == nullptr) {
    std::fputs(read->text.c_str(), read->incomplete ? stderr : stdout);
    return read->incomplete ? kUsage : 0;
  }
  const auto entry = std::ranges::find(entries, read->command, &Entry::command);
  if (entry->serves) adapters::survive_failed_writes();
  return entry->run(*read->command, read->arguments, environment);
}

}  // namespace
}  // namespace reliant::app

int main(int argc, char** argv) {
  const reliant::adapters::Inherited inherited = reliant::adapters::begin_process();
  const auto environment = reliant::app::Environment::of_process(inherited);
  reliant::app::hide_process_secrets();
  return reliant::app::run(std::vector<std::string>(argv + 1, argv + argc), environment);
}
