#include "runtime/scope.h"

#include <gtest/gtest.h>

#include <memory>
#include <stdexcept>
#include <vector>

#include "runtime/event.h"
#include "runtime/this_context.h"
#include "testing.h"

namespace reliant {
namespace {

Task<void> throw_after(Duration delay, int value) {
  Token token;
  co_await sleep_for(delay);
  throw Boom{value};
}
Task<void> finish_after(Duration delay, int& finished) {
  Token token;
  co_await sleep_for(delay);
  ++finished;
}

TEST(TaskScope, RunsItsChildrenSideBySide) {
  Executor executor(1);
  TaskScope scope(executor, 1);
  int finished = 0;
  for (int i = 0; i < 10; ++i) EXPECT_TRUE(scope.try_spawn(finish_after(1s, finished)));
  EXPECT_EQ(scope.size(), 10u);
  executor.run();
  EXPECT_EQ(finished, 10);
  EXPECT_EQ(executor.now(), at(1s));
  EXPECT_EQ(scope.size(), 0u);
  EXPECT_FALSE(scope.stopping());
}

Task<void> leave_a_block_with_a_child(bool& child_is_gone) {
  Context& context = co_await ThisContext{};
  {
    TaskScope scope(context);
    scope.spawn(suspended_for_ever());
    co_await yield();
  }
  child_is_gone = Token::live() == 0;
}

TEST(TaskScope, DestroysItsChildrenWhenItsBlockIsLeft) {
  bool child_is_gone = false;
  run_alone(leave_a_block_with_a_child(child_is_gone));
  EXPECT_TRUE(child_is_gone);
}

Task<void> join_three(int& finished, Instant& joined, Executor& executor) {
  Context& context = co_await ThisContext{};
  TaskScope scope(context);
  for (const Duration delay : {1ms, 3ms, 2ms}) scope.spawn(finish_after(delay, finished));
  co_await scope.join();
  joined = executor.now();
}

TEST(TaskScope, JoinWaitsForTheLastChild) {
  Executor executor(1);
  TaskScope scope(executor, 1);
  int finished = 0;
  Instant joined{};
  scope.spawn(join_three(finished, joined, executor));
  executor.run();
  EXPECT_EQ(finished, 3);
  EXPECT_EQ(joined, at(3ms));
}

Task<void> join_a_failure(int& caught, bool& refused) {
  Context& context = co_await ThisContext{};
  TaskScope scope(context);
  scope.spawn(suspended_for_ever());
  scope.spawn(throw_after(5ms, 3));
  scope.spawn(throw_after(9ms, 4));
  try {
    co_await scope.join();
  } catch (const Boom& boom) {
    caught = boom.value;
  }
  refused = !scope.try_spawn(suspended_for_ever());
}

TEST(TaskScope, FailingChildStopsTheOthersAndJoinRethrows) {
  int caught = 0;
  bool refused = false;
  run_alone(join_a_failure(caught, refused));
  EXPECT_EQ(caught, 3);
  EXPECT_TRUE(refused);
  EXPECT_EQ(Token::live(), 0);
}

int value_of(const FirstFailure& failure) {
  try {
    std::rethrow_exception(failure.error());
  } catch (const Boom& boom) {
    return boom.value;
  }
}

TEST(TaskScope, ReportsAFailureWithoutAJoiner) {
  FirstFailure failure;
  Executor executor(1);
  executor.set_failure_handler(&failure);
  TaskScope scope(executor, 4);
  scope.spawn(suspended_for_ever());
  scope.spawn(throw_after(1ms, 3));
  executor.run();
  ASSERT_TRUE(failure.error());
  EXPECT_EQ(value_of(failure), 3);
  EXPECT_EQ(failure.node(), 4u);
  EXPECT_TRUE(scope.stopping());
  EXPECT_EQ(Token::live(), 0);
}

Task<void> fail_in_a_nested_scope() {
  TaskScope scope(co_await ThisContext{});
  scope.spawn(throw_after(1ms, 5));
  co_await sleep_for(1s);
}

TEST(TaskScope, ReportsAFailureInAScopeThatIsNeverJoined) {
  FirstFailure failure;
  Executor executor(1);
  executor.set_failure_handler(&failure);
  TaskScope scope(executor, 1);
  scope.spawn(fail_in_a_nested_scope());
  executor.run();
  ASSERT_TRUE(failure.error());
  EXPECT_EQ(value_of(failure), 5);
  EXPECT_FALSE(scope.stopping());
}

Task<void> join_for_ever(TaskScope& scope) { co_await scope.join(); }

TEST(TaskScope, ReportsAFailureWhoseJoinerIsDestroyedBeforeItResumes) {
  FirstFailure failure;
  Executor executor(1, Executor::Order::kFifo);
  executor.set_failure_handler(&failure);
  auto scope = std::make_unique<TaskScope>(executor, 1);
  TaskScope joiners(executor, 2);
  scope->spawn(throw_after(1ms, 6));
  joiners.spawn(join_for_ever(*scope));
  executor.run_until(at(1ms), 3);  // both start, and the child fails; the joiner is ready and has not run
  EXPECT_FALSE(failure.error());
  joiners.cancel();
  executor.run();
  scope.reset();
  ASSERT_TRUE(failure.error());
  EXPECT_EQ(value_of(failure), 6);
}

void fail_without_a_handler() {
  Executor executor(1);
  TaskScope scope(executor, 1);
  scope.spawn([]() -> Task<void> {
    co_await sleep_for(1ms);
    throw std::runtime_error("out of luck");
  }());
  executor.run();
}

TEST(TaskScopeDeathTest, AbortsOfAFailureThatHasNoHandler) {
  EXPECT_DEATH(fail_without_a_handler(), "left a task that no other task joins: out of luck");
}

Task<void> record_end(std::vector<int>& ends, int id) {
  const OnExit record([&ends, id] { ends.push_back(id); });
  co_await never();
}

TEST(TaskScope, DestroysTheNewestChildFirst) {
  Executor executor(1);
  TaskScope scope(executor, 1);
  std::vector<int> ends;
  for (int i = 0; i < 4; ++i) scope.spawn(record_end(ends, i));
  executor.run();
  scope.cancel();
  executor.reap();
  EXPECT_EQ(ends, (std::vector<int>{3, 2, 1, 0}));
}

TEST(TaskScope, CancelDestroysChildrenThatNeverStarted) {
  Executor executor(1);
  TaskScope scope(executor, 1);
  int finished = 0;
  scope.spawn(finish_after(1ms, finished));
  scope.cancel();
  executor.run();
  EXPECT_EQ(finished, 0);
  EXPECT_EQ(scope.size(), 0u);
  EXPECT_EQ(executor.registered(), 0u);
}

Task<void> cancel_own_scope(TaskScope& scope, int& reached) {
  Token token;
  co_await yield();
  scope.cancel();
  scope.cancel();
  reached = 1;  // it runs on ...
  co_await yield();
  reached = 2;  // ... to its next suspension
}

TEST(TaskScope, AChildThatCancelsItsScopeRunsOnToItsNextSuspension) {
  Executor executor(1);
  TaskScope scope(executor, 1);
  int reached = 0;
  scope.spawn(suspended_for_ever());
  scope.spawn(cancel_own_scope(scope, reached));
  executor.run();
  EXPECT_EQ(reached, 1);
  EXPECT_EQ(scope.size(), 0u);
  EXPECT_EQ(Token::live(), 0);
}

Task<void> join_scope(TaskScope& scope, int& joined) {
  co_await scope.join();
  ++joined;
}

TEST(TaskScope, CancelWakesJoiners) {
  Executor executor(1);
  TaskScope outer(executor, 1);
  TaskScope inner(executor, 2);
  int joined = 0;
  inner.spawn(suspended_for_ever());
  outer.spawn(join_scope(inner, joined));
  outer.spawn(join_scope(inner, joined));
  executor.run();
  EXPECT_EQ(joined, 0);
  inner.cancel();
  executor.run();
  EXPECT_EQ(joined, 2);
}

TEST(TaskScope, RefusesToSpawnWhileItStops) {
  Executor executor(1);
  TaskScope scope(executor, 1);
  scope.cancel();
  EXPECT_FALSE(scope.try_spawn(suspended_for_ever()));
  EXPECT_EQ(scope.size(), 0u);
}

Task<void> nest_scopes(int depth) {
  Token token;
  Context& context = co_await ThisContext{};
  TaskScope scope(context);
  if (depth > 0) {
    scope.spawn(nest_scopes(depth - 1));
    scope.spawn(nest_scopes(depth - 1));
  }
  co_await never();
}

TEST(TaskScope, ATreeOfScopesDiesFromItsRoot) {
  Executor executor(1);
  TaskScope scope(executor, 1);
  scope.spawn(nest_scopes(7));
  executor.run();
  EXPECT_EQ(Token::live(), 255);
  scope.cancel();
  executor.reap();
  EXPECT_EQ(Token::live(), 0);
}

// A scope that spawns from a running child, for ever: memory of ended children must not pile up.
Task<void> chain(TaskScope& scope, int left) {
  Token token;
  co_await yield();
  if (left > 0) scope.spawn(chain(scope, left - 1));
}

TEST(TaskScope, FreesEndedChildrenAfterTheStep) {
  Executor executor(1);
  TaskScope scope(executor, 1);
  scope.spawn(chain(scope, 1000));
  while (executor.step()) EXPECT_LE(scope.size(), 2u);
  EXPECT_EQ(Token::live(), 0);
}

Task<void> destroy_own_scope(std::unique_ptr<TaskScope>& scope) {
  co_await yield();
  scope.reset();
}

void commit_suicide() {
  Executor executor(1);
  auto scope = std::make_unique<TaskScope>(executor, 1);
  scope->spawn(destroy_own_scope(scope));
  executor.run();
}

TEST(TaskScopeDeathTest, AbortsWhenItsOwnChildDestroysIt) { EXPECT_DEATH(commit_suicide(), "destroyed by its own child"); }

Task<void> run_inside(TaskScope& doomed, std::unique_ptr<TaskScope>& owner) {
  TaskScope nested(doomed.context());
  nested.spawn(destroy_own_scope(owner));
  co_await never();
}

void commit_suicide_from_below() {
  Executor executor(1);
  auto scope = std::make_unique<TaskScope>(executor, 1);
  scope->spawn(run_inside(*scope, scope));
  executor.run();
}

TEST(TaskScopeDeathTest, AbortsWhenAGrandchildDestroysIt) {
  EXPECT_DEATH(commit_suicide_from_below(), "destroyed by its own child");
}

Task<void> join_own(TaskScope& scope) { co_await scope.join(); }

void join_itself() {
  Executor executor(1);
  TaskScope scope(executor, 1);
  scope.spawn(join_own(scope));
  executor.run();
}

TEST(TaskScopeDeathTest, AbortsWhenAChildJoinsItsOwnScope) { EXPECT_DEATH(join_itself(), "cannot join the scope"); }

void outlive_the_executor() {
  auto executor = std::make_unique<Executor>(1);
  TaskScope scope(*executor, 1);
  scope.spawn(suspended_for_ever());
  executor.reset();
}

TEST(TaskScopeDeathTest, AbortsWhenTheExecutorDiesFirst) { EXPECT_DEATH(outlive_the_executor(), "must outlive its scopes"); }

}  // namespace
}  // namespace reliant
