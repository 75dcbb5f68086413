#include "world/sim_temporal.h"

#include <gtest/gtest.h>

#include <optional>
#include <string>

#include "kernel/simulation.h"
#include "runtime/sleep.h"
#include "world/network.h"

namespace reliant::tests {
namespace {

namespace wf = ports::wf;
using sim::CallFault;

struct SimTemporalTest : ::testing::Test {
  sim::Simulation simulation{21};
  sim::Node& node = simulation.add_node("temporal");
  sim::Node& client = simulation.add_node("client");
  sim::Network network{simulation};
  sim::TemporalServer server{network, node};
  sim::SimTemporal temporal{server, client};

  template <class T>
  static Task<void> keep(Task<T> task, std::optional<T>& value) {
    value.emplace(co_await std::move(task));
  }
  template <class T>
  T get(Task<T> task) {
    std::optional<T> value;
    client.spawn(keep(std::move(task), value));
    simulation.run_until([&] { return value.has_value(); }, simulation.now() + std::chrono::minutes(5));
    RELIANT_ASSERT(value.has_value(), "a call of the test did not end");
    return *std::move(value);
  }
  Instant in(Duration duration) { return simulation.now() + duration; }
  void run_for(Duration duration) { simulation.run_for(duration); }

  Status send(std::string id, std::string request_id) {
    wf::SignalWithStartWorkflowExecutionRequest request;
    request.set_namespace_("default");
    request.set_workflow_id(std::move(id));
    request.mutable_workflow_type()->set_name("Chat");
    request.mutable_task_queue()->set_name("queue");
    request.set_signal_name("message");
    request.set_request_id(std::move(request_id));
    return get(temporal.signal_with_start_workflow_execution(request, in(std::chrono::seconds(40)))).status();
  }
  Task<Result<wf::PollWorkflowTaskQueueResponse>> poll() {
    wf::PollWorkflowTaskQueueRequest request;
    request.set_namespace_("default");
    request.mutable_task_queue()->set_name("queue");
    return temporal.poll_workflow_task_queue(request, in(std::chrono::seconds(60)));
  }
  // Null: there is no such workflow.
  std::optional<int> events(std::string id) {
    wf::GetWorkflowExecutionHistoryRequest request;
    request.set_namespace_("default");
    request.mutable_execution()->set_workflow_id(std::move(id));
    const auto page = get(temporal.get_workflow_execution_history(request, in(std::chrono::seconds(40))));
    if (!page.ok()) return std::nullopt;
    return page->history().events_size();
  }
};

TEST_F(SimTemporalTest, ALostRequestHasNoEffect) {
  server.fail_next_call(CallFault::kLostRequest);
  EXPECT_EQ(send("chat", "1").code(), StatusCode::kUnavailable);
  EXPECT_EQ(events("chat"), std::nullopt);
  EXPECT_EQ(server.faulty_calls(), 1u);
}

TEST_F(SimTemporalTest, ALostResponseKeepsTheEffect) {
  server.fail_next_call(CallFault::kLostResponse);
  EXPECT_EQ(send("chat", "1").code(), StatusCode::kUnavailable);
  EXPECT_EQ(events("chat"), 3);
  EXPECT_TRUE(send("chat", "1").ok());
  EXPECT_EQ(events("chat"), 3) << "the repetition is recognised";
}

TEST_F(SimTemporalTest, AnswersCallsUnderWayWithUnavailableWhenTheServerDies) {
  std::optional<Result<wf::PollWorkflowTaskQueueResponse>> polled;
  client.spawn(keep(poll(), polled));
  run_for(std::chrono::seconds(1));
  ASSERT_FALSE(polled.has_value());
  node.crash();
  run_for(std::chrono::seconds(1));
  ASSERT_TRUE(polled.has_value());
  EXPECT_EQ(polled->status().code(), StatusCode::kUnavailable);
  EXPECT_NE(send("chat", "1").code(), StatusCode::kOk);
  node.restart();
  EXPECT_TRUE(send("chat", "1").ok());
}

TEST_F(SimTemporalTest, KeepsWhatItAcknowledgedOverACrash) {
  ASSERT_TRUE(send("chat", "1").ok());
  node.crash();
  run_for(std::chrono::seconds(3));
  node.restart();
  EXPECT_EQ(events("chat"), 3);
  const auto task = get(poll());
  ASSERT_TRUE(task.ok()) << task.status();
  EXPECT_EQ(task->workflow_execution().workflow_id(), "chat");
}

TEST_F(SimTemporalTest, HoldsCallsDuringAShortPartitionAndFailsThemInALongOne) {
  network.partition(node, client);
  simulation.world().spawn([](sim::Network& net, sim::Node& a, sim::Node& b) -> Task<void> {
    co_await sleep_for(std::chrono::seconds(3));
    net.heal(a, b);
  }(network, node, client));
  EXPECT_TRUE(send("chat", "1").ok());
  network.partition(node, client);
  EXPECT_FALSE(send("chat", "2").ok());
  network.heal();
  EXPECT_TRUE(send("chat", "2").ok());
}

TEST_F(SimTemporalTest, DoesNotGiveATaskToAClientThatIsGone) {
  std::optional<Result<wf::PollWorkflowTaskQueueResponse>> polled;
  client.spawn(keep(poll(), polled));
  run_for(std::chrono::seconds(1));
  client.restart();
  run_for(std::chrono::seconds(1));
  sim::SimTemporal again(server, client);
  wf::StartWorkflowExecutionRequest request;
  request.set_namespace_("default");
  request.set_workflow_id("w");
  request.mutable_workflow_type()->set_name("T");
  request.mutable_task_queue()->set_name("queue");
  ASSERT_TRUE(get(again.start_workflow_execution(request, in(std::chrono::seconds(10)))).ok());
  wf::PollWorkflowTaskQueueRequest next;
  next.set_namespace_("default");
  next.mutable_task_queue()->set_name("queue");
  const auto task = get(again.poll_workflow_task_queue(next, in(std::chrono::seconds(5))));
  ASSERT_TRUE(task.ok());
  EXPECT_EQ(task->attempt(), 1);
  EXPECT_FALSE(polled.has_value());
}

}  // namespace
}  // namespace reliant::tests
