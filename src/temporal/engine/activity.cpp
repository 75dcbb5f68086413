#include <algorithm>
#include <array>
#include <utility>

#include "base/assert.h"
#include "base/text.h"
#include "temporal/engine/limits.h"
#include "temporal/engine/mutable_state.h"

// An activity of a run, from its ScheduleActivityTask command until one close event, of which there is exactly one.
//
//   state        what happens                        becomes      events written
//   (none)       command                             SCHEDULED    ActivityTaskScheduled
//   SCHEDULED    a poller takes it                   STARTED      none
//   STARTED      failed or timed out, may retry      BACKING_OFF  none
//   BACKING_OFF  its time has come                   SCHEDULED    none
//   STARTED      completed, failed, canceled,        (closed)     ActivityTaskStarted, then the close event
//                timed out for good
//   SCHEDULED or schedule-to-start/-close timeout    (closed)     ActivityTaskTimedOut
//   BACKING_OFF  cancel requested                    (closed)     ActivityTaskCanceled
//
// That it was started is written only when it closes, since attempts that are retried leave no events.

namespace reliant::temporal::engine {

namespace enums = api::enums::v1;

namespace {

constexpr std::size_t kEagerActivities = 3;    // of a workflow task, as on the real server
constexpr std::size_t kKeptInputBytes = 1024;  // larger ones are read from the history again

using State = pb::Activity::State;
struct ActivityTransition {
  State from;
  State to;
};
constexpr std::array kTransitions = {
    ActivityTransition{pb::Activity::SCHEDULED, pb::Activity::STARTED},
    ActivityTransition{pb::Activity::STARTED, pb::Activity::BACKING_OFF},
    ActivityTransition{pb::Activity::BACKING_OFF, pb::Activity::SCHEDULED},
};

void move_to(pb::Activity& activity, State to) {
  const State from = activity.state();
  RELIANT_ASSERT(std::ranges::any_of(kTransitions, [&](ActivityTransition t) { return t.from == from && t.to == to; }),
                 "an activity moves only as its table says");
  activity.set_state(to);
}

Status stale_token() { return not_found("invalid activityID or activity already timed out or invoking workflow is completed"); }

std::string_view name_of(enums::TimeoutType type) {
  switch (type) {
    case enums::TIMEOUT_TYPE_START_TO_CLOSE:
      return "StartToClose";
    case enums::TIMEOUT_TYPE_SCHEDULE_TO_START:
      return "ScheduleToStart";
    case enums::TIMEOUT_TYPE_SCHEDULE_TO_CLOSE:
      return "ScheduleToClose";
    default:
      return "Heartbeat";
  }
}

// What the server makes of the four timeouts of a command; false: neither that ends it is set.
bool normalise_timeouts(api::history::v1::ActivityTaskScheduledEventAttributes& scheduled, std::int64_t run_timeout) {
  std::int64_t to_close = nanos(scheduled.schedule_to_close_timeout());
  std::int64_t to_start = nanos(scheduled.schedule_to_start_timeout());
  std::int64_t start_to_close = nanos(scheduled.start_to_close_timeout());
  std::int64_t heartbeat = nanos(scheduled.heartbeat_timeout());
  if (to_close > 0) {
    to_start = to_start > 0 ? std::min(to_start, to_close) : to_close;
    start_to_close = start_to_close > 0 ? std::min(start_to_close, to_close) : to_close;
  } else if (start_to_close > 0) {
    to_close = run_timeout;
    if (to_start <= 0) to_start = run_timeout;
  } else {
    return false;
  }
  if (run_timeout > 0) {
    to_close = std::min(to_close, run_timeout);
    to_start = std::min(to_start, run_timeout);
    start_to_close = std::min(start_to_close, run_timeout);
  }
  heartbeat = std::min(heartbeat, start_to_close);
  *scheduled.mutable_schedule_to_close_timeout() = to_duration(to_close);
  *scheduled.mutable_schedule_to_start_timeout() = to_duration(to_start);
  *scheduled.mutable_start_to_close_timeout() = to_duration(start_to_close);
  *scheduled.mutable_heartbeat_timeout() = to_duration(heartbeat);
  return true;
}

std::optional<std::string> complaint_about(const api::command::v1::ScheduleActivityTaskCommandAttributes& command) {
  if (command.activity_id().empty()) return "ActivityId is not set on ScheduleActivityTaskCommand.";
  if (command.activity_type().name().empty()) return "ActivityType is not set on ScheduleActivityTaskCommand.";
  if (command.task_queue().name().empty()) return "TaskQueue is not set on ScheduleActivityTaskCommand.";
  const std::pair<std::string_view, std::string_view> names[] = {{"ActivityId", command.activity_id()},
                                                                 {"ActivityType", command.activity_type().name()},
                                                                 {"TaskQueue", command.task_queue().name()}};
  for (const auto& [name, value] : names) {
    if (value.size() <= kIdLimit) continue;
    return concat(name, " on ScheduleActivityTaskCommand exceeds length limit. Length=", value.size(), " Limit=", kIdLimit);
  }
  if (nanos(command.schedule_to_close_timeout()) < 0 || nanos(command.schedule_to_start_timeout()) < 0 ||
      nanos(command.start_to_close_timeout()) < 0 || nanos(command.heartbeat_timeout()) < 0) {
    return "A timeout is negative on ScheduleActivityTaskCommand.";
  }
  if (command.retry_policy().maximum_attempts() < 0) return "MaximumAttempts cannot be negative on retry policy.";
  return std::nullopt;
}

}  // namespace

pb::Activity* Run::find_activity(std::int64_t scheduled_event_id) {
  for (pb::Activity& activity : *state_.mutable_activities()) {
    if (activity.scheduled_event_id() == scheduled_event_id) return &activity;
  }
  return nullptr;
}

const pb::Activity* Run::find_activity(std::int64_t scheduled_event_id) const {
  return const_cast<Run*>(this)->find_activity(scheduled_event_id);
}

const pb::Activity* Run::find_activity(std::string_view activity_id) const {
  for (const pb::Activity& activity : state_.activities()) {
    if (activity.scheduled().activity_id() == activity_id) return &activity;
  }
  return nullptr;
}

void Run::start_from_outside(const pb::TaskToken& token, std::string_view identity) {
  pb::Activity* const activity = find_activity(token.scheduled_event_id());
  if (activity == nullptr || activity->state() == pb::Activity::STARTED) return;
  if (activity->state() == pb::Activity::BACKING_OFF) move_to(*activity, pb::Activity::SCHEDULED);
  start_activity(activity->scheduled_event_id(), identity, "");
}

Dispatch Run::dispatch_of(const pb::Activity& activity) const {
  return {Dispatch::Kind::kActivity,
          activity.scheduled().task_queue().name(),
          {},
          activity.scheduled_event_id(),
          activity.attempt()};
}

std::optional<Run::TaskFailure> Run::schedule_activity(const Command& command) {
  const auto& given = command.schedule_activity_task_command_attributes();
  constexpr auto kBad = enums::WORKFLOW_TASK_FAILED_CAUSE_BAD_SCHEDULE_ACTIVITY_ATTRIBUTES;
  if (auto complaint = complaint_about(given)) {
    return TaskFailure{kBad, concat("BadScheduleActivityAttributes: ", *complaint)};
  }
  if (is_too_large(given.input())) {
    return TaskFailure{kBad, "BadScheduleActivityAttributes: ScheduleActivityTaskCommandAttributes.Input exceeds size limit.",
                       true};
  }
  if (state_.activities_size() >= kPendingLimit) {
    return TaskFailure{enums::WORKFLOW_TASK_FAILED_CAUSE_PENDING_ACTIVITIES_LIMIT_EXCEEDED,
                       concat("PendingActivitiesLimitExceeded: the number of pending activities, ", state_.activities_size(),
                              ", has reached the per-workflow limit of ", kPendingLimit)};
  }
  for (const pb::Activity& activity : state_.activities()) {
    if (activity.scheduled().activity_id() == given.activity_id()) {
      return TaskFailure{enums::WORKFLOW_TASK_FAILED_CAUSE_SCHEDULE_ACTIVITY_DUPLICATE_ID,
                         concat("ScheduleActivityDuplicateId: activity id ", given.activity_id(), " is still open")};
    }
  }
  api::history::v1::ActivityTaskScheduledEventAttributes scheduled;
  scheduled.set_activity_id(given.activity_id());
  *scheduled.mutable_activity_type() = given.activity_type();
  scheduled.mutable_task_queue()->set_name(given.task_queue().name());
  scheduled.mutable_task_queue()->set_kind(enums::TASK_QUEUE_KIND_NORMAL);
  if (given.has_header()) *scheduled.mutable_header() = given.header();
  if (given.has_input()) *scheduled.mutable_input() = given.input();
  if (given.has_priority()) *scheduled.mutable_priority() = given.priority();
  *scheduled.mutable_schedule_to_close_timeout() = given.schedule_to_close_timeout();
  *scheduled.mutable_schedule_to_start_timeout() = given.schedule_to_start_timeout();
  *scheduled.mutable_start_to_close_timeout() = given.start_to_close_timeout();
  *scheduled.mutable_heartbeat_timeout() = given.heartbeat_timeout();
  if (!normalise_timeouts(scheduled, nanos(started_.workflow_run_timeout()))) {
    return TaskFailure{kBad, concat("BadScheduleActivityAttributes: A valid StartToClose or ScheduleToCloseTimeout is not "
                                    "set on ScheduleActivityTaskCommand. ActivityId=",
                                    given.activity_id(), " ActivityType=", given.activity_type().name())};
  }
  if (given.has_retry_policy()) *scheduled.mutable_retry_policy() = given.retry_policy();
  complete_retry_policy(*scheduled.mutable_retry_policy());
  scheduled.set_workflow_task_completed_event_id(completed_event_id_);

  HistoryEvent& event = add_command_event(enums::EVENT_TYPE_ACTIVITY_TASK_SCHEDULED, command);
  *event.mutable_activity_task_scheduled_event_attributes() = scheduled;
  pb::Activity& activity = *state_.add_activities();
  activity.set_scheduled_event_id(event.event_id());
  if (scheduled.input().ByteSizeLong() > kKeptInputBytes) {
    scheduled.clear_input();
    activity.set_input_in_history(true);
  }
  *activity.mutable_scheduled() = std::move(scheduled);
  activity.set_attempt(1);
  activity.set_first_scheduled_time(now_);
  activity.set_attempt_scheduled_time(now_);
  const bool eager = given.request_eager_execution() && eager_activities_.size() < kEagerActivities &&
                     given.task_queue().name() == started_.task_queue().name();
  if (eager) {
    eager_activities_.push_back(activity.scheduled_event_id());
  } else {
    changes_.dispatches.push_back(dispatch_of(activity));
  }
  return std::nullopt;
}

std::optional<Run::TaskFailure> Run::request_cancel_activity(const Command& command, std::string_view identity) {
  const std::int64_t id = command.request_cancel_activity_task_command_attributes().scheduled_event_id();
  pb::Activity* activity = find_activity(id);
  // One that ended after this task was started is in the buffer: the workflow cannot know.
  const bool ended = std::ranges::any_of(state_.buffered(), [&](const HistoryEvent& event) {
    return event.activity_task_started_event_attributes().scheduled_event_id() == id ||
           event.activity_task_timed_out_event_attributes().scheduled_event_id() == id ||
           event.activity_task_canceled_event_attributes().scheduled_event_id() == id;
  });
  if ((activity == nullptr && !ended) || (activity != nullptr && activity->cancel_requested_event_id() != 0)) {
    return TaskFailure{enums::WORKFLOW_TASK_FAILED_CAUSE_BAD_REQUEST_CANCEL_ACTIVITY_ATTRIBUTES,
                       concat("BadRequestCancelActivityAttributes: ScheduledEventId ", id,
                              activity == nullptr ? " is no open activity" : " has a cancel request already")};
  }
  HistoryEvent& event = add_command_event(enums::EVENT_TYPE_ACTIVITY_TASK_CANCEL_REQUESTED, command);
  auto& attributes = *event.mutable_activity_task_cancel_requested_event_attributes();
  attributes.set_scheduled_event_id(id);
  attributes.set_workflow_task_completed_event_id(completed_event_id_);
  if (activity == nullptr) return std::nullopt;
  activity->set_cancel_requested_event_id(event.event_id());
  if (activity->state() == pb::Activity::STARTED) return std::nullopt;  // it hears of it with its next heartbeat
  HistoryEvent& canceled = add_event(enums::EVENT_TYPE_ACTIVITY_TASK_CANCELED);
  auto& close = *canceled.mutable_activity_task_canceled_event_attributes();
  *close.mutable_details() = text_payloads("ACTIVITY_ID_NOT_STARTED");
  close.set_latest_cancel_requested_event_id(activity->cancel_requested_event_id());
  close.set_scheduled_event_id(id);
  close.set_identity(std::string(identity));
  remove_activity(id);
  return std::nullopt;
}

bool Run::can_start_activity(std::int64_t scheduled_event_id, std::int32_t attempt) const {
  const pb::Activity* activity = find_activity(scheduled_event_id);
  return running() && activity != nullptr && activity->state() == pb::Activity::SCHEDULED && activity->attempt() == attempt;
}

const pb::Activity& Run::start_activity(std::int64_t scheduled_event_id, std::string_view identity,
                                        std::string_view request_id) {
  pb::Activity* activity = find_activity(scheduled_event_id);
  RELIANT_ASSERT(activity != nullptr, "can_start_activity was asked first");
  move_to(*activity, pb::Activity::STARTED);
  activity->set_started_time(now_);
  activity->set_started_identity(std::string(identity));
  activity->set_request_id(std::string(request_id));
  activity->set_last_worker_identity(std::string(identity));
  activity->clear_last_heartbeat_time();
  return *activity;
}

Result<pb::Activity*> Run::activity_of(const pb::TaskToken& token) {
  if (!running()) return stale_token();
  pb::Activity* activity = find_activity(token.scheduled_event_id());
  if (activity == nullptr || activity->state() != pb::Activity::STARTED || activity->attempt() != token.attempt()) {
    return stale_token();
  }
  return activity;
}

void Run::write_activity_started(const pb::Activity& activity) {
  HistoryEvent& event = add_event(enums::EVENT_TYPE_ACTIVITY_TASK_STARTED);
  *event.mutable_event_time() = to_timestamp(activity.started_time());
  auto& attributes = *event.mutable_activity_task_started_event_attributes();
  attributes.set_scheduled_event_id(activity.scheduled_event_id());
  attributes.set_identity(activity.started_identity());
  attributes.set_request_id(activity.request_id());
  attributes.set_attempt(activity.attempt());
  if (activity.has_last_failure()) *attributes.mutable_last_failure() = activity.last_failure();
}

void Run::remove_activity(std::int64_t scheduled_event_id) {
  auto& activities = *state_.mutable_activities();
  for (int i = 0; i < activities.size(); ++i) {
    if (activities[i].scheduled_event_id() != scheduled_event_id) continue;
    activities.erase(activities.begin() + i);
    return;
  }
}

Status Run::complete_activity(const pb::TaskToken& token, const wf::RespondActivityTaskCompletedRequest& request) {
  TRY_ASSIGN(const pb::Activity* activity, activity_of(token));
  write_activity_started(*activity);
  HistoryEvent& event = add_event(enums::EVENT_TYPE_ACTIVITY_TASK_COMPLETED);
  auto& attributes = *event.mutable_activity_task_completed_event_attributes();
  if (request.has_result()) *attributes.mutable_result() = request.result();
  attributes.set_scheduled_event_id(activity->scheduled_event_id());
  attributes.set_identity(request.identity());
  remove_activity(token.scheduled_event_id());
  want_task();
  return ok_status();
}

Status Run::fail_activity(const pb::TaskToken& token, const wf::RespondActivityTaskFailedRequest& request) {
  TRY_ASSIGN(pb::Activity * activity, activity_of(token));
  if (request.has_last_heartbeat_details()) *activity->mutable_heartbeat_details() = request.last_heartbeat_details();
  const enums::RetryState retry = retry_activity(*activity, request.failure());
  if (retry == enums::RETRY_STATE_IN_PROGRESS) return ok_status();
  write_activity_started(*activity);
  HistoryEvent& event = add_event(enums::EVENT_TYPE_ACTIVITY_TASK_FAILED);
  auto& attributes = *event.mutable_activity_task_failed_event_attributes();
  *attributes.mutable_failure() = request.failure();
  attributes.set_scheduled_event_id(activity->scheduled_event_id());
  attributes.set_identity(request.identity());
  attributes.set_retry_state(retry);
  remove_activity(token.scheduled_event_id());
  want_task();
  return ok_status();
}

Status Run::cancel_activity(const pb::TaskToken& token, const wf::RespondActivityTaskCanceledRequest& request) {
  TRY_ASSIGN(const pb::Activity* activity, activity_of(token));
  if (activity->cancel_requested_event_id() == 0) {
    return invalid_argument("unable to mark activity as canceled without activity being request canceled first");
  }
  write_activity_started(*activity);
  HistoryEvent& event = add_event(enums::EVENT_TYPE_ACTIVITY_TASK_CANCELED);
  auto& attributes = *event.mutable_activity_task_canceled_event_attributes();
  if (request.has_details()) *attributes.mutable_details() = request.details();
  attributes.set_latest_cancel_requested_event_id(activity->cancel_requested_event_id());
  attributes.set_scheduled_event_id(activity->scheduled_event_id());
  attributes.set_identity(request.identity());
  remove_activity(token.scheduled_event_id());
  want_task();
  return ok_status();
}

Result<bool> Run::heartbeat(const pb::TaskToken& token, const wf::RecordActivityTaskHeartbeatRequest& request) {
  TRY_ASSIGN(pb::Activity * activity, activity_of(token));
  *activity->mutable_heartbeat_details() = request.details();
  activity->set_last_heartbeat_time(now_);
  return activity->cancel_requested_event_id() != 0;
}

// IN_PROGRESS: it backs off, and has nothing in the history. Otherwise it has to be closed, for the reason returned.
enums::RetryState Run::retry_activity(pb::Activity& activity, const api::failure::v1::Failure& failure) {
  if (activity.cancel_requested_event_id() != 0) return enums::RETRY_STATE_CANCEL_REQUESTED;
  if (failure.has_timeout_failure_info()) {
    const auto type = failure.timeout_failure_info().timeout_type();
    if (type == enums::TIMEOUT_TYPE_SCHEDULE_TO_START || type == enums::TIMEOUT_TYPE_SCHEDULE_TO_CLOSE) {
      return enums::RETRY_STATE_TIMEOUT;
    }
  }
  const std::int64_t to_close = nanos(activity.scheduled().schedule_to_close_timeout());
  const std::int64_t expiration = to_close > 0 ? activity.first_scheduled_time() + to_close : 0;
  auto state = enums::RETRY_STATE_UNSPECIFIED;
  const auto backoff = backoff_after(activity.scheduled().retry_policy(), activity.attempt(), now_, expiration, failure, state);
  if (!backoff) return state;
  move_to(activity, pb::Activity::BACKING_OFF);
  activity.set_attempt(activity.attempt() + 1);
  activity.set_attempt_scheduled_time(now_ + *backoff);
  activity.set_last_attempt_complete_time(now_);
  activity.clear_started_time();
  activity.clear_started_identity();
  activity.clear_request_id();
  *activity.mutable_last_failure() = failure;
  return state;
}

void Run::time_out_activity(std::int64_t scheduled_event_id, enums::TimeoutType type) {
  pb::Activity* activity = find_activity(scheduled_event_id);
  RELIANT_ASSERT(activity != nullptr, "only open activities have timers");
  const bool started = activity->state() == pb::Activity::STARTED;
  api::failure::v1::Failure failure = timeout_failure(concat("activity ", name_of(type), " timeout"), type);
  if (activity->has_heartbeat_details()) {
    *failure.mutable_timeout_failure_info()->mutable_last_heartbeat_details() = activity->heartbeat_details();
  }
  const enums::RetryState retry = retry_activity(*activity, failure);
  if (retry == enums::RETRY_STATE_IN_PROGRESS) return;
  if (retry == enums::RETRY_STATE_TIMEOUT && type != enums::TIMEOUT_TYPE_SCHEDULE_TO_START) {
    failure.mutable_timeout_failure_info()->set_timeout_type(enums::TIMEOUT_TYPE_SCHEDULE_TO_CLOSE);
    failure.set_message("Not enough time to schedule next retry before activity ScheduleToClose timeout, giving up retrying");
  }
  if (activity->has_last_failure()) *failure.mutable_cause() = activity->last_failure();
  if (started) write_activity_started(*activity);
  HistoryEvent& event = add_event(enums::EVENT_TYPE_ACTIVITY_TASK_TIMED_OUT);
  auto& attributes = *event.mutable_activity_task_timed_out_event_attributes();
  *attributes.mutable_failure() = std::move(failure);
  attributes.set_scheduled_event_id(scheduled_event_id);
  attributes.set_retry_state(retry);
  remove_activity(scheduled_event_id);
  want_task();
}

void Run::reschedule_activity(std::int64_t scheduled_event_id) {
  pb::Activity* activity = find_activity(scheduled_event_id);
  RELIANT_ASSERT(activity != nullptr, "only open activities have timers");
  move_to(*activity, pb::Activity::SCHEDULED);
  activity->set_attempt_scheduled_time(now_);
  changes_.dispatches.push_back(dispatch_of(*activity));
}

}  // namespace reliant::temporal::engine
