// Run: one workflow run as a pure state machine, the rules of the real server (which events, with which ids, which tasks
// and timers). No I/O, no waiting: between `begin` and `finish` methods change it; `finish` says what is to be written.
//
// Buffering: while a workflow task is started, events from outside (signals, activity results, fired timers) wait in the
// state, and get their ids when the next workflow task is scheduled, so that a task never has to take back what it saw.
//
// A method that returns an error may have changed the state: the caller then throws the Run away and reads it again.
#pragma once

#include <temporal/api/command/v1/message.pb.h>
#include <temporal/api/workflowservice/v1/request_response.pb.h>

#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"
#include "reliant/engine/v1/engine.pb.h"
#include "runtime/random.h"

namespace reliant::temporal::engine {

namespace pb = ::reliant::engine::v1;
namespace api = ::temporal::api;
namespace wf = ::temporal::api::workflowservice::v1;
using HistoryEvent = api::history::v1::HistoryEvent;
using History = api::history::v1::History;
using StartedAttributes = api::history::v1::WorkflowExecutionStartedEventAttributes;

// Something to be handed to a poller.
struct Dispatch {
  enum class Kind : std::uint8_t { kWorkflow, kActivity };
  Kind kind = Kind::kWorkflow;
  std::string queue;         // the normal one
  std::string sticky_queue;  // try this one first; empty: none
  std::int64_t scheduled_event_id = 0;
  std::int32_t attempt = 0;
};

class Run {
 public:
  // What a transaction did.
  struct Changes {
    std::shared_ptr<const History> events;  // never null
    std::vector<Dispatch> dispatches;
    bool closed = false;
    bool visible_changed = false;  // memo or search attributes: what lists show of it
    std::unique_ptr<Run> next;     // continued as new, or retried
  };
  struct TaskFailure {
    api::enums::v1::WorkflowTaskFailedCause cause;
    std::string message;
    bool ends_run = false;  // a payload was too large: to try again would not make it smaller
  };
  // What became of a completed workflow task.
  struct Completion {
    std::optional<TaskFailure> failure;          // it was failed instead; the caller gets INVALID_ARGUMENT with the message
    bool new_task_started = false;               // inline, for return_new_workflow_task
    std::vector<std::int64_t> eager_activities;  // started inline, to be given with the reply
  };

  // Whose child a run is.
  struct Parent {
    std::string ns;
    api::common::v1::WorkflowExecution execution;
    api::common::v1::WorkflowExecution root;
    std::int64_t initiated_event_id = 0;
  };

  Run(pb::RunState state, StartedAttributes started);
  // A new run, in its first transaction: it may be signalled, and then `finish` schedules the first workflow task. That
  // of a child waits for `begin_by_parent`.
  static std::unique_ptr<Run> create(const wf::StartWorkflowExecutionRequest& request, std::int64_t now, Random& random,
                                     const Parent* parent = nullptr);

  // --- one transaction
  void begin(std::int64_t now, Random& random);
  Changes finish();

  // --- clients
  // A signal that could have started the run ends its start delay; another one waits for it.
  Status signal(const wf::SignalWorkflowExecutionRequest& request, bool could_have_started = false);
  bool request_cancel(const wf::RequestCancelWorkflowExecutionRequest& request);  // false: nothing to write
  Status terminate(std::string_view reason, const api::common::v1::Payloads* details, std::string_view identity);
  void request_deletion() { state_.set_deletion_requested(true); }
  // Of a new run, in its first transaction: the first workflow task goes to the client that starts it.
  void start_first_task(std::string_view identity, std::string_view request_id);

  // --- workflow tasks
  bool can_start_task(std::int64_t scheduled_event_id, std::int32_t attempt) const;
  void start_task(std::string_view identity, std::string_view request_id, bool from_sticky_queue);
  Status check_task_token(const pb::TaskToken& token) const;
  Result<Completion> complete_task(const wf::RespondWorkflowTaskCompletedRequest& request);
  void fail_task(api::enums::v1::WorkflowTaskFailedCause cause, const api::failure::v1::Failure& failure,
                 std::string_view identity);
  void forget_sticky_worker() { state_.clear_sticky_queue(); }
  // The scheduled and started events of a transient task, which are not in the history.
  std::vector<HistoryEvent> transient_events() const;

