// Credentials and a journal on a full disk.
#include "unit/daemon/supervisor_world.h"

namespace reliant::daemon {
namespace {

TEST_F(SupervisorTest, AFullDiskDoesNotKeepItFromServing) {
  gateway_ = make_gateway("gw:1");
  machine_.disk.set_capacity(1);
  begin();
  run_for(2s);
  EXPECT_TRUE(kept_->daemon.connected());
  EXPECT_EQ(log_.count("daemon.credentials.not_kept"), 1u);
}

TEST_F(SupervisorTest, KeepsItsCredentialsAsSoonAsTheDiskHasRoom) {
  gateway_ = make_gateway("gw:1");
  machine_.disk.set_capacity(1);
  begin();
  run_for(5min);
  EXPECT_EQ(on_disk(), "");
  machine_.disk.set_capacity(1'000'000);
  run_for(31s);
  EXPECT_NE(on_disk().find("rlnt_pat_"), std::string::npos);
  EXPECT_EQ(log_.count("daemon.credentials.kept"), 1u);
  begin();  // another life
  run_for(31s);
  EXPECT_EQ(server_.requests.size(), 1u);
}

// Can be opened when the test says so.
class UnreadableJournal final : public ports::Database {
 public:
  explicit UnreadableJournal(ports::Database& inner) : inner_(inner) {}
  Task<Result<std::unique_ptr<ports::Transaction>>> begin(ports::Access access, Instant deadline) override {
    if (unreadable) co_return resource_exhausted("the disk is full");
    co_return co_await inner_.begin(access, deadline);
  }
  Task<Status> run_script(std::string_view sql, Instant deadline) override {
    if (unreadable) co_return resource_exhausted("the disk is full");
    co_return co_await inner_.run_script(sql, deadline);
  }
  Task<Result<WallTime>> wall_now(Instant deadline) override { return inner_.wall_now(deadline); }

  bool unreadable = true;

 private:
  ports::Database& inner_;
};

class SupervisorOnAFullDisk : public SupervisorTest {
 protected:
  SupervisorOnAFullDisk() { machine_.disk.set_capacity(1); }
  ports::Database& journal() override { return unreadable_; }
  UnreadableJournal unreadable_{*journal_};
};

TEST_F(SupervisorOnAFullDisk, KeepsItsTokenInMemoryOverARestartOfTheClient) {
  gateway_ = make_gateway("gw:1");
  begin();
  run_for(1s);
  ASSERT_TRUE(kept_->end.has_value());
  EXPECT_EQ(kept_->end->code(), StatusCode::kResourceExhausted);
  EXPECT_EQ(on_disk(), "");
  unreadable_.unreadable = false;
  kept_->run_again();
  run_for(1s);
  EXPECT_EQ(token_used(), "Bearer rlnt_pat_1");
  EXPECT_EQ(server_.requests.size(), 1u) << "it has one, though not on its disk";
}

// Started again every few seconds, it had a new token of each life (credentials_without_room_are_not_forgotten, real world).
TEST_F(SupervisorOnAFullDisk, DoesNotRegisterInALifeThatCannotOpenItsJournal) {
  gateway_ = make_gateway("gw:1");
  for (int life = 0; life < 5; ++life) {
    begin();
    run_for(1s);
    ASSERT_TRUE(kept_->end.has_value());
    EXPECT_EQ(kept_->end->code(), StatusCode::kResourceExhausted);
  }
  EXPECT_TRUE(server_.requests.empty());
}

}  // namespace
}  // namespace reliant::daemon
