#include <algorithm>
#include <array>
#include <utility>

#include "base/assert.h"
#include "temporal/engine/limits.h"
#include "temporal/engine/mutable_state.h"

// The workflow task of a run. At most one at a time.
//
//   state      what happens            becomes    events written (attempt 1)      (attempt > 1: "transient")
//   NONE       want, and `finish`      SCHEDULED  WorkflowTaskScheduled           none
//   SCHEDULED  a poller takes it       STARTED    WorkflowTaskStarted             none; events came: attempt 1 again
//   SCHEDULED  sticky timeout          NONE       WorkflowTaskTimedOut            (never sticky)
//   STARTED    completed               NONE       WorkflowTaskCompleted           Scheduled, Started, Completed
//   STARTED    failed                  NONE       WorkflowTaskFailed              none
//   STARTED    start-to-close timeout  NONE       WorkflowTaskTimedOut            none
//   any        the run is closed       NONE       WorkflowTaskFailed if started   none
//
// After a failure or a timeout the next one has the next attempt, unless the run was sticky: then stickiness is dropped
// first, and the attempt stays 1.

namespace reliant::temporal::engine {

namespace enums = api::enums::v1;

namespace {

constexpr std::int64_t kSecond = 1'000'000'000;
constexpr std::int32_t kAttemptsBeforeBackoff = 3;
constexpr std::int64_t kSuggestContinueEvents = 4096;
constexpr std::int64_t kSuggestContinueBytes = 4 << 20;

using State = pb::WorkflowTask::State;
struct WorkflowTaskTransition {
  State from;
  State to;
};
constexpr std::array kTransitions = {
    WorkflowTaskTransition{pb::WorkflowTask::NONE, pb::WorkflowTask::SCHEDULED},
    WorkflowTaskTransition{pb::WorkflowTask::SCHEDULED, pb::WorkflowTask::STARTED},
    WorkflowTaskTransition{pb::WorkflowTask::SCHEDULED, pb::WorkflowTask::NONE},
    WorkflowTaskTransition{pb::WorkflowTask::STARTED, pb::WorkflowTask::NONE},
};

void move_to(pb::WorkflowTask& task, State to) {
  const State from = task.state();
  RELIANT_ASSERT(std::ranges::any_of(kTransitions, [&](WorkflowTaskTransition t) { return t.from == from && t.to == to; }),
                 "a workflow task moves only as its table says");
  task.set_state(to);
}

bool is_terminal(enums::CommandType type) {
  return type == enums::COMMAND_TYPE_COMPLETE_WORKFLOW_EXECUTION || type == enums::COMMAND_TYPE_FAIL_WORKFLOW_EXECUTION ||
         type == enums::COMMAND_TYPE_CANCEL_WORKFLOW_EXECUTION ||
         type == enums::COMMAND_TYPE_CONTINUE_AS_NEW_WORKFLOW_EXECUTION;
}

Status check_sequence(const wf::RespondWorkflowTaskCompletedRequest& request) {
  for (int i = 0; i + 1 < request.commands_size(); ++i) {
    if (!is_terminal(request.commands(i).command_type())) continue;
    return invalid_argument("invalid command sequence: command ", enums::CommandType_Name(request.commands(i).command_type()),
                            " must be the last command");
  }
  return ok_status();
}

}  // namespace

void Run::want_task() {
  if (state_.first_task_at() == 0 && !state_.waits_for_parent()) task_wanted_ = true;
}

std::int64_t Run::task_timeout(std::int32_t attempt) const {
  std::int64_t timeout = nanos(started_.workflow_task_timeout());
  if (attempt <= kAttemptsBeforeBackoff) return timeout;
  std::int64_t extra = 5 * kSecond;
  for (std::int32_t i = kAttemptsBeforeBackoff + 1; i < attempt && extra < 600 * kSecond; ++i) extra *= 2;
  return timeout + std::min(extra, 600 * kSecond);
}

void Run::fill_task_scheduled(HistoryEvent& event) const {
  const auto& task = state_.task();
  auto& attributes = *event.mutable_workflow_task_scheduled_event_attributes();
  if (task.on_sticky()) {
    attributes.mutable_task_queue()->set_name(state_.sticky_queue());
    attributes.mutable_task_queue()->set_kind(enums::TASK_QUEUE_KIND_STICKY);
    attributes.mutable_task_queue()->set_normal_name(started_.task_queue().name());
  } else {
    attributes.mutable_task_queue()->set_name(started_.task_queue().name());
    attributes.mutable_task_queue()->set_kind(enums::TASK_QUEUE_KIND_NORMAL);
  }
  *attributes.mutable_start_to_close_timeout() = to_duration(task.timeout());
  attributes.set_attempt(task.attempt());
}

void Run::fill_task_started(HistoryEvent& event) const {
  const auto& task = state_.task();
  auto& attributes = *event.mutable_workflow_task_started_event_attributes();
  attributes.set_scheduled_event_id(task.scheduled_event_id());
  attributes.set_identity(task.identity());
  attributes.set_request_id(task.request_id());
  attributes.set_history_size_bytes(task.history_bytes());
  attributes.set_suggest_continue_as_new(task.suggest_continue_as_new());
  if (!task.suggest_continue_as_new()) return;
  if (task.history_bytes() >= kSuggestContinueBytes) {
    attributes.add_suggest_continue_as_new_reasons(enums::SUGGEST_CONTINUE_AS_NEW_REASON_HISTORY_SIZE_TOO_LARGE);
  }
  if (task.scheduled_event_id() >= kSuggestContinueEvents) {
    attributes.add_suggest_continue_as_new_reasons(enums::SUGGEST_CONTINUE_AS_NEW_REASON_TOO_MANY_HISTORY_EVENTS);
  }
}

void Run::write_task_scheduled() {
  HistoryEvent& event = add_event(enums::EVENT_TYPE_WORKFLOW_TASK_SCHEDULED);
  *event.mutable_event_time() = to_timestamp(state_.task().scheduled_time());
  fill_task_scheduled(event);
  state_.mutable_task()->set_scheduled_event_id(event.event_id());
}

void Run::schedule_task() {
  auto& task = *state_.mutable_task();
  if (state_.buffered_size() > 0) {
    task.set_attempt(1);  // what is new may be what heals it
    flush_buffer();
  }
  move_to(task, pb::WorkflowTask::SCHEDULED);
  task.set_attempt(std::max(1, task.attempt()));
  task.set_scheduled_time(now_);
  task.set_timeout(task_timeout(task.attempt()));
  task.set_on_sticky(task.attempt() == 1 && !state_.sticky_queue().empty());
  if (task.attempt() == 1) {
    write_task_scheduled();
  } else {
    task.set_scheduled_event_id(state_.next_event_id());
  }
  changes_.dispatches.push_back({Dispatch::Kind::kWorkflow, started_.task_queue().name(),
                                 task.on_sticky() ? state_.sticky_queue() : std::string(), task.scheduled_event_id(),
                                 task.attempt()});
}

bool Run::can_start_task(std::int64_t scheduled_event_id, std::int32_t attempt) const {
  const auto& task = state_.task();
  return running() && task.state() == pb::WorkflowTask::SCHEDULED && task.scheduled_event_id() == scheduled_event_id &&
         task.attempt() == attempt;
}

void Run::start_task(std::string_view identity, std::string_view request_id, bool from_sticky_queue) {
  auto& task = *state_.mutable_task();
  if (task.attempt() > 1 && task.scheduled_event_id() != state_.next_event_id()) {
    task.set_attempt(1);
    task.set_timeout(task_timeout(1));
    write_task_scheduled();
  }
  move_to(task, pb::WorkflowTask::STARTED);
  if (!from_sticky_queue) state_.clear_sticky_queue();
  task.set_started_time(now_);
  task.set_identity(std::string(identity));
  task.set_request_id(std::string(request_id));
  task.set_history_bytes(state_.history_bytes());
  task.set_suggest_continue_as_new(state_.next_event_id() > kSuggestContinueEvents ||
                                   state_.history_bytes() >= kSuggestContinueBytes);
  if (task.attempt() > 1) {
    task.set_started_event_id(task.scheduled_event_id() + 1);
    return;
  }
  HistoryEvent& event = add_event(enums::EVENT_TYPE_WORKFLOW_TASK_STARTED);
  fill_task_started(event);
  task.set_started_event_id(event.event_id());
}

void Run::start_first_task(std::string_view identity, std::string_view request_id) {
  schedule_task();
  changes_.dispatches.pop_back();  // it goes with the reply
  start_task(identity, request_id, false);
}

std::vector<HistoryEvent> Run::transient_events() const {
  const auto& task = state_.task();
  if (task.state() != pb::WorkflowTask::STARTED || task.attempt() <= 1) return {};
  std::vector<HistoryEvent> events(2);
  events[0].set_event_type(enums::EVENT_TYPE_WORKFLOW_TASK_SCHEDULED);
  events[0].set_event_id(task.scheduled_event_id());
  *events[0].mutable_event_time() = to_timestamp(task.scheduled_time());
  fill_task_scheduled(events[0]);
  events[1].set_event_type(enums::EVENT_TYPE_WORKFLOW_TASK_STARTED);
  events[1].set_event_id(task.started_event_id());
  *events[1].mutable_event_time() = to_timestamp(task.started_time());
  fill_task_started(events[1]);
  return events;
}

Status Run::check_task_token(const pb::TaskToken& token) const {
  const auto& task = state_.task();
  if (!running()) return not_found("workflow execution already completed");
  if (task.state() != pb::WorkflowTask::STARTED || task.scheduled_event_id() != token.scheduled_event_id() ||
      task.started_event_id() != token.started_event_id() || task.attempt() != token.attempt()) {
    return not_found("Workflow task not found.");
  }
  return ok_status();
}

void Run::write_task_completed(const wf::RespondWorkflowTaskCompletedRequest& request) {
  auto& task = *state_.mutable_task();
  if (task.attempt() > 1) {
    write_task_scheduled();
    HistoryEvent& started = add_event(enums::EVENT_TYPE_WORKFLOW_TASK_STARTED);
    *started.mutable_event_time() = to_timestamp(task.started_time());
    fill_task_started(started);
    task.set_started_event_id(started.event_id());
  }
  HistoryEvent& event = add_event(enums::EVENT_TYPE_WORKFLOW_TASK_COMPLETED);
  auto& attributes = *event.mutable_workflow_task_completed_event_attributes();
  attributes.set_scheduled_event_id(task.scheduled_event_id());
  attributes.set_started_event_id(task.started_event_id());
  attributes.set_identity(request.identity());
  if (request.has_sdk_metadata()) *attributes.mutable_sdk_metadata() = request.sdk_metadata();
  if (request.has_metering_metadata()) *attributes.mutable_metering_metadata() = request.metering_metadata();
#pragma clang diagnostic push
#pragma clang diagnostic ignored "-Wdeprecated-declarations"  // still what an SDK without versioning sends
  attributes.set_binary_checksum(request.binary_checksum());
  if (request.has_worker_version_stamp()) *attributes.mutable_worker_version() = request.worker_version_stamp();
#pragma clang diagnostic pop
  completed_event_id_ = event.event_id();
  state_.set_previous_started_event_id(task.started_event_id());
  move_to(task, pb::WorkflowTask::NONE);
  task.Clear();
  task.set_attempt(1);
  if (request.has_sticky_attributes() && !request.sticky_attributes().worker_task_queue().name().empty()) {
    state_.set_sticky_queue(request.sticky_attributes().worker_task_queue().name());
    state_.set_sticky_timeout(nanos(request.sticky_attributes().schedule_to_start_timeout()));
  } else {
    state_.clear_sticky_queue();
  }
}

void Run::take_back(pb::RunState before) {
  state_ = std::move(before);
  changes_ = {};
  events_ = std::make_shared<History>();
  eager_activities_.clear();
}

Result<Run::Completion> Run::complete_task(const wf::RespondWorkflowTaskCompletedRequest& request) {
  TRY_OK(check_sequence(request));
  const std::int32_t attempt = state_.task().attempt();
  buffer_blocks_close_ = state_.buffered_size() > 0;
  pb::RunState before;
  if (request.commands_size() > 0) before = state_;

  write_task_completed(request);
  Completion completion;
  for (const Command& command : request.commands()) {
    completion.failure = apply(command, request.identity());
    if (completion.failure) break;
  }
  if (completion.failure && completion.failure->ends_run) {
    take_back(std::move(before));
    end_by_failure(*completion.failure, request.identity());
    return completion;
  }
  if (completion.failure) {
    // A task that keeps failing is left to time out, which slows the retries down.
    if (attempt > 1 && completion.failure->cause != enums::WORKFLOW_TASK_FAILED_CAUSE_UNHANDLED_COMMAND) {
      return invalid_argument(completion.failure->message);
    }
    take_back(std::move(before));
    api::failure::v1::Failure failure;
    failure.set_message(completion.failure->message);
    failure.mutable_server_failure_info();
    fail_task(completion.failure->cause, failure, request.identity());
    return completion;
  }
  if (!running()) return completion;
  for (const std::int64_t id : eager_activities_) {
    if (find_activity(id) == nullptr) continue;  // cancelled by a later command
    start_activity(id, request.identity(), make_uuid(*random_));
    completion.eager_activities.push_back(id);
  }
  if (!request.force_create_new_workflow_task() && state_.buffered_size() == 0) return completion;
  schedule_task();
  if (request.return_new_workflow_task()) {
    changes_.dispatches.pop_back();  // it goes with the reply
    start_task(request.identity(), "request-from-RespondWorkflowTaskCompleted", !state_.sticky_queue().empty());
    completion.new_task_started = true;
  }
  return completion;
}

void Run::write_task_failed(Cause cause, const api::failure::v1::Failure& failure, std::string_view identity) {
  const auto& task = state_.task();
  if (task.attempt() > 1) return;
  HistoryEvent& event = add_event(enums::EVENT_TYPE_WORKFLOW_TASK_FAILED);
  auto& attributes = *event.mutable_workflow_task_failed_event_attributes();
  attributes.set_scheduled_event_id(task.scheduled_event_id());
  attributes.set_started_event_id(task.started_event_id());
  attributes.set_cause(cause);
  if (failure.ByteSizeLong() > 0) *attributes.mutable_failure() = failure;
  attributes.set_identity(std::string(identity));
}

void Run::fail_task(Cause cause, const api::failure::v1::Failure& failure, std::string_view identity) {
  write_task_failed(cause, failure, identity);
  forget_task(true);
  schedule_task();
}

void Run::end_by_failure(const TaskFailure& failure, std::string_view identity) {
  api::failure::v1::Failure details;
  details.set_message(failure.message);
  details.mutable_server_failure_info();
  write_task_failed(failure.cause, details, identity);
  forget_task(true);
  RELIANT_ASSERT(terminate(failure.message, nullptr, "history-service").ok(), "a run with a workflow task is running");
}

// A worker that keeps its workflow task while much happens loses it, as on the real server: what waits for the end of the
// task is part of the state that each transaction writes.
void Run::relieve_buffer() {
  if (state_.task().state() != pb::WorkflowTask::STARTED || state_.buffered().empty()) return;
  std::size_t bytes = 0;
  for (const HistoryEvent& event : state_.buffered()) bytes += event.ByteSizeLong();
  if (bytes <= kBufferedBytesLimit && state_.buffered_size() <= kBufferedEventsLimit) return;
  fail_task(enums::WORKFLOW_TASK_FAILED_CAUSE_FORCE_CLOSE_COMMAND, {}, "history-service");
}

void Run::forget_task(bool next_attempt) {
  auto& task = *state_.mutable_task();
  if (!state_.sticky_queue().empty()) {
    next_attempt = false;
    state_.clear_sticky_queue();
  }
  const std::int32_t attempt = next_attempt ? task.attempt() + 1 : 1;
  move_to(task, pb::WorkflowTask::NONE);
  task.Clear();
  task.set_attempt(attempt);
}

void Run::time_out_task() {
  const auto& task = state_.task();
  const bool started = task.state() == pb::WorkflowTask::STARTED;
  if (!started || task.attempt() == 1) {
    HistoryEvent& event = add_event(enums::EVENT_TYPE_WORKFLOW_TASK_TIMED_OUT);
    auto& attributes = *event.mutable_workflow_task_timed_out_event_attributes();
    attributes.set_scheduled_event_id(task.scheduled_event_id());
    if (started) attributes.set_started_event_id(task.started_event_id());
    attributes.set_timeout_type(started ? enums::TIMEOUT_TYPE_START_TO_CLOSE : enums::TIMEOUT_TYPE_SCHEDULE_TO_START);
  }
  forget_task(started);
  schedule_task();
}

void Run::break_off_task() {
  if (state_.task().state() == pb::WorkflowTask::STARTED) {
    write_task_failed(enums::WORKFLOW_TASK_FAILED_CAUSE_FORCE_CLOSE_COMMAND, {}, "history-service");
  }
  flush_buffer();
}

}  // namespace reliant::temporal::engine
