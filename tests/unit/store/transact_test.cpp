#include "unit/store/store_world.h"

namespace reliant::tests {
namespace {

using model::UpdateKind;
using sim::CommitFault;
using std::chrono::milliseconds;
using std::chrono::seconds;

class Transactions : public StoreWorld {
 protected:
  void fail_next(CommitFault fault) { server_.fail_next_commit(first_.node, fault); }
  // Every time to another one: one update more.
  Task<Result<std::uint64_t>> change_status(const ChatId& chat, Instant deadline) {
    running_ = !running_;
    const auto status = running_ ? model::ChatStatus::kRunning : model::ChatStatus::kIdle;
    return store().chats().set_status({user_, chat, status, {}, {}}, deadline);
  }

 private:
  bool running_ = false;
};

constexpr CommitFault kFaults[] = {CommitFault::kLostBefore, CommitFault::kLostWhile, CommitFault::kLostAfter,
                                   CommitFault::kAborted};

// An operation that is settled by a mark: a status has no key of its own.
TEST_F(Transactions, ChangeAStatusOnceDespiteCommitFaults) {
  const auto chat = make_chat();
  std::uint64_t expected = 0;
  for (const CommitFault fault : kFaults) {
    fail_next(fault);
    EXPECT_EQ(value(change_status(chat.id, soon())), ++expected);
    EXPECT_EQ(updates(chat.id).size(), expected);
  }
  EXPECT_EQ(server_.faulty_commits(), 4u);
}

// An operation that finds its own key.
TEST_F(Transactions, AcceptAMessageOnceDespiteCommitFaults) {
  for (const CommitFault fault : kFaults) {
    const auto chat = make_chat();
    fail_next(fault);
    const auto sent = send(chat.id, "hello", "m1");
    EXPECT_FALSE(sent.duplicate);
    EXPECT_EQ(sent.message.sequence, 1u);
    EXPECT_EQ(updates(chat.id).size(), 2u);
  }
}

TEST_F(Transactions, SettleTwoCommitsInDoubt) {
  const auto chat = make_chat();
  fail_next(CommitFault::kLostWhile);
  fail_next(CommitFault::kLostAfter);
  EXPECT_EQ(value(change_status(chat.id, soon())), 1u);
  EXPECT_EQ(updates(chat.id).size(), 1u);
}

TEST_F(Transactions, RepeatedRemovalIsNoError) {
  fail_next(CommitFault::kLostAfter);
  EXPECT_TRUE(get(store().projects().remove(user_, project_, soon())).ok());
}

TEST_F(Transactions, ReportCommitUnknownAtTheDeadline) {
  const auto chat = make_chat();
  fail_next(CommitFault::kLostAfter);
  auto changing = start(change_status(chat.id, simulation_.now() + seconds(3)));
  ASSERT_TRUE(simulation_.run_until([&] { return server_.faulty_commits() == 1; }, soon()));
  simulation_.run_for(milliseconds(2));
  network_.isolate(first_.node);
  const Status status = await(*changing).status();
  EXPECT_EQ(reason_of(status), kReasonCommitUnknown) << status;
  network_.heal(first_.node);
  EXPECT_EQ(updates(chat.id).size(), 1u);
}

TEST_F(Transactions, GoOnAfterAPartition) {
  const auto chat = make_chat();
  network_.isolate(first_.node);
  auto changing = start(change_status(chat.id, soon()));
  simulation_.run_for(seconds(8));
  EXPECT_FALSE(changing->ended());
  network_.heal(first_.node);
  EXPECT_EQ(await(*changing).value(), 1u);
}

TEST_F(Transactions, GoOnAfterACrashOfTheServer) {
  const auto chat = make_chat();
  for (int steps = 1; steps < 40; ++steps) {
    auto changing = start(change_status(chat.id, soon()));
    simulation_.run(static_cast<std::uint64_t>(steps));
    server_.node().restart();
    EXPECT_EQ(await(*changing).value(), static_cast<std::uint64_t>(steps));
  }
  EXPECT_EQ(updates(chat.id).size(), 39u);
}

// A task that is cancelled while its commit is under way leaves all of its transaction, or nothing.
TEST_F(Transactions, AreAtomicAtEveryDestructionPoint) {
  const auto chat = make_chat();
  for (std::uint64_t steps = 0; steps < 60; ++steps) {
    auto sending = start(store().messages().append_user_message({user_, chat.id, "hello", ""}, soon()));
    simulation_.run(steps);
    sending.reset();
    value(change_status(chat.id, soon()));
  }
  std::size_t messages = 0;
  for (const auto& update : updates(chat.id)) messages += update.kind == UpdateKind::kMessage ? 1 : 0;
  EXPECT_EQ(value(store().messages().list(user_, chat.id, 0, 1000, soon())).size(), messages);
  EXPECT_EQ(server_.abandoned(), 0u);
}

TEST_F(Transactions, LeaveNoGapUnderContentionAndFaults) {
  const auto chat = make_chat();
  server_.faults() = {.lost_before = 50'000, .lost_while = 50'000, .lost_after = 50'000, .aborted = 50'000};
  const Instant deadline = simulation_.now() + std::chrono::minutes(9);
  write_at_once(chat.id, 30, deadline);
  server_.faults() = {};
  // 30 messages and 10 * (1 + 2 + 3) chunks a writer, and one status.
  EXPECT_EQ(updates(chat.id).size(), kWriters * (30 + 60) + 1);
  EXPECT_GT(server_.faulty_commits(), 20u);
}

}  // namespace
}  // namespace reliant::tests
