#include "app/daemon_state.h"

#include <unistd.h>

#include <gtest/gtest.h>

#include "adapters/asio/asio_executor.h"
#include "adapters/posix/json_event_log.h"
#include "adapters/posix/system_clock.h"
#include "app/log_file.h"
#include "support/temporary_directory.h"

namespace reliant::app {
namespace {

class DaemonStateTest : public testing::Test {
 protected:
  DaemonState written() const {
    const auto state = read_daemon_state(directory_->path());
    EXPECT_TRUE(state.has_value());
    return state.value_or(DaemonState{});
  }
  void connect() {
    keeper_.info("daemon.connected", {{"user", "u1"}, {"daemon", "d1"}, {"epoch", 1}, {"gateway", "gw"}, {"address", "h:1"}});
  }

  tests::TemporaryDirectory folder_;
  Result<DataDirectory> directory_ = DataDirectory::open(folder_.file("data"));
  Result<LogFile> file_ = LogFile::open(folder_.file("log"));
  adapters::AsioExecutor executor_;
  adapters::SystemClock clock_{executor_};
  adapters::JsonEventLog log_{clock_, *file_};
  DaemonStateKeeper keeper_{
      log_, clock_, *directory_, {.process = ::getpid(), .version = "1", .daemon = "d1", .name = "laptop"}};
};

TEST_F(DaemonStateTest, ExistsFromTheStart) {
  EXPECT_EQ(written().process, ::getpid());
  EXPECT_EQ(written().name, "laptop");
  EXPECT_FALSE(written().connected);
  EXPECT_FALSE(written().ended);
  EXPECT_FALSE(keeper_.connected_once().is_set());
}

TEST_F(DaemonStateTest, FollowsTheDaemonsEventsOnTheirWayToTheLog) {
  keeper_.info("daemon.connect.failed", {{"daemon", "d1"}, {"error", "connection refused"}});
  EXPECT_EQ(written().problem, "connection refused");
  connect();
  EXPECT_TRUE(written().connected);
  EXPECT_TRUE(keeper_.connected_once().is_set());
  EXPECT_EQ(written().user, "u1");
  EXPECT_EQ(written().gateway, "gw");
  EXPECT_EQ(written().address, "h:1");
  EXPECT_EQ(written().problem, "");
  keeper_.info("daemon.disconnected", {{"daemon", "d1"}, {"epoch", 1}, {"why", "the gateway stops"}});
  EXPECT_FALSE(written().connected);
  EXPECT_EQ(written().problem, "the gateway stops");
  EXPECT_EQ(written().address, "h:1") << "where it was";
  EXPECT_NE(peek_line(folder_.path().string(), "log").find("daemon.connect.failed"), std::string::npos);
}

TEST_F(DaemonStateTest, StaysConnectedWhenTheStreamBeforeADrainEndsLast) {
  connect();
  keeper_.info("daemon.connected", {{"user", "u1"}, {"daemon", "d1"}, {"epoch", 2}, {"gateway", "gw2"}, {"address", "h:2"}});
  keeper_.info("daemon.disconnected", {{"daemon", "d1"}, {"epoch", 1}, {"why", "the gateway drains"}});
  EXPECT_TRUE(written().connected);
  EXPECT_EQ(written().gateway, "gw2");
  EXPECT_EQ(written().problem, "");
  keeper_.info("daemon.disconnected", {{"daemon", "d1"}, {"epoch", 2}, {"why", "the gateway stops"}});
  EXPECT_FALSE(written().connected);
}

TEST_F(DaemonStateTest, KeepsTheReasonOfTheEnd) {
  connect();
  keeper_.ended(unauthenticated("the token was revoked"));
  EXPECT_TRUE(written().ended);
  EXPECT_FALSE(written().connected);
  EXPECT_EQ(written().problem, "the token was revoked");
}

TEST_F(DaemonStateTest, AFileOfAnotherVersionOrADamagedOneIsIgnored) {
  ASSERT_TRUE(directory_->write_private("daemon.state", R"({"pid":1})").ok());
  EXPECT_FALSE(read_daemon_state(directory_->path()));
  ASSERT_TRUE(directory_->write_private("daemon.state", "{").ok());
  EXPECT_FALSE(read_daemon_state(directory_->path()));
}

}  // namespace
}  // namespace reliant::app
