// Command lines of programs with several commands ("reliant chat send"). A program is a table of commands, a
// command a table of flags; both are read strictly. A flag may also come from the environment; the command
// line wins. Help and --version work at every level of the commands' names. Errors are INVALID_ARGUMENT and
// name the flag or the word, and the remedy.
#pragma once

#include <cstdint>
#include <limits>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "absl/functional/function_ref.h"
#include "base/status.h"

namespace reliant {

struct Flag {
  std::string_view name;         // "--port"
  std::string_view value;        // "PORT"; "" = a switch
  std::string_view environment;  // "" = none
  std::string_view fallback;     // what holds without it
  std::string_view help;
  std::string_view group = {};  // the heading that it is listed under; "" = of the group before it
  bool repeats = false;         // may be given several times: `list` has all of them
};

// The first of a group.
constexpr Flag under(std::string_view group, Flag flag) {
  flag.group = group;
  return flag;
}

inline constexpr std::size_t kAnyNumber = std::numeric_limits<std::size_t>::max();

struct Command {
  std::string_view name;       // "chat send"
  std::string_view arguments;  // "TEXT"; shown in its usage
  std::size_t least = 0;       // of positional arguments
  std::size_t most = 0;
  std::string_view help;
  std::span<const Flag> flags = {};
};

// The value of a variable of the environment; nullopt: not set, or set to nothing.
using ReadVariable = absl::FunctionRef<std::optional<std::string>(std::string_view name)>;

class Arguments {
 public:
  enum class Wanted : std::uint8_t { kRun, kHelp, kVersion };

  // `words` follow the command's own name. "--name value" and "--name=value"; "--" ends the flags.
  static Result<Arguments> parse(const Command& command, std::span<const std::string> words, ReadVariable environment,
                                 std::string_view program = "reliant");

  Wanted wanted() const { return wanted_; }  // of help and version: the first one that is asked for
  const std::vector<std::string>& positional() const { return positional_; }
  bool is_set(std::string_view flag) const { return values_.contains(flag); }  // given, or by a variable
  std::string text(std::string_view flag) const;                               // its fallback when it is not set
  std::vector<std::string> list(std::string_view flag) const;
  Result<std::int64_t> number(std::string_view flag, std::int64_t least, std::int64_t most) const;
  // Of a switch: whether it is on. Its variable may also say that it is off: false, 0 or no.
  Result<bool> on(std::string_view flag) const;
  // How the user set it, for messages: "--port" or "API_PORT".
  std::string origin(std::string_view flag) const;

 private:
  struct Value {
    std::vector<std::string> texts;
    std::string origin;
  };

  Status take(const Flag& flag, std::string text);

  const Command* command_ = nullptr;
  std::vector<std::string> positional_;
  std::map<std::string_view, Value> values_;
  Wanted wanted_ = Wanted::kRun;
};

// Usage, what it does, its flags by their groups, with their variables and fallbacks.
std::string usage(const Command& command, std::string_view program = "reliant");

// A program's command and the heading that it is listed under; commands with the same one stand together.
struct ListedCommand {
  std::string_view group;
  const Command* command;
};

struct Program {
  std::string_view name;  // "reliant"
  std::string_view version;
  std::string_view summary;
  std::vector<ListedCommand> commands;
};

// What a command line asks for: a command, or a text.
struct Invocation {
  const Command* command = nullptr;  // null: `text` is the answer
  Arguments arguments;
  std::string text;         // help, or the version
  bool incomplete = false;  // nothing asked for `text`: the words end before the name of a command does
};

// `words` follow the program's own name.
Result<Invocation> read_command_line(const Program& program, std::span<const std::string> words, ReadVariable environment);

// The one of `known` that was probably meant; "" when nothing is near.
std::string nearest(std::string_view word, std::span<const std::string_view> known);

}  // namespace reliant
