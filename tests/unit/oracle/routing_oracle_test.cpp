#include "oracle/routing_oracle.h"

#include <gtest/gtest.h>

#include "unit/oracle/judged.h"

namespace reliant::sim {
namespace {

using namespace std::chrono_literals;

class Routed : public testing::Test {
 protected:
  void opened() { judged.record("gateway.session.opened", {{"user", "u"}, {"daemon", "d"}, {"epoch", 1}, {"gateway", "g"}}); }
  void closed() { judged.record("gateway.session.closed", {{"user", "u"}, {"daemon", "d"}, {"epoch", 1}, {"gateway", "g"}}); }
  void told_offline(std::string_view user, std::int64_t took_us) {
    judged.record("worker.daemon.offline", {{"user", user}, {"daemon", "d"}, {"request_id", "r"}, {"took_us", took_us}});
  }
  void chosen() {
    judged.record("worker.daemon.chosen", {{"user", "u"}, {"daemon", "d"}, {"request_id", "r"}, {"source", "connected"}});
  }
  Judged<RoutingOracle> judged;
};

TEST_F(Routed, ReportsOfflineOfAConnectedDaemon) {
  opened();
  judged.at(10s);
  told_offline("u", 1000);
  EXPECT_EQ(judged.complaints(), "routing.offline");
}

TEST_F(Routed, JustConnectedOrForeignDaemonMayBeOffline) {
  opened();
  judged.at(10s);
  told_offline("v", 1000);
  told_offline("u", 6'000'000);  // asked before every process could know of the stream
  EXPECT_EQ(judged.complaints(), "");
}

TEST_F(Routed, OfflineDaemonWithoutAStreamPasses) {
  opened();
  judged.at(10s);
  closed();
  judged.at(20s);
  told_offline("u", 1000);
  EXPECT_EQ(judged.complaints(), "");
}

// The resolver has read the store before: a new daemon of the same name may have ended that stream, and its own is just opening
// (seed 92340683619830 of duplicate_daemon_id).
TEST_F(Routed, DefaultMayHaveLostItsStreamAtThatInstant) {
  opened();
  judged.at(10s);
  closed();
  judged.at(10s + 9ms);
  chosen();
  EXPECT_EQ(judged.complaints(), "");
}

TEST_F(Routed, ReportsADefaultThatLeftLongAgo) {
  opened();
  judged.at(10s);
  closed();
  judged.at(15s);
  chosen();
  EXPECT_EQ(judged.complaints(), "routing.default");
}

TEST_F(Routed, ReportsADefaultThatNeverConnected) {
  chosen();
  EXPECT_EQ(judged.complaints(), "routing.default");
}

TEST_F(Routed, ChoicesAfterAFaultAreNotJudged) {
  opened();
  judged.at(10s);
  judged.record("fault.link_reset", {{"target", "d"}, {"other", ""}, {"lasts_us", 0}});
  judged.at(30s);
  told_offline("u", 1000);
  judged.at(80s);
  EXPECT_EQ(judged.complaints(), "");
}

}  // namespace
}  // namespace reliant::sim
