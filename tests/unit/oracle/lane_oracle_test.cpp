#include "oracle/lane_oracle.h"

#include <gtest/gtest.h>

#include "unit/oracle/judged.h"

namespace reliant::sim {
namespace {

constexpr std::uint32_t kBus = 1;
constexpr std::uint32_t kWorker = 2;
constexpr std::uint32_t kGateway = 3;
constexpr std::uint32_t kOther = 4;

class Lane : public testing::Test {
 protected:
  Lane() { judged.node(kBus, "bus", "bus"); }
  void publish(std::string_view subject) { bus(kWorker, kBus, subject); }
  void deliver(std::uint32_t to, std::string_view subject) { bus(kBus, to, subject); }
  void bus(std::uint32_t from, std::uint32_t to, std::string_view subject) {
    judged.deliver({.way = Delivery::Way::kBus, .from = from, .to = to, .about = subject});
  }
  Judged<LaneOracle> judged;
};

TEST_F(Lane, OneGatewayGetsEachRequestOfTheQueueGroup) {
  publish("tools.request.u");
  deliver(kGateway, "tools.request.u");
  publish("tools.request.u");
  deliver(kOther, "tools.request.u");
  EXPECT_EQ(judged.complaints(), "");
}

TEST_F(Lane, ReportsARequestAtTwoGateways) {
  publish("tools.request.u");
  deliver(kGateway, "tools.request.u");
  deliver(kOther, "tools.request.u");
  EXPECT_EQ(judged.complaints(), "lane.queue_group");
}

TEST_F(Lane, ReportsADaemonsSubjectAtTwoGateways) {
  publish("tools.request.sync.u.d");
  deliver(kGateway, "tools.request.sync.u.d");
  deliver(kOther, "tools.request.sync.u.d");
  EXPECT_EQ(judged.complaints(), "lane.queue_group");
}

TEST_F(Lane, SubjectsOfAllGatewaysAreNotCounted) {
  for (const char* subject : {"tools.request.sync.u", "daemon.command.u", "tools.online.u"}) {
    publish(subject);
    deliver(kGateway, subject);
    deliver(kOther, subject);
  }
  EXPECT_EQ(judged.complaints(), "");
}

TEST_F(Lane, LostMessagesPass) {
  publish("tools.request.u");
  publish("tools.request.u");
  deliver(kGateway, "tools.request.u");
  EXPECT_EQ(judged.complaints(), "");
}

TEST_F(Lane, ImmediateOfflinePasses) {
  judged.at(std::chrono::seconds(100));
  judged.record("worker.daemon.offline", {{"user", "u"}, {"daemon", "d"}, {"request_id", "r"}, {"took_us", 3'100'000}});
  EXPECT_EQ(judged.complaints(), "");
}

TEST_F(Lane, ReportsALateOffline) {
  judged.node(9, "daemon-1", "daemon", "u", "d");
  judged.record("fault.crash", {{"target", "daemon-1"}, {"other", ""}, {"lasts_us", 60'000'000}});  // no excuse
  judged.at(std::chrono::seconds(100));
  judged.record("worker.daemon.offline", {{"user", "u"}, {"daemon", "d"}, {"request_id", "r"}, {"took_us", 10'000'000}});
  EXPECT_EQ(judged.complaints(), "lane.at_once");
}

TEST_F(Lane, LateOfflinePassesDuringBusFaults) {
  judged.record("fault.crash", {{"target", "bus"}, {"other", ""}, {"lasts_us", 60'000'000}});
  judged.at(std::chrono::seconds(100));
  judged.record("worker.daemon.offline", {{"user", "u"}, {"daemon", "d"}, {"request_id", "r"}, {"took_us", 10'000'000}});
  EXPECT_EQ(judged.complaints(), "");
}

}  // namespace
}  // namespace reliant::sim
