// The heartbeats that are under way when their activity, or their worker, ends.

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "base/text.h"
#include "kernel/node.h"
#include "kernel/simulation.h"
#include "runtime/sleep.h"
#include "support/started.h"
#include "temporal/worker.h"

namespace reliant::temporal {
namespace {

using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;
namespace wf = ports::wf;
using Seen = std::vector<std::string>;

// Has one activity to be done, and takes a second to answer a heartbeat.
class SlowTemporal final : public ports::Temporal {
 public:
  explicit SlowTemporal(Seen& seen) : seen_(seen) {}

#define RELIANT_TEST_METHOD(name, Name)                                                 \
  Task<Result<wf::Name##Response>> name(wf::Name##Request, Instant deadline) override { \
    return answer<wf::Name##Response>(#name, deadline);                                 \
  }
  RELIANT_TEMPORAL_METHODS(RELIANT_TEST_METHOD)
#undef RELIANT_TEST_METHOD

 private:
  // Says when it is over, one way or the other.
  struct Call {
    ~Call() { seen.push_back(concat(name, ended ? " ended" : " was called off")); }
    Seen& seen;
    std::string name;
    bool ended = false;
  };

  template <class Response>
  Task<Result<Response>> answer(std::string name, Instant deadline) {
    if (name.starts_with("poll_")) {
      if (!std::exchange(given_, true)) co_return task<Response>();
      co_await sleep_until(deadline);
      co_return Response();
    }
    Call call{seen_, name};
    if (name == "record_activity_task_heartbeat") co_await sleep_for(seconds(1));  // simulated: the duration of the call
    call.ended = true;
    co_return Response();
  }
  template <class Response>
  static Response task() {
    Response response;
    if constexpr (std::is_same_v<Response, wf::PollActivityTaskQueueResponse>) {
      response.set_task_token("token");
      response.mutable_activity_type()->set_name("work");
      response.mutable_heartbeat_timeout()->set_seconds(30);
    }
    return response;
  }

  Seen& seen_;
  bool given_ = false;
};

// Ends while its first heartbeat is under way.
Task<Result<std::string>> work(ActivityContext& context, std::string) {
  context.heartbeat("\"begun\"");
  co_await sleep_for(milliseconds(100));
  co_return "\"done\"";
}

Task<bool> start(Worker& worker) {
  const Status status = co_await worker.start(kNever);
  co_return status.ok();
}
Task<bool> stop(Worker& worker, Instant deadline) {
  co_await worker.stop(deadline);
  co_return true;
}

class TemporalHeartbeat : public ::testing::Test {
 protected:
  TemporalHeartbeat() {
    WorkerOptions options;
    options.task_queue = "work";
    options.activity_pollers = 1;
    worker_ = std::make_unique<Worker>(node_.context(), server_, node_.clock(), node_.random("worker"), node_.log(), options);
    worker_->register_activity("work", &work);
    const tests::Started<bool> started(node_.context(), start(*worker_));
    simulation_.run_for(milliseconds(200));
  }
  ~TemporalHeartbeat() override {
    worker_.reset();
    EXPECT_EQ(simulation_.failure().error(), nullptr);
    simulation_.shutdown();
  }

  // What was said of the activity, in the order in which it was over.
  Seen seen() const {
    Seen out = seen_;
    std::erase_if(out, [](const std::string& call) { return !call.starts_with("record_") && !call.starts_with("respond_"); });
    return out;
  }

  Seen seen_;
  sim::Simulation simulation_{7};
  sim::Node& node_ = simulation_.add_node("worker");
  SlowTemporal server_{seen_};
  std::unique_ptr<Worker> worker_;
};

// A server takes what its client calls off for an error, and some do not take it well.
TEST_F(TemporalHeartbeat, InFlightHeartbeatIsNotCancelledWhenActivityEnds) {
  EXPECT_EQ(seen(), (Seen{"respond_activity_task_completed ended"}));  // which does not wait for it
  simulation_.run_for(seconds(2));
  EXPECT_EQ(seen(), (Seen{"respond_activity_task_completed ended", "record_activity_task_heartbeat ended"}));
}

TEST_F(TemporalHeartbeat, InFlightHeartbeatIsNotCancelledWhenWorkerStops) {
  const Instant begin = simulation_.now();
  tests::Started<bool> stopped(node_.context(), stop(*worker_, after(begin, minutes(5))));
  EXPECT_TRUE(simulation_.run_until([&] { return stopped.ended(); }, after(begin, minutes(5))));
  EXPECT_LT(simulation_.now() - begin, seconds(2));
  EXPECT_EQ(seen(), (Seen{"respond_activity_task_completed ended", "record_activity_task_heartbeat ended"}));
}

TEST_F(TemporalHeartbeat, HeartbeatIsCancelledAtTheWorkersDeadline) {
  const Instant begin = simulation_.now();
  tests::Started<bool> stopped(node_.context(), stop(*worker_, after(begin, milliseconds(100))));
  EXPECT_TRUE(simulation_.run_until([&] { return stopped.ended(); }, after(begin, minutes(5))));
  EXPECT_LT(simulation_.now() - begin, milliseconds(200));
  EXPECT_EQ(seen(), (Seen{"respond_activity_task_completed ended", "record_activity_task_heartbeat was called off"}));
}

}  // namespace
}  // namespace reliant::temporal
