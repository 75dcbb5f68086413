#include "app/command_line.h"

#include <algorithm>
#include <charconv>

#include "base/assert.h"
#include "base/text.h"

namespace reliant::app {
namespace {

constexpr char kBetweenRepeats = '\n';

const Flag* find_flag(const Command& command, std::string_view name) {
  for (const Flag& flag : command.flags) {
    if (flag.name == name) return &flag;
  }
  return nullptr;
}

Status unknown_flag(const Command& command, std::string_view name) {
  std::vector<std::string_view> known;
  for (const Flag& flag : command.flags) known.push_back(flag.name);
  const std::string meant = nearest(name, known);
  return invalid_field(
      name, concat("unknown flag ", name, meant.empty() ? "" : concat("; did you mean ", meant, "?"),
                   " (`reliant ", command.name, " --help` lists them)"));
}

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

Result<Arguments> Arguments::parse(const Command& command, std::span<const std::string> words,
                                   const Environment& environment) {
  Arguments out;
  out.command_ = &command;
  for (const Flag& flag : command.flags) {
    if (flag.environment.empty()) continue;
    if (auto value = environment.get(flag.environment)) {
      out.values_[std::string(flag.name)] = {*std::move(value), std::string(flag.environment)};
    }
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
    if (word == "--help" || word == "-h") {
      out.help_ = true;
      return out;
    }
    const std::size_t equals = word.find('=');
    const std::string_view name = word.substr(0, equals);
    const Flag* const flag = find_flag(command, name);
    if (flag == nullptr) return unknown_flag(command, name);
    const auto before = out.values_.find(name);
    const bool again = before != out.values_.end() && before->second.origin == name;
    if (again && !flag->repeats) {
      return invalid_field(name, concat(name, " is given twice; give it once"));
    }
    std::string value = "true";
    if (flag->value.empty()) {
      if (equals != std::string_view::npos)
        return invalid_field(name, concat(name, " takes no value; leave it out"));
    } else if (equals != std::string_view::npos) {
      value = word.substr(equals + 1);
    } else if (i + 1 < words.size()) {
      value = words[++i];
    } else {
      return invalid_field(name, concat(name, " needs a value: ", name, " ", flag->value));
    }
    if (again) value = concat(before->second.text, kBetweenRepeats, value);
    out.values_[std::string(name)] = {std::move(value), std::string(name)};
  }
  const std::size_t count = out.positional_.size();
  if (count >= command.least && count <= command.most) return out;
  const std::string form =
      concat("reliant ", command.name, command.arguments.empty() ? "" : " ", command.arguments);
  if (count > command.most) {
    return invalid_field(out.positional_[command.most],
                         concat("\"", out.positional_[command.most], "\" is one argument too many: ", form));
  }
  return invalid_field(command.arguments, concat(command.arguments, " is missing: ", form));
}

std::string Arguments::text(std::string_view flag) const {
  const auto found = values_.find(flag);
  if (found != values_.end()) return found->second.text;
  const Flag* const known = find_flag(*command_, flag);
  RELIANT_ASSERT(known != nullptr, "a command reads its own flags only");
  return std::string(known->fallback);
}

std::vector<std::string> Arguments::list(std::string_view flag) const {
  std::vector<std::string> out;
  if (!is_set(flag)) return out;
  const std::string all = text(flag);
  for (std::size_t begin = 0; begin <= all.size();) {
    const std::size_t end = std::min(all.find(kBetweenRepeats, begin), all.size());
    out.push_back(all.substr(begin, end - begin));
    begin = end + 1;
  }
  return out;
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
  const auto found = values_.find(flag);
  if (found == values_.end()) return false;
  const std::string& word = found->second.text;
  if (word == "true" || word == "1" || word == "yes") return true;
  if (word == "false" || word == "0" || word == "no") return false;
  return invalid_field(found->second.origin, concat(found->second.origin, " is \"", word, "\"; give true or false"));
}

std::string usage(const Command& command) {
  std::string out = concat("reliant ", command.name);
  if (!command.arguments.empty()) append(out, concat(" ", command.arguments));
  if (!command.flags.empty()) out += " [flags]";
  append(out, concat("\n\n", command.help, "\n"));
  if (!command.flags.empty() && command.flags[0].group.empty()) out += "\nFlags:\n";
  std::size_t column = 24;  // where the help of a flag begins
  for (const Flag& flag : command.flags) column = std::max(column, flag.name.size() + flag.value.size() + 2);
  for (const Flag& flag : command.flags) {
    if (!flag.group.empty()) append(out, concat("\n", flag.group, ":\n"));
    const std::string left = concat(flag.name, flag.value.empty() ? "" : " ", flag.value);
    append(out, concat("  ", padded(left, column), flag.help));
    if (!flag.fallback.empty()) append(out, concat(" (default ", flag.fallback, ")"));
    if (!flag.environment.empty()) append(out, concat(" [", flag.environment, "]"));
    out += "\n";
  }
  return out;
}

}  // namespace reliant::app
