#include "temporal/activity_tasks.h"

#include <google/protobuf/util/time_util.h>

#include <algorithm>
#include <exception>
#include <memory>
#include <optional>
#include <utility>

#include "base/cause.h"
#include "runtime/race.h"
#include "runtime/sleep.h"
#include "temporal/failure.h"
#include "temporal/payload.h"

namespace reliant::temporal {
namespace {

namespace wf = ports::wf;
using ::google::protobuf::util::TimeUtil;

constexpr Duration kAnswerTimeout = std::chrono::seconds(60);
// After the server has given an attempt up by its own clock, it is given up here.
constexpr Duration kTimeoutSlack = std::chrono::seconds(5);
constexpr Duration kHeartbeatRetry = std::chrono::seconds(1);

Duration duration_of(const google::protobuf::Duration& value) { return Duration(TimeUtil::DurationToNanoseconds(value)); }

std::optional<Duration> backoff_after(const ::temporal::api::common::v1::RetryPolicy& policy, std::int32_t attempt) {
  if (policy.maximum_attempts() > 0 && attempt >= policy.maximum_attempts()) return std::nullopt;
  const auto longest = static_cast<double>(duration_of(policy.maximum_interval()).count());
  auto wait = static_cast<double>(duration_of(policy.initial_interval()).count());
  for (std::int32_t i = 1; i < attempt && wait < longest; ++i) wait *= std::max(policy.backoff_coefficient(), 1.0);
  return Duration(static_cast<Duration::rep>(std::min(wait, longest)));
}

ActivityInfo info_of(const ActivityTasks::Polled& task, Instant now) {
  ActivityInfo info;
  info.workflow_id = task.workflow_execution().workflow_id();
  info.run_id = task.workflow_execution().run_id();
  info.workflow_type = task.workflow_type().name();
  info.activity_id = task.activity_id();
  info.type = task.activity_type().name();
  info.attempt = std::max(task.attempt(), 1);
  info.heartbeat_details = json_text(task.heartbeat_details()).value_or("");
  const Duration limit = duration_of(task.start_to_close_timeout());
  if (limit > Duration::zero()) info.deadline = after(now, limit);
  info.backoff = backoff_after(task.retry_policy(), info.attempt);
  return info;
}

}  // namespace

std::optional<Duration> retry_delay(const ActivityInfo& attempt, const Status& failure) {
  if (!attempt.backoff || !may_be_attempted_again(failure)) return std::nullopt;
  const Duration asked = retry_after_of(failure);
  return asked > Duration::zero() ? asked : *attempt.backoff;
}

class ActivityTasks::Running final : public ActivityContext {
 public:
  Running(ActivityTasks& owner, const Polled& task)
      : token(task.task_token()),
        heartbeat_timeout(duration_of(task.heartbeat_timeout())),
        info_(info_of(task, owner.core_.clock.now())),
        owner_(owner),
        number_(++owner.count_) {
    owner_.running_.emplace(number_, this);
  }
  Running(const Running&) = delete;
  Running& operator=(const Running&) = delete;
  ~Running() override { owner_.running_.erase(number_); }

  const ActivityInfo& info() const override { return info_; }
  void heartbeat(std::string new_details) override {
    details = std::move(new_details);
    news.set();
  }
  Event& cancelled() override { return cancelled_; }
  CancelReason cancel_reason() const override { return reason_; }

  // A loss is worse than a request, and neither is undone by a shutdown.
  void cancel(CancelReason reason) {
    if (reason_ == CancelReason::kNone || reason == CancelReason::kLost) reason_ = reason;
    cancelled_.set();
  }

  const std::string token;
  const Duration heartbeat_timeout;
  std::string details;
  Event news;  // details that have not been sent
  Instant shutdown_deadline = kNever;

