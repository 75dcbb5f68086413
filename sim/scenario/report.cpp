#include "scenario/report.h"

#include <cstdio>

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

}  // namespace

std::string json_line(const RunReport& report, double wall_seconds) {
  json::array violations;
  for (const Violation& violation : report.violations) {
    json::object one;
    one["oracle"] = violation.oracle;
    one["severity"] = violation.severity == Severity::kBroken ? "broken" : "not_live";
    one["what"] = violation.what;
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
  const double sim = seconds(report.sim_time);
  const double ratio = wall_seconds > 0 ? sim / wall_seconds : 0;
  const double rate = wall_seconds > 0 ? static_cast<double>(report.events) / wall_seconds / 1e6 : 0;
  return concat(to_string(report.outcome), " ", report.scenario, " seed=", report.seed, " hash=", hex(report.hash),
                " events=", report.events, " sim=", fixed(sim, 1), "s wall=", fixed(wall_seconds, 2), "s (", fixed(ratio, 0),
                " times real time, ", fixed(rate, 2), " M events/s)");
}

std::string options_line(const RunReport& report) {
  return concat("scenario=", report.scenario, " seed=", report.seed, " ", report.options);
}

std::string failure_text(const RunReport& report) {
  std::string text;
  for (const Violation& violation : report.violations) {
    text += concat("  ", violation.oracle, ": ", violation.what);
    if (violation.step != 0) {
      text += concat(" (at ", fixed(seconds(violation.time - Instant{}), 6), " s, step ", violation.step, ")");
    }
    text += "\n";
  }
  return text + concat("  again: ", repeat_command(report.file, report.seed),
                       "\n  then, to see it: tools/sim report trace.jsonl -o trace.html\n");
}

std::string repeat_command(std::string_view file, std::uint64_t seed) {
  return concat("tools/sim run ", file, " --seed ", seed, " --trace trace.jsonl");
}

}  // namespace reliant::sim
