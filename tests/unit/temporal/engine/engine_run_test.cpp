#include <algorithm>
#include <limits>

#include "temporal/engine/mutable_state.h"
#include "unit/temporal/engine/engine_world.h"

namespace reliant::tests {
namespace {

using temporal::engine::backoff_after;
using temporal::engine::nanos;
using temporal::engine::Run;
using temporal::engine::to_duration;
namespace api = ::temporal::api;

constexpr std::int64_t kSecond = 1'000'000'000;

wf::StartWorkflowExecutionRequest start_request() {
  wf::StartWorkflowExecutionRequest request;
  request.set_namespace_("default");
  request.set_workflow_id("w");
  request.mutable_workflow_type()->set_name("T");
  request.mutable_task_queue()->set_name("q");
  return request;
}

api::failure::v1::Failure broken() {
  api::failure::v1::Failure failure;
  failure.mutable_application_failure_info()->set_type("Broken");
  return failure;
}

TEST(EngineRetry, BacksOffExponentiallyUpToTheMaximum) {
  api::common::v1::RetryPolicy policy;
  temporal::engine::complete_retry_policy(policy);
  auto state = enums::RETRY_STATE_UNSPECIFIED;
  EXPECT_EQ(backoff_after(policy, 1, 0, 0, broken(), state), kSecond);
  EXPECT_EQ(state, enums::RETRY_STATE_IN_PROGRESS);
  EXPECT_EQ(backoff_after(policy, 3, 0, 0, broken(), state), 4 * kSecond);
  EXPECT_EQ(backoff_after(policy, 1000, 0, 0, broken(), state), 100 * kSecond);
  *policy.mutable_maximum_interval() = to_duration(3 * kSecond);
  EXPECT_EQ(backoff_after(policy, 5, 0, 0, broken(), state), 3 * kSecond);
}

TEST(EngineRetry, ReportsWhyThereIsNoNextAttempt) {
  api::common::v1::RetryPolicy policy;
  temporal::engine::complete_retry_policy(policy);
  auto state = enums::RETRY_STATE_UNSPECIFIED;
  EXPECT_EQ(backoff_after(policy, 1, 0, kSecond / 2, broken(), state), std::nullopt);
  EXPECT_EQ(state, enums::RETRY_STATE_TIMEOUT);
  policy.set_maximum_attempts(2);
  EXPECT_EQ(backoff_after(policy, 2, 0, 0, broken(), state), std::nullopt);
  EXPECT_EQ(state, enums::RETRY_STATE_MAXIMUM_ATTEMPTS_REACHED);
  policy.add_non_retryable_error_types("Broken");
  EXPECT_EQ(backoff_after(policy, 1, 0, 0, broken(), state), std::nullopt);
  EXPECT_EQ(state, enums::RETRY_STATE_NON_RETRYABLE_FAILURE);
  const auto timeout = temporal::engine::timeout_failure("t", enums::TIMEOUT_TYPE_START_TO_CLOSE);
  EXPECT_TRUE(backoff_after(policy, 1, 0, 0, timeout, state).has_value());
  policy.add_non_retryable_error_types("TemporalTimeout:StartToClose");
  EXPECT_EQ(backoff_after(policy, 1, 0, 0, timeout, state), std::nullopt);
}

TEST(EngineRun, SlowsDownTasksThatKeepTimingOut) {
  Random random(1);
  std::int64_t now = 1'000 * kSecond;
  auto run = Run::create(start_request(), now, random);
  run->finish();
  std::vector<std::int64_t> timeouts;
  for (int i = 0; i < 6; ++i) {
    run->begin(now, random);
    run->start_task("worker", "request", false);
    run->finish();
    const std::int64_t due = run->next_timer();
    timeouts.push_back((due - now) / kSecond);
    now = due;
    run->begin(now, random);
    ASSERT_TRUE(run->fire_due());
    run->finish();
  }
  EXPECT_EQ(timeouts, (std::vector<std::int64_t>{10, 10, 10, 15, 20, 30}));
  EXPECT_EQ(run->state().next_event_id(), 5) << "only the first one is in the history";
}

TEST(EngineRun, NeverWritesTimesThatGoBack) {
  Random random(1);
  auto run = Run::create(start_request(), 1'000 * kSecond, random);
  run->finish();
  run->begin(900 * kSecond, random);  // a clock that was set back
  run->start_task("worker", "request", false);
  const auto changes = run->finish();
  EXPECT_EQ(changes.events->events(0).event_time().seconds(), 1'000);
}

TEST(EngineRun, RoundTripsThroughStorage) {
  Random random(1);
  auto request = start_request();
  *request.mutable_workflow_run_timeout() = to_duration(100 * kSecond);
  auto run = Run::create(request, kSecond, random);
  wf::SignalWorkflowExecutionRequest signal;
  signal.set_signal_name("s");
  signal.set_request_id("r");
  ASSERT_TRUE(run->signal(signal).ok());
  run->finish();
  temporal::engine::pb::RunState state;
  ASSERT_TRUE(state.ParseFromString(temporal::engine::serialize(run->state())));
  class Run read(state, run->started());  // gtest has a member of that name
  EXPECT_EQ(read.next_timer(), run->next_timer());
  ASSERT_EQ(read.pending_dispatches().size(), 1u);
  EXPECT_EQ(read.pending_dispatches()[0].scheduled_event_id, run->pending_dispatches()[0].scheduled_event_id);
  read.begin(2 * kSecond, random);
  ASSERT_TRUE(read.signal(signal).ok());
  EXPECT_EQ(read.finish().events->events_size(), 0) << "the request id was stored, too";
}

TEST(EngineRun, MakesIdsThatAreUuids) {
  Random random(1);
  const std::string id = temporal::engine::make_uuid(random);
  EXPECT_EQ(id.size(), 36u);
  EXPECT_EQ(id[14], '4');
  EXPECT_EQ(std::ranges::count(id, '-'), 4);
  EXPECT_NE(id, temporal::engine::make_uuid(random));
}

TEST(EngineRun, ReadsDurationsWithoutOverflow) {
  google::protobuf::Duration endless;
  endless.set_seconds(std::numeric_limits<std::int64_t>::max());
  EXPECT_GT(nanos(endless), 0);
  EXPECT_LE(nanos(endless), std::numeric_limits<std::int64_t>::max() / 2);
}

}  // namespace
}  // namespace reliant::tests
