// The faults of databases, disks, memory, the bus's and Temporal's servers, and tokens.
#include <algorithm>
#include <array>
#include <limits>
#include <utility>

#include "base/text.h"
#include "faults/fault_engine.h"
#include "runtime/sleep.h"

namespace reliant::sim {
namespace {

constexpr std::int64_t kKibi = 1024;
constexpr Duration kLook = std::chrono::milliseconds(100);
constexpr Duration kCallTimeout = std::chrono::seconds(10);
constexpr std::string_view kNamespace = "default";

CommitFault commit_fault(std::string_view name, Random& random) {
  constexpr std::array<std::pair<std::string_view, CommitFault>, 4> kFaults = {{{"lost_before", CommitFault::kLostBefore},
                                                                                {"lost_while", CommitFault::kLostWhile},
                                                                                {"lost_after", CommitFault::kLostAfter},
                                                                                {"aborted", CommitFault::kAborted}}};
  const CommitFault drawn = kFaults[random.below(kFaults.size())].second;
  const auto* known = std::ranges::find(kFaults, name, &std::pair<std::string_view, CommitFault>::first);
  return known == kFaults.end() ? drawn : known->second;
}

}  // namespace

FaultTargets::Target* FaultEngine::target_of(const Node* node) {
  const auto found = std::ranges::find(targets_.nodes, node, &FaultTargets::Target::node);
  return found == targets_.nodes.end() ? nullptr : &*found;
}

void FaultEngine::act(const DatabaseLost& fault) {
  for (CommitFaults* database : targets_.databases) {
    database->lost_before = static_cast<std::uint32_t>(fault.before_commit.value);
    database->lost_while = static_cast<std::uint32_t>(fault.while_committing.value);
    database->lost_after = static_cast<std::uint32_t>(fault.after_commit.value);
    database->aborted = static_cast<std::uint32_t>(fault.aborted.value);
  }
  simulation_.trace().record(0, Level::kInfo, "fault.database_lost", {{"databases", targets_.databases.size()}});
}

void FaultEngine::act(const TemporalLost& fault) {
  if (targets_.temporal == nullptr) return;
  targets_.temporal->faults() = {static_cast<std::uint32_t>(fault.request.value),
                                 static_cast<std::uint32_t>(fault.response.value)};
  announce(TemporalLost::kName, targets_.temporal->node(), "", Duration::zero());
}

void FaultEngine::act(const BusLimits& fault) {
  if (targets_.bus == nullptr) return;
  SimBusOptions& options = targets_.bus->options();
  options.interest_lag = fault.interest_lag.value;
  options.max_pending = static_cast<std::size_t>(fault.max_pending.value);
  options.server_buffer = static_cast<std::size_t>(fault.server_buffer_kib.value * kKibi);
  options.max_payload = static_cast<std::size_t>(fault.max_payload_kib.value * kKibi);
  announce(BusLimits::kName, targets_.bus->node(), "", Duration::zero());
}

void FaultEngine::act(const Commit& fault, std::uint32_t there, Random& random) {
  if (targets_.database == nullptr) return;
  const CommitFault outcome = commit_fault(fault.outcome, random);
  Node* node = pick(fault.node, there, random);
  if (node == nullptr) return;
  announce(Commit::kName, *node, fault.node == kAny ? kAny : std::string_view(), Duration::zero());
  targets_.database->fail_commit(fault.node == kAny ? nullptr : node, outcome, static_cast<std::uint32_t>(fault.after.value));
}

void FaultEngine::act(const TornCommit& fault, std::uint32_t there, Random& random) {
  const bool written = random.below(kMillion) < static_cast<std::uint64_t>(fault.written.value);
  const Duration down = fault.restart_after.draw(random);
  Node* node = pick(fault.node, there, random);
  FaultTargets::Target* target = target_of(node);
  if (target == nullptr || target->journal == nullptr || target->journal->tears()) return;
  announce(TornCommit::kName, *node, written ? "written" : "", down);
  target->journal->tear({static_cast<std::uint32_t>(fault.after.value), written});
  scope_->spawn(restart_torn(*node, node->incarnation(), down));
}

Task<void> FaultEngine::restart_torn(Node& node, Incarnation life, Duration delay) {
  while (life.alive()) co_await sleep_for(kLook);
  co_await restart_later(node, delay);
}

void FaultEngine::act(const DiskSlow& fault, std::uint32_t there, Random& random) {
  const Duration by = fault.by.draw(random);
  const Duration lasts = fault.lasts.draw(random);
  Node* node = pick(fault.node, there, random);
  FaultTargets::Target* target = target_of(node);
  if (target == nullptr || target->journal == nullptr) return;
  announce(DiskSlow::kName, *node, "", lasts);
  target->journal->latency().high = by;
  target->machine->disk_faults.latency = by;
  scope_->spawn(mend_disk_later(*target, lasts));
}

void FaultEngine::act(const DiskFull& fault, std::uint32_t there, Random& random) {
  const Duration lasts = fault.lasts.draw(random);
  Node* node = pick(fault.node, there, random);
  FaultTargets::Target* target = target_of(node);
  if (target == nullptr || target->journal == nullptr) return;
  announce(DiskFull::kName, *node, "", lasts);
  target->journal->set_full(true);
  target->machine->disk.set_capacity(target->machine->disk.used());
  scope_->spawn(mend_disk_later(*target, lasts));
}

void FaultEngine::act(const ThrowInTool& fault, std::uint32_t there, Random& random) {
  const bool after = random.below(kMillion) < static_cast<std::uint64_t>(fault.after.value);
  Node* node = pick(fault.node, there, random);
  FaultTargets::Target* target = target_of(node);
  if (target == nullptr || target->machine == nullptr) return;
  announce(ThrowInTool::kName, *node, after ? "after" : "before", Duration::zero());
  target->machine->next_tool_throws = after ? ToolThrows::kAfter : ToolThrows::kBefore;
}

Task<void> FaultEngine::mend_disk_later(FaultTargets::Target& target, Duration delay) {
  co_await sleep_for(delay);
  mend_disk(target);
}

void FaultEngine::mend_disk(FaultTargets::Target& target) {
  if (target.journal == nullptr) return;
  target.journal->set_full(false);
  target.journal->mend();
  target.journal->latency() = {};
  target.machine->disk.set_capacity(std::numeric_limits<std::uint64_t>::max());
  target.machine->disk_faults = {};
  target.machine->next_tool_throws = ToolThrows::kNever;
}

Task<void> FaultEngine::act(const EngineRestored& fault, std::uint32_t, Random& random) {
  if (targets_.engine == nullptr) co_return;
  const Duration age = fault.age.draw(random);
  const Duration down = fault.restart_after.draw(random);
  const Status backed_up = co_await targets_.engine->back_up();
  if (!backed_up.ok()) co_return;
  co_await sleep_for(age);
  Node& node = targets_.engine->node();
  if (!node.up()) co_return;
  announce(EngineRestored::kName, node, "", age);
  node.crash();
  scope_->spawn(restore_engine_later(node.incarnation(), down));
}

Task<void> FaultEngine::restore_engine_later(Incarnation life, Duration delay) {
  co_await sleep_for(delay);
  Node& node = targets_.engine->node();
  if (node.up() || node.incarnation().epoch() != life.epoch()) co_return;  // another fault has started it again
  targets_.engine->restore();
  simulation_.trace().record(0, Level::kInfo, "fault.restarted", {{"target", node.name()}});
  node.restart();
}

// The UI is another client of Temporal: it lists the running workflows, and names one of them.
Task<void> FaultEngine::act(const RunTerminated&, std::uint32_t, Random& random) {
  if (targets_.temporal == nullptr || !targets_.temporal->node().up()) co_return;
  SimTemporal ui(*targets_.temporal, targets_.temporal->node());
  ports::wf::ListWorkflowExecutionsRequest running;
  running.set_namespace_(std::string(kNamespace));
  running.set_query("ExecutionStatus = 'Running'");
  const auto listed = co_await ui.list_workflow_executions(std::move(running), after(simulation_.now(), kCallTimeout));
  if (!listed.ok() || listed->executions().empty()) co_return;
  const auto chosen = random.below(static_cast<std::uint64_t>(listed->executions_size()));
  ports::wf::TerminateWorkflowExecutionRequest request;
  request.set_namespace_(std::string(kNamespace));
  *request.mutable_workflow_execution() = listed->executions(static_cast<int>(chosen)).execution();
  request.set_reason("by hand");
  const std::string workflow = request.workflow_execution().workflow_id();
  announce(RunTerminated::kName, targets_.temporal->node(), workflow, Duration::zero());
  (void)co_await ui.terminate_workflow_execution(std::move(request), after(simulation_.now(), kCallTimeout));
}

void FaultEngine::act(const Bytes& fault) {
  if (targets_.bytes == nullptr) return;
  *targets_.bytes = {static_cast<std::uint32_t>(fault.provider.value), static_cast<std::uint32_t>(fault.daemon.value)};
  simulation_.trace().record(0, Level::kInfo, "fault.bytes",
                             {{"provider", fault.provider.value}, {"daemon", fault.daemon.value}});
}

// The client's own token "simulated" stays valid: daemons register again with it.
Task<void> FaultEngine::act(const RevokeToken& fault, std::uint32_t there, Random& random) {
  const bool breaks = random.below(kMillion) < static_cast<std::uint64_t>(fault.breaks.value);
  Node* node = pick(fault.node, there, random);
  FaultTargets::Target* target = target_of(node);
  if (target == nullptr || target->credentials_file.empty()) co_return;
  const std::string script = concat("UPDATE tokens SET revoked_at = created_at WHERE revoked_at IS NULL AND user_id = '",
                                    target->user, "' AND name = 'daemon ", node->name(), "'");
  const Status revoked = co_await targets_.contents->run_script(script, kNever);
  if (!revoked.ok()) co_return;
  announce(RevokeToken::kName, *node, target->user, Duration::zero());  // not before: it may wait for a writer
  if (breaks) network_.reset(*node);
}

void FaultEngine::act(const LoseCredentials& fault, std::uint32_t there, Random& random) {
  const Duration down = fault.restart_after.draw(random);
  Node* node = pick(fault.node, there, random);
  FaultTargets::Target* target = target_of(node);
  if (target == nullptr || target->credentials_file.empty()) return;
  announce(LoseCredentials::kName, *node, "", down);
  (void)target->machine->disk.remove(target->credentials_file);
  node->crash();
  scope_->spawn(restart_later(*node, down));
}

}  // namespace reliant::sim
