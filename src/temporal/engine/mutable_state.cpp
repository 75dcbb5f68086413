#include "temporal/engine/mutable_state.h"

#include <google/protobuf/io/coded_stream.h>
#include <google/protobuf/io/zero_copy_stream_impl_lite.h>

#include <algorithm>
#include <map>
#include <utility>

#include "base/assert.h"
#include "base/text.h"
#include "temporal/engine/limits.h"

namespace reliant::temporal::engine {

namespace enums = api::enums::v1;

namespace {

constexpr std::int64_t kSecond = 1'000'000'000;

std::int64_t bytes_of(const History& history) {
  std::int64_t bytes = 0;
  for (const HistoryEvent& event : history.events()) bytes += static_cast<std::int64_t>(event.ByteSizeLong());
  return bytes;
}

bool is_buffered_type(enums::EventType type) {
  switch (type) {
    case enums::EVENT_TYPE_WORKFLOW_EXECUTION_SIGNALED:
    case enums::EVENT_TYPE_WORKFLOW_EXECUTION_CANCEL_REQUESTED:
    case enums::EVENT_TYPE_ACTIVITY_TASK_STARTED:
    case enums::EVENT_TYPE_ACTIVITY_TASK_COMPLETED:
    case enums::EVENT_TYPE_ACTIVITY_TASK_FAILED:
    case enums::EVENT_TYPE_ACTIVITY_TASK_TIMED_OUT:
    case enums::EVENT_TYPE_ACTIVITY_TASK_CANCELED:
    case enums::EVENT_TYPE_TIMER_FIRED:
    case enums::EVENT_TYPE_START_CHILD_WORKFLOW_EXECUTION_FAILED:
    case enums::EVENT_TYPE_CHILD_WORKFLOW_EXECUTION_STARTED:
    case enums::EVENT_TYPE_CHILD_WORKFLOW_EXECUTION_COMPLETED:
    case enums::EVENT_TYPE_CHILD_WORKFLOW_EXECUTION_FAILED:
    case enums::EVENT_TYPE_CHILD_WORKFLOW_EXECUTION_CANCELED:
    case enums::EVENT_TYPE_CHILD_WORKFLOW_EXECUTION_TIMED_OUT:
    case enums::EVENT_TYPE_CHILD_WORKFLOW_EXECUTION_TERMINATED:
    case enums::EVENT_TYPE_EXTERNAL_WORKFLOW_EXECUTION_SIGNALED:
    case enums::EVENT_TYPE_SIGNAL_EXTERNAL_WORKFLOW_EXECUTION_FAILED:
    case enums::EVENT_TYPE_EXTERNAL_WORKFLOW_EXECUTION_CANCEL_REQUESTED:
    case enums::EVENT_TYPE_REQUEST_CANCEL_EXTERNAL_WORKFLOW_EXECUTION_FAILED:
      return true;
    default:
      return false;
  }
}

// Gives `use` the attributes of an event that ends an activity. False: it is none.
template <class Use>
bool with_close_attributes(HistoryEvent& event, Use use) {
  switch (event.event_type()) {
    case enums::EVENT_TYPE_ACTIVITY_TASK_COMPLETED:
      use(*event.mutable_activity_task_completed_event_attributes());
      return true;
    case enums::EVENT_TYPE_ACTIVITY_TASK_FAILED:
      use(*event.mutable_activity_task_failed_event_attributes());
      return true;
    case enums::EVENT_TYPE_ACTIVITY_TASK_TIMED_OUT:
      use(*event.mutable_activity_task_timed_out_event_attributes());
      return true;
    case enums::EVENT_TYPE_ACTIVITY_TASK_CANCELED:
      use(*event.mutable_activity_task_canceled_event_attributes());
      return true;
    default:
      return false;
  }
}

// The same for one that ends a child.
template <class Use>
bool with_child_close_attributes(HistoryEvent& event, Use use) {
  switch (event.event_type()) {
    case enums::EVENT_TYPE_CHILD_WORKFLOW_EXECUTION_COMPLETED:
      use(*event.mutable_child_workflow_execution_completed_event_attributes());
      return true;
    case enums::EVENT_TYPE_CHILD_WORKFLOW_EXECUTION_FAILED:
      use(*event.mutable_child_workflow_execution_failed_event_attributes());
      return true;
    case enums::EVENT_TYPE_CHILD_WORKFLOW_EXECUTION_CANCELED:
      use(*event.mutable_child_workflow_execution_canceled_event_attributes());
      return true;
    case enums::EVENT_TYPE_CHILD_WORKFLOW_EXECUTION_TIMED_OUT:
      use(*event.mutable_child_workflow_execution_timed_out_event_attributes());
      return true;
    case enums::EVENT_TYPE_CHILD_WORKFLOW_EXECUTION_TERMINATED:
      use(*event.mutable_child_workflow_execution_terminated_event_attributes());
      return true;
    default:
      return false;
  }
}

bool is_retryable(const api::failure::v1::Failure& failure, const api::common::v1::RetryPolicy& policy) {
  const auto listed = [&](std::string_view type) {
    return std::ranges::any_of(policy.non_retryable_error_types(), [&](const auto& t) { return t == type; });
  };
  if (failure.has_terminated_failure_info() || failure.has_canceled_failure_info()) return false;
  if (failure.has_timeout_failure_info()) {
    const auto type = failure.timeout_failure_info().timeout_type();
    if (type == enums::TIMEOUT_TYPE_START_TO_CLOSE) return !listed("TemporalTimeout:StartToClose");
    if (type == enums::TIMEOUT_TYPE_HEARTBEAT) return !listed("TemporalTimeout:Heartbeat");
    return false;
  }
  if (failure.has_server_failure_info()) return !failure.server_failure_info().non_retryable();
  if (failure.has_application_failure_info()) {
    const auto& info = failure.application_failure_info();
    return !info.non_retryable() && !listed(info.type());
  }
  return true;
}

}  // namespace

// --- helpers ---------------------------------------------------------------------------------------------------------

std::int64_t nanos(const google::protobuf::Duration& duration) {
  constexpr std::int64_t kLongest = 100ll * 365 * 24 * 3600;  // 100 years: more would overflow a point in time
  return std::clamp<std::int64_t>(duration.seconds(), -kLongest, kLongest) * kSecond + duration.nanos();
}

google::protobuf::Duration to_duration(std::int64_t nanos) {
  google::protobuf::Duration duration;
  duration.set_seconds(nanos / kSecond);
  duration.set_nanos(static_cast<std::int32_t>(nanos % kSecond));
  return duration;
}

std::int64_t effective_task_timeout(std::int64_t task_timeout, std::int64_t run_timeout) {
  if (task_timeout <= 0) task_timeout = 10 * kSecond;
  task_timeout = std::min(task_timeout, 120 * kSecond);
  return run_timeout > 0 ? std::min(task_timeout, run_timeout) : task_timeout;
}

google::protobuf::Timestamp to_timestamp(std::int64_t nanos) {
  google::protobuf::Timestamp timestamp;
  timestamp.set_seconds(nanos / kSecond);
  timestamp.set_nanos(static_cast<std::int32_t>(nanos % kSecond));
  return timestamp;
}

std::string serialize(const google::protobuf::MessageLite& message) {
  std::string bytes(message.ByteSizeLong(), '\0');
  google::protobuf::io::ArrayOutputStream array(bytes.data(), static_cast<int>(bytes.size()));
  google::protobuf::io::CodedOutputStream out(&array);
  out.SetSerializationDeterministic(true);
  message.SerializeWithCachedSizes(&out);  // SerializeToCodedStream would count the bytes once more
  return bytes;
}

std::string make_uuid(Random& random) {
  std::string hex = random.hex(32);
  hex[12] = '4';
  hex[16] = "89ab"[random.below(4)];
  return concat(hex.substr(0, 8), "-", hex.substr(8, 4), "-", hex.substr(12, 4), "-", hex.substr(16, 4), "-", hex.substr(20));
}

bool is_uuid(std::string_view text) {
  constexpr std::string_view kPattern = "xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx";
  return std::ranges::equal(text, kPattern, [](char given, char wanted) {
    return wanted == '-' ? given == '-' : (given >= '0' && given <= '9') || (given >= 'a' && given <= 'f');
  });
}

api::common::v1::Payloads text_payloads(std::string_view text) {
  api::common::v1::Payloads payloads;
  auto& payload = *payloads.add_payloads();
  (*payload.mutable_metadata())["encoding"] = "json/plain";
  payload.set_data(concat('"', text, '"'));
  return payloads;
}

void complete_retry_policy(api::common::v1::RetryPolicy& policy) {
  if (nanos(policy.initial_interval()) <= 0) *policy.mutable_initial_interval() = to_duration(kSecond);
  if (policy.backoff_coefficient() < 1) policy.set_backoff_coefficient(2);
  const std::int64_t initial = nanos(policy.initial_interval());
  if (nanos(policy.maximum_interval()) <= 0) {
    const std::int64_t longest = std::min<std::int64_t>(initial, 365ll * 24 * 3600 * kSecond) * 100;
    *policy.mutable_maximum_interval() = to_duration(longest);
  }
}

std::optional<std::int64_t> backoff_after(const api::common::v1::RetryPolicy& policy, std::int32_t attempt, std::int64_t now,
                                          std::int64_t expiration, const api::failure::v1::Failure& failure,
                                          enums::RetryState& state) {
  if (!is_retryable(failure, policy)) {
    state = enums::RETRY_STATE_NON_RETRYABLE_FAILURE;
    return std::nullopt;
  }
  if (policy.maximum_attempts() > 0 && attempt >= policy.maximum_attempts()) {
    state = enums::RETRY_STATE_MAXIMUM_ATTEMPTS_REACHED;
    return std::nullopt;
  }
  const auto longest = static_cast<double>(nanos(policy.maximum_interval()));
  auto wait = static_cast<double>(nanos(policy.initial_interval()));
  for (std::int32_t i = 1; i < attempt && wait < longest; ++i) wait *= policy.backoff_coefficient();
  auto backoff = static_cast<std::int64_t>(std::min(wait, longest));
  if (failure.application_failure_info().has_next_retry_delay()) {
    backoff = std::max<std::int64_t>(0, nanos(failure.application_failure_info().next_retry_delay()));
  }
  if (expiration > 0 && now + backoff > expiration) {
    state = enums::RETRY_STATE_TIMEOUT;
    return std::nullopt;
  }
  state = enums::RETRY_STATE_IN_PROGRESS;
  return backoff;
}

api::failure::v1::Failure timeout_failure(std::string_view message, enums::TimeoutType type) {
  api::failure::v1::Failure failure;
  failure.set_message(std::string(message));
  failure.set_source("Server");
  failure.mutable_timeout_failure_info()->set_timeout_type(type);
  return failure;
}

// --- the transaction -------------------------------------------------------------------------------------------------

Run::Run(pb::RunState state, StartedAttributes started) : state_(std::move(state)), started_(std::move(started)) {}

void Run::begin(std::int64_t now, Random& random) {
  now_ = std::max(now, state_.last_event_time());
  random_ = &random;
  changes_ = {};
  events_ = std::make_shared<History>();
  task_wanted_ = false;
  buffer_blocks_close_ = false;
  completed_event_id_ = 0;
  eager_activities_.clear();
}

Run::Changes Run::finish() {
  if (running()) {
    relieve_buffer();
    if (task_wanted_ && state_.task().state() == pb::WorkflowTask::NONE) schedule_task();
    if (state_.task().state() != pb::WorkflowTask::STARTED) flush_buffer();
  }
  std::int64_t written = bytes_of(*events_);
  if (running()) {
    enforce_limits(written);
    if (!running()) written = bytes_of(*events_);
  }
  state_.set_history_bytes(state_.history_bytes() + written);
  state_.set_last_event_time(now_);
  state_.set_version(state_.version() + 1);
  changes_.events = std::move(events_);
  keep_recent(changes_.events, written);
  return std::exchange(changes_, {});
}

// What is on its way to other workflows does not count: it is gone in a moment.
bool Run::is_state_too_large() const {
  if (state_bytes_ <= kStateBytesLimit) return false;
  std::size_t bytes = state_.ByteSizeLong();
  for (const pb::Delivery& delivery : state_.deliveries()) bytes -= std::min(bytes, delivery.ByteSizeLong());
  return bytes > kStateBytesLimit;
}

// What exceeds them has been written: the run ends behind it.
void Run::enforce_limits(std::int64_t written) {
  std::string_view reason;
  if (state_.history_bytes() + written > kHistoryBytesLimit) {
    reason = "Workflow history size exceeds limit.";
  } else if (last_event_id() > kHistoryEventsLimit) {
    reason = "Workflow history count exceeds limit.";
  } else if (is_state_too_large()) {
    reason = "Workflow mutable state size exceeds limit.";
  } else {
    return;
  }
  changes_.dispatches.clear();
  RELIANT_ASSERT(terminate(reason, nullptr, "history-service").ok(), "a running run can be terminated");
}

void Run::keep_recent(std::shared_ptr<const History> events, std::int64_t bytes) {
  constexpr std::size_t kBatches = 64;
  constexpr std::int64_t kBytes = 2 << 20;  // more would not go into one page
  if (events->events_size() > 0) {
    recent_.push_back({std::move(events), bytes});
    recent_bytes_ += bytes;
  }
  const auto last_of = [](const History& batch) { return batch.events(batch.events_size() - 1).event_id(); };
  while (!recent_.empty() && (recent_.size() > kBatches || recent_bytes_ > kBytes ||
                              last_of(*recent_.front().events) <= state_.previous_started_event_id())) {
    recent_bytes_ -= recent_.front().bytes;
    recent_.pop_front();
  }
}

bool Run::add_recent_events(std::int64_t from, std::int64_t to, History& events) const {
  if (recent_.empty() || recent_.front().events->events(0).event_id() > from || last_event_id() < to) return false;
  for (const Recent& batch : recent_) {
    for (const HistoryEvent& event : batch.events->events()) {
      if (event.event_id() >= from && event.event_id() <= to) *events.add_events() = event;
    }
  }
  return true;
}

HistoryEvent& Run::add_event(EventType type) {
  const bool buffered = is_buffered_type(type);
  HistoryEvent& event = buffered ? *state_.add_buffered() : *events_->add_events();
  event.set_event_type(type);
  *event.mutable_event_time() = to_timestamp(now_);
  if (!buffered) {
    event.set_event_id(state_.next_event_id());
    event.set_task_id(event.event_id());
    state_.set_next_event_id(event.event_id() + 1);
  }
  return event;
}

// Events that end an activity or a child go last: the workflow code sees the other buffered events first, as on the real server.
void Run::flush_buffer() {
  std::vector<HistoryEvent> events;
  std::vector<HistoryEvent> closing;
  for (HistoryEvent& event : *state_.mutable_buffered()) {
    const bool closes = with_close_attributes(event, [](auto&) {}) || with_child_close_attributes(event, [](auto&) {});
    (closes ? closing : events).push_back(std::move(event));
  }
  state_.clear_buffered();
  for (HistoryEvent& event : closing) events.push_back(std::move(event));
  std::map<std::int64_t, std::int64_t> started;  // scheduled, or a child's initiated, event id to started event id
  for (HistoryEvent& event : events) {
    event.set_event_id(state_.next_event_id());
    event.set_task_id(event.event_id());
    state_.set_next_event_id(event.event_id() + 1);
    if (event.event_type() == enums::EVENT_TYPE_ACTIVITY_TASK_STARTED) {
      started[event.activity_task_started_event_attributes().scheduled_event_id()] = event.event_id();
    }
    with_close_attributes(event, [&](auto& attributes) {
      const auto found = started.find(attributes.scheduled_event_id());
      if (found != started.end()) attributes.set_started_event_id(found->second);
    });
    if (event.event_type() == enums::EVENT_TYPE_CHILD_WORKFLOW_EXECUTION_STARTED) {
      const std::int64_t initiated = event.child_workflow_execution_started_event_attributes().initiated_event_id();
      started[initiated] = event.event_id();
      if (pb::Child* const child = find_child(initiated)) child->set_started_event_id(event.event_id());
    }
    with_child_close_attributes(event, [&](auto& attributes) {
      const auto found = started.find(attributes.initiated_event_id());
      if (found != started.end()) attributes.set_started_event_id(found->second);
    });
    *events_->add_events() = std::move(event);
  }
}

void Run::close(enums::WorkflowExecutionStatus status) {
  state_.set_status(status);
  state_.set_close_time(now_);
  state_.clear_task();
  state_.clear_activities();
  state_.clear_timers();
  state_.clear_buffered();
  state_.clear_first_task_at();
  forget_sticky_worker();  // it forgets a closed run as well: queries go to any
  leave_children();
  if (changes_.next == nullptr) tell_parent();
  changes_.closed = true;
}

// --- clients ---------------------------------------------------------------------------------------------------------

std::unique_ptr<Run> Run::create(const wf::StartWorkflowExecutionRequest& request, std::int64_t now, Random& random,
                                 const Parent* parent) {
  const std::int64_t execution_timeout = nanos(request.workflow_execution_timeout());
  std::int64_t run_timeout = nanos(request.workflow_run_timeout());
  if (execution_timeout > 0 && (run_timeout <= 0 || run_timeout > execution_timeout)) run_timeout = execution_timeout;
  const std::int64_t task_timeout = effective_task_timeout(nanos(request.workflow_task_timeout()), run_timeout);

  pb::RunState state;
  state.set_namespace_(request.namespace_());
  state.set_workflow_id(request.workflow_id());
  state.set_run_id(make_uuid(random));
  state.set_first_run_id(state.run_id());
  state.set_start_request_id(request.request_id());
  if (request.has_user_metadata()) *state.mutable_user_metadata() = request.user_metadata();
  if (execution_timeout > 0) state.set_execution_expiration(now + execution_timeout);

  StartedAttributes started;
  *started.mutable_workflow_type() = request.workflow_type();
  *started.mutable_task_queue() = request.task_queue();
  started.mutable_task_queue()->set_kind(enums::TASK_QUEUE_KIND_NORMAL);
  if (request.has_input()) *started.mutable_input() = request.input();
  *started.mutable_workflow_execution_timeout() = to_duration(execution_timeout);
  *started.mutable_workflow_run_timeout() = to_duration(run_timeout);
  *started.mutable_workflow_task_timeout() = to_duration(task_timeout);
  started.set_identity(request.identity());
  started.set_attempt(1);
  if (request.has_header()) *started.mutable_header() = request.header();
  if (request.has_memo()) *started.mutable_memo() = request.memo();
  if (request.has_search_attributes()) *started.mutable_search_attributes() = request.search_attributes();
  if (request.has_priority()) *started.mutable_priority() = request.priority();
  if (request.has_continued_failure()) *started.mutable_continued_failure() = request.continued_failure();
  if (request.has_last_completion_result()) {
    *started.mutable_last_completion_result() = request.last_completion_result();
  }
  if (request.has_retry_policy()) {
    *started.mutable_retry_policy() = request.retry_policy();
    complete_retry_policy(*started.mutable_retry_policy());
  }
  if (parent != nullptr) {
    state.set_waits_for_parent(true);
    started.set_parent_workflow_namespace(parent->ns);
    started.set_parent_workflow_namespace_id(parent->ns);
    *started.mutable_parent_workflow_execution() = parent->execution;
    started.set_parent_initiated_event_id(parent->initiated_event_id);
    *started.mutable_root_workflow_execution() = parent->root;
  }
  const std::int64_t delay = std::max<std::int64_t>(0, nanos(request.workflow_start_delay()));
  started.set_eager_execution_accepted(request.request_eager_execution() && delay == 0 && parent == nullptr);
  return make(std::move(state), std::move(started), delay, now, random);
}

std::unique_ptr<Run> Run::make(pb::RunState state, StartedAttributes started, std::int64_t backoff, std::int64_t now,
                               Random& random) {
  state.set_status(enums::WORKFLOW_EXECUTION_STATUS_RUNNING);
  state.set_next_event_id(1);
  state.set_start_time(now);
  state.mutable_task()->set_attempt(1);
  if (started.has_memo()) *state.mutable_memo() = started.memo();
  if (started.has_search_attributes()) *state.mutable_search_attributes() = started.search_attributes();
  if (backoff > 0) {
    state.set_first_task_at(now + backoff);
    *started.mutable_first_workflow_task_backoff() = to_duration(backoff);
  }
  if (const std::int64_t timeout = nanos(started.workflow_run_timeout()); timeout > 0) {
    state.set_run_expiration(now + backoff + timeout);
  }
  if (state.execution_expiration() > 0) {
    *started.mutable_workflow_execution_expiration_time() = to_timestamp(state.execution_expiration());
  }
  started.set_workflow_id(state.workflow_id());
  started.set_original_execution_run_id(state.run_id());
  started.set_first_execution_run_id(state.first_run_id());
  if (!started.has_parent_workflow_execution()) {  // it is its own, also when it goes on from an earlier run
    started.mutable_root_workflow_execution()->set_workflow_id(state.workflow_id());
    started.mutable_root_workflow_execution()->set_run_id(state.run_id());
  }
  auto run = std::make_unique<Run>(std::move(state), std::move(started));
  run->begin(now, random);
  HistoryEvent& event = run->add_event(enums::EVENT_TYPE_WORKFLOW_EXECUTION_STARTED);
  auto& attributes = *event.mutable_workflow_execution_started_event_attributes();
  attributes = run->started_;
  if (!attributes.has_parent_workflow_execution()) attributes.clear_root_workflow_execution();  // it is its own
  if (run->state_.has_user_metadata()) *event.mutable_user_metadata() = run->state_.user_metadata();
  if (backoff <= 0) run->want_task();
  return run;
}

std::string Run::make_next(StartedAttributes started, std::int64_t backoff) {
  pb::RunState state;
  state.set_namespace_(state_.namespace_());
  state.set_workflow_id(state_.workflow_id());
  state.set_run_id(make_uuid(*random_));
  state.set_first_run_id(state_.first_run_id());
  state.set_start_request_id(state_.start_request_id());
  state.set_execution_expiration(state_.execution_expiration());
  if (state_.has_user_metadata()) *state.mutable_user_metadata() = state_.user_metadata();
  // A signal that is sent again because its answer was lost must find that it was taken, also by the previous run.
  constexpr int kCarriedRequests = 100;
  const auto& requests = state_.signal_request_ids();
  for (int i = std::max(0, requests.size() - kCarriedRequests); i < requests.size(); ++i) {
    state.add_signal_request_ids(requests[i]);
  }
  started.set_continued_execution_run_id(state_.run_id());
  started.clear_first_workflow_task_backoff();
  started.clear_eager_execution_accepted();
  changes_.next = make(std::move(state), std::move(started), backoff, now_, *random_);
  return changes_.next->run_id();
}

std::string Run::retry_as_new_run(const api::failure::v1::Failure& failure, enums::RetryState& state) {
  if (!started_.has_retry_policy()) {
    state = enums::RETRY_STATE_RETRY_POLICY_NOT_SET;
    return {};
  }
  const auto backoff =
      backoff_after(started_.retry_policy(), started_.attempt(), now_, state_.execution_expiration(), failure, state);
  if (!backoff) return {};
  StartedAttributes next = started_;
  next.set_attempt(started_.attempt() + 1);
  next.clear_identity();  // no client starts it
  next.set_initiator(enums::CONTINUE_AS_NEW_INITIATOR_RETRY);
  *next.mutable_continued_failure() = failure;
  return make_next(std::move(next), *backoff);
}

bool Run::may_be_signalled() const { return state_.signals() < kSignalLimit; }

Status Run::signal(const wf::SignalWorkflowExecutionRequest& request, bool could_have_started) {
  if (!running()) return not_found("workflow execution already completed");
  if (!may_be_signalled()) return invalid_argument("exceeded workflow execution limit for signal events");
  if (!request.request_id().empty()) {
    const auto& seen = state_.signal_request_ids();
    if (std::ranges::find(seen, request.request_id()) != seen.end()) return ok_status();
    state_.add_signal_request_ids(request.request_id());
  }
  state_.set_signals(state_.signals() + 1);
  HistoryEvent& event = add_event(enums::EVENT_TYPE_WORKFLOW_EXECUTION_SIGNALED);
  auto& attributes = *event.mutable_workflow_execution_signaled_event_attributes();
  attributes.set_signal_name(request.signal_name());
  if (request.has_input()) *attributes.mutable_input() = request.input();
  attributes.set_identity(request.identity());
  if (request.has_header()) *attributes.mutable_header() = request.header();
  attributes.set_request_id(request.request_id());
  *event.mutable_links() = request.links();
  if (could_have_started) state_.clear_first_task_at();
  want_task();
  return ok_status();
}

bool Run::request_cancel(const wf::RequestCancelWorkflowExecutionRequest& request) {
  if (!running() || state_.cancel_requested()) return false;
  state_.set_cancel_requested(true);
  state_.set_cancel_request_id(request.request_id());
  HistoryEvent& event = add_event(enums::EVENT_TYPE_WORKFLOW_EXECUTION_CANCEL_REQUESTED);
  auto& attributes = *event.mutable_workflow_execution_cancel_requested_event_attributes();
  attributes.set_cause(request.reason());
  attributes.set_identity(request.identity());
  *event.mutable_links() = request.links();
  state_.clear_first_task_at();  // it ends any delay
  want_task();
  return true;
}

Status Run::terminate(std::string_view reason, const api::common::v1::Payloads* details, std::string_view identity) {
  if (!running()) return not_found("workflow execution already completed");
  break_off_task();
  HistoryEvent& event = add_event(enums::EVENT_TYPE_WORKFLOW_EXECUTION_TERMINATED);
  auto& attributes = *event.mutable_workflow_execution_terminated_event_attributes();
  attributes.set_reason(std::string(reason));
  if (details != nullptr) *attributes.mutable_details() = *details;
  attributes.set_identity(std::string(identity));
  close(enums::WORKFLOW_EXECUTION_STATUS_TERMINATED);
  return ok_status();
}

void Run::time_out_run() {
  break_off_task();
  auto retry_state = enums::RETRY_STATE_UNSPECIFIED;
  const std::string next =
      retry_as_new_run(timeout_failure("workflow timeout", enums::TIMEOUT_TYPE_START_TO_CLOSE), retry_state);
  HistoryEvent& event = add_event(enums::EVENT_TYPE_WORKFLOW_EXECUTION_TIMED_OUT);
  auto& attributes = *event.mutable_workflow_execution_timed_out_event_attributes();
  attributes.set_retry_state(retry_state);
  attributes.set_new_execution_run_id(next);
  close(enums::WORKFLOW_EXECUTION_STATUS_TIMED_OUT);
}

std::vector<Dispatch> Run::pending_dispatches() const {
  std::vector<Dispatch> found;
  const auto& task = state_.task();
  if (task.state() == pb::WorkflowTask::SCHEDULED) {
    found.push_back({Dispatch::Kind::kWorkflow, started_.task_queue().name(),
                     task.on_sticky() ? state_.sticky_queue() : std::string(), task.scheduled_event_id(), task.attempt()});
  }
  for (const pb::Activity& activity : state_.activities()) {
    if (activity.state() == pb::Activity::SCHEDULED) found.push_back(dispatch_of(activity));
  }
  return found;
}

}  // namespace reliant::temporal::engine
