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
    judged.record("run.node", {{"id", kGateway}, {"called", "g"}, {"role", "gateway"}, {"user", ""}, {"daemon", ""}});
    judged.record("run.node", {{"id", kDaemon}, {"called", "d-node"}, {"role", "daemon"}, {"user", "u"}, {"daemon", "d"}});
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
  void stale() { status("stale"); }
  void status(std::string_view word) {
    judged.record("gateway.session.status", {{"user", "u"}, {"daemon", "d"}, {"epoch", 1}, {"status", word}}, kGateway);
  }
  void beat(std::uint64_t connection = kConnection) {
    judged.deliver({.way = Delivery::Way::kLink, .from = kDaemon, .to = kGateway, .connection = connection});
  }
  void say(Duration sent) {
    judged.deliver({.way = Delivery::Way::kLink, .from = kDaemon, .to = kGateway, .connection = kConnection, .sent = Instant(sent)});
  }
  Judged<StatusOracle> judged;
};

TEST_F(DaemonState, AConnectedDaemonIsConnectedInTheStore) { EXPECT_EQ(judged.complaints(), ""); }

TEST_F(DaemonState, TheStoreMustNotLagBehind) {
  judged.state.daemons[{"u", "d"}].connection = "disconnected";
  EXPECT_EQ(judged.complaints(), "status.converged");
}

TEST_F(DaemonState, ADaemonWhoseProcessDiedIsDisconnected) {
  judged.record("node.crashed", {{"called", "d-node"}, {"life", 1}}, kDaemon);
  EXPECT_EQ(judged.complaints(), "status.converged");
}

TEST_F(DaemonState, TheStoreNamesTheNewestStream) {
  judged.record("daemon.connected", {{"user", "u"}, {"daemon", "d"}, {"epoch", 2}, {"gateway", "h"}}, kDaemon);
  judged.record("daemon.disconnected", {{"daemon", "d"}, {"epoch", 1}}, kDaemon);
  EXPECT_EQ(judged.complaints(), "status.converged");
}

TEST_F(DaemonState, StaleAtThirtySecondsSharpIsRight) {
  judged.at(10s);
  beat();
  judged.at(40s);
  stale();
  EXPECT_EQ(judged.complaints(), "");
}

TEST_F(DaemonState, StaleANanosecondEarlyIsWrong) {
  judged.at(10s);
  beat();
  judged.at(40s - 1ns);
  stale();
  EXPECT_EQ(judged.complaints(), "status.boundary");
}

TEST_F(DaemonState, StaleANanosecondLateIsWrong) {
  judged.at(10s);
  beat();
  judged.at(40s + 1ns);
  stale();
  EXPECT_EQ(judged.complaints(), "status.boundary");
}

TEST_F(DaemonState, WhatComesByAnotherConnectionTellsNothing) {
  judged.at(10s);
  beat();
  judged.at(20s);
  beat(kConnection + 1);  // it tries to register anew
  judged.at(40s);
  stale();
  EXPECT_EQ(judged.complaints(), "");
}

TEST_F(DaemonState, DisconnectedAtTwoMinutesSharpIsRight) {
  judged.at(10s);
  beat();
  judged.at(130s);
  status("disconnected");
  EXPECT_EQ(judged.complaints(), "");
}

TEST_F(DaemonState, DisconnectedANanosecondEarlyIsWrong) {
  judged.at(130s - 1ns);
  status("disconnected");
  EXPECT_EQ(judged.complaints(), "status.boundary");
}

TEST_F(DaemonState, AGatewayThatWasPausedIsNotJudgedByItsClock) {
  judged.record("fault.pause", {{"target", "g"}, {"other", ""}, {"lasts_us", 1}});
  judged.at(50s);
  stale();
  EXPECT_EQ(judged.complaints(), "");
}

TEST_F(DaemonState, ADaemonThatRunsHasAStream) {
  judged.record("daemon.disconnected", {{"daemon", "d"}, {"epoch", 1}, {"why", "lost"}}, kDaemon);
  judged.state.daemons[{"u", "d"}].connection = "disconnected";
  EXPECT_EQ(judged.complaints(), "status.converged");
}

TEST_F(DaemonState, ASilenceOfThirtySecondsIsNoneYet) {
  judged.at(10s);
  beat();
  judged.at(40s);
  beat();
  EXPECT_EQ(judged.complaints(), "");
}

TEST_F(DaemonState, ASilenceThatNobodyNoticesIsSeen) {
  judged.at(10s);
  beat();
  judged.at(40s + 1ns);
  beat();
  EXPECT_EQ(judged.complaints(), "status.boundary");
}

TEST_F(DaemonState, AStreamDoesNotOutliveTwoMinutesOfSilence) {
  judged.at(10s);
  beat();
  judged.at(40s);
  stale();
  judged.at(130s + 1ns);
  beat();
  EXPECT_EQ(judged.complaints(), "status.boundary");
}

TEST_F(DaemonState, ADaemonGivesItsGatewayUpAtTwoMinutesSharp) {
  judged.at(120s);
  judged.record("daemon.disconnected", {{"daemon", "d"}, {"epoch", 1}, {"why", "nothing was heard from the gateway for 120 s"}}, kDaemon);
  judged.record("daemon.connected", {{"user", "u"}, {"daemon", "d"}, {"epoch", 1}, {"gateway", "g"}}, kDaemon);
  EXPECT_EQ(judged.complaints(), "");
}

TEST_F(DaemonState, ADaemonThatGivesItsGatewayUpEarlyIsSeen) {
  judged.at(120s - 1ns);
  judged.record("daemon.disconnected", {{"daemon", "d"}, {"epoch", 1}, {"why", "nothing was heard from the gateway for 120 s"}}, kDaemon);
  judged.record("daemon.connected", {{"user", "u"}, {"daemon", "d"}, {"epoch", 1}, {"gateway", "g"}}, kDaemon);
  EXPECT_EQ(judged.complaints(), "status.boundary");
}

TEST_F(DaemonState, ADaemonThatBeatsTooSeldomIsSeen) {
  judged.at(15s);
  say(15s);
  judged.at(29s);
  say(29s);
  EXPECT_EQ(judged.complaints(), "");
  judged.at(45s);
  say(45s);
  EXPECT_EQ(judged.complaints(), "status.beat");
}

}  // namespace
}  // namespace reliant::sim
