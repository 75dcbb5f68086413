#include <algorithm>
#include <chrono>

#include "runtime/race.h"
#include "unit/daemon/daemon_world.h"

namespace reliant::daemon {
namespace {

using namespace std::chrono_literals;

class DaemonConnection : public DaemonWorld {
 protected:
  void stop(Duration timeout) {
    stopper_.spawn([](Daemon& daemon, Instant deadline) -> Task<void> { co_await daemon.stop(deadline); }(
                                                            life_->daemon, executor_.now() + timeout));
  }
  TaskScope stopper_{executor_, 3};
};

TEST_F(DaemonConnection, RegistrationCarriesTheDaemonsDescription) {
  options_.labels = {{"os", "linux"}};
  options_.version = "1.2";
  connect();
  const proto::Register& registration = gateway_->streams[0]->registration;
  EXPECT_EQ(registration.daemon_id(), "d1");
  EXPECT_EQ(registration.name(), "laptop");
  EXPECT_EQ(registration.kind(), proto::DAEMON_KIND_LOCAL);
  EXPECT_EQ(registration.labels().at("os"), "linux");
  EXPECT_EQ(registration.version(), "1.2");
  EXPECT_EQ(registration.tools_size(), 6);
  EXPECT_EQ(gateway_->streams[0]->link->metadata().at("authorization"), "Bearer rlnt_pat_x");
  ASSERT_EQ(log_.count("daemon.connected"), 1u);
  EXPECT_EQ(log_.entries.back().fields.at("user"), "user_1");
}

TEST_F(DaemonConnection, SendsHeartbeatEvery15Seconds) {
  gateway_ = make_gateway("gw:1");
  start();
  run_for(61s);
  ASSERT_EQ(gateway_->beats().size(), 4u);
  const Instant begin = gateway_->attempts[0];
  for (std::size_t i = 0; i < 4; ++i) EXPECT_EQ(gateway_->beats()[i] - begin, 15s * (i + 1));
}

TEST_F(DaemonConnection, ReconnectsWithFullJitterUpToTheCap) {
  gateway_ = make_gateway("gw:1");
  gateway_->refuse_with(unavailable("no database"));
  start();
  run_for(20min);
  const auto& attempts = gateway_->attempts;
  ASSERT_GT(attempts.size(), 40u);  // 15 s on average, once at the cap
  ASSERT_LT(attempts.size(), 160u);
  Duration ceiling = 1s;
  Duration longest{};
  for (std::size_t i = 1; i < attempts.size(); ++i) {
    EXPECT_LE(attempts[i] - attempts[i - 1], ceiling) << i;
    longest = std::max(longest, attempts[i] - attempts[i - 1]);
    ceiling = std::min<Duration>(ceiling * 2, 30s);
  }
  EXPECT_GT(longest, 20s);
}

TEST_F(DaemonConnection, BackoffResetsOnlyAfterAStableMinute) {
  gateway_ = make_gateway("gw:1");
  gateway_->refuse_with(unavailable("no"));
  start();
  run_for(5min);
  gateway_.reset();
  gateway_ = make_gateway("gw:1");
  run_for(31s);
  ASSERT_TRUE(life_->daemon.connected());
  run_for(61s);
  const Instant cut = executor_.now();
  gateway_->hang_up(unavailable("restart"));
  run_for(1500ms);
  ASSERT_EQ(gateway_->attempts.size(), 2u);
  EXPECT_LE(gateway_->attempts[1] - cut, 1s);
}

TEST_F(DaemonConnection, TriesAddressesRoundRobin) {
  options_.gateway_addresses = {"gw:1", "gw:2", "gw:3"};
  auto third = make_gateway("gw:3");
  start();
  run_for(10s);
  EXPECT_EQ(third->streams.size(), 1u);
  EXPECT_TRUE(life_->daemon.connected());
}

TEST_F(DaemonConnection, BackoffGrowsOnlyAfterEveryAddressFailed) {
  options_.gateway_addresses = {"gw:1", "gw:2", "gw:3"};
  std::vector<std::unique_ptr<FakeGateway>> gateways;
  for (const std::string& address : options_.gateway_addresses) {
    gateways.push_back(make_gateway(address));
    gateways.back()->refuse_with(unavailable("no database"));
  }
  start();
  run_for(5min);
  std::vector<Instant> attempts;
  for (const auto& gateway : gateways) attempts.insert(attempts.end(), gateway->attempts.begin(), gateway->attempts.end());
  std::ranges::sort(attempts);
  Duration ceiling = 1s;
  ASSERT_GT(attempts.size(), 20u);
  for (std::size_t i = 1; i < attempts.size(); ++i) {
    const bool round_is_over = i % 3 == 0;
    EXPECT_LE(attempts[i] - attempts[i - 1], round_is_over ? ceiling : Duration(1s)) << i;
    if (round_is_over) ceiling = std::min<Duration>(ceiling * 2, 30s);
  }
}

// All of its daemons lose it at once, and all find it gone: each of the two waits spreads them.
TEST_F(DaemonConnection, SecondBackoffSpreadsOverTwoSecondsAfterGatewayDeath) {
  options_.gateway_addresses = {"gw:1", "gw:2"};
  auto other = make_gateway("gw:2");
  Duration longest{};
  for (int i = 0; i < 30; ++i) {
    gateway_ = make_gateway("gw:1");
    start();
    run_for(89'950ms);  // its next beat is almost due: it has not fallen silent
    ASSERT_TRUE(life_->daemon.connected());
    const Instant cut = executor_.now();
    gateway_->refuse_with(unavailable("no database"));
    gateway_->hang_up(unavailable("the gateway dies"));
    run_for(4s);
    ASSERT_EQ(gateway_->attempts.size(), 2u);
    ASSERT_EQ(other->attempts.size(), static_cast<std::size_t>(i + 1));
    EXPECT_LE(gateway_->attempts.back() - cut, 1s);
    longest = std::max(longest, other->attempts.back() - gateway_->attempts.back());
    crash();
    gateway_.reset();
  }
  EXPECT_GT(longest, 1500ms);
  EXPECT_LE(longest, 2s);
}

TEST_F(DaemonConnection, HonoursRetryAfterOfAnOverloadedGateway) {
  gateway_ = make_gateway("gw:1");
  gateway_->refuse_with(with_retry_after(resource_exhausted("too many register"), 7s));
  start();
  run_for(10min);
  const auto& attempts = gateway_->attempts;
  ASSERT_GT(attempts.size(), 60u);  // it does not wait longer and longer: that is no failure
  Duration shortest = 1h;
  Duration longest{};
  for (std::size_t i = 1; i < attempts.size(); ++i) {
    shortest = std::min(shortest, attempts[i] - attempts[i - 1]);
    longest = std::max(longest, attempts[i] - attempts[i - 1]);
  }
  EXPECT_GE(shortest, 7s);
  EXPECT_LE(longest, 8s);
  EXPECT_GT(longest - shortest, 500ms);  // not together with all daemons that have received the same value
}

TEST_F(DaemonConnection, ConnectsToGatewaysAdvertisedByTheServer) {
  auto other = make_gateway("gw:7");
  gateway_ = make_gateway("gw:1");
  gateway_->told_addresses = {"gw:1", "gw:7"};
  start();
  run_for(1s);
  gateway_.reset();
  run_for(10s);
  EXPECT_EQ(other->streams.size(), 1u);
}

TEST_F(DaemonConnection, StopsReconnectingWhenTokenIsRejected) {
  gateway_ = make_gateway("gw:1");
  gateway_->refuse_with(with_reason(unauthenticated("the token was revoked"), kReasonTokenRevoked));
  start();
  run_for(1h);
  ASSERT_TRUE(life_->end.has_value());
  EXPECT_EQ(life_->end->code(), StatusCode::kUnauthenticated);
  EXPECT_EQ(reason_of(*life_->end), kReasonTokenRevoked);
  EXPECT_EQ(gateway_->attempts.size(), 1u);
}

TEST_F(DaemonConnection, BacksOffWhenReplacedByAnotherDaemon) {
  connect();
  gateway_->hang_up(with_reason(aborted("a newer stream"), kReasonSuperseded));
  run_for(9s);
  EXPECT_EQ(gateway_->streams.size(), 1u);
  run_for(30s);
  EXPECT_EQ(gateway_->streams.size(), 2u);
}

TEST_F(DaemonConnection, ClosesStreamAfter120SecondsOfGatewaySilence) {
  connect();
  gateway_->beats_back = false;
  run_for(119s);
  EXPECT_FALSE(gateway_->streams[0]->over);
  run_for(32s);
  EXPECT_TRUE(gateway_->streams[0]->over);
  EXPECT_EQ(gateway_->streams.size(), 2u);
}

// As what a process that is stopped listens at: connections come about, and are not answered. The link gives it up after 30 s.
TEST_F(DaemonConnection, FailsOverWithinASecondOfClosingASilentStream) {
  options_.gateway_addresses = {"gw:1", "gw:2"};
  auto other = make_gateway("gw:2");
  for (std::size_t i = 0; i < 10; ++i) {
    gateway_ = make_gateway("gw:1");
    gateway_->told_addresses = {"gw:1", "gw:2"};
    start();
    run_for(91s);
    ASSERT_TRUE(life_->daemon.connected());
    gateway_->frozen = true;
    executor_.run_until(gateway_->attempts[0] + 120s);  // since its last beat: 30 s
    gateway_->hang_up(unavailable("no answer to a ping"));
    run_for(1s);
    EXPECT_TRUE(life_->daemon.connected());
    EXPECT_EQ(other->streams.size(), i + 1);
    EXPECT_EQ(gateway_->attempts.size(), 1u);
    crash();
    gateway_.reset();
  }
}

TEST_F(DaemonConnection, SilentGatewayIsTriedLastUntilConnectedElsewhere) {
  options_.gateway_addresses = {"alias:1", "gw:2"};
  gateway_ = make_gateway("alias:1");
  gateway_->told_addresses = {"gw:1", "gw:3"};
  auto first = make_gateway("gw:1");
  auto second = make_gateway("gw:2");
  auto third = make_gateway("gw:3");
  third->told_addresses = {"gw:3", "gw:1"};
  start();
  run_for(61s);
  for (auto* gateway : {gateway_.get(), first.get(), second.get(), third.get()})
    gateway->refuse_with(unavailable("no database"));
  gateway_->frozen = true;
  run_for(130s);  // the 120 s, and all four of them
  EXPECT_LT(third->attempts.at(0), second->attempts.at(0));
  EXPECT_LT(second->attempts.at(0), gateway_->attempts.at(1));
  EXPECT_LT(gateway_->attempts.at(1), first->attempts.at(0));

  third->accept_again();
  run_for(30s);
  ASSERT_TRUE(life_->daemon.connected());
  first->attempts.clear();
  second->attempts.clear();
  gateway_->attempts.clear();
  third->refuse_with(unavailable("no database"));
  third->hang_up(unavailable("the gateway dies"));
  run_for(2min);
  EXPECT_LT(first->attempts.at(0), gateway_->attempts.at(0));
  EXPECT_LT(gateway_->attempts.at(0), second->attempts.at(0));
}

TEST_F(DaemonConnection, StreamStaysOpenWhileGatewaySendsHeartbeats) {
  connect();
  run_for(1h);
  EXPECT_EQ(gateway_->streams.size(), 1u);
  EXPECT_TRUE(life_->daemon.connected());
}

TEST_F(DaemonConnection, ConnectsElsewhereBeforeLeavingADrainingGateway) {
  connect();
  auto other = make_gateway("gw:2");
  gateway_->execute("r1", "append /log x; sleep 5; echo done");
  run_for(1s);
  proto::GatewayFrame frame;
  frame.mutable_drain()->add_gateway_addresses("gw:2");
  gateway_->send(frame);
  run_for(1s);
  ASSERT_EQ(other->streams.size(), 1u);
  ASSERT_TRUE(gateway_->streams[0]->over);
  EXPECT_FALSE(gateway_->streams[0]->end.has_value()) << "it said goodbye";
  EXPECT_TRUE(life_->daemon.connected());
  run_for(5s);
  EXPECT_EQ(other->results("r1").size(), 1u);
  EXPECT_EQ(machine_.effects.count("r1"), 1u);
}

TEST_F(DaemonConnection, StaysOnDrainingGatewayUntilAnotherAccepts) {
  connect();
  proto::GatewayFrame frame;
  frame.mutable_drain()->add_gateway_addresses("gw:2");
  gateway_->send(frame);
  run_for(3min);
  EXPECT_FALSE(gateway_->streams[0]->over);
  auto other = make_gateway("gw:2");
  run_for(31s);
  EXPECT_EQ(other->streams.size(), 1u);
  EXPECT_TRUE(gateway_->streams[0]->over);
}

TEST_F(DaemonConnection, ReconnectsAtOnceWhenDrainingGatewayClosesTheStream) {
  connect();
  proto::GatewayFrame frame;
  frame.mutable_drain()->add_gateway_addresses("gw:2");
  gateway_->send(frame);
  run_for(3min);  // by now it waits long between its attempts to move on
  gateway_->hang_up(unavailable("the gateway stops"));
  run_for(1100ms);
  EXPECT_EQ(gateway_->streams.size(), 2u) << "within the first backoff";
}

TEST_F(DaemonConnection, StopWaitsForRunningToolsAndDeliversResults) {
  connect();
  gateway_->acknowledges_results = true;
  gateway_->execute("r1", "sleep 3; echo done");
  run_for(1s);
  stop(10s);
  run_for(1s);
  EXPECT_FALSE(life_->end.has_value());
  gateway_->execute("r2", "append /log x");  // too late
  run_for(2s);
  ASSERT_TRUE(life_->end.has_value());
  EXPECT_TRUE(life_->end->ok());
  EXPECT_EQ(gateway_->results("r1").size(), 1u);
  EXPECT_EQ(machine_.effects.count("r2"), 0u);
  EXPECT_TRUE(gateway_->streams[0]->over);
  EXPECT_FALSE(gateway_->streams[0]->end.has_value()) << "it said goodbye";
}

TEST_F(DaemonConnection, StopReturnsAtTheDeadlineWithToolsRunning) {
  connect();
  gateway_->execute("r1", "sleep 1000");
  run_for(1s);
  stop(5s);
  run_for(6s);
  EXPECT_TRUE(life_->end.has_value());
}

TEST_F(DaemonConnection, StopReturnsWhileDisconnected) {
  start();
  run_for(10s);
  stop(5s);
  run_for(1s);
  ASSERT_TRUE(life_->end.has_value());
  EXPECT_TRUE(life_->end->ok());
}

// Whatever it waits for, it can be destroyed there (under ASan), and its next life goes on.
TEST(DaemonLife, CanBeDestroyedAtEveryStep) {
  class World : public DaemonWorld {
   public:
    World() : DaemonWorld(5) {}
    void TestBody() override {}
    void live(std::uint64_t steps) {
      gateway_ = make_gateway("gw:1");
      auto other = make_gateway("gw:2");
      start();
      executor_.run_until(executor_.now() + 10ms, std::min<std::uint64_t>(steps, 60));
      if (!gateway_->streams.empty() && steps > 60) {
        gateway_->execute("r1", "seq 30000; append /log x; sleep 1; echo done");
        gateway_->call("r2", "grep", R"({"pattern":"x"})", 0, proto::EFFECT_READ_ONLY);
        gateway_->cancel("r3");
        proto::GatewayFrame frame;
        frame.mutable_drain()->add_gateway_addresses("gw:2");
        gateway_->send(frame);
        executor_.run(steps - 60);
      }
      crash();
      EXPECT_EQ(machine_.running, 0u);
      other.reset();
      gateway_.reset();
      gateway_ = make_gateway("gw:1");
      start();
      executor_.run_until(executor_.now() + 1s);
      EXPECT_TRUE(life_->daemon.connected()) << steps;
      EXPECT_LE(machine_.effects.count("r1"), 1u);
    }
  };
  for (std::uint64_t steps = 1; steps < 400; steps += steps < 60 ? 1 : 4) World().live(steps);
}

}  // namespace
}  // namespace reliant::daemon
