#include "scenario/runner.h"

#include <algorithm>
#include <array>
#include <memory>
#include <optional>
#include <ostream>
#include <utility>

#include "base/text.h"
#include "faults/fault_engine.h"
#include "kernel/trace_schema.h"
#include "oracle/oracle.h"
#include "oracle/status_oracle.h"
#include "scenario/expectations.h"
#include "scenario/progress_watch.h"
#include "scenario/reconnect_watch.h"
#include "workload/workload.h"

namespace reliant::sim {
namespace {

constexpr Duration kSlice = std::chrono::seconds(1);
constexpr std::uint64_t kStepsOfSlice = 20'000'000;  // more within a second: it loops
constexpr int kLooks = 30;
constexpr Duration kSettle = std::chrono::seconds(90);  // keepalives and polls pass

class Counter final : public TraceSink {
 public:
  void on_record(const TraceRecord& record) override { ++counts_[record.name]; }
  std::map<std::string, std::int64_t> take() { return std::move(counts_); }

 private:
  std::map<std::string, std::int64_t> counts_;
};

class SchemaCheck final : public TraceSink {
 public:
  explicit SchemaCheck(Verdict& verdict) : verdict_(verdict) {}
  void on_record(const TraceRecord& record) override {
    if (const std::string what = mismatch(record); !what.empty()) verdict_.broken("schema", what, &record);
  }

 private:
  Verdict& verdict_;
};

// One run. Members are in the order of their dependencies.
class Run {
 public:
  Run(Scenario scenario, const RunOptions& options)
      : scenario_(std::move(scenario)),
        expectations_(scenario_.at_least, scenario_.at_most),
        simulation_(options.seed, options.simulation) {
    report_.scenario = scenario_.name;
    report_.file = scenario_.file;
    report_.seed = options.seed;
    report_.options = draw_options(scenario_, RandomStreams(options.seed));
    oracles_ = make_oracles(verdict_);
    simulation_.trace().add_sink(counter_);
    simulation_.trace().add_sink(expectations_);
    simulation_.trace().add_sink(progress_);
    if (std::max(scenario_.reconnect.first_within.value, scenario_.reconnect.within.value) > Duration::zero())
      simulation_.trace().add_sink(reconnects_);
    for (const auto& oracle : oracles_) {
      simulation_.trace().add_sink(*oracle);
      if (oracle->looks_at_deliveries()) simulation_.trace().watch_deliveries(*oracle);
    }
    if (options.check_schema) simulation_.trace().add_sink(schema_.emplace(verdict_));
    if (options.trace != nullptr) {
      lines_.emplace(*options.trace, simulation_.executor());
      lines_->on_record({.name = "trace.version", .fields = {{"version", kTraceVersion}}});
      simulation_.trace().add_sink(*lines_);
      simulation_.trace().watch_deliveries(*lines_);
    }
    decorators_ = options.decorators;
    beginnings_ = options.beginnings != nullptr ? options.beginnings : &own_beginnings_;
  }

  RunReport run() {
    ClusterPlan plan{scenario_.topology, scenario_.network, scenario_.workload.script, scenario_.file};
    auto cluster = Cluster::make(simulation_, std::move(plan), decorators_, *beginnings_);
    if (!cluster.ok()) return refused(cluster.status());
    cluster_ = *std::move(cluster);
    workload_ =
        std::make_unique<Workload>(simulation_, cluster_->web(), scenario_.workload, users(), cluster_->api_addresses());
    faults_ = std::make_unique<FaultEngine>(simulation_, cluster_->network(), cluster_->fault_targets(), scenario_.faults,
                                            scenario_.faults_off);
    if (const Status fits = faults_->check(); !fits.ok()) return refused(fits);
    introduce();
    (void)(warm_up() && chaos() && quiesce() && rest());
    return finish();
  }

 private:
  std::vector<WorkloadUser> users() const {
    std::vector<WorkloadUser> users;
    for (const ClusterUser& user : cluster_->users()) {
      users.push_back(WorkloadUser{user.id, user.token, user.project_path, user.daemons});
    }
    return users;
  }

  // The name and role of each node, for readers of the trace.
  void introduce() {
    simulation_.trace().record(
        0, Level::kInfo, "run.begun",
        {{"scenario", report_.scenario}, {"file", report_.file}, {"seed", report_.seed}, {"options", report_.options}});
    std::map<std::uint32_t, ClusterNode> known;
    for (ClusterNode& node : cluster_->nodes()) known[node.id] = std::move(node);
    for (const auto& [id, user] : workload_->nodes()) known[id] = ClusterNode{id, "client", user, ""};
    for (const Node& node : simulation_.nodes()) {
      const ClusterNode& is = known[node.id()];
      simulation_.trace().record(
          0, Level::kInfo, "run.node",
          {{"id", node.id()}, {"called", node.name()}, {"role", is.role}, {"user", is.user}, {"daemon", is.daemon}});
    }
  }

