#include "oracle/tool_oracle.h"

#include <algorithm>
#include <utility>

#include "base/text.h"
#include "kernel/option.h"

namespace reliant::sim {
namespace {
constexpr std::string_view kAtMostOnce = "tool.at_most_once";
constexpr std::string_view kHonest = "tool.honest";
constexpr std::string_view kCancelled = "tool.cancelled";
constexpr std::string_view kLeftBehind = "tool.left_behind";
constexpr std::string_view kRecorded = "tool.recorded";
constexpr std::string_view kReadOnly = "read_only";
// The effects of these are in the machine's record, with the request that they belong to.
bool leaves_record(const std::string& tool) { return tool == "bash"; }
}  // namespace

void ToolOracle::on_record(const TraceRecord& record) {
  calm_.on_record(record);
  last_ = record.time;
  if (record.name.starts_with("fault.") && !daemon_names_.contains(text_or_empty(record, "target")))
    servers_calm_.on_record(record);
  if (record.is("tool.effect.started")) {
    Seen& seen = requests_[text_or_empty(record, "request_id")];
    seen.tool = text_or_empty(record, "tool");
    seen.repeatable = text_or_empty(record, "effect") != "non_idempotent";
    seen.chat = text_or_empty(record, "chat");
    seen.node = record.node;
    seen.begin = record.time;
    seen.end = kNever;
    seen.died = kNever;
    Asked& asked = asked_[text_or_empty(record, "request_id")];
    asked.begun = std::min(asked.begun, record.time);
    if (asked.unrecorded && text_or_empty(record, "effect") != kReadOnly) {
      verdict_.broken(kRecorded,
                      concat("request ", text_or_empty(record, "request_id"), " (", seen.tool,
                             ") does more than read, and runs without a row"),
                      &record);
    }
    const std::string& daemon = text_or_empty(record, "daemon");
    if (++seen.begun > 1 && !seen.repeatable) {
      verdict_.broken(kAtMostOnce,
                      concat("request ", text_or_empty(record, "request_id"), " (", seen.tool, ") was begun ", seen.begun,
                             " times, last by ", daemon, ", before by ", seen.daemon),
                      &record);
    }
    seen.daemon = daemon;
  } else if (record.is("tool.effect.finished")) {
    Seen& seen = requests_[text_or_empty(record, "request_id")];
    ++seen.ended;
    seen.end = record.time;
  } else if (record.is("worker.turn.finished") && text_or_empty(record, "status") == "cancelled") {
    cancelled_.push_back({text_or_empty(record, "chat"), record.time});
  } else if (record.is("worker.tool.finished")) {
    on_told(record);
  } else if (record.is("gateway.result.kept")) {
    on_kept(record);
  } else if (record.is("gateway.request.routed") || record.is("gateway.request.replayed")) {
    routed_.try_emplace(text_or_empty(record, "request_id"), record.time);
    Asked& asked = asked_[text_or_empty(record, "request_id")];
    asked.sent = std::min(asked.sent, record.time);
  } else if (record.is("gateway.read.routed")) {
    Asked& asked = asked_[text_or_empty(record, "request_id")];
    asked.sent = std::min(asked.sent, record.time);
    asked.unrecorded = true;
  } else if (record.is("worker.daemon.chosen")) {
    Asked& asked = asked_[text_or_empty(record, "request_id")];
    asked.chat = text_or_empty(record, "chat");
    asked.chosen = std::min(asked.chosen, record.time);
  } else if (record.is("run.node") && !text_or_empty(record, "daemon").empty()) {
    nodes_[static_cast<std::uint32_t>(number_or_zero(record, "id"))] = {text_or_empty(record, "user"),
                                                                        text_or_empty(record, "daemon")};
    daemon_names_.insert(text_or_empty(record, "called"));
  } else if (record.is("daemon.connected")) {
    connected_[record.node].push_back(record.time);
  } else if (record.is("node.crashed") || record.is("node.exited")) {
    if (const auto daemon = nodes_.find(record.node); daemon != nodes_.end()) died_[daemon->second] = record.time;
    for (auto& [request, seen] : requests_) {
      if (seen.node == record.node && seen.end == kNever) seen.end = seen.died = record.time;
    }
  }
}

void ToolOracle::on_told(const TraceRecord& record) {
  const std::string& request = text_or_empty(record, "request_id");
  Seen& seen = requests_[request];
  const std::string& outcome = text_or_empty(record, "outcome");
  if (!seen.told.empty() && seen.told != outcome) {
    verdict_.broken(kHonest,
                    concat("request ", request, ": the model received \"", seen.told, "\" first and \"", outcome, "\" later"),
                    &record);
  }
  seen.told = outcome;
  seen.told_at = {record.time, record.step};
  // Stored before the write was begun: then the store could have returned it.
  const Instant begun = after(record.time, -std::chrono::microseconds(number_or_zero(record, "write_us")));
  if (outcome == "unknown" && !seen.kept.empty() && seen.kept != outcome && seen.kept_at <= begun) {
    verdict_.broken(kHonest,
                    concat("request ", request, ": the model received \"unknown\" when the store had \"", seen.kept, "\""),
                    &record);
  }
}

void ToolOracle::on_kept(const TraceRecord& record) {
  const std::string& request = text_or_empty(record, "request_id");
  const std::string& outcome = text_or_empty(record, "outcome");
  requests_[request].kept = outcome;
  requests_[request].kept_at = record.time;
  const auto routed = routed_.find(request);
  if (outcome != "unknown" || routed == routed_.end()) return;
  const auto died = died_.find({text_or_empty(record, "user"), text_or_empty(record, "daemon")});
  if (died != died_.end() && died->second >= routed->second) return;
  verdict_.broken(kHonest,
                  concat("request ", request, ": daemon ", text_or_empty(record, "daemon"),
                         " says \"unknown\" and has lived all the time since it was asked"),
                  &record);
}

void ToolOracle::finish(const FinalState& state) {
  for (const auto& [daemon, effects] : state.machines) {
    for (const MachineEffect& effect : effects->all()) {
      if (!effect.request.empty() && requests_.contains(effect.request)) ++requests_[effect.request].effects;
    }
  }
  for (const auto& [request, seen] : requests_) judge(request, seen, state);
  for (const Cancelled& turn : cancelled_) judge_cancelled(turn);
  for (const auto& [request, stored] : state.executions) {
    if (stored.effect == kReadOnly)
      verdict_.broken(kRecorded, concat("request ", request, " (", stored.tool, ") only reads, and has a row"),
                      {{"request_id", request}, {"chat", stored.chat}, {"daemon", stored.daemon}, {"user", stored.user}});
  }
  for (const auto& [daemon, effects] : state.machines) {
    std::map<std::pair<std::string, std::string>, int> counts;
    for (const MachineEffect& effect : effects->all()) {
      if (effect.request.empty()) continue;
      const auto seen = requests_.find(effect.request);
      if (seen != requests_.end()) judge_left_behind(seen->second, effect);
      if (seen == requests_.end()) {
        verdict_.broken(kAtMostOnce,
                        concat("machine of ", name_of(daemon), ": an effect for request ", effect.request,
                               ", which no daemon began: ", effect.what),
                        {{"request_id", effect.request}, {"daemon", daemon.second}, {"user", daemon.first}}, {effect.time});
      } else if (!seen->second.repeatable && ++counts[{effect.request, effect.what}] == 2) {
        verdict_.broken(
            kAtMostOnce,
            concat("machine of ", name_of(daemon), ": \"", effect.what, "\" happened twice for request ", effect.request),
            {{"request_id", effect.request}, {"daemon", daemon.second}, {"user", daemon.first}}, {effect.time});
      }
    }
  }
}

void ToolOracle::judge_left_behind(const Seen& seen, const MachineEffect& effect) {
  if (seen.died == kNever) return;
  const auto connected = connected_.find(seen.node);
  if (connected == connected_.end()) return;
  const auto next_life = std::ranges::upper_bound(connected->second, seen.died);
  if (next_life == connected->second.end() || effect.time <= *next_life) return;
  verdict_.broken(kLeftBehind,
                  concat("request ", effect.request, " (", seen.tool, "): \"", effect.what, "\" happened ",
                         to_text(effect.time - *next_life), " after the next incarnation of its killed daemon was connected"),
                  {{"request_id", effect.request}, {"chat", seen.chat}, {"daemon", seen.daemon}}, {effect.time});
}

void ToolOracle::judge_cancelled(const Cancelled& turn) {
  judge_sent_late(turn);
  const Instant limit = after(turn.when, kEnded);
  for (const auto& [request, seen] : requests_) {
    if (seen.chat != turn.chat || seen.begin > turn.when || seen.end != kNever || last_ < limit) continue;
    verdict_.broken(kCancelled,
                    concat("request ", request, " (", seen.tool, " of chat ", seen.chat,
                           ") still runs at the end; its turn was cancelled ", to_text(last_ - turn.when), " before"),
                    {{"request_id", request}, {"chat", seen.chat}, {"daemon", seen.daemon}}, {turn.when});
  }
  if (!calm_.between(turn.when, limit)) return;
  for (const auto& [request, seen] : requests_) {
    if (seen.chat != turn.chat || seen.begin > turn.when || seen.end <= limit) continue;
    verdict_.broken(kCancelled,
                    concat("request ", request, " (", seen.tool, " of chat ", seen.chat, ") ran on for ",
                           seen.end == kNever ? "ever" : to_text(seen.end - turn.when), " after its turn was cancelled"),
                    {{"request_id", request}, {"chat", seen.chat}, {"daemon", seen.daemon}}, {turn.when});
  }
}

void ToolOracle::judge_sent_late(const Cancelled& turn) {
  if (!servers_calm_.between(turn.when - kEnded, turn.when)) return;
  for (const auto& [request, asked] : asked_) {
    if (asked.chat != turn.chat || asked.chosen > turn.when || asked.sent <= turn.when) continue;
    if (asked.begun == kNever || asked.begun <= after(turn.when, kEnded)) continue;
    verdict_.broken(kCancelled,
                    concat("request ", request, " of chat ", asked.chat, " was begun ", to_text(asked.begun - turn.when),
                           " after its turn was cancelled; it had not been sent before"),
                    {{"request_id", request}, {"chat", asked.chat}}, {asked.begun});
  }
}

void ToolOracle::judge(const std::string& request, const Seen& seen, const FinalState& state) {
  if (seen.told.empty()) return;
  if (seen.told == "not_executed" && (seen.begun > 0 || seen.effects > 0)) {
    verdict_.broken(kHonest,
                    concat("request ", request, " (", seen.tool, "): the model received \"not_executed\"; the tool was begun ",
                           seen.begun, " times and had ", seen.effects, " effects"),
                    {{"request_id", request}, {"chat", seen.chat}, {"daemon", seen.daemon}}, seen.told_at);
  }
  // A tool of the server's own leaves no such trace; those of daemons do.
  const auto stored = state.executions.find(request);
  const auto asked = asked_.find(request);
  const bool of_daemon = stored != state.executions.end() || (asked != asked_.end() && asked->second.sent != kNever);
  if (seen.told == "executed" && of_daemon && seen.ended == 0) {
    verdict_.broken(
        kHonest,
        concat("request ", request, " (", seen.tool, "): the model received \"executed\"; no daemon has run it to its end"),
        {{"request_id", request}, {"chat", seen.chat}, {"daemon", seen.daemon}}, seen.told_at);
  }
  if (seen.told == "executed" && leaves_record(seen.tool) && stored != state.executions.end() && !stored->second.is_error &&
      seen.effects == 0) {
    verdict_.broken(kHonest, concat("request ", request, ": the model received a success; the machine shows no effect"),
                    {{"request_id", request}, {"chat", seen.chat}, {"daemon", seen.daemon}}, seen.told_at);
  }
}

}  // namespace reliant::sim
