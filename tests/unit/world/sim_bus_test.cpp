// What only the simulated network can do to the bus: cuts, crashes of clients and of the server at any step, slow clients.
#include <gtest/gtest.h>

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "kernel/simulation.h"
#include "runtime/scope.h"
#include "runtime/sleep.h"
#include "world/sim_bus.h"

namespace reliant::sim {
namespace {

using namespace std::chrono_literals;

ports::BusMessage message(std::string subject, std::string payload = "") {
  ports::BusMessage made;
  made.subject = std::move(subject);
  made.payload = std::move(payload);
  return made;
}

// A client that listens on a subject, notes what it hears and answers requests; its SimBus is at hand for the test.
class Client {
 public:
  Client(SimBusServer& server, Node& node, std::string subject, std::string group = "")
      : server_(server), node_(node), subject_(std::move(subject)), group_(std::move(group)) {
    node.start([this](Node& here) { return run(here); });
  }

  SimBus& bus() { return *bus_; }
  Node& node() { return node_; }
  std::vector<std::string> heard;
  std::vector<std::string> answers;  // to requests of its own: payloads, or "<CODE reason>"

  void request(std::string subject, std::string payload, Duration timeout) {
    node_.spawn(ask(std::move(subject), std::move(payload), timeout));
  }

 private:
  Task<void> run(Node& here) {
    SimBus bus(server_, here);
    bus_ = &bus;
    auto subscription = bus.subscribe({subject_, group_});
    for (;;) {
      auto next = co_await (*subscription)->next(kNever);
      if (!next.ok()) co_return;
      heard.push_back(next->payload);
      if (!next->reply_to.empty()) (void)bus.publish(message(next->reply_to, here.name()));
    }
  }
  Task<void> ask(std::string subject, std::string payload, Duration timeout) {
    const Instant deadline = after(node_.clock().now(), timeout);
    auto answer = co_await bus_->request(message(std::move(subject), std::move(payload)), deadline);
    if (answer.ok()) {
      answers.push_back(answer->payload);
    } else {
      answers.push_back(concat("<", code_name(answer.status().code()), reason_of(answer.status()), ">"));
    }
  }

  SimBusServer& server_;
  Node& node_;
  std::string subject_;
  std::string group_;
  SimBus* bus_ = nullptr;
};

class SimBusTest : public ::testing::Test {
 protected:
  void start(bool silent_crash = false, SimBusOptions options = {}) {
    network_.emplace(simulation_, NetworkOptions{.silent_crash_per_million = silent_crash ? 1'000'000u : 0u});
    server_.emplace(*network_, nats_, options);
    a_.emplace(*server_, simulation_.add_node("a"), "to.a");
    b_.emplace(*server_, simulation_.add_node("b"), "to.b");
    simulation_.run_for(5s);
    ASSERT_TRUE(a_->bus().connected() && b_->bus().connected());
  }
  std::string ask(Client& from, std::string subject, Duration timeout = 1s) {
    const std::size_t before = from.answers.size();
    from.request(std::move(subject), "?", timeout);
    simulation_.run_until([&] { return from.answers.size() > before; }, after(simulation_.now(), timeout * 2));
    return from.answers.size() > before ? from.answers.back() : "";
  }

