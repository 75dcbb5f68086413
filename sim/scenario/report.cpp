#include "scenario/report.h"

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <iterator>
#include <map>

#include "base/json.h"
#include "base/text.h"

namespace reliant::sim {
namespace {

std::string hex(std::uint64_t hash) {
  char text[17];
  std::snprintf(text, sizeof text, "%016llx", static_cast<unsigned long long>(hash));
  return text;
}

std::string fixed(double number, int digits) {
  char text[40];
  std::snprintf(text, sizeof text, "%.*f", digits, number);
  return text;
}

double seconds(Duration time) { return std::chrono::duration<double>(time).count(); }

// A chat that has not ended in time is incomplete everywhere: that is one cause, and not several. Null: no earlier violation
// explains it.
const Violation* root_of(const RunReport& report, const Violation& violation) {
  constexpr std::string_view kRoots[] = {"liveness.ready", "liveness.circling", "liveness.workload"};
  constexpr std::string_view kFollowing[] = {"liveness.answered", "stream.complete"};
  if (std::ranges::find(kFollowing, violation.oracle) == std::end(kFollowing)) return nullptr;
  if (violation.severity != Severity::kNotLive) return nullptr;
  for (const Violation& other : report.violations)
    if (std::ranges::find(kRoots, other.oracle) != std::end(kRoots)) return &other;
  return nullptr;
}

// Quotes a word for a shell.
std::string shell_quoted(std::string_view word) {
  if (word.find_first_of(" '\"$`\\*?[](){}<>|&;#~!") == std::string_view::npos) return std::string(word);
  std::string text = "'";
  for (const char c : word) {
    if (c == '\'') {
      text += "'\\''";
    } else {
      text += c;
    }
  }
  return text + "'";
}

}  // namespace

std::string json_line(const RunReport& report, double wall_seconds) {
  json::array violations;
  for (const Violation& violation : report.violations) {
    json::object one;
    one["oracle"] = violation.oracle;
    one["severity"] = violation.severity == Severity::kBroken ? "broken" : "not_live";
    one["what"] = violation.what;
    if (const Violation* root = root_of(report, violation); root != nullptr) one["follows"] = root->oracle;
    one["step"] = violation.step;
    one["sim_seconds"] = seconds(violation.time - Instant{});
    for (const auto& [key, id] : violation.subject) one[key] = id;
    violations.push_back(std::move(one));
  }
  json::object counters;
  for (const auto& [name, count] : report.counters) counters[name] = count;
  json::object line;
  line["scenario"] = report.scenario;
  line["seed"] = report.seed;
  line["outcome"] = to_string(report.outcome);
  line["hash"] = hex(report.hash);
  line["events"] = report.events;
  line["sim_seconds"] = seconds(report.sim_time);
  line["wall_seconds"] = wall_seconds;
  line["violations"] = std::move(violations);
  line["counters"] = std::move(counters);
  return to_json(line);
}

std::string human_line(const RunReport& report, double wall_seconds) {
  return concat(to_string(report.outcome), " ", title_of(report.file, report.scenario), " seed ", report.seed, " hash ",
                hex(report.hash), " ", fixed(seconds(report.sim_time), 1), " s in ", fixed(wall_seconds, 2), " s");
}

std::string title_of(std::string_view file, std::string_view name) {
  const std::string folder = std::filesystem::path(file).parent_path().filename().string();
  return folder.empty() || folder == "." ? std::string(name) : concat(folder, "/", name);
}

std::vector<std::string> broken_properties(const RunReport& report) {
  std::vector<std::string> properties;
  for (const Violation& violation : report.violations) {
    if (root_of(report, violation) != nullptr) continue;
    if (std::ranges::find(properties, violation.oracle) == properties.end()) properties.push_back(violation.oracle);
  }
  return properties;
}

std::string failure_text(const RunReport& report, std::string_view program) {
  std::string text = concat("  drawn: ", report.options, "\n");
  std::map<std::string, std::size_t> following;
  for (const Violation& violation : report.violations) {
    if (root_of(report, violation) != nullptr) {
      ++following[violation.oracle];
      continue;
    }
    text += concat("  ", violation.oracle, ": ", violation.what);
    if (violation.step != 0) {
      text += concat(" (at ", fixed(seconds(violation.time - Instant{}), 6), " s, step ", violation.step, ")");
    }
    text += "\n";
  }
  for (const auto& [oracle, count] : following)
    text += concat("    from this follows ", oracle, ", ", count, count == Verdict::kKept ? " times or more\n" : " times\n");
  const std::string again = concat(shell_quoted(program), " run ",
                                   shell_quoted(std::filesystem::absolute(report.file).string()), " --seed ", report.seed);
  return text + concat("  again: ", again, " --trace trace.jsonl\n  to see it: ", again, " --report trace.html\n");
}

}  // namespace reliant::sim
