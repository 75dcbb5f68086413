// reliant-judge: shows the simulator's oracles what real processes have recorded. The trace schema is the same in both worlds;
// what is left out here are the oracles that look at messages on the wire, or at nanoseconds.
//
//   reliant-judge --db-url URL --machines FILE PROCESS...
//
// PROCESS is "name,role,user,daemon=FILE", the event log of a process; "world=FILE" has what was done to them (fault.*, node.*).
// All are of one machine, whose clock puts them in order. FILE of --machines: {"effects": ["REQUEST", …], "written": {"REQUEST":
// "text"}}, what the tools have really done. Exit codes: 0 held, 1 usage, 2 an invariant is broken, 3 something was not live.
#include <algorithm>
#include <charconv>
#include <chrono>
#include <cstdio>
#include <ctime>
#include <fstream>
#include <iomanip>
#include <map>
#include <memory>
#include <optional>
#include <sstream>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "adapters/asio_executor.h"
#include "adapters/postgres_database.h"
#include "base/json.h"
#include "base/text.h"
#include "kernel/digest.h"
#include "kernel/option.h"
#include "kernel/trace_schema.h"
#include "oracle/admission_oracle.h"
#include "oracle/credentials_oracle.h"
#include "oracle/durability_oracle.h"
#include "oracle/fencing_oracle.h"
#include "oracle/isolation_oracle.h"
#include "oracle/liveness_oracle.h"
#include "oracle/output_oracle.h"
#include "oracle/routing_oracle.h"
#include "oracle/stop_oracle.h"
#include "oracle/stream_oracle.h"
#include "oracle/tool_oracle.h"
#include "runtime/scope.h"