  Simulation simulation_{21};
  Node& nats_ = simulation_.add_node("nats");
  std::optional<Network> network_;
  std::optional<SimBusServer> server_;
  std::optional<Client> a_;
  std::optional<Client> b_;
};

TEST_F(SimBusTest, ClientsConnectByThemselvesAndAnswerEachOther) {
  start();
  EXPECT_EQ(ask(*a_, "to.b"), "b");
  EXPECT_EQ(ask(*b_, "to.a"), "a");
}

TEST_F(SimBusTest, ShortPartitionHoldsMessagesAndDeliversThemLate) {
  start();
  network_->partition(a_->node(), nats_);
  EXPECT_TRUE(a_->bus().publish(message("to.b", "ghost")).ok()) << "the publisher is not notified";
  simulation_.run_for(5s);
  EXPECT_TRUE(b_->heard.empty());
  network_->heal();
  simulation_.run_for(5s);
  EXPECT_EQ(b_->heard, std::vector<std::string>{"ghost"});
}

TEST_F(SimBusTest, LongPartitionLosesMessagesAndDisconnects) {
  start();
  network_->partition(a_->node(), nats_);
  EXPECT_TRUE(a_->bus().publish(message("to.b", "lost")).ok());
  simulation_.run_for(60s);
  EXPECT_FALSE(a_->bus().connected());
  EXPECT_EQ(a_->bus().publish(message("to.b", "refused")).code(), StatusCode::kUnavailable);
  EXPECT_EQ(server_->clients(), 1u);
  EXPECT_EQ(ask(*b_, "to.a"), "<UNAVAILABLENO_RESPONDERS>") << "the server has noticed, too";
  network_->heal();
  simulation_.run_for(30s);
  EXPECT_TRUE(b_->heard.empty());
  EXPECT_TRUE(a_->bus().connected());
  EXPECT_EQ(ask(*b_, "to.a"), "a") << "interest was renewed";
  EXPECT_EQ(ask(*a_, "to.b"), "b");
}

TEST_F(SimBusTest, RequestFailsWhenItsConnectionIsLost) {
  start();
  network_->cut(nats_, a_->node());  // the request gets through, its answer does not
  EXPECT_EQ(ask(*a_, "to.b", 1h), "<UNAVAILABLE>");
  EXPECT_EQ(b_->heard.size(), 1u) << "it was executed";
}

TEST_F(SimBusTest, ServerCrashDisconnectsAllAndItsRestartBringsInterestBack) {
  start();
  nats_.crash();
  simulation_.run_for(1s);
  EXPECT_FALSE(a_->bus().connected() || b_->bus().connected());
  EXPECT_EQ(server_->subscriptions(), 0u);
  EXPECT_EQ(ask(*a_, "to.b"), "<UNAVAILABLE>");
  nats_.restart();
  simulation_.run_for(30s);
  EXPECT_EQ(ask(*a_, "to.b"), "b");
}

TEST_F(SimBusTest, InterestOfADeadClientStaysUntilTheServerNotices) {
  start(true);
  b_->node().crash();
  simulation_.run_for(1s);
  EXPECT_EQ(ask(*a_, "to.b"), "<DEADLINE_EXCEEDED>") << "not yet noticed";
  simulation_.run_for(60s);
  EXPECT_EQ(ask(*a_, "to.b"), "<UNAVAILABLENO_RESPONDERS>");
  EXPECT_EQ(server_->clients(), 1u);
}

TEST_F(SimBusTest, RestartedClientReceivesNothingOfItsOldIncarnation) {
  start(true);
  b_->node().crash();
  EXPECT_TRUE(a_->bus().publish(message("to.b", "for the old one")).ok());
  simulation_.run_for(1s);
  b_->node().restart();
  simulation_.run_for(5s);
  EXPECT_TRUE(b_->heard.empty());
  EXPECT_TRUE(a_->bus().publish(message("to.b", "for the new one")).ok());
  simulation_.run_for(5s);
  EXPECT_EQ(b_->heard, std::vector<std::string>{"for the new one"});
}

TEST_F(SimBusTest, QueueGroupMayPickADeadMemberUntilItIsNoticed) {
  start(true);
  Client c(*server_, simulation_.add_node("c"), "work", "g");
  Client d(*server_, simulation_.add_node("d"), "work", "g");
  simulation_.run_for(5s);
  c.node().crash();
  int lost = 0;
  int done = 0;
  for (int i = 0; i < 20; ++i) ++(ask(*a_, "work", 100ms) == "d" ? done : lost);
  EXPECT_GT(lost, 0);
  EXPECT_GT(done, 0);
  simulation_.run_for(60s);
  for (int i = 0; i < 20; ++i) EXPECT_EQ(ask(*a_, "work"), "d");
  simulation_.shutdown();
}

TEST_F(SimBusTest, PublishIsRefusedWhenTooMuchWaitsToBeSent) {
  SimBusOptions options;
  options.client_buffer = 10'000;
  start(false, options);
  network_->partition(a_->node(), nats_);
  int taken = 0;
  while (a_->bus().publish(message("to.b", std::string(1000, 'x'))).ok()) ASSERT_LT(++taken, 100);
  EXPECT_GE(taken, 9);
  network_->heal();
  simulation_.run_for(5s);
  EXPECT_EQ(b_->heard.size(), static_cast<std::size_t>(taken));
  EXPECT_TRUE(a_->bus().publish(message("to.b", "room again")).ok());
}

TEST_F(SimBusTest, ClientThatDoesNotReadIsDisconnected) {
  SimBusOptions options;
  options.server_buffer = 10'000;
  start(false, options);
  network_->cut(nats_, b_->node());
  for (int i = 0; i < 30; ++i) EXPECT_TRUE(a_->bus().publish(message("to.b", std::string(1000, 'x'))).ok());
  simulation_.run_for(5s);
  EXPECT_EQ(server_->clients(), 1u);
  network_->heal();
  simulation_.run_for(30s);
  EXPECT_LT(b_->heard.size(), 30u);
  EXPECT_EQ(ask(*a_, "to.b"), "b") << "it came back";
}

TEST_F(SimBusTest, ClientThatGoesWhileItConnectsIsForgotten) {
  start();
  Node& visitor = simulation_.add_node("visitor");
  auto visit = [](SimBusServer& server, Node& node, Duration stay) -> Task<void> {
    SimBus bus(server, node);
    auto subscription = bus.subscribe({"visit"});
    co_await sleep_for(stay);
  };
  for (Duration stay = 0us; stay < 3ms; stay += 100us) {
    visitor.spawn(visit(*server_, visitor, stay));
    simulation_.run_for(1ms);
  }
  simulation_.run_for(5s);
  EXPECT_EQ(server_->clients(), 2u);
  EXPECT_EQ(server_->subscriptions(), 4u) << "two of each client: its own and the one for answers";
  EXPECT_EQ(network_->connections(), 2u);
  EXPECT_EQ(ask(*a_, "visit"), "<UNAVAILABLENO_RESPONDERS>");
}

TEST_F(SimBusTest, InterestMayLagBehindTheFlushAsInACluster) {
  SimBusOptions options;
  options.interest_lag = 10s;
  start(false, options);
  simulation_.run_for(30s);
  bool before = true;
  bool flushed = false;
  auto subscribe = [](Client& client, Simulation& simulation, bool& known, bool& done) -> Task<void> {
    auto subscription = client.bus().subscribe({"late"});
    done = (co_await client.bus().flush(kNever)).ok();
    auto early = co_await client.bus().request(message("late"), after(simulation.now(), 100ms));
    known = reason_of(early.status()) != kReasonNoResponders;
    co_await sleep_for(10s);
    auto answer = co_await client.bus().request(message("late"), after(simulation.now(), 1s));
    EXPECT_NE(reason_of(answer.status()), kReasonNoResponders);
  };
  b_->node().spawn(subscribe(*b_, simulation_, before, flushed));
  simulation_.run_for(60s);
  EXPECT_FALSE(before);
  EXPECT_TRUE(flushed);
}

TEST_F(SimBusTest, SlowSubscriptionDropsTheNewest) {
  start();
  server_->options().max_pending = 2;
  std::uint64_t dropped = 0;
  std::vector<std::string> heard;
  auto listen = [](Client& client, std::uint64_t& lost, std::vector<std::string>& texts) -> Task<void> {
    auto subscription = client.bus().subscribe({"news"});
    co_await sleep_for(5s);
    for (int i = 0; i < 2; ++i) {
      auto message = co_await (*subscription)->next(kNever);
      texts.push_back(message->payload);
    }
    lost = (*subscription)->dropped();
  };
  a_->node().spawn(listen(*a_, dropped, heard));
  simulation_.run_for(1s);
  for (const char* text : {"1", "2", "3", "4", "5"}) (void)b_->bus().publish(message("news", text));
  simulation_.run_for(10s);
  EXPECT_EQ(heard, (std::vector<std::string>{"1", "2"}));
  EXPECT_EQ(dropped, 3u);
}

TEST_F(SimBusTest, PausedClientIsDisconnectedAndReconnects) {
  start();
  server_->options().server_buffer = 10'000;
  auto listen = [](Client& client) -> Task<void> {
    auto subscription = client.bus().subscribe({"news"});
    co_await never();
  };
  a_->node().spawn(listen(*a_));
  simulation_.run_for(1s);
  a_->node().pause();
  for (int i = 0; i < 20; ++i) (void)b_->bus().publish(message("news", std::string(1000, 'x')));
  simulation_.run_for(1s);
  EXPECT_EQ(server_->clients(), 1u);
  a_->node().resume();
  simulation_.run_for(10s);
  EXPECT_EQ(server_->clients(), 2u);
  EXPECT_TRUE(a_->bus().connected());
}

// --- a small service, struck at every step ---------------------------------------------------------

constexpr int kRequests = 3;

Task<void> respond(Node& node, SimBusServer& server) {
  SimBus bus(server, node);
  auto subscription = bus.subscribe({"service", "g"});
  for (;;) {
    auto request = co_await (*subscription)->next(kNever);
    if (!request.ok()) co_return;
    (void)bus.publish(message(request->reply_to, "re: " + request->payload));
  }
}

Task<void> ask_all(Node& node, SimBusServer& server, int& done) {
  SimBus bus(server, node);
  while (done < kRequests) {
    const std::string payload = concat(done);
    auto answer = co_await bus.request(message("service", payload), after(node.clock().now(), 5s));
    if (answer.ok()) {
      EXPECT_EQ(answer->payload, "re: " + payload);
      ++done;
    }
    co_await sleep_for(50ms);
  }
  (void)co_await bus.drain(after(node.clock().now(), 5s));
}

enum class Strike { kNothing, kCrashServer, kCrashResponder, kCrashRequester, kPartition, kReset };

struct Outcome {
  bool finished = false;
  std::uint64_t steps = 0;
  std::uint64_t hash = 0;
};

Outcome run_struck(std::uint64_t seed, Strike strike, std::uint64_t at_step) {
  Outcome outcome;
  Simulation simulation(seed);
  {
    Network network(simulation);
    Node& nats = simulation.add_node("nats");
    SimBusServer server(network, nats);
    int done = 0;
    Node& responder = simulation.add_node("responder");
    Node& requester = simulation.add_node("requester");
    responder.start([&server](Node& node) { return respond(node, server); });
    requester.start([&server, &done](Node& node) { return ask_all(node, server, done); });
    simulation.run(at_step);
    if (strike == Strike::kCrashServer) nats.crash();
    if (strike == Strike::kCrashResponder) responder.crash();
    if (strike == Strike::kCrashRequester) requester.crash();
    if (strike == Strike::kPartition) network.partition(nats, requester);
    if (strike == Strike::kReset) network.reset(nats);
    simulation.run_for(strike == Strike::kPartition ? 15s : 50ms);
    network.heal();
    for (Node* node : {&nats, &responder, &requester}) {
      if (!node->up()) node->restart();
    }
    const Instant limit = after(simulation.now(), 10min);
    outcome.finished = simulation.run_until([&] { return done >= kRequests; }, limit);
    simulation.run_for(1min);
    EXPECT_EQ(simulation.failure().error(), nullptr);
    EXPECT_EQ(network.connections(), 1u) << "the responder's alone: seed " << seed << " step " << at_step;
    EXPECT_EQ(server.clients(), 1u);
    outcome.steps = simulation.executor().steps();
    outcome.hash = simulation.hash();
  }
  EXPECT_EQ(simulation.live(), LiveCounts{}) << "seed " << seed << " step " << at_step;
  return outcome;
}

TEST(SimBusStruck, ServiceRecoversFromEveryStrikeAtEveryStep) {
  for (std::uint64_t seed = 1; seed <= 10; ++seed) {
    const std::uint64_t steps = run_struck(seed, Strike::kNothing, 0).steps;
    ASSERT_GT(steps, 30u);
    for (const Strike strike :
         {Strike::kCrashServer, Strike::kCrashResponder, Strike::kCrashRequester, Strike::kPartition, Strike::kReset}) {
      for (std::uint64_t step = 0; step <= steps; ++step) {
        ASSERT_TRUE(run_struck(seed, strike, step).finished)
            << "seed " << seed << " strike " << static_cast<int>(strike) << " step " << step;
      }
    }
  }
}

TEST(SimBusStruck, OneSeedIsOneRun) {
  for (const Strike strike : {Strike::kNothing, Strike::kCrashServer, Strike::kPartition}) {
    EXPECT_EQ(run_struck(5, strike, 20).hash, run_struck(5, strike, 20).hash);
    EXPECT_NE(run_struck(5, strike, 20).hash, run_struck(6, strike, 20).hash);
  }
}

}  // namespace
}  // namespace reliant::sim
