#include "runtime/task.h"

#include <gtest/gtest.h>

#include <memory>
#include <string>

#include "runtime/all.h"
#include "runtime/channel.h"
#include "runtime/deadline.h"
#include "runtime/race.h"
#include "runtime/this_context.h"
#include "testing.h"

namespace reliant {
namespace {

Task<int> immediate(int value) { co_return value; }
Task<Token> token_after(Duration delay, int value) {
  Token token(value);
  co_await sleep_for(delay);
  co_return token;
}
Task<int> failing(Duration delay) {
  Token token;
  if (delay > 0ns) co_await sleep_for(delay);
  throw Boom{7};
}

Task<void> set_to_sum(int& out) {
  const int first = co_await immediate(2);
  const int second = co_await immediate(3);
  out = first + second;
}

TEST(Task, IsLazy) {
  const std::ptrdiff_t before = FramePool::live();
  int out = 0;
  { const Task<void> task = set_to_sum(out); }
  EXPECT_EQ(out, 0);
  EXPECT_EQ(FramePool::live(), before);
}

TEST(Task, GivesItsValueToTheParent) {
  int out = 0;
  run_alone(set_to_sum(out));
  EXPECT_EQ(out, 5);
}

Task<void> receive_token(int& out) {
  const Token token = co_await token_after(1ms, 9);
  out = token.value();
}

TEST(Task, MovesValuesThatCannotBeCopied) {
  int out = 0;
  run_alone(receive_token(out));
  EXPECT_EQ(out, 9);
  EXPECT_EQ(Token::live(), 0);
}

Task<void> catch_boom(Duration delay, int& out) {
  try {
    co_await failing(delay);
  } catch (const Boom& boom) {
    out = boom.value;
  }
}

TEST(Task, GivesItsExceptionToTheParent) {
  for (const Duration delay : {0ns, 5ns}) {
    int out = 0;
    run_alone(catch_boom(delay, out));
    EXPECT_EQ(out, 7);
  }
}

Task<std::uint32_t> node_of_a_child() {
  Context& context = co_await ThisContext{};
  co_return context.node;
}
Task<void> store_node(std::uint32_t& out) { out = co_await node_of_a_child(); }

TEST(Task, RunsInTheContextOfItsParent) {
  Executor executor(1);
  TaskScope scope(executor, 42);
  std::uint32_t node = 0;
  scope.spawn(store_node(node));
  executor.run();
  EXPECT_EQ(node, 42u);
}

Task<void> await_twice() {
  Task<int> task = immediate(1);
  Task<int> moved = std::move(task);
  (void)co_await std::move(moved);
  (void)co_await std::move(task);
}

TEST(TaskDeathTest, AbortsWhenAwaitedAfterItWasMovedFrom) { EXPECT_DEATH(run_alone(await_twice()), "a Task is awaited once"); }

// --- stack ---------------------------------------------------------------------------------------

// Frame addresses, not addresses of locals: AddressSanitizer keeps locals elsewhere.
char* lowest_frame = nullptr;
[[gnu::noinline]] void probe_stack() {
  auto* frame = static_cast<char*>(__builtin_frame_address(0));
  if (lowest_frame == nullptr || frame < lowest_frame) lowest_frame = frame;
}
template <class F>
long stack_used_by(F act) {
  auto* base = static_cast<char*>(__builtin_frame_address(0));
  lowest_frame = base;
  act();
  return static_cast<long>(base - lowest_frame);
}

Task<int> probing(int value) {
  probe_stack();
  co_return value;
}

enum class Loop { kAwait, kDeadline, kRace, kAll, kAllOf, kChannel };

Task<void> complete_at_once(Loop loop, long rounds, long& sum) {
  Channel<int> channel(1);
  for (long i = 0; i < rounds; ++i) {
    switch (loop) {
      case Loop::kAwait:
        sum += co_await probing(1);
        break;
      case Loop::kDeadline:
        sum += *co_await with_deadline(probing(1), at(5s));
        break;
      case Loop::kRace: {
        const auto winner = co_await race(probing(1), probing(2));
        sum += std::get<0>(winner);
        break;
      }
      case Loop::kAll: {
        const auto [one, zero] = co_await all(probing(1), probing(0));
        sum += one + zero;
        break;
      }
      case Loop::kAllOf: {
        std::vector<Task<int>> tasks;
        tasks.push_back(probing(1));
        const std::vector<int> results = co_await all(std::move(tasks));
        sum += results[0];
        break;
      }
      case Loop::kChannel:
        co_await channel.send(1);
        sum += *co_await channel.recv();
        break;
    }
  }
  probe_stack();
}

TEST(Task, CompletingAtOnceAMillionTimesNeedsNoStack) {
  constexpr long kRounds = 200'000;
  for (const Loop loop : {Loop::kAwait, Loop::kDeadline, Loop::kRace, Loop::kAll, Loop::kAllOf, Loop::kChannel}) {
    long sum = 0;
    const long used = stack_used_by([&] { run_alone(complete_at_once(loop, kRounds, sum)); });
    EXPECT_EQ(sum, kRounds);
    EXPECT_LT(used, 20'000) << "loop " << static_cast<int>(loop);
  }
}

enum class Ending { kReturn, kThrow };

Task<int> recurse(int depth, Ending ending) {
  Token token;
  if (depth == 0) {
    probe_stack();
    co_await sleep_for(5ns);
    if (ending == Ending::kThrow) throw Boom{};
    co_return 0;
  }
  const int below = co_await recurse(depth - 1, ending);
  co_return below + 1;
}
Task<void> recurse_from_top(int depth, Ending ending, int& out) {
  try {
    out = co_await recurse(depth, ending);
  } catch (const Boom&) {
    out = -1;
  }
}

TEST(Task, ADeepChainSuspendsReturnsAndThrowsInConstantStack) {
  constexpr int kDepth = 10'000;
  int out = 0;
  const long used = stack_used_by([&] { run_alone(recurse_from_top(kDepth, Ending::kReturn, out)); });
  EXPECT_EQ(out, kDepth);
  EXPECT_LT(used, 20'000);
  run_alone(recurse_from_top(kDepth, Ending::kThrow, out));
  EXPECT_EQ(out, -1);
}

TEST(Task, ADeepChainCanBeDestroyedWhereItWaits) {
  constexpr int kDepth = 5'000;
  int out = 0;
  {
    Executor executor(1);
    TaskScope scope(executor, 1);
    scope.spawn(recurse_from_top(kDepth, Ending::kReturn, out));
    executor.run(1);
    EXPECT_GT(Token::live(), kDepth);
  }
  EXPECT_EQ(out, 0);
  EXPECT_EQ(Token::live(), 0);
}

}  // namespace
}  // namespace reliant