  // --- activities
  bool can_start_activity(std::int64_t scheduled_event_id, std::int32_t attempt) const;
  const pb::Activity& start_activity(std::int64_t scheduled_event_id, std::string_view identity, std::string_view request_id);
  // Null: there is none with this id.
  const pb::Activity* find_activity(std::string_view activity_id) const;
  const pb::Activity* find_activity(std::int64_t scheduled_event_id) const;
  // An activity may be completed from outside although no worker has taken it.
  void start_from_outside(const pb::TaskToken& token, std::string_view identity);
  Status complete_activity(const pb::TaskToken& token, const wf::RespondActivityTaskCompletedRequest& request);
  Status fail_activity(const pb::TaskToken& token, const wf::RespondActivityTaskFailedRequest& request);
  Status cancel_activity(const pb::TaskToken& token, const wf::RespondActivityTaskCanceledRequest& request);
  Result<bool> heartbeat(const pb::TaskToken& token, const wf::RecordActivityTaskHeartbeatRequest& request);

  // --- other workflows: what this run wants done to them, and what theirs want of this one
  const pb::Delivery* next_delivery() const;
  // It was done, or `outcome` says why it cannot be. `run_id`: of the child that was started.
  void delivered(const Status& outcome, const std::string& run_id);
  bool is_child_of(const Run& other) const;
  // Each answers whether there is anything to write.
  bool begin_by_parent();
  bool child_closed(const pb::Delivery& from_child);
  Result<bool> signal_from(const Run& sender, const pb::Delivery& delivery);
  bool request_cancel_from(const Run& sender, const pb::Delivery& delivery);

  // --- time
  std::int64_t next_timer() const;  // 0: none
  bool fire_due();                  // everything due at the transaction's time; false: nothing was

  // --- asking
  const pb::RunState& state() const { return state_; }
  const StartedAttributes& started() const { return started_; }
  bool running() const { return state_.status() == api::enums::v1::WORKFLOW_EXECUTION_STATUS_RUNNING; }
  const std::string& run_id() const { return state_.run_id(); }
  // Adds the events `from` to `to`, both among those that the workflow has not seen, to `events`. False: they are not in
  // memory.
  bool add_recent_events(std::int64_t from, std::int64_t to, History& events) const;
  // How large the state was when it was written last: what the limit goes by, since to count costs.
  void note_state_bytes(std::size_t bytes) { state_bytes_ = bytes; }
  // Everything waiting for a poller, for rebuilding the queues.
  std::vector<Dispatch> pending_dispatches() const;

 private:
  using EventType = api::enums::v1::EventType;
  using Cause = api::enums::v1::WorkflowTaskFailedCause;
  using Command = api::command::v1::Command;

  // mutable_state.cpp
  HistoryEvent& add_event(EventType type);
  void keep_recent(std::shared_ptr<const History> events, std::int64_t bytes);
  void flush_buffer();
  void close(api::enums::v1::WorkflowExecutionStatus status);
  bool is_state_too_large() const;
  void enforce_limits(std::int64_t written);
  bool may_be_signalled() const;
  std::int64_t last_event_id() const { return state_.next_event_id() - 1; }
  static std::unique_ptr<Run> make(pb::RunState state, StartedAttributes started, std::int64_t backoff, std::int64_t now,
                                   Random& random);
  // The next run of the chain; its id.
  std::string make_next(StartedAttributes started, std::int64_t backoff);
  // The id of the run that repeats this one; empty: `state` says why there is none.
  std::string retry_as_new_run(const api::failure::v1::Failure& failure, api::enums::v1::RetryState& state);
  void time_out_run();

  // workflow_task.cpp
  void schedule_task();
  void want_task();
  void forget_task(bool next_attempt);
  std::int64_t task_timeout(std::int32_t attempt) const;
  void write_task_scheduled();
  void fill_task_scheduled(HistoryEvent& event) const;
  void fill_task_started(HistoryEvent& event) const;
  void write_task_failed(Cause cause, const api::failure::v1::Failure& failure, std::string_view identity);
  void time_out_task();
  void write_task_completed(const wf::RespondWorkflowTaskCompletedRequest& request);
  void take_back(pb::RunState before);
  void relieve_buffer();
  void end_by_failure(const TaskFailure& failure, std::string_view identity);
  void break_off_task();  // before the run is closed from outside

