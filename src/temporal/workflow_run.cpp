#include "temporal/workflow_run.h"

#include <google/protobuf/util/time_util.h>

#include <algorithm>
#include <exception>
#include <utility>

#include "base/finally.h"
#include "runtime/race.h"
#include "runtime/sleep.h"
#include "temporal/failure.h"
#include "temporal/payload.h"

namespace reliant::temporal {
namespace {

namespace enums = ::temporal::api::enums::v1;
using ::google::protobuf::util::TimeUtil;

// Of one activation. Code that does more without resting is not waiting for anything.
constexpr std::uint64_t kMaxSteps = 1'000'000;

WallTime time_of(const HistoryEvent& event) { return WallTime(Duration(TimeUtil::TimestampToNanoseconds(event.event_time()))); }

void set_duration(google::protobuf::Duration& field, Duration value) { field = TimeUtil::NanosecondsToDuration(value.count()); }

Status bad_history(std::string_view message) { return with_reason(internal_error("history: ", message), kReasonBadHistory); }
Status workflow_fault(std::string_view message) {
  return with_reason(internal_error("workflow code: ", message), kReasonWorkflowFault);
}
Status impossible(const HistoryEvent& event) {
  return with_reason(failed_precondition("nondeterminism: event ", event.event_id(), ", ", name_of(event),
                                         ", is about something that the workflow's code did not ask for"),
                     kReasonNondeterminism);
}

// The error that workflow code gets for an activity that did not complete.
Result<std::string> outcome_of_event(const HistoryEvent& event) {
  switch (event.event_type()) {
    case enums::EVENT_TYPE_ACTIVITY_TASK_COMPLETED:
      return json_text(event.activity_task_completed_event_attributes().result());
    case enums::EVENT_TYPE_ACTIVITY_TASK_FAILED:
      return status_from(event.activity_task_failed_event_attributes().failure());
    case enums::EVENT_TYPE_ACTIVITY_TASK_TIMED_OUT:
      return status_from(event.activity_task_timed_out_event_attributes().failure());
    default:
      return cancelled("the activity was cancelled");
  }
}

void fill_retry_policy(::temporal::api::common::v1::RetryPolicy& out, const RetryPolicy& policy) {
  set_duration(*out.mutable_initial_interval(), policy.initial);
  set_duration(*out.mutable_maximum_interval(), policy.maximum);
  out.set_backoff_coefficient(policy.factor);
  out.set_maximum_attempts(policy.maximum_attempts);
  for (const StatusCode code : policy.non_retryable) out.add_non_retryable_error_types(std::string(code_name(code)));
}

}  // namespace

WorkflowRun::WorkflowRun(std::string workflow_id, std::string run_id, std::unique_ptr<Workflow> workflow)
    : workflow_(std::move(workflow)), random_(0), executor_(0, Executor::Order::kFifo), scope_(executor_, 0) {
  executor_.set_failure_handler(&failure_);
  info_.workflow_id = std::move(workflow_id);
  info_.run_id = std::move(run_id);
}

WorkflowRun::~WorkflowRun() { closing_ = true; }

// --- what the code asks for -------------------------------------------------------------------------------

bool WorkflowRun::patched(std::string_view id) {
  if (const auto asked = patches_.find(id); asked != patches_.end()) return asked->second;
  const bool taken = !replaying_ || recorded_patches_.contains(id);
  patches_.emplace(id, taken);
  if (taken) commands_.push(CommandKey{enums::COMMAND_TYPE_RECORD_MARKER, std::string(id), ""}, patch_command(id));
  return taken;
}

Task<Result<std::string>> WorkflowRun::outcome_of(ActivityMachine& machine) {
  auto outcome = co_await machine.outcome.wait();
  co_return *std::move(outcome);
}

Task<Result<std::string>> WorkflowRun::execute_activity(std::string type, std::string input, ActivityOptions options) {
  ActivityMachine& machine = schedule(std::move(type), input, options);
  const Finally release([&] { let_go(machine); });
  if (options.cancel_when != nullptr) {
    auto first = co_await race(outcome_of(machine), options.cancel_when->wait());
    if (first.index() == 0) co_return std::get<0>(std::move(first));
    let_go(machine);
    if (machine.state == ActivityState::kDropped) co_return cancelled("the activity was cancelled before it was scheduled");
  }
  co_return co_await outcome_of(machine);
}

ActivityMachine& WorkflowRun::schedule(std::string type, const std::string& input, const ActivityOptions& options) {
  std::string id = concat(activities_.size() + 1);
  ActivityMachine& machine = activities_[id];
  machine.id = std::move(id);
  machine.type = std::move(type);
  unsent_activities_.push_back(&machine);

  Command command;
  command.set_command_type(enums::COMMAND_TYPE_SCHEDULE_ACTIVITY_TASK);
  auto& attributes = *command.mutable_schedule_activity_task_command_attributes();
  attributes.set_activity_id(machine.id);
  attributes.mutable_activity_type()->set_name(machine.type);
  attributes.mutable_task_queue()->set_name(options.task_queue.empty() ? info_.task_queue : options.task_queue);
  *attributes.mutable_input() = json_payloads(input);
  if (options.schedule_to_close > Duration::zero())
    set_duration(*attributes.mutable_schedule_to_close_timeout(), options.schedule_to_close);
  if (options.schedule_to_start > Duration::zero())
    set_duration(*attributes.mutable_schedule_to_start_timeout(), options.schedule_to_start);
  if (options.start_to_close > Duration::zero())
    set_duration(*attributes.mutable_start_to_close_timeout(), options.start_to_close);
  if (options.heartbeat > Duration::zero()) set_duration(*attributes.mutable_heartbeat_timeout(), options.heartbeat);
  fill_retry_policy(*attributes.mutable_retry_policy(), options.retry);
  commands_.push(CommandKey{enums::COMMAND_TYPE_SCHEDULE_ACTIVITY_TASK, machine.id, machine.type}, std::move(command));
  return machine;
}

void WorkflowRun::let_go(ActivityMachine& machine) {
  if (closing_ || !machine.take(ActivityInput::kCancel)) return;  // too late, or asked for already
  if (machine.state == ActivityState::kDropped) {
    commands_.drop(CommandKey{enums::COMMAND_TYPE_SCHEDULE_ACTIVITY_TASK, machine.id, machine.type});
    return;
  }
  unsent_activities_.push_back(&machine);
  Command command;
  command.set_command_type(enums::COMMAND_TYPE_REQUEST_CANCEL_ACTIVITY_TASK);
  command.mutable_request_cancel_activity_task_command_attributes()->set_scheduled_event_id(machine.scheduled_event_id);
  commands_.push(CommandKey{enums::COMMAND_TYPE_REQUEST_CANCEL_ACTIVITY_TASK, concat(machine.scheduled_event_id), ""},
                 std::move(command));
}

Task<void> WorkflowRun::sleep(Duration duration) {
  if (duration <= Duration::zero()) {
    co_await yield();
    co_return;
  }
  std::string id = concat(timers_.size() + 1);
  TimerMachine& machine = timers_[id];
  machine.id = std::move(id);
  unsent_timers_.push_back(&machine);
  Command command;
  command.set_command_type(enums::COMMAND_TYPE_START_TIMER);
  auto& attributes = *command.mutable_start_timer_command_attributes();
  attributes.set_timer_id(machine.id);
  set_duration(*attributes.mutable_start_to_fire_timeout(), duration);
  commands_.push(CommandKey{enums::COMMAND_TYPE_START_TIMER, machine.id, ""}, std::move(command));
  const Finally release([&] { let_go(machine); });
  co_await machine.fired.wait();
}

void WorkflowRun::let_go(TimerMachine& machine) {
  if (closing_ || !machine.take(TimerInput::kCancel)) return;
  if (machine.state == TimerState::kDropped) {
    commands_.drop(CommandKey{enums::COMMAND_TYPE_START_TIMER, machine.id, ""});
    return;
  }
  unsent_timers_.push_back(&machine);
  Command command;
  command.set_command_type(enums::COMMAND_TYPE_CANCEL_TIMER);
  command.mutable_cancel_timer_command_attributes()->set_timer_id(machine.id);
  commands_.push(CommandKey{enums::COMMAND_TYPE_CANCEL_TIMER, machine.id, ""}, std::move(command));
}

// Every signal wakes all who wait; who finds nothing of theirs waits on.
Task<std::string> WorkflowRun::receive_signal(std::string name) {
  for (;;) {
    if (auto input = try_receive_signal(name)) co_return *std::move(input);
    signalled_.reset();
    co_await signalled_.wait();
  }
}

std::optional<std::string> WorkflowRun::try_receive_signal(std::string_view name) {
  const auto found = std::ranges::find(inbox_, name, &Signal::name);
  if (found == inbox_.end()) return std::nullopt;
  std::string input = std::move(found->input);
  inbox_.erase(found);
  return input;
}

Task<Signal> WorkflowRun::next_signal() {
  for (;;) {
    if (auto signal = try_next_signal()) co_return *std::move(signal);
    signalled_.reset();
    co_await signalled_.wait();
  }
}

std::optional<Signal> WorkflowRun::try_next_signal() {
  if (inbox_.empty()) return std::nullopt;
  Signal signal = std::move(inbox_.front());
  inbox_.pop_front();
  return signal;
}

Result<std::string> WorkflowRun::continue_as_new(std::string input) {
  continue_input_ = std::move(input);
  return std::string();
}

Task<void> WorkflowRun::run_code() { ending_ = co_await workflow_->run(*this, std::move(input_)); }

CommandKey WorkflowRun::ending_key() const {
  if (ending_->ok())
    return CommandKey{continue_input_ ? enums::COMMAND_TYPE_CONTINUE_AS_NEW_WORKFLOW_EXECUTION
                                      : enums::COMMAND_TYPE_COMPLETE_WORKFLOW_EXECUTION,
                      "", ""};
  const bool was_cancelled = ending_->status().code() == StatusCode::kCancelled && cancel_requested_.is_set();
  return CommandKey{was_cancelled ? enums::COMMAND_TYPE_CANCEL_WORKFLOW_EXECUTION : enums::COMMAND_TYPE_FAIL_WORKFLOW_EXECUTION,
                    "", ""};
}

Command WorkflowRun::ending_command() const {
  Command command;
  command.set_command_type(ending_key().kind);
  switch (command.command_type()) {
    case enums::COMMAND_TYPE_COMPLETE_WORKFLOW_EXECUTION:
      *command.mutable_complete_workflow_execution_command_attributes()->mutable_result() = json_payloads(**ending_);
      break;
    case enums::COMMAND_TYPE_CONTINUE_AS_NEW_WORKFLOW_EXECUTION: {
      auto& attributes = *command.mutable_continue_as_new_workflow_execution_command_attributes();
      attributes.mutable_workflow_type()->set_name(info_.type);
      attributes.mutable_task_queue()->set_name(info_.task_queue);
      *attributes.mutable_input() = json_payloads(*continue_input_);
      attributes.set_initiator(enums::CONTINUE_AS_NEW_INITIATOR_WORKFLOW);
      break;
    }
    case enums::COMMAND_TYPE_CANCEL_WORKFLOW_EXECUTION:
      command.mutable_cancel_workflow_execution_command_attributes();
      break;
    default:
      *command.mutable_fail_workflow_execution_command_attributes()->mutable_failure() = failure_from(ending_->status());
      break;
  }
  return command;
}

// --- what the history says --------------------------------------------------------------------------------

void WorkflowRun::take(RunInput input) {
  const auto to = next_state(kRunTransitions, state_, input);
  RELIANT_ASSERT(to.has_value(), "every caller knows the state that it is in");
  state_ = *to;
}

Status WorkflowRun::fault(Status status) {
  take(RunInput::kFault);
  return status;
}

void WorkflowRun::foresee(const HistoryEvent& event) {
  if (auto patch = patch_of(event)) recorded_patches_.insert(*std::move(patch));
}

Status WorkflowRun::apply(const HistoryEvent& event) {
  if (broken()) return bad_history("the run is broken; build it again");
  if (event.event_id() <= last_event_id_) return ok_status();
  if (event.event_id() != last_event_id_ + 1)
    return fault(bad_history(concat("event ", event.event_id(), " follows event ", last_event_id_)));
  Status status = apply_new(event);
  if (!status.ok()) return fault(std::move(status));
  last_event_id_ = event.event_id();
  return ok_status();
}

Status WorkflowRun::apply_new(const HistoryEvent& event) {
  if (state_ == RunState::kNew) return apply_started(event);
  if (state_ == RunState::kClosed) return bad_history("it goes on after the end of the run");
  if (const auto key = key_of(event)) return apply_command_event(event, *key);
  if (event.event_type() == enums::EVENT_TYPE_WORKFLOW_TASK_COMPLETED)
    return apply_workflow_task(event, WorkflowTaskInput::kCompletedEvent);
  switch (event.event_type()) {
    case enums::EVENT_TYPE_WORKFLOW_TASK_FAILED:
    case enums::EVENT_TYPE_WORKFLOW_TASK_TIMED_OUT:
      return apply_workflow_task(event, WorkflowTaskInput::kFailedEvent);
    default:
      break;
  }
  TRY_OK(commands_.expect_empty(event));
  switch (event.event_type()) {
    case enums::EVENT_TYPE_WORKFLOW_TASK_SCHEDULED:
      return apply_workflow_task(event, WorkflowTaskInput::kScheduledEvent);
    case enums::EVENT_TYPE_WORKFLOW_TASK_STARTED:
      return apply_workflow_task(event, WorkflowTaskInput::kStartedEvent);
    case enums::EVENT_TYPE_ACTIVITY_TASK_STARTED:
    case enums::EVENT_TYPE_ACTIVITY_TASK_COMPLETED:
    case enums::EVENT_TYPE_ACTIVITY_TASK_FAILED:
    case enums::EVENT_TYPE_ACTIVITY_TASK_TIMED_OUT:
    case enums::EVENT_TYPE_ACTIVITY_TASK_CANCELED:
      return apply_activity_event(event);
    case enums::EVENT_TYPE_TIMER_FIRED:
      return apply_timer_fired(event);
    case enums::EVENT_TYPE_WORKFLOW_EXECUTION_SIGNALED: {
      const auto& signal = event.workflow_execution_signaled_event_attributes();
      new_signals_.push_back(Signal{signal.signal_name(), json_text(signal.input()).value_or("")});
      return ok_status();
    }
    case enums::EVENT_TYPE_WORKFLOW_EXECUTION_CANCEL_REQUESTED:
      resolutions_.emplace_back();
      return ok_status();
    case enums::EVENT_TYPE_WORKFLOW_EXECUTION_TERMINATED:
    case enums::EVENT_TYPE_WORKFLOW_EXECUTION_TIMED_OUT:
      take(RunInput::kCloseEvent);
      return ok_status();
    default:
      // An event that code cannot see (newer servers have more of them) changes nothing here.
      return ok_status();
  }
}

Status WorkflowRun::apply_started(const HistoryEvent& event) {
  if (event.event_type() != enums::EVENT_TYPE_WORKFLOW_EXECUTION_STARTED)
    return bad_history(concat("it begins with ", name_of(event)));
  const auto& started = event.workflow_execution_started_event_attributes();
  info_.type = started.workflow_type().name();
  info_.task_queue = started.task_queue().name();
  info_.first_run_id = started.first_execution_run_id();
  info_.attempt = started.attempt();
  if (!started.workflow_id().empty()) info_.workflow_id = started.workflow_id();
  const std::string& seed = started.original_execution_run_id().empty() ? info_.run_id : started.original_execution_run_id();
  random_ = RandomStreams(0).stream(seed);
  input_ = json_text(started.input()).value_or("");
  now_ = time_of(event);
  take(RunInput::kStartedEvent);
  return ok_status();
}

Status WorkflowRun::apply_workflow_task(const HistoryEvent& event, WorkflowTaskInput input) {
  if (input == WorkflowTaskInput::kCompletedEvent && task_state_ == WorkflowTaskState::kStarted) {
    replaying_ = true;
    TRY_OK(run_activation());
  }
  const auto to = next_state(kWorkflowTaskTransitions, task_state_, input);
  if (!to && task_state_ == WorkflowTaskState::kActivated)
    return with_reason(aborted("the last workflow task did not happen: event ", event.event_id(), " is ", name_of(event)),
                       kReasonStale);
  if (!to) return bad_history(concat("event ", event.event_id(), ", ", name_of(event), ", is out of place"));
  task_state_ = *to;
  if (input == WorkflowTaskInput::kStartedEvent) {
    const auto& started = event.workflow_task_started_event_attributes();
    started_id_ = event.event_id();
    started_at_ = time_of(event);
    suggested_by_task_ = started.suggest_continue_as_new();
  }
  return ok_status();
}

Status WorkflowRun::apply_command_event(const HistoryEvent& event, const CommandKey& key) {
  TRY_OK(commands_.match(key, event));
  switch (event.event_type()) {
    case enums::EVENT_TYPE_ACTIVITY_TASK_SCHEDULED: {
      const auto machine = activities_.find(key.id);
      if (machine == activities_.end() || !machine->second.take(ActivityInput::kScheduledEvent)) return impossible(event);
      machine->second.scheduled_event_id = event.event_id();
      scheduled_[event.event_id()] = &machine->second;
      return ok_status();
    }
    case enums::EVENT_TYPE_ACTIVITY_TASK_CANCEL_REQUESTED: {
      ActivityMachine* machine = find_activity(event.activity_task_cancel_requested_event_attributes().scheduled_event_id());
      if (machine == nullptr || !machine->take(ActivityInput::kCancelRequestedEvent)) return impossible(event);
      return ok_status();
    }
    case enums::EVENT_TYPE_TIMER_STARTED:
    case enums::EVENT_TYPE_TIMER_CANCELED: {
      const bool started = event.event_type() == enums::EVENT_TYPE_TIMER_STARTED;
      const auto timer = timers_.find(key.id);
      if (timer == timers_.end() || !timer->second.take(started ? TimerInput::kStartedEvent : TimerInput::kCanceledEvent))
        return impossible(event);
      return ok_status();
    }
    case enums::EVENT_TYPE_MARKER_RECORDED:
      return ok_status();
    default:
      take(RunInput::kCloseEvent);  // one of the four endings
      return ok_status();
  }
}

ActivityMachine* WorkflowRun::find_activity(std::int64_t scheduled_event_id) {
  const auto found = scheduled_.find(scheduled_event_id);
  return found == scheduled_.end() ? nullptr : found->second;
}

Status WorkflowRun::apply_activity_event(const HistoryEvent& event) {
  std::int64_t scheduled = 0;
  ActivityInput input = ActivityInput::kCloseEvent;
  switch (event.event_type()) {
    case enums::EVENT_TYPE_ACTIVITY_TASK_STARTED:
      scheduled = event.activity_task_started_event_attributes().scheduled_event_id();
      input = ActivityInput::kStartedEvent;
      break;
    case enums::EVENT_TYPE_ACTIVITY_TASK_COMPLETED:
      scheduled = event.activity_task_completed_event_attributes().scheduled_event_id();
      break;
    case enums::EVENT_TYPE_ACTIVITY_TASK_FAILED:
      scheduled = event.activity_task_failed_event_attributes().scheduled_event_id();
      break;
    case enums::EVENT_TYPE_ACTIVITY_TASK_TIMED_OUT:
      scheduled = event.activity_task_timed_out_event_attributes().scheduled_event_id();
      break;
    default:
      scheduled = event.activity_task_canceled_event_attributes().scheduled_event_id();
      input = ActivityInput::kCanceledEvent;
      break;
  }
  ActivityMachine* machine = find_activity(scheduled);
  if (machine == nullptr || !machine->take(input)) return impossible(event);
  if (machine->state == ActivityState::kClosed) {
    Resolution resolution;
    resolution.activity = machine;
    resolution.outcome = outcome_of_event(event);
    resolutions_.push_back(std::move(resolution));
  }
  return ok_status();
}

Status WorkflowRun::apply_timer_fired(const HistoryEvent& event) {
  const auto timer = timers_.find(event.timer_fired_event_attributes().timer_id());
  if (timer == timers_.end() || !timer->second.take(TimerInput::kFiredEvent)) return impossible(event);
  Resolution resolution;
  resolution.timer = &timer->second;
  resolutions_.push_back(std::move(resolution));
  return ok_status();
}

// --- running the code -------------------------------------------------------------------------------------

Result<std::vector<Command>> WorkflowRun::activate() {
  if (broken()) return bad_history("the run is broken; build it again");
  if (task_state_ != WorkflowTaskState::kStarted) return fault(bad_history("the workflow task that was given has not started"));
  replaying_ = false;
  Status status = run_activation();
  if (!status.ok()) return fault(std::move(status));
  return commands_.commands();
}

Status WorkflowRun::run_activation() {
  task_state_ = WorkflowTaskState::kActivated;
  if (!commands_.empty()) return bad_history("a workflow task starts before the commands of the last one");
  if (started_at_ > now_) now_ = started_at_;
  history_length_ = started_id_;
  continue_suggested_ = suggested_by_task_;
  last_activated_id_ = started_id_;
  const Instant until(now_.time_since_epoch());
  executor_.run_until(until);  // nothing is ready: this sets the clock before the code sees it
  if (state_ == RunState::kStarted) {
    take(RunInput::kCodeStarted);
    scope_.spawn(run_code());
  }
  deliver();
  const std::uint64_t steps = executor_.run_until(until, kMaxSteps);
  if (failure_.error()) return workflow_fault(what_of(failure_.error()));
  if (steps == kMaxSteps) return workflow_fault("it does not come to rest; does it loop without waiting?");
  if (executor_.registered() > 0) return workflow_fault("it waits for a timer of the executor; use WorkflowContext::sleep");
  end_activation();
  return ok_status();
}

// The fixed order: signals, then everything else as the history has it. It decides replays, so it never
// changes.
void WorkflowRun::deliver() {
  for (Signal& signal : std::exchange(new_signals_, {})) {
    inbox_.push_back(std::move(signal));
    signalled_.set();
  }
  for (Resolution& resolution : std::exchange(resolutions_, {})) {
    if (resolution.activity != nullptr) {
      resolution.activity->outcome.set(std::move(resolution.outcome));
    } else if (resolution.timer != nullptr) {
      resolution.timer->fired.set();
    } else {
      cancel_requested_.set();
    }
  }
}

void WorkflowRun::end_activation() {
  // Commands of destroyed tasks that were not sent are dropped by their machines.
  for (ActivityMachine* activity : std::exchange(unsent_activities_, {})) activity->take(ActivityInput::kSent);
  for (TimerMachine* timer : std::exchange(unsent_timers_, {})) timer->take(TimerInput::kSent);
  if (!ending_ || ending_sent_) return;
  ending_sent_ = true;
  take(RunInput::kCodeEnded);
  commands_.push(ending_key(), ending_command());
}

Result<std::string> WorkflowRun::query(std::string_view name, std::string_view arguments) {
  if (state_ == RunState::kNew || state_ == RunState::kStarted || broken())
    return failed_precondition("the workflow has not run yet");
  try {
    return workflow_->query(name, arguments);
  } catch (const std::exception& exception) {
    return internal_error("the query failed: ", exception.what());
  }
}

}  // namespace reliant::temporal
