#include "support/history_builder.h"

#include <google/protobuf/util/time_util.h>

#include <utility>

#include "base/assert.h"
#include "temporal/failure.h"
#include "temporal/payload.h"

namespace reliant::tests {
namespace {

namespace enums = ::temporal::api::enums::v1;
using temporal::json_payloads;

}  // namespace

HistoryBuilder::HistoryBuilder(std::string workflow_type, std::string input) {
  auto& started = *add(enums::EVENT_TYPE_WORKFLOW_EXECUTION_STARTED).mutable_workflow_execution_started_event_attributes();
  started.mutable_workflow_type()->set_name(std::move(workflow_type));
  started.mutable_task_queue()->set_name("queue");
  *started.mutable_input() = json_payloads(input);
  started.set_original_execution_run_id("run");
  started.set_first_execution_run_id("run");
  started.set_workflow_id("workflow");
  started.set_attempt(1);
}

HistoryEvent& HistoryBuilder::add(enums::EventType type) {
  HistoryEvent& event = events_.emplace_back();
  event.set_event_id(static_cast<std::int64_t>(events_.size()));
  event.set_event_type(type);
  *event.mutable_event_time() = google::protobuf::util::TimeUtil::NanosecondsToTimestamp(now_.time_since_epoch().count());
  return event;
}

std::vector<std::string> HistoryBuilder::open_activities() const {
  std::map<std::int64_t, std::string> by_event;
  for (const auto& [id, activity] : activities_) by_event[activity.scheduled] = id;
  std::vector<std::string> ids;
  for (const auto& [event, id] : by_event) ids.push_back(id);
  return ids;
}

std::vector<std::string> HistoryBuilder::cancelling_activities() const {
  std::vector<std::string> ids;
  for (const std::string& id : open_activities()) {
    if (activities_.at(id).cancelling) ids.push_back(id);
  }
  return ids;
}

std::vector<std::string> HistoryBuilder::open_timers() const {
  std::map<std::int64_t, std::string> by_event;
  for (const auto& [id, event] : timers_) by_event[event] = id;
  std::vector<std::string> ids;
  for (const auto& [event, id] : by_event) ids.push_back(id);
  return ids;
}

void HistoryBuilder::task_scheduled() { task_scheduled_ = add(enums::EVENT_TYPE_WORKFLOW_TASK_SCHEDULED).event_id(); }

void HistoryBuilder::task_started(bool suggest_continue_as_new) {
  HistoryEvent& event = add(enums::EVENT_TYPE_WORKFLOW_TASK_STARTED);
  event.mutable_workflow_task_started_event_attributes()->set_scheduled_event_id(task_scheduled_);
  event.mutable_workflow_task_started_event_attributes()->set_suggest_continue_as_new(suggest_continue_as_new);
  task_started_ = event.event_id();
}

void HistoryBuilder::task_failed() {
  auto& failed = *add(enums::EVENT_TYPE_WORKFLOW_TASK_FAILED).mutable_workflow_task_failed_event_attributes();
  failed.set_scheduled_event_id(task_scheduled_);
  failed.set_started_event_id(task_started_);
}

void HistoryBuilder::task_timed_out() {
  auto& late = *add(enums::EVENT_TYPE_WORKFLOW_TASK_TIMED_OUT).mutable_workflow_task_timed_out_event_attributes();
  late.set_scheduled_event_id(task_scheduled_);
}

void HistoryBuilder::task_completed(const std::vector<Command>& commands) {
  auto& completed = *add(enums::EVENT_TYPE_WORKFLOW_TASK_COMPLETED).mutable_workflow_task_completed_event_attributes();
  completed.set_scheduled_event_id(task_scheduled_);
  completed.set_started_event_id(task_started_);
  for (const Command& command : commands) apply(command);
}

void HistoryBuilder::apply(const Command& command) {
  switch (command.command_type()) {
    case enums::COMMAND_TYPE_SCHEDULE_ACTIVITY_TASK: {
      const auto& wanted = command.schedule_activity_task_command_attributes();
      HistoryEvent& event = add(enums::EVENT_TYPE_ACTIVITY_TASK_SCHEDULED);
      auto& scheduled = *event.mutable_activity_task_scheduled_event_attributes();
      scheduled.set_activity_id(wanted.activity_id());
      *scheduled.mutable_activity_type() = wanted.activity_type();
      *scheduled.mutable_input() = wanted.input();
      activities_[wanted.activity_id()].scheduled = event.event_id();
      activity_ids_[event.event_id()] = wanted.activity_id();
      return;
    }
    case enums::COMMAND_TYPE_REQUEST_CANCEL_ACTIVITY_TASK: {
      const std::int64_t scheduled = command.request_cancel_activity_task_command_attributes().scheduled_event_id();
      add(enums::EVENT_TYPE_ACTIVITY_TASK_CANCEL_REQUESTED)
          .mutable_activity_task_cancel_requested_event_attributes()
          ->set_scheduled_event_id(scheduled);
      const auto open = activities_.find(activity_ids_.at(scheduled));
      if (open != activities_.end()) open->second.cancelling = true;
      return;
    }
    case enums::COMMAND_TYPE_START_TIMER: {
      const auto& wanted = command.start_timer_command_attributes();
      HistoryEvent& event = add(enums::EVENT_TYPE_TIMER_STARTED);
      event.mutable_timer_started_event_attributes()->set_timer_id(wanted.timer_id());
      timers_[wanted.timer_id()] = event.event_id();
      return;
    }
    case enums::COMMAND_TYPE_CANCEL_TIMER: {
      const std::string& id = command.cancel_timer_command_attributes().timer_id();
      add(enums::EVENT_TYPE_TIMER_CANCELED).mutable_timer_canceled_event_attributes()->set_timer_id(id);
      timers_.erase(id);
      return;
    }
    case enums::COMMAND_TYPE_RECORD_MARKER: {
      const auto& given = command.record_marker_command_attributes();
      auto& marker = *add(enums::EVENT_TYPE_MARKER_RECORDED).mutable_marker_recorded_event_attributes();
      marker.set_marker_name(given.marker_name());
      *marker.mutable_details() = given.details();
      return;
    }
    case enums::COMMAND_TYPE_COMPLETE_WORKFLOW_EXECUTION:
      add(enums::EVENT_TYPE_WORKFLOW_EXECUTION_COMPLETED);
      break;
    case enums::COMMAND_TYPE_FAIL_WORKFLOW_EXECUTION:
      add(enums::EVENT_TYPE_WORKFLOW_EXECUTION_FAILED);
      break;
    case enums::COMMAND_TYPE_CANCEL_WORKFLOW_EXECUTION:
      add(enums::EVENT_TYPE_WORKFLOW_EXECUTION_CANCELED);
      break;
    case enums::COMMAND_TYPE_CONTINUE_AS_NEW_WORKFLOW_EXECUTION:
      add(enums::EVENT_TYPE_WORKFLOW_EXECUTION_CONTINUED_AS_NEW);
      break;
    default:
      RELIANT_UNREACHABLE("the builder knows every command that a run sends");
  }
  closed_ = true;
}

std::int64_t HistoryBuilder::activity_started(const std::string& id) {
  const std::int64_t scheduled = activities_.at(id).scheduled;
  add(enums::EVENT_TYPE_ACTIVITY_TASK_STARTED)
      .mutable_activity_task_started_event_attributes()
      ->set_scheduled_event_id(scheduled);
  activities_.erase(id);
  return scheduled;
}

void HistoryBuilder::activity_completed(const std::string& id, const std::string& result) {
  const std::int64_t scheduled = activity_started(id);
  auto& completed = *add(enums::EVENT_TYPE_ACTIVITY_TASK_COMPLETED).mutable_activity_task_completed_event_attributes();
  completed.set_scheduled_event_id(scheduled);
  *completed.mutable_result() = json_payloads(result);
}

void HistoryBuilder::activity_failed(const std::string& id, const Status& status) {
  const std::int64_t scheduled = activity_started(id);
  auto& failed = *add(enums::EVENT_TYPE_ACTIVITY_TASK_FAILED).mutable_activity_task_failed_event_attributes();
  failed.set_scheduled_event_id(scheduled);
  *failed.mutable_failure() = temporal::failure_from(status);
}

void HistoryBuilder::activity_timed_out(const std::string& id) {
  const std::int64_t scheduled = activity_started(id);
  auto& late = *add(enums::EVENT_TYPE_ACTIVITY_TASK_TIMED_OUT).mutable_activity_task_timed_out_event_attributes();
  late.set_scheduled_event_id(scheduled);
  late.mutable_failure()->set_message("activity StartToClose timeout");
  late.mutable_failure()->mutable_timeout_failure_info()->set_timeout_type(enums::TIMEOUT_TYPE_START_TO_CLOSE);
}

void HistoryBuilder::activity_cancelled(const std::string& id) {
  const std::int64_t scheduled = activity_started(id);
  add(enums::EVENT_TYPE_ACTIVITY_TASK_CANCELED)
      .mutable_activity_task_canceled_event_attributes()
      ->set_scheduled_event_id(scheduled);
}

void HistoryBuilder::timer_fired(const std::string& id) {
  const std::int64_t started = timers_.at(id);
  auto& fired = *add(enums::EVENT_TYPE_TIMER_FIRED).mutable_timer_fired_event_attributes();
  fired.set_timer_id(id);
  fired.set_started_event_id(started);
  timers_.erase(id);
}

void HistoryBuilder::signalled(const std::string& name, const std::string& input) {
  auto& signal = *add(enums::EVENT_TYPE_WORKFLOW_EXECUTION_SIGNALED).mutable_workflow_execution_signaled_event_attributes();
  signal.set_signal_name(name);
  *signal.mutable_input() = json_payloads(input);
}

void HistoryBuilder::cancel_requested() { add(enums::EVENT_TYPE_WORKFLOW_EXECUTION_CANCEL_REQUESTED); }

void HistoryBuilder::terminated() {
  add(enums::EVENT_TYPE_WORKFLOW_EXECUTION_TERMINATED);
  closed_ = true;
}

}  // namespace reliant::tests
