#include <algorithm>
#include <string>
#include <utility>

#include "base/text.h"
#include "temporal/engine/limits.h"
#include "temporal/engine/mutable_state.h"

// Time in a run. Nothing is queued: what is due next follows from the state, so no timer can be stale or forgotten.
// What is due at one instant happens in the order (time, event id, kind), as on the real server.
//
//   kind  of            due                                         then
//   0     user timer    fire_time                                   TimerFired, a workflow task
//   0     activity      BACKING_OFF: attempt_scheduled_time         SCHEDULED, to be polled
//   1     activity      STARTED: start-to-close                     retried or timed out
//   2     activity      SCHEDULED: schedule-to-start                timed out
//   3     activity      any: schedule-to-close                      timed out
//   4     activity      STARTED: heartbeat                          retried or timed out
//   1, 2  workflow task STARTED: start-to-close; sticky: to start   timed out, scheduled again
//   5     the run       first_task_at                               the first workflow task
//   6     the run       run_expiration, execution_expiration        timed out

namespace reliant::temporal::engine {

namespace enums = api::enums::v1;

namespace {
enum Kind : int { kFire = 0, kStartToClose = 1, kScheduleToStart = 2, kScheduleToClose = 3, kHeartbeat = 4 };
constexpr int kFirstTask = 5;
constexpr int kExpire = 6;
}  // namespace

std::optional<Run::TaskFailure> Run::start_timer(const Command& command) {
  const auto& given = command.start_timer_command_attributes();
  if (given.timer_id().empty() || nanos(given.start_to_fire_timeout()) < 0) {
    return TaskFailure{
        enums::WORKFLOW_TASK_FAILED_CAUSE_BAD_START_TIMER_ATTRIBUTES,
        concat("BadStartTimerAttributes: ", given.timer_id().empty() ? "TimerId is not set" : "StartToFireTimeout is negative",
               " on StartTimerCommand.")};
  }
  if (given.timer_id().size() > kIdLimit) {
    return TaskFailure{enums::WORKFLOW_TASK_FAILED_CAUSE_BAD_START_TIMER_ATTRIBUTES,
                       concat("BadStartTimerAttributes: TimerId on StartTimerCommand exceeds length limit. Length=",
                              given.timer_id().size(), " Limit=", kIdLimit)};
  }
  for (const pb::Timer& timer : state_.timers()) {
    if (timer.timer_id() != given.timer_id()) continue;
    return TaskFailure{enums::WORKFLOW_TASK_FAILED_CAUSE_START_TIMER_DUPLICATE_ID,
                       concat("StartTimerDuplicateId: timer id ", given.timer_id(), " is still running")};
  }
  HistoryEvent& event = add_command_event(enums::EVENT_TYPE_TIMER_STARTED, command);
  auto& attributes = *event.mutable_timer_started_event_attributes();
  attributes.set_timer_id(given.timer_id());
  *attributes.mutable_start_to_fire_timeout() = given.start_to_fire_timeout();
  attributes.set_workflow_task_completed_event_id(completed_event_id_);
  pb::Timer& timer = *state_.add_timers();
  timer.set_timer_id(given.timer_id());
  timer.set_started_event_id(event.event_id());
  timer.set_fire_time(now_ + nanos(given.start_to_fire_timeout()));
  return std::nullopt;
}

std::optional<Run::TaskFailure> Run::cancel_timer(const Command& command, std::string_view identity) {
  const std::string& id = command.cancel_timer_command_attributes().timer_id();
  std::int64_t started_event_id = 0;
  auto& timers = *state_.mutable_timers();
  auto& buffered = *state_.mutable_buffered();
  for (int i = 0; i < timers.size() && started_event_id == 0; ++i) {
    if (timers[i].timer_id() != id) continue;
    started_event_id = timers[i].started_event_id();
    timers.erase(timers.begin() + i);
  }
  // It fired after this task was started: the workflow has not seen that, so it never happened.
  for (int i = 0; i < buffered.size() && started_event_id == 0; ++i) {
    if (buffered[i].timer_fired_event_attributes().timer_id() != id) continue;
    started_event_id = buffered[i].timer_fired_event_attributes().started_event_id();
    buffered.erase(buffered.begin() + i);
    buffer_blocks_close_ = !buffered.empty();
  }
  if (started_event_id == 0) {
    return TaskFailure{enums::WORKFLOW_TASK_FAILED_CAUSE_BAD_CANCEL_TIMER_ATTRIBUTES,
                       concat("BadCancelTimerAttributes: timer id ", id, " is not running")};
  }
  HistoryEvent& event = add_command_event(enums::EVENT_TYPE_TIMER_CANCELED, command);
  auto& attributes = *event.mutable_timer_canceled_event_attributes();
  attributes.set_timer_id(id);
  attributes.set_started_event_id(started_event_id);
  attributes.set_workflow_task_completed_event_id(completed_event_id_);
  attributes.set_identity(std::string(identity));
  return std::nullopt;
}

std::optional<Run::Due> Run::next_due() const {
  std::optional<Due> first;
  const auto consider = [&](std::int64_t at, std::int64_t event_id, int kind) {
    const Due due{at, event_id, kind};
    if (!first || due < *first) first = due;
  };
  if (!running()) return std::nullopt;
  if (state_.first_task_at() > 0) consider(state_.first_task_at(), 0, kFirstTask);
  if (state_.run_expiration() > 0) consider(state_.run_expiration(), 0, kExpire);
  if (state_.execution_expiration() > 0) consider(state_.execution_expiration(), 0, kExpire);
  const auto& task = state_.task();
  if (task.state() == pb::WorkflowTask::STARTED) {
    consider(task.started_time() + task.timeout(), task.scheduled_event_id(), kStartToClose);
  } else if (task.state() == pb::WorkflowTask::SCHEDULED && task.on_sticky() && state_.sticky_timeout() > 0) {
    consider(task.scheduled_time() + state_.sticky_timeout(), task.scheduled_event_id(), kScheduleToStart);
  }
  for (const pb::Timer& timer : state_.timers()) consider(timer.fire_time(), timer.started_event_id(), kFire);
  for (const pb::Activity& activity : state_.activities()) {
    const auto& scheduled = activity.scheduled();
    const std::int64_t id = activity.scheduled_event_id();
    if (const std::int64_t limit = nanos(scheduled.schedule_to_close_timeout()); limit > 0) {
      consider(activity.first_scheduled_time() + limit, id, kScheduleToClose);
    }
    if (activity.state() == pb::Activity::BACKING_OFF) consider(activity.attempt_scheduled_time(), id, kFire);
    if (activity.state() == pb::Activity::SCHEDULED) {
      const std::int64_t limit = nanos(scheduled.schedule_to_start_timeout());
      if (limit > 0) consider(activity.attempt_scheduled_time() + limit, id, kScheduleToStart);
    }
    if (activity.state() == pb::Activity::STARTED) {
      consider(activity.started_time() + nanos(scheduled.start_to_close_timeout()), id, kStartToClose);
      const std::int64_t heartbeat = nanos(scheduled.heartbeat_timeout());
      const std::int64_t last = std::max(activity.started_time(), activity.last_heartbeat_time());
      if (heartbeat > 0) consider(last + heartbeat, id, kHeartbeat);
    }
  }
  return first;
}

std::int64_t Run::next_timer() const {
  const auto due = next_due();
  return due ? due->at : 0;
}

bool Run::fire_due() {
  bool any = false;
  for (auto due = next_due(); due && due->at <= now_; due = next_due()) {
    fire(*due);
    any = true;
  }
  return any;
}

void Run::fire(const Due& due) {
  if (due.kind == kFirstTask) {
    state_.clear_first_task_at();
    want_task();
    return;
  }
  if (due.kind == kExpire) return time_out_run();
  if (due.event_id == state_.task().scheduled_event_id() && state_.task().state() != pb::WorkflowTask::NONE) {
    return time_out_task();
  }
  auto& timers = *state_.mutable_timers();
  for (int i = 0; i < timers.size(); ++i) {
    if (timers[i].started_event_id() != due.event_id) continue;
    HistoryEvent& event = add_event(enums::EVENT_TYPE_TIMER_FIRED);
    event.mutable_timer_fired_event_attributes()->set_timer_id(timers[i].timer_id());
    event.mutable_timer_fired_event_attributes()->set_started_event_id(due.event_id);
    timers.erase(timers.begin() + i);
    return want_task();
  }
  if (due.kind == kFire) return reschedule_activity(due.event_id);
  time_out_activity(due.event_id, static_cast<enums::TimeoutType>(due.kind));
}

}  // namespace reliant::temporal::engine
