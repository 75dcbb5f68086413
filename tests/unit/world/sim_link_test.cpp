// What only the simulated network can do to links: cuts, resets, crashes at any step, restarts.
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
#include "world/sim_link.h"

namespace reliant::sim {
namespace {

using namespace std::chrono_literals;

constexpr std::string_view kAddress = "server:1";

// A link between two nodes, held by the test; each side notes what it receives.
struct Ends {
  std::vector<std::string> at_client;
  std::vector<std::string> at_server;
  std::optional<Status> client_ended;
  std::optional<Status> server_ended;
  Instant client_ended_at{};
  Instant server_ended_at{};
};

Task<void> note(ports::Link& link, std::vector<std::string>& messages, std::optional<Status>& ended, Instant& when,
                const Executor& executor) {
  for (;;) {
    auto message = co_await link.receive(kNever);
    if (message.ok() && *message) {
      messages.push_back(**std::move(message));
      continue;
    }
    ended = message.status();
    when = executor.now();
    co_return;
  }
}

class SimLinkTest : public ::testing::Test {
 protected:
  static NetworkOptions always(bool silent_crash) {
    NetworkOptions options;
    options.silent_crash_per_million = silent_crash ? 1'000'000 : 0;
    return options;
  }

  void start(NetworkOptions options = always(false)) {
    network_.emplace(simulation_, options);
    links_.emplace(*network_);
    server_.start([this](Node& node) { return serve(node); });
    simulation_.run_for(1ms);
    client_.start([this](Node& node) { return ask(node); });
    simulation_.run_for(1s);
    ASSERT_NE(accepted_, nullptr);
    ASSERT_NE(link_, nullptr);
  }
  Task<void> serve(Node& node) {
    SimLinkTransport transport(*links_, node, server_keepalive_);
    auto listener = transport.listen(std::string(kAddress));
    std::unique_ptr<ports::AcceptedLink> link = *co_await (*listener)->accept();
    accepted_ = link.get();
    co_await note(*link, ends_.at_server, ends_.server_ended, ends_.server_ended_at, node.executor());
    co_await never();
  }
  Task<void> ask(Node& node) {
    SimLinkTransport transport(*links_, node);
    std::unique_ptr<ports::Link> link = *co_await transport.connect({std::string(kAddress), "a/b", {}}, kNever);
    link_ = link.get();
    co_await note(*link, ends_.at_client, ends_.client_ended, ends_.client_ended_at, node.executor());
    co_await never();
  }
  static Task<void> send(ports::Link& link, std::string text) { (void)co_await link.send(std::move(text), kNever); }
  void client_sends(std::string text) { client_.spawn(send(*link_, std::move(text))); }
  void server_sends(std::string text) { server_.spawn(send(*accepted_, std::move(text))); }

