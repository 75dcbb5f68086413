#include "store/group_commit.h"

#include <gtest/gtest.h>

#include <deque>
#include <optional>

#include "kernel/simulation.h"
#include "runtime/sleep.h"

namespace reliant::store {
namespace {

using namespace std::chrono_literals;

// Writes texts; remembers the batches.
class GroupCommitTest : public testing::Test {
 public:
  ~GroupCommitTest() override { simulation_.shutdown(); }

 protected:
  using Commit = GroupCommit<std::string, int>;
  using Outcome = std::optional<Result<int>>;

  Task<Result<Commit::Answers>> write(std::vector<std::string> items) {
    co_await sleep_for(takes_);
    transactions_.push_back(items);
    if (!down_.ok()) co_return down_;
    Commit::Answers answers;
    for (const std::string& item : items) {
      if (item == "poison") co_return invalid_argument("it cannot be written");
      answers.push_back(static_cast<int>(item.size()));
    }
    co_return answers;
  }

  static Task<void> submit(Commit& commit, std::string item, Instant deadline, Outcome& outcome) {
    outcome.emplace(co_await commit.submit(std::move(item), deadline));
  }
  Outcome& submit(TaskScope& scope, std::string item, Duration timeout = 1h) {
    Outcome& outcome = outcomes_.emplace_back();
    scope.spawn(submit(commit_, std::move(item), after(simulation_.now(), timeout), outcome));
    simulation_.run_for(1ms);  // one after the other
    return outcome;
  }
  Outcome& submit(std::string item, Duration timeout = 1h) { return submit(scope_, std::move(item), timeout); }

  sim::Simulation simulation_{1};
  sim::Node& node_ = simulation_.add_node("gateway");
  Duration takes_ = 1s;
  Status down_;
  std::vector<std::vector<std::string>> transactions_;
  std::deque<Outcome> outcomes_;
  Commit commit_{node_.context(),
                 {.write = [this](std::vector<std::string> items) { return write(std::move(items)); },
                  .key_of = [](const std::string& item) { return std::pair(item, std::string()); }}};
  TaskScope scope_{node_.context()};
};

TEST_F(GroupCommitTest, WritesASingleItemAtOnce) {
  const Outcome& outcome = submit("one");
  simulation_.run_for(takes_);
  ASSERT_TRUE(outcome.has_value());
  EXPECT_EQ(**outcome, 3);
}

TEST_F(GroupCommitTest, BatchesItemsThatArriveDuringAWrite) {
  submit("one");
  simulation_.run_for(100ms);
  for (const char* item : {"two", "three", "four"}) submit(item);
  simulation_.run_for(2s);
  EXPECT_EQ(transactions_, (std::vector<std::vector<std::string>>{{"one"}, {"two", "three", "four"}}));
  for (const Outcome& outcome : outcomes_) EXPECT_TRUE(outcome.has_value() && outcome->ok());
}

TEST_F(GroupCommitTest, KeepsOneTransactionBounded) {
  for (int i = 0; i < 200; ++i) submit(std::to_string(i));
  simulation_.run_for(5s);
  ASSERT_EQ(transactions_.size(), 5u);
  EXPECT_EQ(transactions_[1].size(), Commit::kMost);
}

TEST_F(GroupCommitTest, KeepsTheOrderOfItemsWithOneKey) {
  submit("first");
  for (const char* item : {"a", "b", "a", "c"}) submit(item);
  simulation_.run_for(5s);
  EXPECT_EQ(transactions_, (std::vector<std::vector<std::string>>{{"first"}, {"a", "b"}, {"a", "c"}}));
}

TEST_F(GroupCommitTest, AFailingItemDoesNotFailTheOthers) {
  const Outcome& good = submit("good");
  const Outcome& bad = submit("poison");
  const Outcome& fine = submit("fine");
  simulation_.run_for(10s);
  EXPECT_TRUE(good->ok() && fine->ok());
  EXPECT_EQ(bad->status().code(), StatusCode::kInvalidArgument);
}

TEST_F(GroupCommitTest, FailsTheWholeBatchWhenTheDatabaseIsUnavailable) {
  down_ = unavailable("no database");
  for (const char* item : {"one", "two", "three"}) submit(item);
  simulation_.run_for(10s);
  EXPECT_EQ(transactions_, (std::vector<std::vector<std::string>>{{"one"}, {"two", "three"}}));
  for (const Outcome& outcome : outcomes_) EXPECT_EQ(outcome->status().code(), StatusCode::kUnavailable);
}

TEST_F(GroupCommitTest, ReportsThatNothingWasWrittenOnALockTimeout) {
  takes_ = 10s;
  const Outcome& first = submit("one", 5s);
  simulation_.run_for(1s);
  const Outcome& second = submit("two", 5s);
  simulation_.run_for(6s);
  EXPECT_FALSE(first.has_value());  // it is being written: its outcome is that of the write
  EXPECT_EQ(second->status().code(), StatusCode::kDeadlineExceeded);
  simulation_.run_for(1min);
  EXPECT_TRUE(first->ok());
  EXPECT_EQ(transactions_, (std::vector<std::vector<std::string>>{{"one"}}));
}

TEST_F(GroupCommitTest, DropsItemsWhoseCallerIsGone) {
  submit("one");
  simulation_.run_for(100ms);
  {
    TaskScope gone(node_.context());
    submit(gone, "two");
    simulation_.run_for(100ms);
  }
  submit("three");
  simulation_.run_for(5s);
  EXPECT_EQ(transactions_, (std::vector<std::vector<std::string>>{{"one"}, {"three"}}));
}

}  // namespace
}  // namespace reliant::store
