// When a server of Temporal is asked again, and when no more: as the SDKs do it, on virtual time.

#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "kernel/node.h"
#include "kernel/simulation.h"
#include "runtime/sleep.h"
#include "support/started.h"
#include "temporal/rpc_backoff.h"
#include "temporal/rpc_caller.h"
#include "temporal/worker.h"
#include "temporal/workflow_client.h"

namespace reliant::temporal {
namespace {

using std::chrono::microseconds;
using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;
namespace wf = ports::wf;

constexpr StatusCode kRefusals[] = {StatusCode::kNotFound,        StatusCode::kPermissionDenied,   StatusCode::kUnauthenticated,
                                    StatusCode::kInvalidArgument, StatusCode::kFailedPrecondition, StatusCode::kAlreadyExists,
                                    StatusCode::kUnimplemented};

// Answers at once with the given status; a poll that is not refused is a long poll without a task.
class ScriptedTemporal final : public ports::Temporal {
 public:
  explicit ScriptedTemporal(const Clock& clock) : clock_(clock) {}

#define RELIANT_TEST_METHOD(name, Name)                                                 \
  Task<Result<wf::Name##Response>> name(wf::Name##Request, Instant deadline) override { \
    return answer<wf::Name##Response>(#name, deadline);                                 \
  }
  RELIANT_TEMPORAL_METHODS(RELIANT_TEST_METHOD)
#undef RELIANT_TEST_METHOD

  // OK unless a test says otherwise.
  std::function<Status(std::string_view method)> says = [](std::string_view) { return ok_status(); };
  std::map<std::string, std::vector<Instant>, std::less<>> calls;

  std::vector<Duration> waits(std::string_view method) const {
    const std::vector<Instant>& at = calls.find(method)->second;
    std::vector<Duration> out;
    for (std::size_t i = 1; i < at.size(); ++i) out.push_back(at[i] - at[i - 1]);
    return out;
  }

 private:
  template <class Response>
  Task<Result<Response>> answer(std::string name, Instant deadline) {
    calls[name].push_back(clock_.now());
    const Status status = says(name);
    if (!status.ok()) co_return status;
    if (name.starts_with("poll_")) co_await sleep_until(std::min(deadline, after(clock_.now(), minutes(1))));
    co_return Response();
  }

  const Clock& clock_;
};

Task<Result<std::string>> nothing(ActivityContext&, std::string) { co_return ""; }

class TemporalRetry : public ::testing::Test {
 public:
  ~TemporalRetry() override {
    gave_up_.reset();
    worker_.reset();
    EXPECT_EQ(simulation_.failure().error(), nullptr);
    simulation_.shutdown();
  }

 protected:
  template <class T>
  T ask(Task<T> task) {
    std::optional<T> answer;
    node_.spawn(put(std::move(task), answer));
    EXPECT_TRUE(simulation_.run_until([&] { return answer.has_value(); }, after(simulation_.now(), minutes(60))));
    return *std::move(answer);
  }
  template <class T>
  static Task<void> put(Task<T> task, std::optional<T>& answer) {
    answer.emplace(co_await std::move(task));
  }
  static Task<bool> stop(Worker& worker, Instant deadline) {
    co_await worker.stop(deadline);
    co_return true;
  }

  // How a call that always meets this ends.
  Status call(const Status& status, RpcRetries retries = kCallRetries) {
    server_.says = [status](std::string_view) { return status; };
    RpcCaller caller(server_, node_.clock(), node_.random("caller"), retries);
    return ask(caller.call(&ports::Temporal::describe_namespace, wf::DescribeNamespaceRequest(), kNever)).status();
  }
  std::vector<Duration> call_waits() const { return server_.waits("describe_namespace"); }

  // One poller of activities, and its polls answered by `says`, which is given the time since it began.
  void poll(const std::function<Status(Duration)>& says) {
    gave_up_.reset();
    WorkerOptions options;
    options.task_queue = "work";
    options.activity_pollers = 1;
    worker_ = std::make_unique<Worker>(node_.context(), server_, node_.clock(), node_.random("worker"), node_.log(), options);
    worker_->register_activity("nothing", &nothing);
    server_.says = [this, says, begin = simulation_.now()](std::string_view method) {
      return method.starts_with("poll_") ? says(simulation_.now() - begin) : ok_status();
    };
    ASSERT_TRUE(ask(worker_->start(kNever)).ok());
    gave_up_ = std::make_unique<tests::Started<Status>>(node_.context(), worker_->gave_up());
  }
  std::size_t polls() const { return server_.calls.find("poll_activity_task_queue")->second.size(); }

