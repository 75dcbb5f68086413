// What every Temporal promises, as tests, by raw polling: no worker is between the test and the server. A world gives
// `executor()`, `scope()` for the tasks of a client, `temporal()` and `restart()` of the server, and `run_until(condition,
// limit)`, which lets its time pass, virtual or real; and, derived from OurEngine or RealServer below, in which of the ways
// that README.md lists it behaves. Instantiate `TemporalContract` with it.
#pragma once

#include <gtest/gtest.h>

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/text.h"
#include "ports/temporal.h"
#include "runtime/executor.h"
#include "runtime/scope.h"
#include "runtime/sleep.h"
#include "runtime/task.h"
#include "support/started.h"

namespace reliant::tests {

namespace wf = ports::wf;
namespace api = ::temporal::api;
namespace enums = ::temporal::api::enums::v1;
using Command = api::command::v1::Command;
using HistoryEvent = api::history::v1::HistoryEvent;

struct OurEngine {
  static constexpr bool kRemembersRequestsOfClosedRuns = true;
  static constexpr auto kRetryStateOfScheduleToStart = enums::RETRY_STATE_TIMEOUT;
  static constexpr std::string_view kWordOfNexus = "SCHEDULE_NEXUS_OPERATION";  // it has none
  static constexpr bool kKeepsOrder = true;  // of the activities of a workflow: that of their scheduling
  static constexpr bool kEndsPollsOfAWorkerThatStops = true;
};
struct RealServer {
  static constexpr bool kRemembersRequestsOfClosedRuns = false;
  static constexpr auto kRetryStateOfScheduleToStart = enums::RETRY_STATE_NON_RETRYABLE_FAILURE;
  static constexpr std::string_view kWordOfNexus = "BadScheduleNexusOperationAttributes";  // there is no such endpoint
  static constexpr bool kKeepsOrder = false;
  static constexpr bool kEndsPollsOfAWorkerThatStops = false;  // newer ones do, and say so
};

// For worlds with virtual time.
inline void run_virtual_time(Executor& executor, const std::function<bool()>& done, Duration limit) {
  const Instant last = executor.now() + limit;
  while (!done() && executor.next_event() <= last && executor.step()) {}
}

template <class World>
class TemporalContract : public ::testing::Test {
 protected:
  static constexpr Duration kLong = std::chrono::seconds(55);
  static constexpr const char* kQueue = "queue";
  static constexpr const char* kSticky = "worker-1-sticky";

  // --- running the world

  template <class T>
  using Started = tests::Started<T>;

  template <class T>
  std::unique_ptr<Started<T>> start(Task<T> task) {
    return std::make_unique<Started<T>>(world_.scope().context(), std::move(task));
  }
  template <class T>
  T await(Started<T>& started) {
    world_.run_until([&started] { return started.ended(); }, std::chrono::minutes(5));
    RELIANT_ASSERT(started.ended(), "a call of the contract suite did not end");
    return started.take();
  }
  template <class T>
  T get(Task<T> task) {
    auto started = start(std::move(task));
    return await(*started);
  }
  template <class T>
  T must(Task<Result<T>> task) {
    auto result = get(std::move(task));
    EXPECT_TRUE(result.ok()) << result.status();
    return result.ok() ? *std::move(result) : T();
  }
  void run_for(Duration duration) {
    bool over = false;
    auto wait = start(pass(duration, over));
    world_.run_until([&over] { return over; }, duration + std::chrono::minutes(1));
  }
  Instant in(Duration duration) { return world_.executor().now() + duration; }
  ports::Temporal& temporal() { return world_.temporal(); }

  static Task<bool> pass(Duration duration, bool& over) {
    co_await sleep_for(duration);  // what is tested here is what a server does as time passes: virtual where it can be
    over = true;
    co_return true;
  }

  // --- requests