  Simulation simulation_{11};
  Node& server_ = simulation_.add_node("server");
  Node& client_ = simulation_.add_node("client");
  std::optional<Network> network_;
  std::optional<SimLinks> links_;
  SimLinkKeepalive server_keepalive_;
  Ends ends_;
  ports::Link* link_ = nullptr;
  ports::AcceptedLink* accepted_ = nullptr;
};

TEST_F(SimLinkTest, PartitionHoldsMessagesUntilTheHeal) {
  start();
  network_->partition(client_, server_);
  client_sends("one");
  client_sends("two");
  simulation_.run_for(5s);
  EXPECT_TRUE(ends_.at_server.empty());
  network_->heal(client_, server_);
  simulation_.run_for(60s);
  EXPECT_EQ(ends_.at_server, (std::vector<std::string>{"one", "two"}));
  EXPECT_FALSE(ends_.client_ended || ends_.server_ended) << "it healed before a keepalive ended";
}

TEST_F(SimLinkTest, PartitionEndsBothSidesEachAtATimeOfItsOwn) {
  start();
  const Instant cut = simulation_.now();
  network_->partition(client_, server_);
  client_sends("lost");
  simulation_.run_for(60s);
  ASSERT_TRUE(ends_.client_ended && ends_.server_ended);
  EXPECT_EQ(ends_.client_ended->code(), StatusCode::kUnavailable);
  EXPECT_EQ(ends_.server_ended->code(), StatusCode::kUnavailable);
  EXPECT_GE(ends_.client_ended_at - cut, 10s);
  EXPECT_GE(ends_.server_ended_at - cut, 10s);
  EXPECT_NE(ends_.client_ended_at, ends_.server_ended_at);
  network_->heal();
  simulation_.run_for(60s);
  EXPECT_TRUE(ends_.at_server.empty());
  EXPECT_EQ(network_->connections(), 0u);
}

TEST_F(SimLinkTest, OneWayCutLetsTheOtherWayThroughAndEndsBoth) {
  start();
  network_->cut(client_, server_);
  client_sends("held");
  server_sends("passes");
  simulation_.run_for(5s);
  EXPECT_TRUE(ends_.at_server.empty());
  EXPECT_EQ(ends_.at_client, std::vector<std::string>{"passes"});
  simulation_.run_for(60s);
  EXPECT_TRUE(ends_.client_ended && ends_.server_ended);
}

TEST_F(SimLinkTest, IsolationCutsANodeFromAllUntilItsOwnHeal) {
  start();
  network_->isolate(server_);
  EXPECT_FALSE(network_->reachable(client_, server_));
  EXPECT_FALSE(network_->reachable(server_, simulation_.add_node("stranger")));
  EXPECT_TRUE(network_->reachable(server_, server_));
  network_->partition(client_, server_);
  network_->heal(server_);
  EXPECT_FALSE(network_->reachable(client_, server_)) << "cut by name as well";
  network_->heal(client_, server_);
  EXPECT_TRUE(network_->reachable(client_, server_));
}

TEST_F(SimLinkTest, NodesThatAreBothIsolatedMeetAgainWhenBothAreHealed) {
  start();
  network_->isolate(server_);
  network_->isolate(client_);
  network_->heal(server_);
  EXPECT_FALSE(network_->reachable(client_, server_));
  network_->heal(client_);
  EXPECT_TRUE(network_->reachable(client_, server_));
  EXPECT_TRUE(network_->reachable(server_, client_));
}

TEST_F(SimLinkTest, MessagesToAPausedProcessWaitInItsKernel) {
  start();
  server_.pause();
  client_sends("one");
  simulation_.run_for(5s);
  EXPECT_TRUE(ends_.at_server.empty());
  server_.resume();
  simulation_.run_for(5s);
  EXPECT_EQ(ends_.at_server, std::vector<std::string>{"one"});
  EXPECT_FALSE(ends_.client_ended || ends_.server_ended);
}

TEST_F(SimLinkTest, APausedProcessLosesItsPeerAndNoticesWhenItResumes) {
  start();
  server_.pause();
  client_sends("one");
  simulation_.run_for(130s);
  ASSERT_TRUE(ends_.client_ended) << "it answered no keepalive";
  EXPECT_FALSE(ends_.server_ended);
  server_.resume();
  simulation_.run_for(5s);
  EXPECT_EQ(ends_.at_server, std::vector<std::string>{"one"}) << "a message of the past";
  EXPECT_TRUE(ends_.server_ended);
  EXPECT_EQ(network_->connections(), 0u);
}

TEST_F(SimLinkTest, StreamOfAFrozenPeerEndsThirtySecondsAfterTheLastThatCame) {
  start();
  const Instant before = simulation_.now();
  server_sends("last");
  simulation_.run_for(1s);
  ASSERT_EQ(ends_.at_client, std::vector<std::string>{"last"});
  server_.pause();
  client_sends("into its buffers");
  simulation_.run_for(60s);
  ASSERT_TRUE(ends_.client_ended);
  EXPECT_GE(ends_.client_ended_at, after(before, 30s));
  EXPECT_LT(ends_.client_ended_at, after(before, 31s));
}

TEST_F(SimLinkTest, FrozenPeerThatRunsOnInTimeKeepsItsStream) {
  start();
  server_sends("last");
  simulation_.run_for(1s);
  server_.pause();
  simulation_.run_for(28s);
  server_.resume();
  simulation_.run_for(5min);
  EXPECT_FALSE(ends_.client_ended || ends_.server_ended);
}

TEST_F(SimLinkTest, EachSideHasAKeepaliveOfItsOwn) {
  server_keepalive_.keepalive_timeout = 130s;
  start();
  client_sends("last");
  simulation_.run_for(100ms);
  network_->half_open(client_, nullptr, Network::Believes::kBoth, true);
  simulation_.run_for(30s);
  EXPECT_TRUE(ends_.client_ended);
  simulation_.run_for(119s);
  EXPECT_FALSE(ends_.server_ended);
  simulation_.run_for(1s);
  EXPECT_TRUE(ends_.server_ended);
}

TEST_F(SimLinkTest, HalfOpenNotifiesOneSideOnly) {
  start();
  network_->half_open(client_, nullptr, Network::Believes::kPeer, false);
  server_sends("into the void");
  simulation_.run_for(10min);
  EXPECT_TRUE(ends_.client_ended);
  EXPECT_FALSE(ends_.server_ended);
  EXPECT_TRUE(ends_.at_client.empty());
  network_->heal();
  simulation_.run_for(1s);
  EXPECT_TRUE(ends_.server_ended) << "healed: the connection is reset";
  EXPECT_EQ(network_->connections(), 0u);
}

TEST_F(SimLinkTest, HalfOpenIsNoticedByKeepaliveUnlessSomethingAnswersIt) {
  start();
  network_->half_open(server_, &client_, Network::Believes::kBoth, true);
  client_sends("lost");
  simulation_.run_for(9s);
  EXPECT_FALSE(ends_.client_ended || ends_.server_ended);
  simulation_.run_for(60s);
  EXPECT_TRUE(ends_.client_ended && ends_.server_ended);
  EXPECT_TRUE(ends_.at_server.empty());
}

TEST_F(SimLinkTest, ResetEndsBothSides) {
  start();
  network_->reset(client_, server_);
  simulation_.run_for(1s);
  ASSERT_TRUE(ends_.client_ended && ends_.server_ended);
  EXPECT_EQ(ends_.client_ended->code(), StatusCode::kUnavailable);
  EXPECT_EQ(network_->connections(), 0u);
}

TEST_F(SimLinkTest, CrashOfAProcessNotifiesItsPeerAtOnce) {
  start();
  server_.crash();
  simulation_.run_for(1s);
  ASSERT_TRUE(ends_.client_ended);
  EXPECT_EQ(ends_.client_ended->code(), StatusCode::kUnavailable);
  EXPECT_EQ(network_->connections(), 0u);
}

TEST_F(SimLinkTest, CrashOfAMachineIsNoticedByKeepaliveOnly) {
  start(always(true));
  client_.crash();
  simulation_.run_for(9s);
  EXPECT_FALSE(ends_.server_ended);
  simulation_.run_for(60s);
  ASSERT_TRUE(ends_.server_ended);
  EXPECT_EQ(ends_.server_ended->code(), StatusCode::kUnavailable);
}

TEST_F(SimLinkTest, RestartedNodeNeverSeesAnOldLinkAndAnswersItWithAReset) {
  start(always(true));
  server_.crash();
  client_sends("for the old one");
  simulation_.run_for(1s);
  ends_.at_server.clear();
  server_.restart();
  simulation_.run_for(1s);
  EXPECT_FALSE(ends_.client_ended);
  client_sends("again");
  simulation_.run_for(1s);
  EXPECT_TRUE(ends_.client_ended) << "the new process does not know the link";
  EXPECT_TRUE(ends_.at_server.empty());
}

TEST_F(SimLinkTest, LinkOfADeadProcessIsInert) {
  start();
  auto last_words = [](Node& node, ports::Link& link) -> Task<void> {
    node.crash();
    EXPECT_EQ((co_await link.send("ghost", kNever)).code(), StatusCode::kUnavailable);
    link.cancel();
  };
  client_.spawn(last_words(client_, *link_));
  simulation_.run_for(1s);
  EXPECT_TRUE(ends_.at_server.empty());
  ASSERT_TRUE(ends_.server_ended);
  EXPECT_EQ(ends_.server_ended->code(), StatusCode::kUnavailable) << "a crash, not a cancel";
}

TEST_F(SimLinkTest, CancelDropsWhatThePeerHasNotTaken) {
  start();
  std::vector<std::string> taken;
  auto late = [](SimLinks& links, Node& node, std::vector<std::string>& noted) -> Task<void> {
    SimLinkTransport transport(links, node);
    auto listener = transport.listen("server:2");
    auto link = co_await (*listener)->accept();
    co_await sleep_for(1s);
    auto message = co_await (*link)->receive(kNever);
    noted.push_back(std::string(code_name(message.status().code())));
  };
  auto hasty = [](SimLinks& links, Node& node) -> Task<void> {
    SimLinkTransport transport(links, node);
    co_await sleep_for(10ms);
    auto link = co_await transport.connect({"server:2", "a/b", {}}, kNever);
    (void)co_await (*link)->send("never mind", kNever);
    (*link)->cancel();
  };
  server_.spawn(late(*links_, server_, taken));
  client_.spawn(hasty(*links_, client_));
  simulation_.run_for(5s);
  EXPECT_EQ(taken, std::vector<std::string>{"CANCELLED"});
}

TEST_F(SimLinkTest, BandwidthMakesMessagesQueue) {
  start();
  network_->set_bandwidth(client_, server_, 1000);
  for (int i = 0; i < 10; ++i) client_sends(std::string(1000, 'b'));
  simulation_.run_for(5500ms);
  EXPECT_EQ(ends_.at_server.size(), 5u);
  simulation_.run_for(10s);
  EXPECT_EQ(ends_.at_server.size(), 10u);
}

TEST_F(SimLinkTest, LossDelaysAndKeepsTheOrder) {
  start();
  network_->set_loss(client_, server_, 300'000);
  std::vector<std::string> sent;
  sent.reserve(100);
  for (int i = 0; i < 100; ++i) sent.push_back(std::to_string(i));
  auto all = [](ports::Link& link, std::vector<std::string> messages) -> Task<void> {
    for (std::string& message : messages) (void)co_await link.send(std::move(message), kNever);
  };
  client_.spawn(all(*link_, sent));
  simulation_.run_for(60s);
  EXPECT_EQ(ends_.at_server, sent);
}

TEST_F(SimLinkTest, ConnectToAnUnreachableNodeEndsAtTheTimeoutOrTheDeadline) {
  start();
  network_->partition(client_, server_);
  std::vector<StatusCode> codes;
  auto connect = [](SimLinks& links, Node& node, Duration timeout, std::vector<StatusCode>& noted) -> Task<void> {
    SimLinkTransport transport(links, node);
    const Instant deadline = after(node.clock().now(), timeout);
    const auto link = co_await transport.connect({std::string(kAddress), "a/b", {}}, deadline);
    noted.push_back(link.status().code());
  };
  client_.spawn(connect(*links_, client_, 3s, codes));
  simulation_.run_for(4s);
  client_.spawn(connect(*links_, client_, 1h, codes));
  simulation_.run_for(30s);
  EXPECT_EQ(codes, (std::vector<StatusCode>{StatusCode::kDeadlineExceeded, StatusCode::kUnavailable}));
}

// --- a small service, struck at every step ---------------------------------------------------------

constexpr int kCalls = 3;

Task<void> echo(std::unique_ptr<ports::AcceptedLink> link) {
  for (;;) {
    auto message = co_await link->receive(kNever);
    if (!message.ok()) co_return;
    if (!*message) break;
    if (!(co_await link->send("re: " + **message, kNever)).ok()) co_return;
  }
  link->finish(ok_status());
}

Task<void> echo_server(Node& node, SimLinks& links) {
  SimLinkTransport transport(links, node);
  auto listener = transport.listen(std::string(kAddress));
  if (!listener.ok()) throw std::runtime_error("the address of a dead process is free");
  TaskScope sessions(node.context());
  for (;;) {
    auto link = co_await (*listener)->accept();
    if (!link.ok()) co_return;
    sessions.spawn(echo(*std::move(link)));
  }
}

Task<bool> converse(SimLinkTransport& transport, Clock& clock) {
  const Instant deadline = after(clock.now(), 60s);
  auto link = co_await transport.connect({std::string(kAddress), "a/b", {}}, deadline);
  if (!link.ok()) co_return false;
  for (const char* text : {"a", "b"}) {
    if (!(co_await (*link)->send(text, deadline)).ok()) co_return false;
  }
  if (!(*link)->half_close().ok()) co_return false;
  for (const char* text : {"re: a", "re: b"}) {
    auto answer = co_await (*link)->receive(deadline);
    if (!answer.ok() || !*answer) co_return false;
    EXPECT_EQ(**answer, text);
  }
  auto end = co_await (*link)->receive(deadline);
  co_return end.ok() && !*end;
}

Task<void> echo_client(Node& node, SimLinks& links, int& done) {
  SimLinkTransport transport(links, node);
  while (done < kCalls) {
    if (co_await converse(transport, node.clock())) ++done;
    co_await sleep_for(100ms);
  }
}

enum class Strike { kNothing, kCrashServer, kCrashClient, kPartition, kReset };

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
    SimLinks links(network);
    int done = 0;
    Node& server = simulation.add_node("server");
    Node& client = simulation.add_node("client");
    server.start([&links](Node& node) { return echo_server(node, links); });
    client.start([&links, &done](Node& node) { return echo_client(node, links, done); });
    simulation.run(at_step);
    if (strike == Strike::kCrashServer) server.crash();
    if (strike == Strike::kCrashClient) client.crash();
    if (strike == Strike::kPartition) network.partition(server, client);
    if (strike == Strike::kReset) network.reset(server);
    simulation.run_for(strike == Strike::kPartition ? 15s : 50ms);
    network.heal();
    for (Node* node : {&server, &client}) {
      if (!node->up()) node->restart();
    }
    const Instant limit = after(simulation.now(), 10min);
    outcome.finished = simulation.run_until([&] { return done >= kCalls; }, limit);
    simulation.run_for(5min);
    EXPECT_EQ(simulation.failure().error(), nullptr);
    EXPECT_EQ(network.connections(), 0u) << "seed " << seed << " step " << at_step;
    outcome.steps = simulation.executor().steps();
    outcome.hash = simulation.hash();
  }
  EXPECT_EQ(simulation.live(), LiveCounts{}) << "seed " << seed << " step " << at_step;
  return outcome;
}

TEST(SimLinkStruck, ServiceRecoversFromEveryStrikeAtEveryStep) {
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    const std::uint64_t steps = run_struck(seed, Strike::kNothing, 0).steps;
    ASSERT_GT(steps, 30u);
    for (const Strike strike : {Strike::kCrashServer, Strike::kCrashClient, Strike::kPartition, Strike::kReset}) {
      for (std::uint64_t step = 0; step <= steps; ++step) {
        ASSERT_TRUE(run_struck(seed, strike, step).finished)
            << "seed " << seed << " strike " << static_cast<int>(strike) << " step " << step;
      }
    }
  }
}

TEST(SimLinkStruck, OneSeedIsOneRun) {
  for (const Strike strike : {Strike::kNothing, Strike::kCrashServer, Strike::kPartition}) {
    EXPECT_EQ(run_struck(5, strike, 20).hash, run_struck(5, strike, 20).hash);
    EXPECT_NE(run_struck(5, strike, 20).hash, run_struck(6, strike, 20).hash);
  }
}

}  // namespace
}  // namespace reliant::sim
