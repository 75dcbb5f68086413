// reliant: one binary, the server and its client.
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "adapters/posix/process_start.h"
#include "app/admin_main.h"
#include "app/api_main.h"
#include "app/client_main.h"
#include "app/command_line.h"
#include "app/daemon_control.h"
#include "app/daemon_main.h"
#include "app/daemon_options.h"
#include "app/environment.h"
#include "app/gateway_main.h"
#include "app/monolith_main.h"
#include "app/options.h"
#include "app/process_secrets.h"
#include "app/report.h"
#include "app/server_options.h"
#include "app/temporal_main.h"
#include "app/version.h"
#include "app/worker_main.h"
#include "base/text.h"

namespace reliant::app {
namespace {

constexpr const Command* kServers[] = {&kMonolithCommand, &kApiCommand,          &kWorkerCommand,
                                       &kGatewayCommand,  &kDaemonStartCommand, &kTemporalServeCommand};
constexpr std::size_t kColumn = 40;  // where the overview says what a command does

using Run = int (*)(const Command&, const Arguments&, const Environment&);

// What the overview shows under one heading.
struct Group {
  std::string_view title;
  std::vector<std::pair<const Command*, Run>> commands;
};

int run_monolith(const Command&, const Arguments& arguments, const Environment& environment) {
  return monolith_main(arguments, environment);
}

Group group(std::string_view title, std::span<const Command> commands, Run run) {
  Group out{title, {}};
  for (const Command& command : commands) out.commands.emplace_back(&command, run);
  return out;
}

std::vector<Group> all_groups() {
  return {
      {"Everything in one process", {{&kMonolithCommand, run_monolith}}},
      {"Servers of a distributed system", {{&kApiCommand, api_main}, {&kWorkerCommand, worker_main}, {&kGatewayCommand, gateway_main}}},
      {"The tools daemon, on a user's machine",
       {{&kDaemonStartCommand, daemon_main},
        {&kDaemonStatusCommand, daemon_status},
        {&kDaemonStopCommand, daemon_stop},
        {&kDaemonLogsCommand, daemon_logs}}},
      {"A workflow engine of its own", {{&kTemporalServeCommand, temporal_main}}},
      group("Chats", kChatCommands, client_main),
      group("Users and tokens, in the database", kAdminCommands, admin_main),
  };
}

struct Found {
  const Command* command = nullptr;  // null: none
  Run run = nullptr;
};

// Of the command that most of the words name.
Found find_command(std::span<const std::string> words) {
  Found found;
  for (const Group& group : all_groups()) {
    for (const auto& [command, run] : group.commands) {
      std::string name;
      for (const std::string& word : words) {
        append(name, concat(name.empty() ? "" : " ", word));
        if (command->name == name) found = {command, run};
      }
    }
  }
  return found;
}

std::string overview() {
  std::string out = "reliant: chats with a model whose tools run on your machine\n";
  for (const Group& group : all_groups()) {
    append(out, concat("\n", group.title, "\n"));
    for (const auto& [command, run] : group.commands) {
      std::string left =
          concat("  reliant ", command->name, command->arguments.empty() ? "" : " ", command->arguments);
      if (left.size() < kColumn) left.resize(kColumn, ' ');
      append(out, concat(left, " ", command->help, "\n"));
    }
  }
  out +=
      "\nOthers\n  reliant version                         The version.\n"
      "  reliant help [COMMAND]                  This, or a command's flags.\n";
  return out;
}

// How many words a command that begins with `word` may have.
std::size_t words_of(std::string_view word) {
  std::ptrdiff_t most = 0;
  for (const Group& group : all_groups()) {
    for (const auto& [command, run] : group.commands) {
      if (command->name.starts_with(concat(word, " "))) most = std::max(most, std::ranges::count(command->name, ' '));
    }
  }
  return static_cast<std::size_t>(1 + most);
}

int unknown_command(std::span<const std::string> words) {
  std::string word = words[0];  // and what follows, in a group of commands
  for (const std::string& next : words.first(std::min(words.size(), words_of(words[0]))).subspan(1))
    if (!next.starts_with('-')) append(word, concat(" ", next));
  std::vector<std::string_view> known = {"version", "help"};
  for (const Group& group : all_groups())
    for (const auto& [command, run] : group.commands) known.push_back(command->name);
  const std::string meant = nearest(word, known);
  std::fprintf(stderr, "reliant: unknown command \"%s\"%s (`reliant help` lists them)\n", word.c_str(),
               meant.empty() ? "" : concat("; did you mean \"", meant, "\"?").c_str());
  return kUsage;
}

void print(const std::string& text) {
  std::fwrite(text.data(), 1, text.size(), stdout);
}

int run(std::vector<std::string> words, const Environment& environment) {
  bool help = false;
  if (!words.empty() && words[0] == "help") {
    help = true;
    words.erase(words.begin());
  }
  if (words.empty() || words[0] == "--help" || words[0] == "-h") {
    print(overview());
    return help || !words.empty() ? 0 : kUsage;
  }
  if (words[0] == "version" || words[0] == "--version") {
    print(concat("reliant ", kVersion, "\n"));
    return 0;
  }
  const Found found = find_command(words);
  if (found.command == nullptr) return unknown_command(words);
  const Command& command = *found.command;
  const auto used = static_cast<std::size_t>(1 + std::ranges::count(command.name, ' '));
  const auto arguments = Arguments::parse(command, std::span(words).subspan(used), environment);
  if (help || (arguments.ok() && arguments->help_wanted())) {
    print(usage(command));
    return 0;
  }
  if (!arguments.ok()) {
    report(arguments.status());
    return kUsage;
  }
  if (std::ranges::find(kServers, found.command) != std::end(kServers)) adapters::survive_failed_writes();
  return found.run(command, *arguments, environment);
}

}  // namespace
}  // namespace reliant::app

int main(int argc, char** argv) {
  const reliant::adapters::Inherited inherited = reliant::adapters::begin_process();
  const auto environment = reliant::app::Environment::of_process(inherited);
  reliant::app::hide_process_secrets();
  return reliant::app::run(std::vector<std::string>(argv + 1, argv + argc), environment);
}