  static google::protobuf::Duration span(Duration duration) {
    google::protobuf::Duration result;
    const auto nanos = duration.count();
    result.set_seconds(nanos / 1'000'000'000);
    result.set_nanos(static_cast<std::int32_t>(nanos % 1'000'000'000));
    return result;
  }
  static api::common::v1::Payloads text(std::string_view words) {
    api::common::v1::Payloads payloads;
    auto& payload = *payloads.add_payloads();
    (*payload.mutable_metadata())["encoding"] = "json/plain";
    payload.set_data(concat('"', words, '"'));
    return payloads;
  }
  static wf::StartWorkflowExecutionRequest start_request(std::string_view id) {
    wf::StartWorkflowExecutionRequest request;
    request.set_namespace_("default");
    request.set_workflow_id(std::string(id));
    request.mutable_workflow_type()->set_name("Hello");
    request.mutable_task_queue()->set_name(kQueue);
    *request.mutable_input() = text("input");
    request.set_identity("client");
    request.set_request_id(concat("start-", id));
    return request;
  }
  static wf::SignalWorkflowExecutionRequest signal_request(std::string_view id, std::string_view request_id) {
    wf::SignalWorkflowExecutionRequest request;
    request.set_namespace_("default");
    request.mutable_workflow_execution()->set_workflow_id(std::string(id));
    request.set_signal_name("message");
    *request.mutable_input() = text(request_id);
    request.set_identity("client");
    request.set_request_id(std::string(request_id));
    return request;
  }
  static wf::SignalWithStartWorkflowExecutionRequest signal_with_start_request(std::string_view id,
                                                                               std::string_view request_id) {
    wf::SignalWithStartWorkflowExecutionRequest request;
    request.set_namespace_("default");
    request.set_workflow_id(std::string(id));
    request.mutable_workflow_type()->set_name("Hello");
    request.mutable_task_queue()->set_name(kQueue);
    request.set_request_id(std::string(request_id));
    request.set_signal_name("message");
    *request.mutable_signal_input() = text(request_id);
    return request;
  }
  std::string start_workflow(std::string_view id) {
    return must(temporal().start_workflow_execution(start_request(id), in(kLong))).run_id();
  }
  Status signal(std::string_view id, std::string_view request_id) {
    return get(temporal().signal_workflow_execution(signal_request(id, request_id), in(kLong))).status();
  }
  Task<Result<wf::PollWorkflowTaskQueueResponse>> poll_task(bool sticky = false, Duration wait = kLong) {
    wf::PollWorkflowTaskQueueRequest request;
    request.set_namespace_("default");
    request.mutable_task_queue()->set_name(sticky ? kSticky : kQueue);
    if (sticky) {
      request.mutable_task_queue()->set_kind(enums::TASK_QUEUE_KIND_STICKY);
      request.mutable_task_queue()->set_normal_name(kQueue);
    }
    request.set_identity("worker-1");
    request.set_worker_instance_key("instance-1");
    return temporal().poll_workflow_task_queue(std::move(request), in(wait));
  }
  wf::PollWorkflowTaskQueueResponse next_task(bool sticky = false, Duration wait = kLong) {
    return must(poll_task(sticky, wait));
  }
  // Of two workflows, that of `first` first: no server promises an order between workflows.
  std::pair<wf::PollWorkflowTaskQueueResponse, wf::PollWorkflowTaskQueueResponse> next_two_tasks(std::string_view first) {
    auto one = next_task();
    auto two = next_task();
    if (one.workflow_execution().workflow_id() != first) std::swap(one, two);
    return {std::move(one), std::move(two)};
  }
  Task<Result<wf::PollActivityTaskQueueResponse>> poll_activity(Duration wait = kLong) {
    wf::PollActivityTaskQueueRequest request;
    request.set_namespace_("default");
    request.mutable_task_queue()->set_name(kQueue);
    request.set_identity("worker-1");
    request.set_worker_instance_key("instance-1");
    return temporal().poll_activity_task_queue(std::move(request), in(wait));
  }
  wf::PollActivityTaskQueueResponse next_activity(Duration wait = kLong) { return must(poll_activity(wait)); }

  wf::RespondWorkflowTaskCompletedRequest completion(const std::string& token, std::vector<Command> commands) {
    wf::RespondWorkflowTaskCompletedRequest request;
    request.set_namespace_("default");
    request.set_task_token(token);
    request.set_identity("worker-1");
    for (Command& command : commands) *request.add_commands() = std::move(command);
    return request;
  }
  static void make_sticky(wf::RespondWorkflowTaskCompletedRequest& request) {
    auto& sticky = *request.mutable_sticky_attributes();
    sticky.mutable_worker_task_queue()->set_name(kSticky);
    sticky.mutable_worker_task_queue()->set_kind(enums::TASK_QUEUE_KIND_STICKY);
    sticky.mutable_worker_task_queue()->set_normal_name(kQueue);
    *sticky.mutable_schedule_to_start_timeout() = span(std::chrono::seconds(10));
  }
  wf::RespondWorkflowTaskCompletedResponse complete(const std::string& token, std::vector<Command> commands = {}) {
    return must(temporal().respond_workflow_task_completed(completion(token, std::move(commands)), in(kLong)));
  }
  Status complete_activity(const std::string& token, std::string_view result = "done") {
    wf::RespondActivityTaskCompletedRequest request;
    request.set_namespace_("default");
    request.set_task_token(token);
    *request.mutable_result() = text(result);
    request.set_identity("worker-1");
    return get(temporal().respond_activity_task_completed(std::move(request), in(kLong))).status();
  }
  Status fail_activity(const std::string& token, bool non_retryable = false, Duration next_retry = {}) {
    wf::RespondActivityTaskFailedRequest request;
    request.set_namespace_("default");
    request.set_task_token(token);
    request.mutable_failure()->set_message("it broke");
    request.mutable_failure()->mutable_application_failure_info()->set_type("Broken");
    request.mutable_failure()->mutable_application_failure_info()->set_non_retryable(non_retryable);
    if (next_retry > Duration::zero()) {
      *request.mutable_failure()->mutable_application_failure_info()->mutable_next_retry_delay() = span(next_retry);
    }
    request.set_identity("worker-1");
    return get(temporal().respond_activity_task_failed(std::move(request), in(kLong))).status();
  }
  Result<bool> heartbeat(const std::string& token, std::string_view details) {
    wf::RecordActivityTaskHeartbeatRequest request;
    request.set_namespace_("default");
    request.set_task_token(token);
    *request.mutable_details() = text(details);
    const auto response = get(temporal().record_activity_task_heartbeat(std::move(request), in(kLong)));
    if (!response.ok()) return response.status();
    return response->cancel_requested();
  }
  Status fail_task(const std::string& token) {
    wf::RespondWorkflowTaskFailedRequest request;
    request.set_namespace_("default");
    request.set_task_token(token);
    request.set_cause(enums::WORKFLOW_TASK_FAILED_CAUSE_WORKFLOW_WORKER_UNHANDLED_FAILURE);
    request.mutable_failure()->set_message("the workflow code threw");
    request.set_identity("worker-1");
    return get(temporal().respond_workflow_task_failed(std::move(request), in(kLong))).status();
  }
  Status terminate(std::string_view id) {
    wf::TerminateWorkflowExecutionRequest request;
    request.set_namespace_("default");
    request.mutable_workflow_execution()->set_workflow_id(std::string(id));
    request.set_reason("enough");
    request.set_identity("client");
    return get(temporal().terminate_workflow_execution(std::move(request), in(kLong))).status();
  }
  Status request_cancel(std::string_view id) {
    wf::RequestCancelWorkflowExecutionRequest request;
    request.set_namespace_("default");
    request.mutable_workflow_execution()->set_workflow_id(std::string(id));
    request.set_request_id(concat("cancel-", id));
    return get(temporal().request_cancel_workflow_execution(std::move(request), in(kLong))).status();
  }
  wf::DescribeWorkflowExecutionResponse describe(std::string_view id) {
    wf::DescribeWorkflowExecutionRequest request;
    request.set_namespace_("default");
    request.mutable_execution()->set_workflow_id(std::string(id));
    return must(temporal().describe_workflow_execution(std::move(request), in(kLong)));
  }
  Task<Result<wf::QueryWorkflowResponse>> query(std::string_view id) {
    wf::QueryWorkflowRequest request;
    request.set_namespace_("default");
    request.mutable_execution()->set_workflow_id(std::string(id));
    request.mutable_query()->set_query_type("status");
    return temporal().query_workflow(std::move(request), in(kLong));
  }
  Status answer_query(const std::string& token, std::string_view words) {
    wf::RespondQueryTaskCompletedRequest request;
    request.set_namespace_("default");
    request.set_task_token(token);
    request.set_completed_type(enums::QUERY_RESULT_TYPE_ANSWERED);
    *request.mutable_query_result() = text(words);
    return get(temporal().respond_query_task_completed(std::move(request), in(kLong))).status();
  }

  // --- commands

  static Command schedule_activity(std::string_view id, Duration start_to_close = std::chrono::seconds(10)) {
    Command command;
    command.set_command_type(enums::COMMAND_TYPE_SCHEDULE_ACTIVITY_TASK);
    auto& attributes = *command.mutable_schedule_activity_task_command_attributes();
    attributes.set_activity_id(std::string(id));
    attributes.mutable_activity_type()->set_name("work");
    attributes.mutable_task_queue()->set_name(kQueue);
    *attributes.mutable_input() = text("activity input");
    if (start_to_close > Duration::zero()) *attributes.mutable_start_to_close_timeout() = span(start_to_close);
    return command;
  }
  static auto& activity_of(Command& command) { return *command.mutable_schedule_activity_task_command_attributes(); }
  static Command cancel_activity(std::int64_t scheduled_event_id) {
    Command command;
    command.set_command_type(enums::COMMAND_TYPE_REQUEST_CANCEL_ACTIVITY_TASK);
    command.mutable_request_cancel_activity_task_command_attributes()->set_scheduled_event_id(scheduled_event_id);
    return command;
  }
  static Command start_timer(std::string_view id, Duration after) {
    Command command;
    command.set_command_type(enums::COMMAND_TYPE_START_TIMER);
    command.mutable_start_timer_command_attributes()->set_timer_id(std::string(id));
    *command.mutable_start_timer_command_attributes()->mutable_start_to_fire_timeout() = span(after);
    return command;
  }
  static Command cancel_timer(std::string_view id) {
    Command command;
    command.set_command_type(enums::COMMAND_TYPE_CANCEL_TIMER);
    command.mutable_cancel_timer_command_attributes()->set_timer_id(std::string(id));
    return command;
  }
  static Command complete_workflow() {
    Command command;
    command.set_command_type(enums::COMMAND_TYPE_COMPLETE_WORKFLOW_EXECUTION);
    *command.mutable_complete_workflow_execution_command_attributes()->mutable_result() = text("result");
    return command;
  }
  static Command fail_workflow() {
    Command command;
    command.set_command_type(enums::COMMAND_TYPE_FAIL_WORKFLOW_EXECUTION);
    auto& failure = *command.mutable_fail_workflow_execution_command_attributes()->mutable_failure();
    failure.set_message("no use");
    failure.mutable_application_failure_info()->set_type("NoUse");
    return command;
  }
  static Command continue_as_new() {
    Command command;
    command.set_command_type(enums::COMMAND_TYPE_CONTINUE_AS_NEW_WORKFLOW_EXECUTION);
    *command.mutable_continue_as_new_workflow_execution_command_attributes()->mutable_input() = text("again");
    return command;
  }

  // --- what is in the history

  std::vector<HistoryEvent> history(std::string_view id, std::string_view run_id = {}, int page_size = 0) {
    std::vector<HistoryEvent> events;
    wf::GetWorkflowExecutionHistoryRequest request;
    request.set_namespace_("default");
    request.mutable_execution()->set_workflow_id(std::string(id));
    request.mutable_execution()->set_run_id(std::string(run_id));
    request.set_maximum_page_size(page_size);
    do {
      auto page = must(temporal().get_workflow_execution_history(request, in(kLong)));
      for (auto& event : *page.mutable_history()->mutable_events()) events.push_back(std::move(event));
      request.set_next_page_token(page.next_page_token());
    } while (!request.next_page_token().empty());
    for (std::size_t i = 0; i < events.size(); ++i) {
      EXPECT_EQ(events[i].event_id(), static_cast<std::int64_t>(i) + 1) << "event ids are contiguous";
    }
    return events;
  }
  // "WorkflowExecutionStarted WorkflowTaskScheduled ..."
  template <class Events>
  static std::string names(const Events& events) {
    std::string all;
    for (const HistoryEvent& event : events) {
      std::string name;
      bool upper = true;
      for (const char c : enums::EventType_Name(event.event_type()).substr(std::string_view("EVENT_TYPE_").size())) {
        if (c == '_') {
          upper = true;
          continue;
        }
        name.push_back(upper ? c : static_cast<char>(c - 'A' + 'a'));
        upper = false;
      }
      all += (all.empty() ? "" : " ") + name;
    }
    return all;
  }
  std::string events_of(std::string_view id, std::string_view run_id = {}) { return names(history(id, run_id)); }
  static std::string words(std::initializer_list<std::string_view> parts) {
    std::string all;
    for (const auto part : parts) all += (all.empty() ? "" : " ") + std::string(part);
    return all;
  }

  World world_;
};
TYPED_TEST_SUITE_P(TemporalContract);

inline constexpr const char* kFirstTask =
    "WorkflowExecutionStarted WorkflowTaskScheduled WorkflowTaskStarted WorkflowTaskCompleted";
inline constexpr const char* kTask = "WorkflowTaskScheduled WorkflowTaskStarted WorkflowTaskCompleted";

}  // namespace reliant::tests
