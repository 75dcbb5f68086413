// What servers of Temporal fill in as they like, and is taken out of messages before those of two servers are compared.
#pragma once

#include <google/protobuf/descriptor.h>
#include <google/protobuf/message.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <regex>
#include <set>
#include <string>
#include <vector>

#include "contract/temporal/temporal_contract.h"

namespace reliant::tests {

inline std::string without_uuids(const std::string& text) {
  static const std::regex kUuid("[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}");
  return std::regex_replace(text, kUuid, "UUID");
}

// A real server lets a run that is retried wait for up to a second more than its retry policy says.
inline void cut_to_policy(api::history::v1::WorkflowExecutionStartedEventAttributes& retried) {
  const auto seconds = [](const google::protobuf::Duration& span) {
    return static_cast<double>(span.seconds()) + span.nanos() / 1e9;
  };
  const auto& policy = retried.retry_policy();
  const double wanted =
      std::min(seconds(policy.initial_interval()) * std::pow(policy.backoff_coefficient(), retried.attempt() - 2),
               seconds(policy.maximum_interval()));
  const double more = seconds(retried.first_workflow_task_backoff()) - wanted;
  if (more >= 0 && more <= 1) retried.clear_first_workflow_task_backoff();  // what is wrong is still compared
}

// What README.md lists.
inline void scrub_event(HistoryEvent& event) {
  if (event.has_workflow_task_failed_event_attributes()) {
    event.mutable_workflow_task_failed_event_attributes()->mutable_failure()->clear_message();
  }
  if (event.has_workflow_task_scheduled_event_attributes()) {
    auto& scheduled = *event.mutable_workflow_task_scheduled_event_attributes();
    if (scheduled.attempt() > 3) scheduled.clear_start_to_close_timeout();
  }
  if (event.has_activity_task_timed_out_event_attributes()) {
    auto& timed_out = *event.mutable_activity_task_timed_out_event_attributes();
    const auto type = timed_out.failure().timeout_failure_info().timeout_type();
    if (type == enums::TIMEOUT_TYPE_SCHEDULE_TO_START || type == enums::TIMEOUT_TYPE_SCHEDULE_TO_CLOSE) {
      timed_out.clear_retry_state();
    }
  }
  if (event.has_workflow_execution_started_event_attributes()) {
    auto& started = *event.mutable_workflow_execution_started_event_attributes();
    if (started.initiator() == enums::CONTINUE_AS_NEW_INITIATOR_WORKFLOW) started.clear_first_workflow_task_backoff();
    if (started.initiator() == enums::CONTINUE_AS_NEW_INITIATOR_RETRY) cut_to_policy(started);
  }
}

// Takes out of a message what servers fill in as they like.
inline void scrub(google::protobuf::Message& message) {
  static const std::set<std::string, std::less<>> kOwn = {"event_time",
                                                          "task_id",
                                                          "version",
                                                          "request_id",
                                                          "history_size_bytes",
                                                          "namespace_id",
                                                          "parent_workflow_namespace_id",
                                                          "parent_namespace_id",
                                                          "workflow_execution_expiration_time",
                                                          "task_token",
                                                          "scheduled_time",
                                                          "started_time",
                                                          "current_attempt_scheduled_time",
                                                          "backlog_count_hint",
                                                          "poller_scaling_decision",
                                                          "stack_trace",
                                                          "prev_auto_reset_points"};
  if (auto* const payload = dynamic_cast<api::common::v1::Payload*>(&message)) {
    payload->set_data(without_uuids(payload->data()));
    return;
  }
  if (auto* const event = dynamic_cast<HistoryEvent*>(&message)) scrub_event(*event);
  const auto* const reflection = message.GetReflection();
  std::vector<const google::protobuf::FieldDescriptor*> fields;
  reflection->ListFields(message, &fields);
  for (const auto* const field : fields) {
    if (kOwn.contains(field->name())) {
      reflection->ClearField(&message, field);
    } else if (field->cpp_type() == google::protobuf::FieldDescriptor::CPPTYPE_MESSAGE && !field->is_map()) {
      if (field->is_repeated()) {
        for (int i = 0; i < reflection->FieldSize(message, field); ++i) {
          scrub(*reflection->MutableRepeatedMessage(&message, field, i));
        }
      } else {
        auto* const inner = reflection->MutableMessage(&message, field);
        scrub(*inner);
        // Present and empty, or absent: the same to every client.
        if (inner->ByteSizeLong() == 0) reflection->ClearField(&message, field);
      }
    }
  }
}

}  // namespace reliant::tests