  RunReport refused(const Status& status) {
    report_.outcome = Outcome::kBadFile;
    report_.violations.push_back({Severity::kBroken, "scenario", std::string(message_of(status))});
    return close();
  }

  bool run_for(Duration duration) {
    const Instant end = after(simulation_.now(), duration);
    while (simulation_.now() < end) {
      const Instant slice = std::min(end, after(simulation_.now(), kSlice));
      if (simulation_.run_until(slice, kStepsOfSlice) >= kStepsOfSlice) return circling();
    }
    return true;
  }
  bool circling() {
    verdict_.not_live("liveness.circling", concat("more than ", kStepsOfSlice, " steps within a second of simulated time"));
    return false;
  }

  bool warm_up() {
    cluster_->start();
    if (!run_for(scenario_.phases.warm_up.value)) return false;
    for (int more = 0; !cluster_->ready(); ++more) {
      if (more == 120) {
        verdict_.not_live("liveness.ready", concat("the system has not started in time: ", cluster_->not_ready()));
        return false;
      }
      if (!run_for(kSlice)) return false;
    }
    idle_ = simulation_.live();
    return true;
  }

  bool chaos() {
    simulation_.trace().record(0, Level::kInfo, "run.chaos", {});
    workload_->start();
    faults_->start();
    return run_for(scenario_.phases.chaos.value);
  }

  bool quiesce() {
    faults_->heal();
    healed_ = simulation_.now();
    const Instant limit = after(simulation_.now(), scenario_.phases.quiesce.value);
    while ((!workload_->done() || chats_run()) && simulation_.now() < limit) {
      if (!run_for(kSlice)) return false;
    }
    simulation_.trace().record(0, Level::kInfo, "run.quiesced", {{"unfinished", workload_->unfinished()}});
    if (!workload_->done()) {
      verdict_.not_live("liveness.workload",
                        concat(workload_->unfinished(), " chats are not done ", to_text(scenario_.phases.quiesce.value),
                               " after healing; ", progress_.describe(simulation_.now())));
    }
    return run_for(std::chrono::seconds(10));  // the clients receive the last updates
  }

  // A client that has not waited for the previous turn takes the end of that turn for the end of its last one.
  bool chats_run() {
    running_.reset();
    simulation_.world().spawn(look_for_running(cluster_->contents(), running_));
    simulation_.run_until([&] { return running_.has_value(); }, after(simulation_.now(), kSlice));
    return running_.value_or(true);
  }
  static Task<void> look_for_running(ports::Database& database, std::optional<bool>& running) {
    const auto transaction = co_await database.begin(ports::Access::kRead, kNever);
    if (!transaction.ok()) co_return;
    const auto rows = co_await (*transaction)->execute("SELECT 1 FROM chats WHERE status = 'running' LIMIT 1", {});
    if (rows.ok()) running = !rows->empty();
  }

  // The clients stop; then nothing that was done for them may remain.
  bool rest() {
    workload_->stop();
    if (!run_for(std::max(kSettle, after(healed_, StatusOracle::kConvergenceTimeout) - simulation_.now()))) return false;
    for (const std::string& leak : cluster_->leaks()) verdict_.broken("leak", leak);
    if (!compare_with_idle()) return false;
    std::optional<Status> read;
    simulation_.world().spawn(read_state(cluster_->contents(), state_, read));
    simulation_.run_until([&] { return read.has_value(); }, after(simulation_.now(), std::chrono::minutes(1)));
    if (!read || !read->ok()) {
      verdict_.broken("store", concat("cannot be read: ", read ? message_of(*read) : "no answer"));
      return false;
    }
    for (const ClusterMachine& machine : cluster_->machines()) {
      state_.machines.emplace(DaemonKey{machine.user, machine.daemon}, machine.effects);
    }
    for (const auto& oracle : oracles_) oracle->finish(state_);
    reconnects_.judge(scenario_.reconnect, verdict_);
    expectations_.judge(verdict_);
    report_.unreached = expectations_.unreached();
    return true;
  }
  // The processes are as idle now as before the first client came, so no more waits may exist than then. A heartbeat or poll
  // under way gets time to end.
  bool compare_with_idle() {
    cluster_->evict_cached_runs();
    const LiveCounts reason = cluster_->started_by_need();
    LiveCounts rest = simulation_.live();
    const auto more = [&] {
      rest = simulation_.live();
      return rest.frames > idle_.frames + reason.frames || rest.registered > idle_.registered + reason.registered;
    };
    for (int look = 0; more(); ++look) {
      if (look == kLooks) {
        verdict_.broken("leak", concat("at rest there are ", rest.frames, " frames and ", rest.registered,
                                       " waits; before the first client there were ", idle_.frames, " and ", idle_.registered));
        return true;
      }
      if (!run_for(kSlice)) return false;
    }
    return true;
  }

  static Task<void> read_state(ports::Database& database, FinalState& state, std::optional<Status>& read) {
    read = co_await read_final_state(database, state);
  }

