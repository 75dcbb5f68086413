// The command line: a command's flags as a table, read strictly. Every flag may also come from the
// environment; the command line wins. Errors are INVALID_ARGUMENT naming the flag and the remedy.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "app/environment.h"
#include "base/status.h"

namespace reliant::app {

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

struct Command {
  std::string_view name;       // "chat send"
  std::string_view arguments;  // "TEXT"; shown in its usage
  std::size_t least = 0;       // of positional arguments
  std::size_t most = 0;
  std::string_view help;
  std::span<const Flag> flags;
};

class Arguments {
 public:
  // `words` follow the command's own name. "--name value" and "--name=value"; "--" ends the flags.
  static Result<Arguments> parse(const Command& command, std::span<const std::string> words,
                                 const Environment& environment);

  const std::vector<std::string>& positional() const { return positional_; }
  bool help_wanted() const { return help_; }
  bool is_set(std::string_view flag) const { return values_.contains(flag); }  // given, or by a variable
  std::string text(std::string_view flag) const;  // its fallback when it is not set
  std::vector<std::string> list(std::string_view flag) const;
  Result<std::int64_t> number(std::string_view flag, std::int64_t least, std::int64_t most) const;
  // Of a switch: whether it is on. Its variable may also say that it is off: false, 0 or no.
  Result<bool> on(std::string_view flag) const;
  // How the user set it, for messages: "--port" or "API_PORT".
  std::string origin(std::string_view flag) const;

 private:
  struct Value {
    std::string text;
    std::string origin;
  };

  const Command* command_ = nullptr;
  std::vector<std::string> positional_;
  std::map<std::string, Value, std::less<>> values_;
  bool help_ = false;
};

// Usage, what it does, its flags by their groups, with their variables and fallbacks.
std::string usage(const Command& command);

// The one of `known` that was probably meant; "" when nothing is near.
std::string nearest(std::string_view word, std::span<const std::string_view> known);

}  // namespace reliant::app
