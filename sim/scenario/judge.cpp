#include "scenario/judge.h"

#include <map>
#include <memory>
#include <optional>
#include <utility>

#include "base/json.h"
#include "base/text.h"
#include "kernel/digest.h"
#include "kernel/simulation.h"
#include "kernel/trace_schema.h"
#include "oracle/oracle.h"
#include "scenario/expectations.h"
#include "store/store.h"
#include "world/sim_database.h"

namespace reliant::sim {
namespace {

constexpr Duration kTimeout = std::chrono::minutes(10);  // simulated; nothing is slow here

std::string text_in(const json::value& value) {
  const auto& text = value.as_string();
  return {text.data(), text.size()};
}

Result<Level> level_of(std::string_view word) {
  for (const Level level : {Level::kDebug, Level::kInfo, Level::kWarning, Level::kError}) {
    if (level_name(level) == word) return level;
  }
  return invalid_argument("\"", word, "\" is no level");
}

Result<TraceRecord> record_from(std::string_view line) {
  TRY_ASSIGN(const json::value parsed, parse_json(line));
  JsonReader reader(parsed);
  TraceRecord record;
  record.step = static_cast<std::uint64_t>(reader.required_int("step"));
  record.time = Instant(Duration(reader.required_int("time_ns")));
  record.node = static_cast<std::uint32_t>(reader.required_int("node"));
  const std::string level = reader.required_string("level");
  record.name = reader.required_string("name");
  TRY_OK(reader.finish_ignoring_unknown());
  TRY_ASSIGN(record.level, level_of(level));
  for (const auto& [key, value] : parsed.as_object()) {
    if (key == "step" || key == "time_ns" || key == "node" || key == "level" || key == "name") continue;
    TraceRecord::Field field{std::string(key.data(), key.size()), {}};
    if (value.is_int64()) {
      field.value = value.as_int64();
    } else if (value.is_string()) {
      field.value = text_in(value);
    } else {
      return invalid_argument("\"", field.key, "\" is neither a text nor a whole number");
    }
    // Of client.update: a client that is not part of this program cannot compute its digest.
    if (const auto* shown = std::get_if<std::string>(&field.value); shown != nullptr && field.key == "shown")
      field = {"digest", static_cast<std::int64_t>(digest(*shown, kHashSeed))};
    record.fields.push_back(std::move(field));
  }
  return record;
}

// The effects on the machines, by user and daemon.
class Machines {
 public:
  Status add(std::string_view line) {
    TRY_ASSIGN(const json::value parsed, parse_json(line));
    JsonReader reader(parsed);
    const DaemonKey key{reader.required_string("user"), reader.required_string("daemon")};
    const std::string request = reader.required_string("request");
    const auto effect = reader.optional_string("effect");
    const auto out = reader.optional_string("out");
    const auto err = reader.optional_string("err");
    TRY_OK(reader.finish());
    EffectRecord& machine = machines_[key];
    if (effect) machine.add({Instant{}, request, *effect});
    if (out) machine.write(request, ports::ProcessOutput::Stream::kStdout, *out);
    if (err) machine.write(request, ports::ProcessOutput::Stream::kStderr, *err);
    return ok_status();
  }
  void show(FinalState& state) const {
    for (const auto& [key, machine] : machines_) state.machines.emplace(key, &machine);
  }

 private:
  std::map<DaemonKey, EffectRecord> machines_;
};

Task<Status> load_store(ports::Database& database, store::Store& store, std::string content, FinalState& state) {
  const Instant deadline = Instant{} + kTimeout;
  CO_TRY_OK(co_await store.migrate(deadline));
  CO_TRY_OK(co_await database.run_script(content, deadline));
  co_return co_await read_final_state(database, state);
}

Task<void> load(ports::Database& database, store::Store& store, std::string content, FinalState& state,
                std::optional<Status>& end) {
  end = co_await load_store(database, store, std::move(content), state);
}

Status read_store(std::string content, FinalState& state) {
  Simulation simulation(1);
  Node& node = simulation.add_node("store");
  DatabaseFile file(simulation, node, "store");
  store::Store store(file.contents(), node.clock(), simulation.random("store"));
  std::optional<Status> end;
  simulation.world().spawn(load(file.contents(), store, std::move(content), state, end));
  simulation.run_until([&] { return end.has_value(); }, Instant{} + kTimeout);
  return end ? *end : internal_error("the check did not end within ", to_text(kTimeout));
}

Status of_line(std::string_view what, std::size_t number, const Status& why) {
  return invalid_argument(what, ", line ", number, ": ", message_of(why));
}

}  // namespace

Result<JudgedRun> judge_run(const Scenario& scenario, RealRun run) {
  JudgedRun judged;
  Verdict verdict;
  Expectations expectations(scenario.at_least, scenario.at_most);
  const auto oracles = make_oracles(verdict);
  std::string line;
  for (std::size_t number = 1; std::getline(run.trace, line); ++number) {
    const auto record = record_from(line);
    if (!record.ok()) return of_line("the trace", number, record.status());
    if (const std::string what = mismatch(*record); !what.empty()) verdict.broken("schema", what, &*record);
    for (const auto& oracle : oracles) oracle->on_record(*record);
    expectations.on_record(*record);
    ++judged.records;
  }
  Machines machines;
  for (std::size_t number = 1; std::getline(run.effects, line); ++number) {
    if (const Status added = machines.add(line); !added.ok()) return of_line("the effects", number, added);
  }
  FinalState state;
  if (const Status read = read_store(std::move(run.store), state); !read.ok())
    return invalid_argument("the store: ", message_of(read));
  machines.show(state);
  for (const auto& oracle : oracles) oracle->finish(state);
  expectations.judge(verdict);
  judged.violations = verdict.violations();
  return judged;
}

}  // namespace reliant::sim
