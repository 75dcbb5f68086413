#include "base/command_line.h"

#include <algorithm>
#include <charconv>
#include <iterator>
#include <utility>

#include "base/assert.h"
#include "base/text.h"

namespace reliant {
namespace {

const Flag* find_flag(const Command& command, std::string_view name) {
  const auto found = std::ranges::find(command.flags, name, &Flag::name);
  return found == command.flags.end() ? nullptr : &*found;
}

// "a b"; `a` may be empty.
std::string after(std::string_view a, std::string_view b) { return concat(a, a.empty() || b.empty() ? "" : " ", b); }

std::string did_you_mean(std::string_view word, std::span<const std::string_view> known) {
  const std::string meant = nearest(word, known);
  return meant.empty() ? "" : concat("; did you mean ", meant, "?");
}

// `of`: the program and the command, or as much of its name as was given.
Status unknown_flag(std::string_view name, std::span<const Flag> flags, std::string_view of) {
  std::vector<std::string_view> known = {"--help", "--version"};
  for (const Flag& flag : flags) known.push_back(flag.name);
  return invalid_field(name, concat("unknown flag ", name, did_you_mean(name, known), " (`", of, " --help` lists them)"));
}

bool is_help(std::string_view word) { return word == "--help" || word == "-h"; }

std::size_t distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> row(b.size() + 1);
  for (std::size_t j = 0; j <= b.size(); ++j) row[j] = j;
  for (std::size_t i = 1; i <= a.size(); ++i) {
    std::size_t diagonal = row[0];
    row[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const std::size_t replaced = diagonal + (a[i - 1] == b[j - 1] ? 0 : 1);
      diagonal = row[j];
      row[j] = std::min({replaced, row[j] + 1, row[j - 1] + 1});
    }
  }
  return row[b.size()];
}

std::string padded(std::string text, std::size_t width) {
  if (text.size() < width) text.resize(width, ' ');
  return text;
}

}  // namespace

std::string nearest(std::string_view word, std::span<const std::string_view> known) {
  std::string_view best;
  std::size_t best_distance = 3;  // further away is another word
  for (const std::string_view candidate : known) {
    const std::size_t d = distance(word, candidate);
    if (d >= best_distance) continue;
    best_distance = d;
    best = candidate;
  }
  return std::string(best);
}

// --- the flags of a command
// ------------------------------------------------------------------------------------------

Status Arguments::take(const Flag& flag, std::string text) {
  Value& value = values_[flag.name];
  if (value.origin != flag.name) value = {{}, std::string(flag.name)};  // a variable's: the command line wins
  if (!value.texts.empty() && !flag.repeats)
    return invalid_field(flag.name, concat(flag.name, " is given twice; give it once"));
  value.texts.push_back(std::move(text));
  return ok_status();
}

Result<Arguments> Arguments::parse(const Command& command, std::span<const std::string> words, ReadVariable environment,
                                   std::string_view program) {
  Arguments out;
  out.command_ = &command;
  for (const Flag& flag : command.flags) {
    if (flag.environment.empty()) continue;
    if (auto value = environment(flag.environment))
      out.values_[flag.name] = {{*std::move(value)}, std::string(flag.environment)};
  }
  bool flags_over = false;
  for (std::size_t i = 0; i < words.size(); ++i) {
    const std::string_view word = words[i];
    if (flags_over || word == "-" || !word.starts_with('-')) {
      out.positional_.emplace_back(word);
      continue;
    }
    if (word == "--") {
      flags_over = true;
      continue;
    }
    if (is_help(word) || word == "--version") {
      out.wanted_ = is_help(word) ? Wanted::kHelp : Wanted::kVersion;
      return out;
    }
    const std::size_t equals = word.find('=');
    const std::string_view name = word.substr(0, equals);
    const Flag* const flag = find_flag(command, name);
    if (flag == nullptr) return unknown_flag(name, command.flags, concat(program, " ", command.name));
    std::string value = "true";
    if (flag->value.empty()) {
      if (equals != std::string_view::npos) return invalid_field(name, concat(name, " takes no value; leave it out"));
    } else if (equals != std::string_view::npos) {
      value = word.substr(equals + 1);
    } else if (i + 1 < words.size()) {
      value = words[++i];
    } else {
      return invalid_field(name, concat(name, " needs a value: ", name, " ", flag->value));
    }
    TRY_OK(out.take(*flag, std::move(value)));
  }
  const std::size_t count = out.positional_.size();
  const std::string form = concat(program, " ", after(command.name, command.arguments));
  if (count > command.most) {
    const std::string& extra = out.positional_[command.most];
    return invalid_field(extra, concat("\"", extra, "\" is one argument too many: ", form));
  }
  if (count >= command.least) return out;
  std::string_view missing = command.arguments;  // one word for each
  for (std::size_t i = 0; i < count; ++i) missing.remove_prefix(missing.find(' ') + 1);
  missing = missing.substr(0, missing.find(' '));
  return invalid_field(missing, concat(missing, " is missing: ", form));
}

std::string Arguments::text(std::string_view flag) const {
  if (const auto found = values_.find(flag); found != values_.end()) return found->second.texts.back();
  const Flag* const known = find_flag(*command_, flag);
  RELIANT_ASSERT(known != nullptr, "a command reads its own flags only");
  return std::string(known->fallback);
}

std::vector<std::string> Arguments::list(std::string_view flag) const {
  const auto found = values_.find(flag);
  return found == values_.end() ? std::vector<std::string>() : found->second.texts;
}

std::string Arguments::origin(std::string_view flag) const {
  const auto found = values_.find(flag);
  return found != values_.end() ? found->second.origin : std::string(flag);
}