 private:
  ActivityInfo info_;
  ActivityTasks& owner_;
  std::uint64_t number_;
  Event cancelled_;
  CancelReason reason_ = CancelReason::kNone;
};

ActivityTasks::ActivityTasks(WorkerCore& core, const ActivityRegistry& registry, TaskScope& tasks)
    : core_(core), registry_(registry), tasks_(tasks), slots_(core.options.concurrent_activities) {}

Task<void> ActivityTasks::poll() {
  wf::PollActivityTaskQueueRequest request;
  request.set_namespace_(core_.options.name_space);
  request.set_identity(core_.options.identity);
  request.set_worker_instance_key(core_.instance_key);
  request.mutable_task_queue()->set_name(core_.options.task_queue);
  request.mutable_task_queue()->set_kind(::temporal::api::enums::v1::TASK_QUEUE_KIND_NORMAL);
  co_await poll_until_stopped(core_, slots_, nullptr, "activity", &ports::Temporal::poll_activity_task_queue,
                              std::move(request), *this);
}

void ActivityTasks::take(Polled task, Slot slot) { tasks_.spawn(work(std::move(task), std::move(slot))); }

std::optional<Slot> ActivityTasks::try_reserve(std::string_view type) {
  if (!registry_.contains(type)) return std::nullopt;
  Slot slot;
  slot.permit = slots_.try_acquire();
  if (!slot.permit) return std::nullopt;
  return slot;
}

void ActivityTasks::shut_down(Instant deadline) {
  for (const auto& [number, running] : running_) {
    running->shutdown_deadline = deadline;
    running->cancel(CancelReason::kShutdown);
  }
}

Task<void> ActivityTasks::work(Polled task, Slot slot) {
  const Slot held = std::move(slot);
  Running running(*this, task);
  Result<std::string> input = json_text(task.input());
  if (!input.ok()) {
    co_await report(running, input.status());
    co_return;
  }
  auto first = co_await race(call(running, *std::move(input)), supervise(running));
  Result<std::string> outcome = cancelled("the activity did not end within its grace");
  if (first.index() == 0) outcome = std::get<0>(std::move(first));
  co_await report(running, std::move(outcome));
}

Task<Result<std::string>> ActivityTasks::call(Running& running, std::string input) {
  const auto function = registry_.find(running.info().type);
  if (function == registry_.end())
    co_return unavailable("this worker knows no activity type \"", running.info().type,
                          "\"; register it, or poll another task queue");
  try {
    co_return co_await function->second(running, std::move(input));
  } catch (const std::exception& exception) {
    co_return internal_error(exception.what());
  }
}

Task<void> ActivityTasks::supervise(Running& running) { co_await race(heartbeat(running), grace(running)); }

Task<void> ActivityTasks::grace(Running& running) {
  const bool told = co_await running.cancelled().wait(after(running.info().deadline, kTimeoutSlack));
  if (!told) running.cancel(CancelReason::kLost);
  if (running.cancel_reason() == CancelReason::kShutdown) {
    co_await sleep_until(running.shutdown_deadline);
  } else {
    const Instant end = after(core_.clock.now(), core_.options.cancel_grace);
    co_await sleep_until(std::min(end, running.shutdown_deadline));
  }
}

// Beats by itself, so that the server can tell a dead worker and has an answer by which to cancel; details
// that the activity gives are sent at once when the last beat is old enough.
Task<void> ActivityTasks::heartbeat(Running& running) {
  const bool watched = running.heartbeat_timeout > Duration::zero();
  const Duration longest = core_.options.heartbeat_at_least;
  const Duration interval = watched ? std::min(longest, Duration(running.heartbeat_timeout.count() / 10 * 8)) : 10 * longest;
  Instant not_before = core_.clock.now();
  Instant next = after(core_.clock.now(), interval);
  for (;;) {
    co_await running.news.wait(next);
    if (core_.clock.now() < not_before) co_await sleep_until(not_before);
    running.news.reset();
    wf::RecordActivityTaskHeartbeatRequest request;
    request.set_namespace_(core_.options.name_space);
    request.set_identity(core_.options.identity);
    request.set_task_token(running.token);
    *request.mutable_details() = json_payloads(running.details);
    // Not within this task, which is destroyed when the activity ends: a call that has begun is let end, since what a client
    // calls off is an error to the server.
    const auto beat = std::make_shared<Beat>();
    tasks_.spawn(send(beat, std::move(request), after(core_.clock.now(), interval)));
    const Result<wf::RecordActivityTaskHeartbeatResponse> response = *co_await beat->wait();
    const Instant now = core_.clock.now();
    not_before = next = after(now, response.ok() ? interval : std::min(interval, kHeartbeatRetry));
    if (response.ok()) {
      if (response->cancel_requested()) running.cancel(CancelReason::kRequested);
    } else if (response.status().code() == StatusCode::kNotFound) {
      running.cancel(CancelReason::kLost);
      co_await never();
    }
  }
}

Task<void> ActivityTasks::send(std::shared_ptr<Beat> beat, wf::RecordActivityTaskHeartbeatRequest request, Instant deadline) {
  ++beats_;
  beat->set(co_await core_.temporal.record_activity_task_heartbeat(std::move(request), deadline));
  --beats_;
}

Task<void> ActivityTasks::report(const Running& running, Result<std::string> outcome) {
  const CancelReason reason = running.cancel_reason();
  if (reason == CancelReason::kLost) co_return;  // the server ignores its outcome
  const Instant deadline = after(core_.clock.now(), kAnswerTimeout);
  Status status;
  if (outcome.ok()) {
    wf::RespondActivityTaskCompletedRequest request;
    request.set_namespace_(core_.options.name_space);
    request.set_identity(core_.options.identity);
    request.set_task_token(running.token);
    *request.mutable_result() = json_payloads(*outcome);
    status =
        (co_await core_.answers.call(&ports::Temporal::respond_activity_task_completed, std::move(request), deadline)).status();
  } else if (outcome.status().code() == StatusCode::kCancelled && reason == CancelReason::kRequested) {
    wf::RespondActivityTaskCanceledRequest request;
    request.set_namespace_(core_.options.name_space);
    request.set_identity(core_.options.identity);
    request.set_task_token(running.token);
    *request.mutable_details() = json_payloads(running.details);
    status =
        (co_await core_.answers.call(&ports::Temporal::respond_activity_task_canceled, std::move(request), deadline)).status();
  } else {
    Status failed = outcome.status();
    // No cancellation was requested: this worker stops, and another one can retry the activity.
    if (failed.code() == StatusCode::kCancelled) failed = unavailable("the worker shuts down");
    wf::RespondActivityTaskFailedRequest request;
    request.set_namespace_(core_.options.name_space);
    request.set_identity(core_.options.identity);
    request.set_task_token(running.token);
    *request.mutable_failure() = failure_from(failed);
    *request.mutable_last_heartbeat_details() = json_payloads(running.details);
    status =
        (co_await core_.answers.call(&ports::Temporal::respond_activity_task_failed, std::move(request), deadline)).status();
  }
  if (status.ok()) co_return;
  core_.log.info("temporal.activity.dropped", {{"workflow", running.info().workflow_id},
                                               {"activity", running.info().activity_id},
                                               {"type", running.info().type},
                                               {"code", code_name(status.code())},
                                               {"message", described(status)}});
}

}  // namespace reliant::temporal
