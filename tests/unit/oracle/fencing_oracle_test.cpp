#include "oracle/fencing_oracle.h"

#include <gtest/gtest.h>

#include "unit/oracle/judged.h"

namespace reliant::sim {
namespace {

using namespace std::chrono_literals;

class Fencing : public testing::Test {
 protected:
  void accept(std::int64_t epoch) {
    judged.record("gateway.session.opened", {{"user", "u"}, {"daemon", "d"}, {"epoch", epoch}, {"gateway", "g"}});
  }
  // Of epoch 2, by that of epoch 3.
  void replace_stream() {
    judged.state.daemons[{"u", "d"}] = {3, "g", "connected"};
    accept(2);
    accept(3);
  }
  void act(std::string_view name, std::int64_t epoch, Duration took) {
    judged.record(name, {{"user", "u"}, {"daemon", "d"}, {"epoch", epoch}, {"took_us", took / 1us}});
  }
  Judged<FencingOracle> judged;
};

TEST_F(Fencing, NewestStreamPasses) {
  replace_stream();
  judged.at(1s);
  for (const char* name : {"gateway.result.kept", "gateway.status.written", "gateway.request.routed"}) act(name, 3, 1ms);
  EXPECT_EQ(judged.complaints(), "");
}

TEST_F(Fencing, ReportsAnOlderStream) {
  replace_stream();
  judged.at(1s);
  act("gateway.result.kept", 2, 1ms);
  act("gateway.status.written", 2, 1ms);
  act("gateway.request.routed", 2, 1ms);
  EXPECT_EQ(judged.complaints(), "fencing.answers fencing.status fencing.routed");
}

TEST_F(Fencing, ViolationNamesTheDaemon) {
  replace_stream();
  judged.at(1s);
  judged.record("gateway.result.kept", {{"request_id", "r"}, {"user", "u"}, {"daemon", "d"}, {"epoch", 2}, {"took_us", 9}});
  const Violation complaint = judged.first_complaint();
  EXPECT_EQ(complaint.subject, (Subject{{"daemon", "d"}, {"user", "u"}}));
  EXPECT_EQ(complaint.time, Instant{} + 1s);
}

TEST_F(Fencing, CallBegunBeforeTheNewStreamMayEndAfterIt) {
  judged.state.daemons[{"u", "d"}] = {3, "g", "connected"};
  accept(2);
  judged.at(1s);
  accept(3);
  judged.at(2s);
  act("gateway.status.written", 2, 1100ms);
  EXPECT_EQ(judged.complaints(), "");
}

// No write fences a read; but in a calm every gateway knows of the newer stream by then.
TEST_F(Fencing, ReportsALateReadOfAnOlderStream) {
  replace_stream();
  judged.at(45s);
  act("gateway.read.routed", 2, 0s);
  act("gateway.read.answered", 2, 0s);
  judged.at(46s);
  act("gateway.read.answered", 3, 0s);
  EXPECT_EQ(judged.complaints(), "");
  act("gateway.read.routed", 2, 0s);
  EXPECT_EQ(judged.complaints(), "fencing.reads");
}

TEST_F(Fencing, ReadOfAnOlderStreamPassesDuringFaults) {
  replace_stream();
  judged.at(100s);
  judged.record("fault.partition", {{"target", "g"}, {"other", "bus"}, {"lasts_us", 10'000'000}});
  judged.at(120s);
  act("gateway.read.answered", 2, 0s);
  EXPECT_EQ(judged.complaints(), "");
}

TEST_F(Fencing, AnotherUsersDaemonOfTheSameNameIsAnotherDaemon) {
  judged.state.daemons[{"u", "d"}] = {2, "g", "connected"};
  judged.state.daemons[{"v", "d"}] = {9, "g", "connected"};
  accept(2);
  judged.record("gateway.session.opened", {{"user", "v"}, {"daemon", "d"}, {"epoch", 9}, {"gateway", "g"}});
  judged.at(1s);
  act("gateway.status.written", 2, 1ms);
  EXPECT_EQ(judged.complaints(), "");
}

TEST_F(Fencing, ReportsAStoreWithAnOlderEpoch) {
  judged.state.daemons[{"u", "d"}] = {2, "g", "connected"};
  accept(2);
  accept(3);
  EXPECT_EQ(judged.complaints(), "fencing.epoch");
}

}  // namespace
}  // namespace reliant::sim
