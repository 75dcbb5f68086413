// WorkflowRun: one run of a workflow on one worker. Events of the history go in, in order; the workflow's
// code runs when a workflow task says so; commands come out. The same events always give the same commands,
// in whatever portions they come.
//
// Owner: the worker's cache. It runs inside of single calls, on an executor of its own, and touches nothing
// outside, so it may be destroyed between any two calls (eviction) and built again from the history. An error
// breaks the run: it then only waits to be destroyed. Reasons of errors: kReasonNondeterminism,
// kReasonWorkflowFault (an exception, a local timer, code that never rests), kReasonStale (the last
// activation never happened: build again), kReasonBadHistory.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"
#include "runtime/event.h"
#include "runtime/executor.h"
#include "runtime/failure_handler.h"
#include "runtime/random.h"
#include "runtime/scope.h"
#include "temporal/activity_machine.h"
#include "temporal/command_queue.h"
#include "temporal/run_machine.h"
#include "temporal/timer_machine.h"
#include "temporal/workflow.h"
#include "temporal/workflow_task_machine.h"

namespace reliant::temporal {

inline constexpr std::string_view kReasonWorkflowFault = "WORKFLOW_FAULT";
inline constexpr std::string_view kReasonStale = "STALE_RUN";
inline constexpr std::string_view kReasonBadHistory = "BAD_HISTORY";

class WorkflowRun final : private WorkflowContext {
 public:
  // `workflow` is the object of this run alone.
  WorkflowRun(std::string workflow_id, std::string run_id, std::unique_ptr<Workflow> workflow);
  ~WorkflowRun() override;

  // An event that will be applied. Those up to the workflow task after the next one must be known before an event is
  // applied: code asks in a task for a patch whose marker stands behind that task.
  void foresee(const HistoryEvent& event);
  // The next event. One that was applied before is skipped (histories come in overlapping portions).
  Status apply(const HistoryEvent& event);
  // After the WorkflowTaskStarted of a live task: runs the code.
  Result<std::vector<Command>> activate();
  Result<std::string> query(std::string_view name, std::string_view arguments);

  std::int64_t last_event_id() const { return last_event_id_; }
  // Of the WorkflowTaskStarted that the code has seen last; 0: none.
  std::int64_t last_activated_id() const { return last_activated_id_; }
  bool task_started() const { return task_state_ == WorkflowTaskState::kStarted; }  // and not activated
  bool ended() const { return state_ == RunState::kEnding || state_ == RunState::kClosed; }
  bool broken() const { return state_ == RunState::kBroken; }
  const WorkflowInfo& run_info() const { return info_; }

 private:
  // An event that wakes code, kept until its place in the activation. Neither machine: the cancellation
  // request.
  struct Resolution {
    ActivityMachine* activity = nullptr;
    TimerMachine* timer = nullptr;
    Result<std::string> outcome = std::string();
  };
  // Cancels what a destroyed task had requested.

  // WorkflowContext
  const WorkflowInfo& info() const override { return info_; }
  WallTime now() const override { return now_; }
  Random& random() override { return random_; }
  bool replaying() const override { return replaying_; }
  std::int64_t history_length() const override { return history_length_; }
  bool continue_as_new_suggested() const override { return continue_suggested_; }
  bool patched(std::string_view id) override;
  Task<Result<std::string>> execute_activity(std::string type, std::string input, ActivityOptions options) override;
  Task<void> sleep(Duration duration) override;
  Task<std::string> receive_signal(std::string name) override;
  std::optional<std::string> try_receive_signal(std::string_view name) override;
  Task<Signal> next_signal() override;
  std::optional<Signal> try_next_signal() override;
  Event& cancel_requested() override { return cancel_requested_; }
  Result<std::string> continue_as_new(std::string input) override;

  Task<void> run_code();
  Task<Result<std::string>> outcome_of(ActivityMachine& machine);
  ActivityMachine& schedule(std::string type, const std::string& input, const ActivityOptions& options);
  void let_go(ActivityMachine& machine);
  void let_go(TimerMachine& machine);

  Status apply_new(const HistoryEvent& event);
  Status apply_started(const HistoryEvent& event);
  Status apply_workflow_task(const HistoryEvent& event, WorkflowTaskInput input);
  Status apply_command_event(const HistoryEvent& event, const CommandKey& key);
  Status apply_activity_event(const HistoryEvent& event);
  Status apply_timer_fired(const HistoryEvent& event);
  Status run_activation();
  void deliver();
  void end_activation();
  void take(RunInput input);
  Status fault(Status status);
  ActivityMachine* find_activity(std::int64_t scheduled_event_id);
  Command ending_command() const;
  CommandKey ending_key() const;

  WorkflowInfo info_;
  std::string input_;
  std::unique_ptr<Workflow> workflow_;
  Random random_;

  RunState state_ = RunState::kNew;
  WorkflowTaskState task_state_ = WorkflowTaskState::kIdle;
  std::int64_t last_event_id_ = 0;
  std::int64_t last_activated_id_ = 0;
  std::int64_t history_length_ = 0;
  std::int64_t started_id_ = 0;  // of the workflow task that has started last
  WallTime now_{};
  WallTime started_at_{};
  bool replaying_ = true;
  bool continue_suggested_ = false;
  bool suggested_by_task_ = false;
  bool closing_ = false;  // frames are being destroyed: that cancels nothing on the server
  bool ending_sent_ = false;

  CommandQueue commands_;
  std::vector<Signal> new_signals_;
  std::vector<Resolution> resolutions_;
  std::map<std::string, ActivityMachine, std::less<>> activities_;  // by id
  std::map<std::string, TimerMachine, std::less<>> timers_;         // by id
  std::map<std::int64_t, ActivityMachine*> scheduled_;              // by the event that scheduled it
  std::vector<ActivityMachine*> unsent_activities_;                 // with a command of this activation
  std::vector<TimerMachine*> unsent_timers_;
  std::set<std::string, std::less<>> recorded_patches_;  // that the history has markers of
  std::map<std::string, bool, std::less<>> patches_;     // that the code has asked for
  std::deque<Signal> inbox_;
  Event signalled_;
  Event cancel_requested_;
  std::optional<std::string> continue_input_;
  std::optional<Result<std::string>> ending_;

  FirstFailure failure_;
  Executor executor_;
  TaskScope scope_;  // last: its frames refer to everything above
};

}  // namespace reliant::temporal