  // commands.cpp
  std::optional<TaskFailure> apply(const Command& command, std::string_view identity);
  std::optional<TaskFailure> schedule_activity(const Command& command);
  std::optional<TaskFailure> request_cancel_activity(const Command& command, std::string_view identity);
  std::optional<TaskFailure> start_timer(const Command& command);
  std::optional<TaskFailure> cancel_timer(const Command& command, std::string_view identity);
  std::optional<TaskFailure> complete_workflow(const Command& command);
  std::optional<TaskFailure> fail_workflow(const Command& command);
  std::optional<TaskFailure> cancel_workflow(const Command& command);
  std::optional<TaskFailure> continue_as_new(const Command& command);
  std::optional<TaskFailure> record_marker(const Command& command);
  std::optional<TaskFailure> upsert(const Command& command);
  HistoryEvent& add_command_event(EventType type, const Command& command);

  // activity.cpp
  pb::Activity* find_activity(std::int64_t scheduled_event_id);
  Result<pb::Activity*> activity_of(const pb::TaskToken& token);
  void write_activity_started(const pb::Activity& activity);
  void remove_activity(std::int64_t scheduled_event_id);
  api::enums::v1::RetryState retry_activity(pb::Activity& activity, const api::failure::v1::Failure& failure);
  void time_out_activity(std::int64_t scheduled_event_id, api::enums::v1::TimeoutType type);
  void reschedule_activity(std::int64_t scheduled_event_id);
  Dispatch dispatch_of(const pb::Activity& activity) const;

  // children.cpp
  std::optional<TaskFailure> start_child(const Command& command);
  pb::Child* find_child(std::int64_t initiated_event_id);
  void remove_child(std::int64_t initiated_event_id);
  void write_child_started(pb::Child& child, const std::string& run_id);
  void write_child_not_started(const pb::Delivery& delivery, const Status& outcome);
  void leave_children();
  void tell_parent();

  // external.cpp
  int pending_deliveries(pb::Delivery::Kind kind) const;
  std::optional<TaskFailure> signal_external(const Command& command);
  std::optional<TaskFailure> cancel_external(const Command& command);
  void write_signal_outcome(const pb::Delivery& delivery, const Status& outcome);
  void write_cancel_outcome(const pb::Delivery& delivery, const Status& outcome);

  // timer.cpp
  struct Due {
    std::int64_t at;
    std::int64_t event_id;
    int kind;
    auto operator<=>(const Due&) const = default;
  };
  std::optional<Due> next_due() const;
  void fire(const Due& due);

  pb::RunState state_;
  StartedAttributes started_;
  // What was written since the last workflow task was completed, a batch a transaction, as far as it is known here: the
  // next workflow task is made of it.
  struct Recent {
    std::shared_ptr<const History> events;
    std::int64_t bytes;
  };
  std::deque<Recent> recent_;
  std::int64_t recent_bytes_ = 0;
  std::size_t state_bytes_ = 0;

  // of the transaction under way
  std::int64_t now_ = 0;
  Random* random_ = nullptr;
  Changes changes_;
  std::shared_ptr<History> events_ = std::make_shared<History>();
  bool task_wanted_ = false;                    // `finish` schedules a workflow task
  bool buffer_blocks_close_ = false;            // events that the workflow code has not seen: it may not end yet
  std::int64_t completed_event_id_ = 0;         // of the workflow task whose commands are applied
  std::vector<std::int64_t> eager_activities_;  // that the worker of the task wants to have at once
};

// --- helpers shared by the engine's files
std::int64_t nanos(const google::protobuf::Duration& duration);
google::protobuf::Duration to_duration(std::int64_t nanos);
// Of the workflow tasks of a run, from what was asked for; 0: nothing was.
std::int64_t effective_task_timeout(std::int64_t task_timeout, std::int64_t run_timeout);
google::protobuf::Timestamp to_timestamp(std::int64_t nanos);
// Equal messages give equal bytes, which plain serialization does not promise for maps.
std::string serialize(const google::protobuf::MessageLite& message);
std::string make_uuid(Random& random);
bool is_uuid(std::string_view text);  // in lower case, as make_uuid makes them
// Text that has nothing in it that JSON escapes.
api::common::v1::Payloads text_payloads(std::string_view text);
// Fills in what the server fills in, so that the event says what will be done.
void complete_retry_policy(api::common::v1::RetryPolicy& policy);
// The wait before the attempt after `attempt`; nullopt: `state` says why there is no next attempt.
std::optional<std::int64_t> backoff_after(const api::common::v1::RetryPolicy& policy, std::int32_t attempt, std::int64_t now,
                                          std::int64_t expiration, const api::failure::v1::Failure& failure,
                                          api::enums::v1::RetryState& state);
api::failure::v1::Failure timeout_failure(std::string_view message, api::enums::v1::TimeoutType type);

}  // namespace reliant::temporal::engine