namespace reliant::sim {
namespace {

struct Process {
  std::string name;
  std::string role;
  std::string user;
  std::string daemon;
  std::string file;
};

struct Input {
  std::string database;
  std::string machines;
  std::vector<Process> processes;
};

Result<Process> process_of(std::string_view word) {
  const std::size_t equals = word.find('=');
  if (equals == std::string_view::npos) return invalid_argument("\"", word, "\" is not name,role,user,daemon=FILE");
  Process out;
  out.file = word.substr(equals + 1);
  word = word.substr(0, equals);
  for (std::string* part : {&out.name, &out.role, &out.user, &out.daemon}) {
    const std::size_t comma = word.find(',');
    *part = word.substr(0, comma);
    word.remove_prefix(comma == std::string_view::npos ? word.size() : comma + 1);
  }
  return out;
}

Result<Input> input_of(std::vector<std::string> words) {
  Input out;
  for (std::size_t i = 0; i < words.size(); ++i) {
    if (words[i] == "--db-url" && i + 1 < words.size()) {
      out.database = words[++i];
    } else if (words[i] == "--machines" && i + 1 < words.size()) {
      out.machines = words[++i];
    } else {
      TRY_ASSIGN(Process process, process_of(words[i]));
      out.processes.push_back(std::move(process));
    }
  }
  if (out.database.empty() || out.machines.empty() || out.processes.empty())
    return invalid_argument("usage: reliant-judge --db-url URL --machines FILE NAME,ROLE,USER,DAEMON=LOG...");
  return out;
}

// "2026-11-21T08:03:45.123456Z"
Result<Instant> time_of(const std::string& text) {
  std::tm date{};
  std::istringstream in(text);
  in >> std::get_time(&date, "%Y-%m-%dT%H:%M:%S");
  std::int64_t micros = 0;
  const std::size_t dot = text.find('.');
  if (in.fail() || dot == std::string::npos) return invalid_argument("\"", text, "\" is no time");
  std::from_chars(text.data() + dot + 1, text.data() + text.size(), micros);
  return Instant(std::chrono::seconds(::timegm(&date)) + std::chrono::microseconds(micros));
}

std::int64_t digest_of(std::string_view payload) { return static_cast<std::int64_t>(digest(payload, kHashSeed)); }

Result<TraceRecord> record_of(const std::string& line) {
  TRY_ASSIGN(const json::value value, parse_json(line));
  const json::object* const object = value.if_object();
  if (object == nullptr) return invalid_argument("no object");
  TraceRecord out;
  for (const auto& member : *object) {
    const std::string key(member.key());
    if (const auto* const number = member.value().if_int64()) {
      out.fields.push_back({key, *number});
      continue;
    }
    const auto* const word = member.value().if_string();
    if (word == nullptr) return invalid_argument("the field ", key, " is neither a number nor a text");
    std::string text(word->data(), word->size());
    if (key == "time") {
      TRY_ASSIGN(out.time, time_of(text));
    } else if (key == "event") {
      out.name = std::move(text);
    } else if (key == "level") {
      for (const Level level : {Level::kDebug, Level::kInfo, Level::kWarning, Level::kError})
        if (level_name(level) == text) out.level = level;
    } else if (key == "payload") {  // of an update that a client got
      out.fields.push_back({"digest", digest_of(text)});
    } else if (key != "role") {
      out.fields.push_back({key, std::move(text)});
    }
  }
  return out;
}

// A process that was killed may have left half a line at its end, or in the middle, where the next one went on.
void read_log(const Process& process, std::uint32_t node, std::vector<TraceRecord>& records) {
  std::ifstream in(process.file);
  std::string line;
  while (std::getline(in, line)) {
    auto record = record_of(line);
    if (!record.ok()) continue;
    record->node = node;
    records.push_back(*std::move(record));
  }
}

TraceRecord who(const Process& process, std::uint32_t node, Instant time) {
  TraceRecord out;
  out.time = time;
  out.name = "run.node";
  out.fields = {{"id", static_cast<std::int64_t>(node)}, {"called", process.name}, {"role", process.role},
                {"user", process.user},                  {"daemon", process.daemon}};
  return out;
}

// The oracles know a gateway by the name in its address, as it is in the simulator.
void name_addresses(std::vector<TraceRecord>& records, const Input& input) {
  std::map<std::string, std::string> names;
  for (const TraceRecord& record : records)
    if (record.is("gateway.started")) names[text_or_empty(record, "address")] = input.processes[record.node].name;
  for (TraceRecord& record : records) {
    if (!record.is("daemon.moved_on")) continue;
    for (TraceRecord::Field& field : record.fields) {
      auto* const text = std::get_if<std::string>(&field.value);
      if (text == nullptr || !names.contains(*text)) continue;
      *text = concat(names[*text], text->substr(text->rfind(':')));
    }
  }
}

// In the order of what happened.
std::vector<TraceRecord> read_records(const Input& input) {
  std::vector<TraceRecord> records;
  std::map<std::string, std::uint32_t> nodes;
  for (const Process& process : input.processes) {
    const auto node = process.name == "world" ? 0u : static_cast<std::uint32_t>(nodes.size() + 1);
    if (node != 0) nodes[process.name] = node;
    read_log(process, node, records);
  }
  for (TraceRecord& record : records) {
    const std::string* const called = record.name.starts_with("node.") ? record.text("called") : nullptr;
    if (called != nullptr && nodes.contains(*called)) record.node = nodes[*called];
  }
  name_addresses(records, input);
  for (std::size_t i = 0; i < records.size(); ++i) records[i].step = i;  // what is of one instant stays in order
  std::ranges::sort(records, {}, [](const TraceRecord& record) { return std::pair(record.time, record.step); });
  const Instant begin = records.empty() ? Instant{} : records.front().time;
  std::vector<TraceRecord> out;
  for (const Process& process : input.processes)
    if (process.name != "world") out.push_back(who(process, nodes[process.name], Instant{}));
  for (TraceRecord& record : records) {
    record.time = Instant(record.time - begin);
    record.step = out.size();
    out.push_back(std::move(record));
  }
  return out;
}

Status read_machines(const std::string& file, EffectRecord& machine) {
  std::ifstream in(file);
  const std::string text((std::istreambuf_iterator<char>(in)), {});
  TRY_ASSIGN(const json::value value, parse_json(text));
  JsonReader reader(value);
  for (const std::string& request : reader.optional_strings("effects")) machine.add({{}, request, "mark"});
  if (const json::value* const written = reader.optional_value("written")) {
    for (const auto& member : written->as_object()) {
      const json::string& said = member.value().as_string();
      machine.write(std::string(member.key()), ports::ProcessOutput::Stream::kStdout, {said.data(), said.size()});
    }
  }
  return reader.finish();
}

Task<void> read_stores(adapters::AsioExecutor& executor, ports::Database& database, FinalState& state, Status& result) {
  result = co_await read_final_state(database, state);
  executor.stop();
}

Status read_stores(const std::string& url, FinalState& state) {
  adapters::AsioExecutor executor;
  TRY_ASSIGN(const auto database, adapters::PostgresDatabase::open(executor, {.url = url}));
  Status result;
  TaskScope scope(executor, 0);
  scope.spawn(read_stores(executor, *database, state, result));
  executor.run_loop();
  return result;
}

std::vector<std::unique_ptr<Oracle>> oracles_of_real_runs(Verdict& verdict) {
  std::vector<std::unique_ptr<Oracle>> out;
  out.push_back(std::make_unique<ToolOracle>(verdict));
  out.push_back(std::make_unique<LivenessOracle>(verdict));
  out.push_back(std::make_unique<IsolationOracle>(verdict));
  out.push_back(std::make_unique<RoutingOracle>(verdict));
  out.push_back(std::make_unique<StreamOracle>(verdict));
  out.push_back(std::make_unique<FencingOracle>(verdict));
  out.push_back(std::make_unique<CredentialsOracle>(verdict));
  out.push_back(std::make_unique<DurabilityOracle>(verdict));
  out.push_back(std::make_unique<OutputOracle>(verdict));
  out.push_back(std::make_unique<StopOracle>(verdict));
  out.push_back(std::make_unique<AdmissionOracle>(verdict));
  return out;
}

int judge(const Input& input) {
  FinalState state;
  EffectRecord machine;
  for (const Status& read : {read_stores(input.database, state), read_machines(input.machines, machine)}) {
    if (read.ok()) continue;
    std::fprintf(stderr, "reliant-judge: %s\n", std::string(message_of(read)).c_str());
    return 1;
  }
  state.machines.emplace(DaemonKey{"", "all"}, &machine);
  Verdict verdict;
  const auto oracles = oracles_of_real_runs(verdict);
  std::map<std::string, std::size_t> wrong;  // records that are not as the schema says
  const std::vector<TraceRecord> records = read_records(input);
  for (const TraceRecord& record : records) {
    if (const std::string what = mismatch(record); !what.empty()) ++wrong[what];
    for (const auto& oracle : oracles) oracle->on_record(record);
  }
  for (const auto& oracle : oracles) oracle->finish(state);
  for (const auto& [what, count] : wrong) std::printf("schema: %s (%zu times)\n", what.c_str(), count);
  for (const Violation& violation : verdict.violations())
    std::printf("%s: %s (record %llu)\n", violation.oracle.c_str(), violation.what.c_str(),
                static_cast<unsigned long long>(violation.step));
  std::printf("%zu records, %zu chats, %zu tool executions, %zu violations\n", records.size(), state.chats.size(),
              state.executions.size(), verdict.violations().size());
  if (!wrong.empty() || verdict.any(Severity::kBroken)) return 2;
  return verdict.any(Severity::kNotLive) ? 3 : 0;
}

}  // namespace
}  // namespace reliant::sim

int main(int argc, char** argv) {
  const auto input = reliant::sim::input_of(std::vector<std::string>(argv + 1, argv + argc));
  if (input.ok()) return reliant::sim::judge(*input);
  std::fprintf(stderr, "reliant-judge: %s\n", std::string(reliant::message_of(input.status())).c_str());
  return 1;
}
