// reliant: one binary, the server and its client.
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "app/admin_main.h"
#include "app/client_main.h"
#include "app/command_line.h"
#include "app/environment.h"
#include "app/monolith_main.h"
#include "app/options.h"
#include "app/report.h"
#include "app/version.h"
#include "base/text.h"

namespace reliant::app {
namespace {

constexpr std::size_t kColumn = 40;  // where the overview says what a command does

std::vector<const Command*> all_commands() {
  std::vector<const Command*> out = {&kMonolithCommand};
  for (const Command& command : kChatCommands) out.push_back(&command);
  for (const Command& command : kAdminCommands) out.push_back(&command);
  return out;
}

// Of the command that most of the words name; null: none.
const Command* find_command(std::span<const std::string> words) {
  const Command* found = nullptr;
  for (const Command* command : all_commands()) {
    std::string name;
    for (const std::string& word : words) {
      append(name, concat(name.empty() ? "" : " ", word));
      if (command->name == name) found = command;
    }
  }
  return found;
}

std::string overview() {
  std::string out = "reliant: chats with a model whose tools run on your machine\n";
  const auto group = [&out](std::string_view title, std::span<const Command* const> commands) {
    append(out, concat("\n", title, "\n"));
    for (const Command* command : commands) {
      std::string left =
          concat("  reliant ", command->name, command->arguments.empty() ? "" : " ", command->arguments);
      if (left.size() < kColumn) left.resize(kColumn, ' ');
      append(out, concat(left, " ", command->help, "\n"));
    }
  };
  const std::vector<const Command*> commands = all_commands();
  group("Servers", std::span(commands).first(1));
  group("Chats", std::span(commands).subspan(1, kChatCommands.size()));
  group("Users and tokens, in the database", std::span(commands).last(kAdminCommands.size()));
  out +=
      "\nOthers\n  reliant version                         The version.\n"
      "  reliant help [COMMAND]                  This, or a command's flags.\n";
  return out;
}

int unknown_command(std::span<const std::string> words) {
  std::string word = words[0];  // and what follows, in a group of commands
  if (word == "chat" || word == "admin") {
    for (const std::string& next : words.subspan(1, std::min<std::size_t>(words.size() - 1, word == "admin" ? 2 : 1)))
      if (!next.starts_with('-')) append(word, concat(" ", next));
  }
  std::vector<std::string_view> known = {"version", "help"};
  for (const Command* command : all_commands()) known.push_back(command->name);
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
  const Command* const command = find_command(words);
  if (command == nullptr) return unknown_command(words);
  const auto used = static_cast<std::size_t>(1 + std::ranges::count(command->name, ' '));
  const auto arguments = Arguments::parse(*command, std::span(words).subspan(used), environment);
  if (help || (arguments.ok() && arguments->help_wanted())) {
    print(usage(*command));
    return 0;
  }
  if (!arguments.ok()) {
    report(arguments.status());
    return kUsage;
  }
  if (command == &kMonolithCommand) return monolith_main(*arguments, environment);
  const bool admin = command->name.starts_with("admin ");
  return admin ? admin_main(*command, *arguments, environment) : client_main(*command, *arguments, environment);
}

}  // namespace
}  // namespace reliant::app

int main(int argc, char** argv) {
  return reliant::app::run(std::vector<std::string>(argv + 1, argv + argc),
                           reliant::app::Environment::of_process());
}