Result<std::int64_t> Arguments::number(std::string_view flag, std::int64_t least, std::int64_t most) const {
  const std::string value = text(flag);
  std::int64_t number = 0;
  const char* const end = value.data() + value.size();
  const auto [stopped, error] = std::from_chars(value.data(), end, number);
  if (error == std::errc() && stopped == end && number >= least && number <= most) return number;
  const std::string from = origin(flag);
  return invalid_field(from, concat(from, " is \"", value, "\"; give a number from ", least, " to ", most));
}

Result<bool> Arguments::on(std::string_view flag) const {
  if (!is_set(flag)) return false;
  const std::string word = text(flag);
  if (word == "true" || word == "1" || word == "yes") return true;
  if (word == "false" || word == "0" || word == "no") return false;
  return invalid_field(origin(flag), concat(origin(flag), " is \"", word, "\"; give true or false"));
}

std::string usage(const Command& command, std::string_view program) {
  std::string out = concat(program, " ", after(command.name, command.arguments));
  if (!command.flags.empty()) out += " [flags]";
  append(out, concat("\n\n", command.help, "\n"));
  if (!command.flags.empty() && command.flags[0].group.empty()) out += "\nFlags:\n";
  std::size_t column = 24;  // where the help of a flag begins
  for (const Flag& flag : command.flags) column = std::max(column, flag.name.size() + flag.value.size() + 2);
  for (const Flag& flag : command.flags) {
    if (!flag.group.empty()) append(out, concat("\n", flag.group, ":\n"));
    append(out, concat("  ", padded(after(flag.name, flag.value), column), flag.help));
    if (!flag.fallback.empty()) append(out, concat(" (default ", flag.fallback, ")"));
    if (!flag.environment.empty()) append(out, concat(" [", flag.environment, "]"));
    out += "\n";
  }
  return out;
}

// --- the commands of a program
// ---------------------------------------------------------------------------------------

namespace {

// A level is the beginning of a command's name, in whole words: "", "admin", "admin user".
bool is_at(std::string_view name, std::string_view level) {
  return level.empty() || name == level || name.starts_with(concat(level, " "));
}

std::vector<ListedCommand> commands_at(const Program& program, std::string_view level) {
  std::vector<ListedCommand> out;
  std::ranges::copy_if(program.commands, std::back_inserter(out),
                       [&](const auto& at) { return is_at(at.command->name, level); });
  return out;
}

std::string overview(const Program& program, std::string_view level) {
  std::string out = level.empty() ? concat(program.name, ": ", program.summary, "\n")
                                  : concat(program.name, " ", level, " COMMAND [flags]\n");
  const std::vector<ListedCommand> listed = commands_at(program, level);
  std::size_t column = 24;  // where the help of a command begins
  for (const auto& [group, command] : listed) column = std::max(column, command->name.size() + command->arguments.size() + 1);
  const auto add = [&](std::string form, std::string_view help) {
    append(out, concat("  ", program.name, " ", padded(std::move(form), column), "  ", help, "\n"));
  };
  std::string_view shown;
  for (const auto& [group, command] : listed) {
    if (shown != group) append(out, concat("\n", group, "\n"));
    shown = group;
    add(after(command->name, command->arguments), command->help);
  }
  out += "\nOthers\n";
  add(after(level, "--version"), "The version.");
  add(after("help", after(level, "[COMMAND]")), "This, or a command's flags; also COMMAND --help.");
  return out;
}

Status unknown_command(const Program& program, const std::string& level, std::string_view word) {
  std::vector<std::string_view> known;  // the words that may follow
  if (level.empty()) known = {"help", "version"};
  for (const auto& [group, command] : commands_at(program, level)) {
    std::string_view rest = command->name;
    if (!level.empty()) rest.remove_prefix(level.size() + 1);
    known.push_back(rest.substr(0, rest.find(' ')));
  }
  const std::string meant = nearest(word, known);
  return invalid_field(word, concat("unknown command \"", after(level, word), "\"",
                                    meant.empty() ? "" : concat("; did you mean \"", after(level, meant), "\"?"), " (`",
                                    program.name, " ", after("help", level), "` lists them)"));
}

}  // namespace

Result<Invocation> read_command_line(const Program& program, std::span<const std::string> words, ReadVariable environment) {
  const bool help = !words.empty() && words[0] == "help";
  if (help) words = words.subspan(1);
  std::string level;
  const Command* command = nullptr;
  while (!words.empty() && command == nullptr) {
    const std::string next = after(level, words[0]);
    const std::vector<ListedCommand> known = commands_at(program, next);
    if (known.empty()) break;
    if (known.front().command->name == next) command = known.front().command;
    level = next;
    words = words.subspan(1);
  }
  Invocation out;
  const std::string version = concat(program.name, " ", program.version, "\n");
  if (command != nullptr) {
    if (help) return out.text = usage(*command, program.name), out;
    TRY_ASSIGN(out.arguments, Arguments::parse(*command, words, environment, program.name));
    if (out.arguments.wanted() == Arguments::Wanted::kRun) return out.command = command, out;
    out.text = out.arguments.wanted() == Arguments::Wanted::kHelp ? usage(*command, program.name) : version;
    return out;
  }
  const std::string_view word = words.empty() ? "" : std::string_view(words[0]);
  out.incomplete = word.empty() && !help;
  if (word.empty() || is_help(word)) return out.text = overview(program, level), out;
  if (word == "--version" || (word == "version" && level.empty())) return out.text = version, out;
  if (word.starts_with('-')) return unknown_flag(word, {}, after(program.name, level));
  return unknown_command(program, level, word);
}

}  // namespace reliant
