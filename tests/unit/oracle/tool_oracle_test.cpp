#include "oracle/tool_oracle.h"

#include <gtest/gtest.h>

#include "unit/oracle/judged.h"

namespace reliant::sim {
namespace {

using namespace std::chrono_literals;

constexpr std::uint32_t kDaemon = 2;

class Tool : public testing::Test {
 protected:
  Tool() {
    judged.node(kDaemon, "d-node", "daemon", "u", "d");
    judged.state.machines.emplace(DaemonKey{"u", "d"}, &machine);
    judged.state.executions["r"] = {.request = "r", .user = "u", .daemon = "d", .tool = "bash", .state = "done"};
    judged.at(1s);
    judged.record("gateway.request.routed", {{"request_id", "r"}, {"user", "u"}, {"daemon", "d"}});
  }
  void begin() {
    judged.record("tool.effect.started", {{"request_id", "r"}, {"tool", "bash"}, {"effect", "non_idempotent"}, {"daemon", "d"}},
                  kDaemon);
    machine.add({Instant{}, "r", "effect first"});
  }
  void finish() { judged.record("tool.effect.finished", {{"request_id", "r"}}, kDaemon); }
  void kept(std::string_view outcome) {
    judged.record("gateway.result.kept", {{"request_id", "r"}, {"user", "u"}, {"daemon", "d"}, {"outcome", outcome}});
  }
  void told(std::string_view outcome) {
    judged.record("worker.tool.finished", {{"request_id", "r"}, {"tool", "bash"}, {"outcome", outcome}});
  }
  void die() {
    judged.at(2s);
    judged.record("node.crashed", {{"called", "d-node"}, {"life", 1}}, kDaemon);
  }
  EffectRecord machine;
  Judged<ToolOracle> judged;
};

TEST_F(Tool, OneReportedRunPasses) {
  begin();
  finish();
  kept("executed");
  told("executed");
  EXPECT_EQ(judged.complaints(), "");
}

TEST_F(Tool, LeftBehindProcessMayRunUntilTheNextIncarnationConnects) {
  begin();
  die();
  judged.at(4s);
  judged.record("daemon.connected", {{"user", "u"}, {"daemon", "d"}}, kDaemon);
  machine.add({Instant(3s), "r", "effect second"});
  EXPECT_EQ(judged.complaints(), "");
}

TEST_F(Tool, ReportsALeftBehindProcessBesideTheNextIncarnation) {
  begin();
  die();
  judged.at(4s);
  judged.record("daemon.connected", {{"user", "u"}, {"daemon", "d"}}, kDaemon);
  machine.add({Instant(5s), "r", "effect second"});
  EXPECT_EQ(judged.complaints(), "tool.left_behind");
}

TEST_F(Tool, ReportsASecondRun) {
  begin();
  begin();
  EXPECT_EQ(judged.complaints(), "tool.at_most_once");
}

TEST_F(Tool, ReportsNotExecutedAfterABegin) {
  begin();
  told("not_executed");
  EXPECT_EQ(judged.complaints(), "tool.honest");
}

TEST_F(Tool, ReportsExecutedBeforeTheEnd) {
  begin();
  told("executed");
  EXPECT_EQ(judged.complaints(), "tool.honest");
}

TEST_F(Tool, UnknownPassesIfTheDaemonDied) {
  begin();
  die();
  kept("unknown");
  told("unknown");
  EXPECT_EQ(judged.complaints(), "");
}

TEST_F(Tool, ReportsUnknownIfTheDaemonLived) {
  begin();
  kept("unknown");
  EXPECT_EQ(judged.complaints(), "tool.honest");
}

TEST_F(Tool, ReportsUnknownIfTheStoreHasTheResult) {
  begin();
  finish();
  kept("executed");
  told("unknown");
  EXPECT_EQ(judged.complaints(), "tool.honest");
}

TEST_F(Tool, UnknownPassesIfTheResultWasStoredDuringTheCall) {
  begin();
  finish();
  judged.at(3s);
  kept("executed");
  judged.at(4s);
  judged.record("worker.tool.finished",
                {{"request_id", "r"}, {"tool", "bash"}, {"outcome", "unknown"}, {"write_us", 1'000'001}});
  EXPECT_EQ(judged.complaints(), "");
}

TEST_F(Tool, ReportsASecondAnswer) {
  begin();
  finish();
  told("executed");
  told("unknown");
  EXPECT_EQ(judged.complaints(), "tool.honest");
}

class CancelledTurn : public Tool {
 protected:
  CancelledTurn() {
    judged.record("tool.effect.started",
                  {{"request_id", "r"}, {"tool", "bash"}, {"effect", "non_idempotent"}, {"daemon", "d"}, {"chat", "c"}},
                  kDaemon);
    judged.at(5s);
    judged.record("worker.turn.finished", {{"user", "u"}, {"chat", "c"}, {"turn", "t"}, {"status", "cancelled"}});
  }
};

TEST_F(CancelledTurn, ItsToolEndsSoon) {
  judged.at(20s);
  finish();
  EXPECT_EQ(judged.complaints(), "");
}

TEST_F(CancelledTurn, ReportsAToolThatRunsOn) {
  judged.at(60s);
  finish();
  EXPECT_EQ(judged.complaints(), "tool.cancelled");
}

TEST_F(CancelledTurn, ToolOfADeadDaemonPasses) {
  judged.at(6s);
  judged.record("node.crashed", {{"called", "d-node"}, {"life", 1}}, kDaemon);
  EXPECT_EQ(judged.complaints(), "");
}

TEST_F(CancelledTurn, CancelMayBeLostDuringFaults) {
  judged.record("fault.crash", {{"target", "gateway-1"}, {"other", ""}, {"lasts_us", 1'000'000}});
  judged.at(60s);
  finish();
  EXPECT_EQ(judged.complaints(), "");
}

TEST_F(CancelledTurn, ReportsAToolThatStillRunsAtTheEnd) {
  judged.record("fault.partition", {{"target", "d-node"}, {"other", "all"}, {"lasts_us", 100'000'000}});
  judged.at(400s);
  judged.record("run.quiesced", {{"unfinished", 0}});
  EXPECT_EQ(judged.complaints(), "tool.cancelled");
}

TEST_F(Tool, ReportsABeginAfterACancelBeforeTheSend) {
  judged.record("worker.daemon.chosen",
                {{"user", "u"}, {"chat", "c"}, {"request_id", "q"}, {"daemon", "d"}, {"source", "chat"}});
  judged.at(5s);
  judged.record("worker.turn.finished", {{"user", "u"}, {"chat", "c"}, {"turn", "t"}, {"status", "cancelled"}});
  judged.at(60s);
  judged.record("gateway.request.replayed", {{"request_id", "q"}, {"cancelled", 1}});
  EXPECT_EQ(judged.complaints(), "");
  judged.record("tool.effect.started", {{"request_id", "q"}, {"tool", "view"}, {"effect", "read_only"}, {"daemon", "d"}},
                kDaemon);
  EXPECT_EQ(judged.complaints(), "tool.cancelled");
}

class Read : public testing::Test {
 protected:
  void route() { judged.record("gateway.read.routed", {{"request_id", "q"}, {"user", "u"}, {"daemon", "d"}}); }
  void begin(std::string_view effect) {
    judged.record("tool.effect.started", {{"request_id", "q"}, {"tool", "view"}, {"effect", effect}, {"daemon", "d"}}, kDaemon);
  }
  void told(std::string_view outcome) {
    judged.record("worker.tool.finished", {{"request_id", "q"}, {"tool", "view"}, {"outcome", outcome}});
  }
  Judged<ToolOracle> judged;
};

TEST_F(Tool, ViolationAtTheEndNamesItsRequestAndTime) {
  begin();
  finish();
  judged.at(3s);
  told("not_executed");
  judged.at(9s);
  const Violation complaint = judged.first_complaint();
  EXPECT_EQ(complaint.oracle, "tool.honest");
  EXPECT_EQ(complaint.subject, (Subject{{"request_id", "r"}, {"daemon", "d"}}));
  EXPECT_EQ(complaint.time, Instant{} + 3s);
}

TEST_F(Tool, ViolationAtARecordHasItsIds) {
  told("executed");
  judged.at(2s);
  judged.record("worker.tool.finished",
                {{"user", "u"}, {"chat", "c"}, {"request_id", "r"}, {"tool", "bash"}, {"outcome", "unknown"}});
  const Violation complaint = judged.first_complaint();
  EXPECT_EQ(complaint.subject, (Subject{{"request_id", "r"}, {"chat", "c"}, {"user", "u"}}));
  EXPECT_EQ(complaint.time, Instant{} + 2s);
}

TEST_F(Read, ReadOnlyCallMayRunAgainWithoutARow) {
  route();
  begin("read_only");
  begin("read_only");
  judged.record("tool.effect.finished", {{"request_id", "q"}}, kDaemon);
  told("executed");
  EXPECT_EQ(judged.complaints(), "");
}

TEST_F(Read, ReadOnlyCallWithARowIsReported) {
  judged.state.executions["q"] = {.request = "q", .user = "u", .daemon = "d", .tool = "view", .effect = "read_only"};
  EXPECT_EQ(judged.complaints(), "tool.recorded");
}

TEST_F(Read, UnrecordedCallWithSideEffectsIsReported) {
  route();
  begin("idempotent");
  EXPECT_EQ(judged.complaints(), "tool.recorded");
}

TEST_F(Read, ExecutedReadMustHaveFinished) {
  route();
  begin("read_only");
  told("executed");
  EXPECT_EQ(judged.complaints(), "tool.honest");
}

}  // namespace
}  // namespace reliant::sim
