// The renewal of a daemon's token over its stream.
#include "unit/daemon/supervisor_world.h"

namespace reliant::daemon {
namespace {

class Renewal : public SupervisorTest {
 protected:
  Renewal() {
    gateway_ = make_gateway("gw:1");
    have_file("rlnt_pat_old");
  }
  void offer() {
    proto::GatewayFrame due;
    due.mutable_token_due();
    gateway_->send(std::move(due));
    run_for(100ms);
  }
  void send_token(std::string token) {
    proto::GatewayFrame frame;
    frame.mutable_new_token()->set_token(std::move(token));
    gateway_->send(std::move(frame));
  }
  std::size_t asked() const {
    return heard([](const proto::DaemonFrame& frame) { return frame.has_renew_token(); });
  }
  std::size_t used(std::string_view token) const {
    return heard([&](const proto::DaemonFrame& frame) { return frame.has_use_token() && frame.use_token().token() == token; });
  }
  template <class Is>
  std::size_t heard(Is is) const {
    std::size_t count = 0;
    for (const auto& stream : gateway_->streams)
      for (const auto& each : stream->heard) count += is(each.frame) ? 1 : 0;
    return count;
  }
};

TEST_F(Renewal, KeepsTheNewTokenBeforeItUsesIt) {
  begin();
  run_for(1s);
  offer();
  ASSERT_EQ(asked(), 1u);
  machine_.disk_faults.latency = 10s;
  send_token("rlnt_pat_new");
  for (int i = 0; i < 400 && used("rlnt_pat_new") == 0; ++i) {
    run_for(100ms);
    if (used("rlnt_pat_new") > 0) EXPECT_NE(on_disk().find("rlnt_pat_new"), std::string::npos);
  }
  EXPECT_EQ(used("rlnt_pat_new"), 1u);
  EXPECT_NE(on_disk(".bak").find("rlnt_pat_old"), std::string::npos);
  EXPECT_EQ(gateway_->streams.size(), 1u) << "its stream goes on";
  gateway_->hang_up(unavailable("gone"));
  run_for(5s);
  EXPECT_EQ(token_used(), "Bearer rlnt_pat_new");
  EXPECT_TRUE(server_.requests.empty());
}

// Wherever the process dies, the file has one of the two, whole; and both are valid until the new one is used.
TEST_F(Renewal, ACrashAtAnyStepLeavesOneValidToken) {
  machine_.disk_faults.latency = 1s;
  for (Duration lived = 0ms; lived < 5s; lived += 100ms) {
    have_file("rlnt_pat_old");
    begin();
    run_for(5s);
    offer();
    send_token("rlnt_pat_new");
    run_for(lived);
    const bool told = used("rlnt_pat_new") > 0;
    begin();  // the next life
    run_for(5s);
    const bool has_new = token_used() == "Bearer rlnt_pat_new";
    EXPECT_TRUE(has_new || token_used() == "Bearer rlnt_pat_old") << token_used();
    if (told) EXPECT_TRUE(has_new);
    gateway_.reset();
    gateway_ = make_gateway("gw:1");
  }
  EXPECT_TRUE(server_.requests.empty());
}

TEST_F(Renewal, AFullDiskLeavesTheOldToken) {
  begin();
  run_for(1s);
  machine_.disk.set_capacity(1);
  offer();
  send_token("rlnt_pat_new");
  run_for(1s);
  EXPECT_EQ(used("rlnt_pat_new"), 0u);
  EXPECT_NE(on_disk().find("rlnt_pat_old"), std::string::npos);
  EXPECT_EQ(log_.count("daemon.token.not_kept"), 1u);
  machine_.disk.set_capacity(1'000'000);
  offer();
  EXPECT_EQ(asked(), 2u);
  send_token("rlnt_pat_newer");
  run_for(1s);
  EXPECT_EQ(used("rlnt_pat_newer"), 1u);
}

TEST_F(Renewal, ATokenGivenByHandIsNotRenewed) {
  begin("rlnt_pat_given");
  run_for(1s);
  offer();
  EXPECT_EQ(asked(), 0u);
}

// Another process with the same file has renewed it, or a write has succeeded of which that was not known.
TEST_F(Renewal, ARefusedTokenThatIsNotTheFilesKeepsTheFile) {
  begin();
  run_for(1s);
  have_file("rlnt_pat_renewed");
  gateway_->refuse_once_with(with_reason(unauthenticated("the token was revoked"), kReasonTokenRevoked));
  gateway_->hang_up(unavailable("gone"));
  run_for(5s);
  EXPECT_EQ(token_used(), "Bearer rlnt_pat_renewed");
  EXPECT_EQ(on_disk(".bak"), "");
  EXPECT_TRUE(server_.requests.empty());
}

}  // namespace
}  // namespace reliant::daemon