  sim::Simulation simulation_{7};
  sim::Node& node_ = simulation_.add_node("worker");
  ScriptedTemporal server_{node_.clock()};
  std::unique_ptr<Worker> worker_;
  std::unique_ptr<tests::Started<Status>> gave_up_;
};

// `wait` is within 20 % of `middle`.
void expect_about(Duration wait, Duration middle) {
  EXPECT_GE(wait, middle * 8 / 10);
  EXPECT_LE(wait, middle * 12 / 10);
}

TEST(RpcBackoff, GrowsUpToItsCapWithinAFifth) {
  constexpr std::int64_t kCallUs[] = {100'000, 170'000, 289'000, 491'300, 835'210, 1'419'857, 2'413'757, 4'103'387, 5'000'000};
  constexpr std::int64_t kPollMs[] = {200, 400, 800, 1600, 3200, 6400, 10'000, 10'000};
  Random random(1);
  RpcBackoff call(kCallWaits, random);
  RpcBackoff poll(kPollWaits, random);
  Duration shortest = Duration::max();
  Duration longest{};
  for (int i = 0; i < 100; ++i) {
    for (const std::int64_t us : kCallUs) expect_about(call.next(StatusCode::kUnavailable), microseconds(us));
    for (const std::int64_t ms : kPollMs) {
      const Duration wait = poll.next(StatusCode::kDeadlineExceeded);
      expect_about(wait, milliseconds(ms));
      shortest = std::min(shortest, wait * 1000 / ms);
      longest = std::max(longest, wait * 1000 / ms);
    }
    call.reset();
    poll.reset();
  }
  EXPECT_LT(shortest, milliseconds(810)) << "of a second";
  EXPECT_GT(longest, milliseconds(1190));
}

TEST(RpcBackoff, WaitsLongerAfterResourceExhausted) {
  Random random(1);
  RpcBackoff backoff(kCallWaits, random);
  for (const int s : {1, 2, 4, 8, 10, 10}) expect_about(backoff.next(StatusCode::kResourceExhausted), seconds(s));
  expect_about(backoff.next(StatusCode::kUnavailable), microseconds(2'413'757));  // the usual ones have grown, too
}

TEST_F(TemporalRetry, ACallIsMadeTenTimesAtMost) {
  EXPECT_EQ(call(unavailable("away"), {.time = minutes(10), .tries = 10}).code(), StatusCode::kUnavailable);
  EXPECT_EQ(call_waits().size(), 9u);
}

TEST_F(TemporalRetry, ACallIsRepeatedForTenSecondsAtMost) {
  const Instant begin = simulation_.now();
  EXPECT_EQ(call(unavailable("away")).code(), StatusCode::kUnavailable);
  const Duration took = simulation_.now() - begin;
  EXPECT_LE(took, seconds(10));
  EXPECT_GE(took, seconds(4)) << "the next wait would have been too long, and was 5 s at most, give or take a fifth";
  EXPECT_GE(call_waits().size(), 7u);
}

TEST_F(TemporalRetry, ACallWithoutAnAttemptLimitIsRetriedUntilItsDeadline) {
  EXPECT_EQ(call(unavailable("away"), {.time = minutes(1)}).code(), StatusCode::kUnavailable);
  EXPECT_GT(call_waits().size(), 12u);
}

TEST_F(TemporalRetry, RetryableErrorsAreRetried) {
  for (const StatusCode code : {StatusCode::kDataLoss, StatusCode::kInternal, StatusCode::kUnknown, StatusCode::kAborted,
                                StatusCode::kOutOfRange, StatusCode::kUnavailable, StatusCode::kResourceExhausted}) {
    server_.calls.clear();
    EXPECT_EQ(call(make_status(code, "x")).code(), code);
    EXPECT_GE(call_waits().size(), 3u) << code_name(code);
  }
}

TEST_F(TemporalRetry, OtherErrorsAreNotRetried) {
  std::vector<Status> final = {make_status(StatusCode::kCancelled, "x"), make_status(StatusCode::kDeadlineExceeded, "x"),
                               make_status(StatusCode::kResourceExhausted, "grpc: received message larger than max (5 vs. 4)")};
  for (const StatusCode code : kRefusals) final.push_back(make_status(code, "x"));
  for (const Status& status : final) {
    server_.calls.clear();
    EXPECT_EQ(call(status), status);
    EXPECT_TRUE(call_waits().empty()) << status;
  }
}

TEST_F(TemporalRetry, AClientsCallEndsWithinTenSeconds) {
  server_.says = [](std::string_view) { return unavailable("away"); };
  WorkflowClient client(server_, node_.clock(), node_.random("client"), {"default", "client"});
  const Instant begin = simulation_.now();
  EXPECT_EQ(ask(client.terminate("workflow", "", "", kNever)).code(), StatusCode::kUnavailable);
  EXPECT_LE(simulation_.now() - begin, seconds(10));
  EXPECT_LE(server_.calls["terminate_workflow_execution"].size(), 10u);
}

TEST_F(TemporalRetry, PollsAreRepeatedForEverWhileTheServerIsAwayOrBusy) {
  for (const StatusCode code : {StatusCode::kUnavailable, StatusCode::kInternal, StatusCode::kUnknown,
                                StatusCode::kResourceExhausted, StatusCode::kCancelled, StatusCode::kDeadlineExceeded}) {
    server_.calls.clear();
    poll([code](Duration) { return make_status(code, "x"); });
    simulation_.run_for(minutes(120));
    EXPECT_FALSE(gave_up_->ended()) << code_name(code);
    EXPECT_EQ(worker_->health().code(), code);
    const auto waits = server_.waits("poll_activity_task_queue");
    expect_about(waits[0], code == StatusCode::kResourceExhausted ? Duration(seconds(1)) : milliseconds(200));
    for (std::size_t i = 10; i < waits.size(); ++i) expect_about(waits[i], seconds(10));
    ask(stop(*worker_, after(simulation_.now(), seconds(1))));
  }
}

TEST_F(TemporalRetry, PollsRecoverWithinTheMaximumBackoff) {
  poll([](Duration since) { return since < minutes(30) ? unavailable("away") : ok_status(); });
  simulation_.run_for(minutes(30));
  EXPECT_EQ(worker_->health().code(), StatusCode::kUnavailable);
  const std::size_t before = polls();
  simulation_.run_for(seconds(12));
  EXPECT_EQ(polls(), before + 1) << "and it waits there";
  simulation_.run_for(minutes(1));
  EXPECT_TRUE(worker_->health().ok());
  EXPECT_FALSE(gave_up_->ended());
}

TEST_F(TemporalRetry, AWorkerThatIsRefusedForAMinuteGivesUp) {
  for (const StatusCode code : kRefusals) {
    server_.calls.clear();
    poll([code](Duration) { return make_status(code, "no"); });
    simulation_.run_for(seconds(59));
    EXPECT_FALSE(gave_up_->ended()) << code_name(code);
    EXPECT_GE(polls(), 9u);
    simulation_.run_for(seconds(14));
    ASSERT_TRUE(gave_up_->ended()) << code_name(code);
    EXPECT_EQ(gave_up_->take(), make_status(code, "no"));
    EXPECT_EQ(worker_->health(), make_status(code, "no"));
    const std::size_t made = polls();
    simulation_.run_for(minutes(60));
    EXPECT_EQ(polls(), made);
    EXPECT_TRUE(ask(stop(*worker_, after(simulation_.now(), seconds(1)))));
  }
}

TEST_F(TemporalRetry, AnAnswerRestartsTheMinute) {
  // Refused for 50 s of every two minutes: by a proxy whose servers get ready.
  poll([](Duration since) { return since % minutes(2) < seconds(50) ? not_found("not yet") : ok_status(); });
  simulation_.run_for(minutes(60));
  EXPECT_FALSE(gave_up_->ended());
}

TEST_F(TemporalRetry, AnUnavailableServerIsNotARefusal) {
  poll([](Duration since) { return since % minutes(2) < seconds(50) ? not_found("not yet") : unavailable("away"); });
  simulation_.run_for(minutes(60));
  EXPECT_FALSE(gave_up_->ended());
}

TEST_F(TemporalRetry, TheOtherPollersEndWithTheOneThatGivesUp) {
  WorkerOptions options;
  options.task_queue = "work";
  Worker both(node_.context(), server_, node_.clock(), node_.random("both"), node_.log(), options);
  both.register_activity("nothing", &nothing);
  both.register_workflow("none", [] { return std::unique_ptr<Workflow>(); });
  server_.says = [](std::string_view method) {
    return method == "poll_activity_task_queue" ? permission_denied("no activities") : ok_status();
  };
  ASSERT_TRUE(ask(both.start(kNever)).ok());
  EXPECT_EQ(ask(both.gave_up()).code(), StatusCode::kPermissionDenied);
  simulation_.run_for(minutes(2));  // a poll that was waiting is let end
  server_.calls.clear();
  simulation_.run_for(minutes(10));
  EXPECT_TRUE(server_.calls.empty());
}

TEST_F(TemporalRetry, ShutdownIsAnnouncedOnce) {
  poll([](Duration) { return ok_status(); });
  simulation_.run_for(seconds(1));
  server_.says = [](std::string_view) { return unavailable("away"); };
  const Instant begin = simulation_.now();
  ask(stop(*worker_, after(begin, minutes(1))));
  EXPECT_EQ(server_.calls["shutdown_worker"].size(), 1u);
  EXPECT_LT(simulation_.now() - begin, seconds(1));
}

}  // namespace
}  // namespace reliant::temporal
