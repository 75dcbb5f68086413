#include "oracle/stop_oracle.h"

#include <gtest/gtest.h>

#include "unit/oracle/judged.h"

namespace reliant::sim {
namespace {

using namespace std::chrono_literals;

constexpr std::uint32_t kDaemon = 1;
constexpr std::uint32_t kGateway = 2;
constexpr std::uint32_t kOther = 3;

class Stop : public testing::Test {
 protected:
  Stop() {
    judged.node(kDaemon, "daemon-1", "daemon", "u", "d1");
    judged.node(kGateway, "gateway-1", "gateway");
    judged.node(kOther, "gateway-2", "gateway");
    for (const std::uint32_t gateway : {kGateway, kOther}) judged.record("gateway.started", {}, gateway);
    for (const char* daemon : {"d1", "d2", "d3"})
      judged.record("gateway.session.opened", {{"user", "u"}, {"daemon", daemon}, {"epoch", 1}}, kGateway);
    judged.at(10s);
  }
  void stop(std::string_view target, std::int64_t seconds = 10) {
    judged.record("fault.stop", {{"target", target}, {"lasts_us", seconds * 1'000'000}});
  }
  void move_on() {
    judged.record("daemon.moved_on", {{"daemon", "d1"}, {"from", "gateway-1:7000"}, {"to", "gateway-2:7000"}}, kDaemon);
  }
  void closed(std::string_view reason) {
    judged.record("gateway.session.closed", {{"user", "u"}, {"daemon", "d1"}, {"epoch", 1}, {"reason", reason}}, kGateway);
  }
  void drained() { judged.record("gateway.drained", {{"left", 3}}, kGateway); }

  Judged<StopOracle> judged;
};

TEST_F(Stop, DaemonThatWaitsForItsToolsPasses) {
  stop("daemon-1");
  judged.record("tool.effect.started", {{"request_id", "r"}}, kDaemon);
  judged.at(15s);
  judged.record("tool.effect.finished", {{"request_id", "r"}}, kDaemon);
  judged.record("node.exited", {{"called", "daemon-1"}}, kDaemon);
  EXPECT_EQ(judged.complaints(), "");
}

TEST_F(Stop, ToolMayBeInterruptedAfterTheGraceTime) {
  stop("daemon-1");
  judged.record("tool.effect.started", {{"request_id", "r"}}, kDaemon);
  judged.at(20s);
  judged.record("node.exited", {{"called", "daemon-1"}}, kDaemon);
  EXPECT_EQ(judged.complaints(), "");
}

TEST_F(Stop, ReportsAnEndDuringATool) {
  stop("daemon-1");
  judged.record("tool.effect.started", {{"request_id", "r"}}, kDaemon);
  judged.at(15s);
  judged.record("node.exited", {{"called", "daemon-1"}}, kDaemon);
  EXPECT_EQ(judged.complaints(), "stop.in_order");
}

TEST_F(Stop, DaemonThatWaitsForItsCredentialsPasses) {
  stop("daemon-1");
  judged.record("daemon.registered", {{"user", "u"}, {"daemon", "d1"}, {"recovers", 0}}, kDaemon);
  judged.at(12s);
  judged.record("daemon.credentials.kept", {{"daemon", "d1"}}, kDaemon);
  judged.record("node.exited", {{"called", "daemon-1"}}, kDaemon);
  EXPECT_EQ(judged.complaints(), "");
}

TEST_F(Stop, ReportsALostToken) {
  judged.record("daemon.registered", {{"user", "u"}, {"daemon", "d1"}, {"recovers", 0}}, kDaemon);
  stop("daemon-1");
  judged.record("node.exited", {{"called", "daemon-1"}}, kDaemon);
  EXPECT_EQ(judged.complaints(), "stop.in_order");
}

TEST_F(Stop, TokenMayBeLostOnAFullDiskOrAfterTheGraceTime) {
  judged.record("daemon.registered", {{"user", "u"}, {"daemon", "d1"}, {"recovers", 0}}, kDaemon);
  judged.record("daemon.credentials.not_kept", {{"daemon", "d1"}, {"error", "full"}}, kDaemon);
  stop("daemon-1");
  judged.record("node.exited", {{"called", "daemon-1"}}, kDaemon);
  judged.record("node.started", {{"called", "daemon-1"}}, kDaemon);
  judged.record("daemon.registered", {{"user", "u"}, {"daemon", "d1"}, {"recovers", 0}}, kDaemon);
  judged.at(20s);
  judged.record("node.exited", {{"called", "daemon-1"}}, kDaemon);
  EXPECT_EQ(judged.complaints(), "");
}

TEST_F(Stop, GatewayThatDrainsPasses) {
  stop("gateway-1");
  move_on();
  drained();
  EXPECT_EQ(judged.complaints(), "");
}

// They are on their way: the other gateway has written them down, and their streams here are ended for it before they know
// (seed 152936667139425 of rolling_restart_of_everything_under_load).
TEST_F(Stop, DaemonsThatJustMovedPass) {
  stop("gateway-1");
  closed(kReasonSuperseded);
  drained();
  EXPECT_EQ(judged.complaints(), "");
}

TEST_F(Stop, ReportsAGatewayWhoseDaemonsOnlyEnded) {
  stop("gateway-1");
  closed("");
  drained();
  EXPECT_EQ(judged.complaints(), "stop.sent_on");
}

TEST_F(Stop, ReportsAGatewayThatKeepsAllItsDaemons) {
  stop("gateway-1");
  drained();
  EXPECT_EQ(judged.complaints(), "stop.sent_on");
}

// Who knows which of them the gateway has heard first? That of 2 s leaves it no time.
TEST_F(Stop, TwoStopsAtOnceCountByTheShorterGrace) {
  stop("gateway-1");
  stop("gateway-1", 2);
  drained();
  EXPECT_EQ(judged.complaints(), "");
}

TEST_F(Stop, TwoStopsWithEnoughTimeAreJudged) {
  stop("gateway-1", 12);
  stop("gateway-1", 11);
  drained();
  EXPECT_EQ(judged.complaints(), "stop.sent_on");
}

TEST_F(Stop, DrainWithoutPeersIsNotAViolation) {
  stop("gateway-1");
  judged.record("node.crashed", {}, kOther);
  drained();
  EXPECT_EQ(judged.complaints(), "");
}

TEST_F(Stop, GatewayOnABadNetworkIsNotJudged) {
  judged.record("fault.partition", {{"target", "gateway-2"}});
  stop("gateway-1");
  drained();
  EXPECT_EQ(judged.complaints(), "");
}

}  // namespace
}  // namespace reliant::sim
