#include "oracle/status_oracle.h"

#include <gtest/gtest.h>

#include "reliant/tools/v1/daemon.pb.h"
#include "unit/oracle/judged.h"

namespace reliant::sim {
namespace {

namespace proto = ::reliant::tools::v1;
using namespace std::chrono_literals;

constexpr std::uint32_t kGateway = 1;
constexpr std::uint32_t kDaemon = 2;
constexpr std::uint64_t kConnection = 7;

class DaemonState : public testing::Test {
 protected:
  DaemonState() {
    judged.node(kGateway, "g", "gateway");
    judged.node(kDaemon, "d-node", "daemon", "u", "d");
    judged.record("gateway.session.opened", {{"user", "u"}, {"daemon", "d"}, {"epoch", 1}, {"gateway", "g"}}, kGateway);
    judged.record("daemon.connected", {{"user", "u"}, {"daemon", "d"}, {"epoch", 1}, {"gateway", "g"}}, kDaemon);
    greet(kConnection, 1);
    judged.state.daemons[{"u", "d"}] = {1, "g", "connected"};
  }
  void greet(std::uint64_t connection, std::int64_t epoch) {
    proto::GatewayFrame frame;
    frame.mutable_registered()->set_epoch(epoch);
    const std::string bytes = frame.SerializeAsString();
    judged.deliver({.way = Delivery::Way::kLink, .from = kGateway, .to = kDaemon, .connection = connection, .payload = bytes});
  }
  // The last beat of all came at 10 s; so much later, the gateway says what it thinks.
  void silence_then(Duration silence, std::string_view word) {
    beats_at(10s);
    judged.at(10s + silence);
    status(word);
  }
  void beats_at(Duration when) {
    judged.at(when);
    beat();
  }
  void status(std::string_view word) {
    judged.record("gateway.session.status", {{"user", "u"}, {"daemon", "d"}, {"epoch", 1}, {"status", word}}, kGateway);
  }
  void beat(std::uint64_t connection = kConnection) {
    judged.deliver({.way = Delivery::Way::kLink, .from = kDaemon, .to = kGateway, .connection = connection});
  }
  void says_at(Duration when) {
    judged.at(when);
    judged.deliver(
        {.way = Delivery::Way::kLink, .from = kDaemon, .to = kGateway, .connection = kConnection, .sent = Instant(when)});
  }
  void gives_its_gateway_up_at(Duration when) {
    judged.at(when);
    judged.record("daemon.disconnected",
                  {{"daemon", "d"}, {"epoch", 1}, {"why", "nothing was heard from the gateway for 120 s"}}, kDaemon);
    judged.record("daemon.connected", {{"user", "u"}, {"daemon", "d"}, {"epoch", 1}, {"gateway", "g"}}, kDaemon);
  }
  Judged<StatusOracle> judged;
};

TEST_F(DaemonState, AConnectedDaemonIsConnectedInTheStore) { EXPECT_EQ(judged.complaints(), ""); }

TEST_F(DaemonState, ReportsAStoreThatLagsBehind) {
  judged.state.daemons[{"u", "d"}].connection = "disconnected";
  EXPECT_EQ(judged.complaints(), "status.converged");
}

TEST_F(DaemonState, ADaemonWhoseProcessDiedIsDisconnected) {
  judged.record("node.crashed", {{"called", "d-node"}, {"life", 1}}, kDaemon);
  EXPECT_EQ(judged.complaints(), "status.converged");
}

TEST_F(DaemonState, ReportsAStoreWithAnOlderStream) {
  judged.record("daemon.connected", {{"user", "u"}, {"daemon", "d"}, {"epoch", 2}, {"gateway", "h"}}, kDaemon);
  judged.record("daemon.disconnected", {{"daemon", "d"}, {"epoch", 1}}, kDaemon);
  EXPECT_EQ(judged.complaints(), "status.converged");
}

TEST_F(DaemonState, StaleAtExactlyThirtySecondsPasses) {
  silence_then(30s, "stale");
  EXPECT_EQ(judged.complaints(), "");
}

TEST_F(DaemonState, ReportsStaleANanosecondEarly) {
  silence_then(30s - 1ns, "stale");
  EXPECT_EQ(judged.complaints(), "status.boundary");
}

TEST_F(DaemonState, ReportsStaleANanosecondLate) {
  silence_then(30s + 1ns, "stale");
  EXPECT_EQ(judged.complaints(), "status.boundary");
}

TEST_F(DaemonState, MessagesOfAnotherConnectionAreIgnored) {
  beats_at(10s);
  judged.at(20s);
  beat(kConnection + 1);  // it tries to register again
  judged.at(40s);
  status("stale");
  EXPECT_EQ(judged.complaints(), "");
}

TEST_F(DaemonState, DisconnectedAtExactlyTwoMinutesPasses) {
  silence_then(2min, "disconnected");
  EXPECT_EQ(judged.complaints(), "");
}

TEST_F(DaemonState, ReportsDisconnectedANanosecondEarly) {
  silence_then(2min - 1ns, "disconnected");
  EXPECT_EQ(judged.complaints(), "status.boundary");
}

TEST_F(DaemonState, ReportsDisconnectedANanosecondLate) {
  silence_then(2min + 1ns, "disconnected");
  EXPECT_EQ(judged.complaints(), "status.boundary");
}

TEST_F(DaemonState, AGatewayThatWasPausedIsNotJudgedByItsClock) {
  judged.record("fault.pause", {{"target", "g"}, {"other", ""}, {"lasts_us", 1}});
  judged.at(50s);
  status("stale");
  EXPECT_EQ(judged.complaints(), "");
}

TEST_F(DaemonState, ReportsARunningDaemonWithoutAStream) {
  judged.record("daemon.disconnected", {{"daemon", "d"}, {"epoch", 1}, {"why", "lost"}}, kDaemon);
  judged.state.daemons[{"u", "d"}].connection = "disconnected";
  EXPECT_EQ(judged.complaints(), "status.converged");
}

TEST_F(DaemonState, SilenceOfExactlyThirtySecondsPasses) {
  beats_at(10s);
  beats_at(40s);
  EXPECT_EQ(judged.complaints(), "");
}

TEST_F(DaemonState, ReportsAnUnnoticedSilence) {
  beats_at(10s);
  beats_at(40s + 1ns);
  EXPECT_EQ(judged.complaints(), "status.boundary");
}

TEST_F(DaemonState, ReportsAStreamAfterTwoMinutesOfSilence) {
  silence_then(30s, "stale");
  beats_at(130s + 1ns);
  EXPECT_EQ(judged.complaints(), "status.boundary");
}

TEST_F(DaemonState, DaemonLeavesASilentGatewayAtExactlyTwoMinutes) {
  gives_its_gateway_up_at(2min);
  EXPECT_EQ(judged.complaints(), "");
}

TEST_F(DaemonState, ReportsADaemonThatLeavesItsGatewayEarly) {
  gives_its_gateway_up_at(2min - 1ns);
  EXPECT_EQ(judged.complaints(), "status.boundary");
}

TEST_F(DaemonState, ReportsLateHeartbeats) {
  says_at(15s);
  says_at(29s);
  EXPECT_EQ(judged.complaints(), "");
  says_at(45s);
  EXPECT_EQ(judged.complaints(), "status.beat");
}

}  // namespace
}  // namespace reliant::sim