  RunReport finish() {
    if (const FirstFailure& failure = simulation_.failure(); failure.error()) {
      const std::string of = failure.node() == 0 ? "the world" : simulation_.node(failure.node()).name();
      verdict_.broken("defect", concat("an exception left a task of ", of, ": ", what_of(failure.error())));
    }
    report_.outcome = verdict_.any(Severity::kBroken)    ? Outcome::kBroken
                      : verdict_.any(Severity::kNotLive) ? Outcome::kNotLive
                                                         : Outcome::kHeld;
    return close();
  }

  // Ends the simulation; objects that still exist then have leaked.
  RunReport close() {
    report_.hash = simulation_.hash();
    report_.events = simulation_.executor().steps();
    report_.sim_time = simulation_.now() - Instant{};
    report_.ladder = simulation_.ladder();
    report_.counters.merge(counter_.take());
    if (faults_) report_.faults = faults_->histories();
    simulation_.shutdown();
    workload_.reset();
    faults_.reset();
    cluster_.reset();
    const LiveCounts live = simulation_.live();
    if (!(live == LiveCounts{})) {
      verdict_.broken("leak", concat("after the end there are still ", live.registered, " waits, ", live.tasks, " tasks and ",
                                     live.frames, " frames"));
      if (report_.outcome == Outcome::kHeld) report_.outcome = Outcome::kBroken;
    }
    for (const Violation& violation : verdict_.violations()) report_.violations.push_back(violation);
    if (lines_) write_end();
    return std::move(report_);
  }

  // Written to the file only: an observer must not change the run.
  void write_end() {
    for (const Violation& violation : report_.violations) {
      const bool at_the_end = violation.step == 0 && violation.time == Instant{};
      const Instant when = at_the_end ? Instant{} + report_.sim_time : violation.time;
      TraceRecord record{at_the_end ? report_.events : violation.step, when, 0, Level::kError, "run.violation", {}};
      record.fields.push_back({"oracle", violation.oracle});
      record.fields.push_back({"what", violation.what});
      for (const auto& [key, id] : violation.subject) record.fields.push_back({key, id});
      lines_->on_record(record);
    }
    TraceRecord end{report_.events, Instant{} + report_.sim_time, 0, Level::kInfo, "run.ended", {}};
    end.fields.push_back({"outcome", std::string(to_string(report_.outcome))});
    end.fields.push_back({"hash", std::to_string(report_.hash)});
    lines_->on_record(end);
  }

  Scenario scenario_;
  Decorators decorators_;
  RunReport report_;
  Verdict verdict_;
  Counter counter_;
  Expectations expectations_;
  ProgressWatch progress_;
  ReconnectWatch reconnects_;
  std::vector<std::unique_ptr<Oracle>> oracles_;
  std::optional<SchemaCheck> schema_;
  std::optional<JsonLinesSink> lines_;
  Instant healed_{};
  LiveCounts idle_;  // before the first client came
  FinalState state_;
  std::optional<bool> running_;  // whether a chat was running at the last check
  DatabaseBeginnings own_beginnings_;
  DatabaseBeginnings* beginnings_ = nullptr;
  Simulation simulation_;
  std::unique_ptr<Cluster> cluster_;
  std::unique_ptr<Workload> workload_;
  std::unique_ptr<FaultEngine> faults_;
};

}  // namespace

std::string_view to_string(Outcome outcome) {
  constexpr std::array<std::string_view, 6> kWords = {"held", "bad_file", "broken", "not_live", "crashed", "differed"};
  return kWords[static_cast<std::size_t>(outcome)];
}

RunReport run_scenario(Scenario scenario, const RunOptions& options) { return Run(std::move(scenario), options).run(); }

RunReport run_twice(const Scenario& scenario, const RunOptions& options) {
  RunReport first = run_scenario(scenario, options);
  RunOptions again = options;
  again.trace = nullptr;
  const RunReport second = run_scenario(scenario, again);
  const auto rung = first_difference(first.ladder, second.ladder);
  if (!rung && first.hash == second.hash) return first;

  // Repeat both runs from the last equal rung, with a rung at every step.
  const std::uint64_t from = rung && *rung > 0 ? first.ladder.rungs()[*rung - 1].step : 0;
  again.simulation.ladder_spacing = 1;
  again.simulation.ladder_first_step = from;
  const RunReport third = run_scenario(scenario, again);
  const RunReport fourth = run_scenario(scenario, again);
  const auto step = first_difference(third.ladder, fourth.ladder);
  std::string what = concat("two runs of the same seed differ (hashes ", first.hash, " and ", second.hash, ")");
  if (step && *step < third.ladder.rungs().size()) {
    const Rung& where = third.ladder.rungs()[*step];
    what += concat(", first in step ", where.step, " at ", to_text(where.time - Instant{}));
  } else {
    what += concat(", after step ", from);
  }
  first.outcome = Outcome::kDiffered;
  first.violations.insert(first.violations.begin(), Violation{Severity::kBroken, "determinism", what});
  return first;
}

}  // namespace reliant::sim
