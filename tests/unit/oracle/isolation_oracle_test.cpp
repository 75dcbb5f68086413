#include "oracle/isolation_oracle.h"

#include <gtest/gtest.h>

#include "reliant/tools/v1/daemon.pb.h"
#include "unit/oracle/judged.h"

namespace reliant::sim {
namespace {

namespace proto = ::reliant::tools::v1;

constexpr std::uint32_t kGateway = 1;
constexpr std::uint32_t kWorker = 2;
constexpr std::uint32_t kDaemon = 3;  // of user u
constexpr std::uint32_t kClient = 4;  // likewise
constexpr std::uint32_t kBus = 5;

class Isolation : public testing::Test {
 protected:
  Isolation() {
    place(kGateway, "gateway", "", "");
    place(kWorker, "worker", "", "");
    place(kDaemon, "daemon", "u", "d");
    place(kClient, "client", "u", "");
    judged.record("client.chat.created", {{"user", "u"}, {"chat", "chat-1-u"}});
    judged.record("client.chat.created", {{"user", "u"}, {"chat", "chat-3-u"}});
    judged.record("client.chat.created", {{"user", "v"}, {"chat", "chat-2-v"}});
  }
  void place(std::uint32_t id, std::string_view role, std::string_view user, std::string_view daemon) {
    judged.node(id, role, role, user, daemon);
  }
  void bus(std::uint32_t to, std::string_view subject, std::string_view text, std::string_view reply_to = "") {
    judged.deliver(
        {.way = Delivery::Way::kBus, .from = kBus, .to = to, .about = subject, .reply_to = reply_to, .payload = text});
  }
  void link(std::string_view text) {
    judged.deliver({.way = Delivery::Way::kLink, .from = kGateway, .to = kDaemon, .payload = text});
  }
  static std::string request_about(const std::string& chat) {
    proto::GatewayFrame frame;
    frame.mutable_execute_tool()->set_request_id("a request id that is long enough to be looked at");
    frame.mutable_execute_tool()->set_chat_id(chat);
    return frame.SerializeAsString();
  }
  Judged<IsolationOracle> judged;
};

TEST_F(Isolation, DeliveryToTheOwnerPasses) {
  bus(kGateway, "tools.request.sync.u.d", "run it, mark-chat-1-u one", "_INBOX.w.1");
  link("a frame with mark-chat-1-u and thirty-two bytes");
  link(request_about("chat-1-u"));
  bus(kWorker, "_INBOX.w.1", "output: mark-chat-1-u one");
  judged.deliver(
      {.way = Delivery::Way::kHttp, .from = kGateway, .to = kClient, .payload = "data: mark-chat-1-u, mark-chat-3-u."});
  EXPECT_EQ(judged.complaints(), "");
}

TEST_F(Isolation, TruncatedMarkIsIgnored) {
  link("a frame of more than thirty-two bytes with mark-chat-2-v");
  EXPECT_EQ(judged.complaints(), "");
}

TEST_F(Isolation, ReportsForeignTextOnADaemonsLink) {
  link("a frame with mark-chat-2-v and thirty-two bytes");
  EXPECT_EQ(judged.complaints(), "isolation.delivery");
}

TEST_F(Isolation, ReportsAForeignRequestOnADaemonsLink) {
  link(request_about("chat-2-v"));
  EXPECT_EQ(judged.complaints(), "isolation.delivery");
}

TEST_F(Isolation, ReportsForeignTextUnderAUsersSubject) {
  bus(kGateway, "tools.request.sync.u.d", "run it, mark-chat-2-v one", "_INBOX.w.1");
  EXPECT_EQ(judged.complaints(), "isolation.delivery");
}

TEST_F(Isolation, ReportsAnAnswerInTheInboxOfAnotherChat) {
  bus(kGateway, "tools.request.sync.u.d", "run it, mark-chat-1-u one", "_INBOX.w.1");
  bus(kWorker, "_INBOX.w.1", "output: mark-chat-3-u one");
  EXPECT_EQ(judged.complaints(), "isolation.delivery");
}

TEST_F(Isolation, ReportsForeignTextAtAClient) {
  judged.deliver({.way = Delivery::Way::kHttp, .from = kGateway, .to = kClient, .payload = "data: mark-chat-2-v."});
  EXPECT_EQ(judged.complaints(), "isolation.delivery");
}

TEST_F(Isolation, ReportsARunOnAForeignMachine) {
  judged.record("tool.effect.started", {{"request_id", "r"}, {"user", "v"}, {"chat", "chat-2-v"}, {"daemon", "d"}}, kDaemon);
  EXPECT_EQ(judged.complaints(), "isolation.chat");
}

TEST_F(Isolation, ReportsAnEpochGivenTwice) {
  for (const char* gateway : {"g", "h"}) {
    judged.record("gateway.session.opened", {{"user", "u"}, {"daemon", "d"}, {"epoch", 4}, {"gateway", gateway}});
  }
  EXPECT_EQ(judged.complaints(), "isolation.epoch");
}

}  // namespace
}  // namespace reliant::sim
