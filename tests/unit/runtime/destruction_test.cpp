// One scenario that uses every primitive, ended at every step, in four ways. Afterwards nothing may be left:
// no frame, no value, no registration; AddressSanitizer watches over the rest.
#include <gtest/gtest.h>

#include <memory>
#include <optional>
#include <vector>

#include "kernel/node.h"
#include "runtime/all.h"
#include "runtime/channel.h"
#include "runtime/deadline.h"
#include "runtime/event.h"
#include "runtime/one_shot.h"
#include "runtime/race.h"
#include "runtime/semaphore.h"
#include "runtime/this_context.h"
#include "testing.h"

namespace reliant {
namespace {

struct World {
  explicit World(Executor& e) : executor(e) { executor.set_failure_handler(&unseen); }
  ~World() { executor.set_failure_handler(nullptr); }

  Executor& executor;
  FirstFailure unseen;  // the one whose joiner is destroyed just before it resumes
  Event event;
  Event pulse;
  OneShot<Token> one_shot;
  Channel<Token> forth{2};
  Channel<Token> back{1};
  int finished = 0;
};

constexpr Duration ns(std::int64_t count) { return Duration(count); }

Task<Token> leaf(int i) {
  Token token(i);
  co_await yield();
  co_await sleep_for(ns(3 + i % 5));
  co_return token;
}
Task<Token> nest(int depth) {
  Token token(depth);
  if (depth == 0) co_return co_await leaf(1);
  co_return co_await nest(depth - 1);
}
Task<void> throw_after(Duration delay) {
  Token token;
  co_await sleep_for(delay);
  throw Boom{};
}
Task<void> produce(World& world) {
  Token token;
  for (int i = 0; i < 12; ++i) {
    if (i % 2 == 0) {
      co_await world.forth.send(Token(i));
    } else {
      co_await world.forth.send(Token(i), world.executor.now() + ns(i % 4));
    }
    if (i % 3 == 0) co_await sleep_for(2ns);
  }
  world.forth.close();
}
Task<void> forward(World& world) {
  Token token;
  while (auto item = co_await world.forth.recv()) {
    co_await world.back.send(std::move(*item));
    co_await yield();
  }
}
Task<std::optional<Token>> receive_one(World& world) {
  Token token;
  co_return co_await world.back.recv();
}
Task<void> drain(World& world) {
  Token token;
  for (int i = 0; i < 30; ++i) {
    const Instant deadline = at(ns(40 + 3 * i));
    if (i % 2 == 0) {
      const auto item = co_await with_deadline(receive_one(world), deadline);
    } else {
      const auto item = co_await world.back.recv(deadline);
    }
  }
}
Task<void> set_things(World& world) {
  Token token;
  co_await sleep_for(9ns);
  world.event.set();
  world.pulse.set();
  world.pulse.reset();
  co_await sleep_for(2ns);
  world.one_shot.set(Token(5));
}
Task<void> gather(World& world) {
  Token token;
  const auto [a, b, c] = co_await all(nest(3), leaf(2), leaf(0));
  std::vector<Task<Token>> tasks;
  for (int i = 0; i < 4; ++i) tasks.push_back(leaf(i));
  const std::vector<Token> tokens = co_await all(std::move(tasks));
  EXPECT_EQ(tokens.size(), 4u);
  const auto winner = co_await race(nest(2), leaf(1), leaf(3));
  const bool late = !co_await world.pulse.wait(world.executor.now() + 5ns);
  EXPECT_TRUE(late);
}
Task<void> catch_failures() {
  Token token;
  int caught = 0;
  try {
    co_await all(leaf(4), throw_after(1ns), nest(1));
  } catch (const Boom&) {
    ++caught;
  }
  try {
    co_await race(throw_after(2ns), leaf(4));
  } catch (const Boom&) {
    ++caught;
  }
  try {
    co_await with_deadline(throw_after(1ns), at(1s));
  } catch (const Boom&) {
    ++caught;
  }
  EXPECT_EQ(caught, 3);
}
Task<void> combine(World& world) {
  Token token;
  co_await world.event.wait();
  const auto value = co_await world.one_shot.wait(at(1s));
  EXPECT_TRUE(value);
  const auto late = co_await with_deadline(leaf(4), at(13ns));
  co_await gather(world);
  co_await catch_failures();
  ++world.finished;
}
Task<void> own_a_scope(World& world) {
  Token token;
  Context& context = co_await ThisContext{};
  TaskScope scope(context);
  { const Token inner = co_await leaf(2); }
  scope.spawn(set_things(world));
  scope.spawn(throw_after(20ns));
  bool caught = false;
  try {
    co_await scope.join();
  } catch (const Boom&) {
    caught = true;
  }
  EXPECT_TRUE(caught);
  ++world.finished;
}
void spawn_all(World& world, TaskScope& scope) {
  scope.spawn(produce(world));
  scope.spawn(forward(world));
  scope.spawn(drain(world));
  scope.spawn(own_a_scope(world));
  scope.spawn(combine(world));
}

class EveryPoint : public testing::TestWithParam<Executor::Order> {};

void expect_nothing_left(World& world, std::uint64_t seed, std::uint64_t step) {
  world.forth.close();
  world.back.close();
  while (world.forth.try_recv()) {}
  while (world.back.try_recv()) {}
  EXPECT_EQ(world.executor.registered(), 0u) << "seed " << seed << " step " << step;
}

// Runs the scenario for `step` steps, ends it with `end`, and looks at what is left. Returns whether it had
// finished by itself.
template <class End>
bool end_at(Executor::Order order, std::uint64_t seed, std::uint64_t step, End end) {
  bool over = false;
  {
    Executor executor(seed, order);
    World world(executor);
    auto scope = std::make_unique<TaskScope>(executor, 7);
    spawn_all(world, *scope);
    over = executor.run(step) < step && world.finished == 2 && scope->size() == 0;
    end(executor, scope);
    expect_nothing_left(world, seed, step);
    EXPECT_TRUE(scope == nullptr || scope->size() == 0);
  }
  EXPECT_EQ(Token::live(), 0) << "seed " << seed << " step " << step;
  return over;
}

constexpr std::uint64_t kSeeds = 8;

TEST_P(EveryPoint, CanBeDestroyed) {
  for (std::uint64_t seed = 1; seed <= kSeeds; ++seed) {
    std::uint64_t step = 0;
    while (!end_at(GetParam(), seed, step, [](Executor&, auto& scope) { scope.reset(); })) {
      ASSERT_LT(++step, 2000u);
    }
    EXPECT_GT(step, 80u);
  }
}

TEST_P(EveryPoint, CanBeCancelled) {
  for (std::uint64_t seed = 1; seed <= kSeeds; ++seed) {
    std::uint64_t step = 0;
    const auto cancel = [](Executor& executor, auto& scope) {
      scope->cancel();
      executor.reap();
    };
    while (!end_at(GetParam(), seed, step, cancel)) ASSERT_LT(++step, 2000u);
  }
}

Task<void> cancel_from_inside(Executor& executor, TaskScope& scope, std::uint64_t step) {
  Token token;
  while (executor.steps() < step) co_await yield();
  scope.cancel();
  scope.cancel();
  { Token runs_on; }
  co_await yield();
  ADD_FAILURE() << "a cancelled task went on";
}

TEST_P(EveryPoint, CanBeCancelledByItsOwnChild) {
  for (std::uint64_t seed = 1; seed <= kSeeds; ++seed) {
    for (std::uint64_t step = 0; step < 300; ++step) {
      {
        Executor executor(seed, GetParam());
        World world(executor);
        TaskScope scope(executor, 7);
        spawn_all(world, scope);
        scope.spawn(cancel_from_inside(executor, scope, step));
        executor.run(step + 200);
        EXPECT_EQ(scope.size(), 0u);
        expect_nothing_left(world, seed, step);
      }
      ASSERT_EQ(Token::live(), 0) << "seed " << seed << " step " << step;
    }
  }
}

Task<void> crash_from_inside(Executor& executor, sim::Node& node, std::uint64_t step) {
  Token token;
  while (executor.steps() < step) co_await yield();
  co_await node.crash_here();
  ADD_FAILURE() << "a crashed task went on";
}

TEST_P(EveryPoint, CanCrash) {
  const RandomStreams streams(1);
  for (std::uint64_t seed = 1; seed <= kSeeds; ++seed) {
    for (std::uint64_t step = 0; step < 300; ++step) {
      {
        Executor executor(seed, GetParam());
        sim::Trace trace(executor, 0);
        World world(executor);
        NodeTimes times;
        sim::Node node(executor, times, streams, trace, "node", 7);
        spawn_all(world, node.scope());
        node.spawn(crash_from_inside(executor, node, step));
        executor.run(step + 200);
        EXPECT_EQ(node.tasks(), 0u);
        EXPECT_FALSE(node.up());
        expect_nothing_left(world, seed, step);
      }
      ASSERT_EQ(Token::live(), 0) << "seed " << seed << " step " << step;
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Orders, EveryPoint, testing::Values(Executor::Order::kSeeded, Executor::Order::kFifo),
                         [](const auto& order) { return order.param == Executor::Order::kSeeded ? "Seeded" : "Fifo"; });

std::uint64_t hash_of_run(std::uint64_t seed) {
  Executor executor(seed);
  World world(executor);
  TaskScope scope(executor, 7);
  spawn_all(world, scope);
  executor.run();
  EXPECT_EQ(world.finished, 2);
  return executor.hash();
}

TEST(Determinism, OneSeedHasOneHashAndAnotherSeedAnother) {
  EXPECT_EQ(hash_of_run(7), hash_of_run(7));
  EXPECT_NE(hash_of_run(7), hash_of_run(8));
}

// Of every compiler, optimisation and sanitizer. A change of the executor or of this scenario changes it; nothing
// else may.
TEST(Determinism, EveryBuildHasTheSameHash) { EXPECT_EQ(hash_of_run(7), 2111958496914296621ull); }

// --- destructors that wake, close, spawn, cancel -------------------------------------------------

enum class Act { kSetEvent, kCloseChannel, kSetOneShot, kSpawnHere, kSpawnElsewhere, kCancelHere, kCancelElsewhere };
constexpr Act kActs[] = {Act::kSetEvent,       Act::kCloseChannel, Act::kSetOneShot,     Act::kSpawnHere,
                         Act::kSpawnElsewhere, Act::kCancelHere,   Act::kCancelElsewhere};

struct Scene {
  Event event;
  Channel<int> channel{1};
  OneShot<int> one_shot;
};

Task<void> sleep_briefly() {
  Token token;
  co_await sleep_for(1ns);
}
Task<void> wait_for_event(Scene& scene) {
  Token token;
  co_await scene.event.wait();
}
Task<void> wait_for_close(Scene& scene) {
  Token token;
  while (co_await scene.channel.recv()) {}
}
Task<void> wait_for_value(Scene& scene) {
  Token token;
  co_await scene.one_shot.wait();
}
Task<void> wait_for_both(Scene& scene) {
  Token token;
  co_await scene.event.wait(at(1h));
  co_await scene.channel.recv(at(1h));
}
void act_while_dying(Act act, Scene& scene, TaskScope& here, TaskScope& elsewhere) {
  switch (act) {
    case Act::kSetEvent:
      scene.event.set();
      break;
    case Act::kCloseChannel:
      scene.channel.close();
      break;
    case Act::kSetOneShot:
      scene.one_shot.set(1);
      break;
    case Act::kSpawnHere:
      EXPECT_FALSE(here.try_spawn(sleep_briefly()));
      break;
    case Act::kSpawnElsewhere:
      elsewhere.spawn(sleep_briefly());
      break;
    case Act::kCancelHere:
      here.cancel();
      break;
    case Act::kCancelElsewhere:
      elsewhere.cancel();
      break;
  }
}
Task<void> act_at_the_end(Act act, Scene& scene, TaskScope& here, TaskScope& elsewhere) {
  const OnExit on_exit([&, act] { act_while_dying(act, scene, here, elsewhere); });
  co_await suspended_for_ever();
}

void run_nasty(Act act, std::uint64_t steps, bool by_cancel) {
  Executor executor(3);
  Scene scene;
  TaskScope elsewhere(executor, 2);
  auto here = std::make_unique<TaskScope>(executor, 1);
  elsewhere.spawn(wait_for_event(scene));
  elsewhere.spawn(wait_for_close(scene));
  elsewhere.spawn(wait_for_value(scene));
  here->spawn(wait_for_both(scene));
  here->spawn(act_at_the_end(act, scene, *here, elsewhere));
  here->spawn(wait_for_both(scene));  // newer, so already gone; the other one is woken while it dies
  // Enough steps for the victim to have run; before that there is no frame to act.
  executor.run(steps);
  if (by_cancel) {
    here->cancel();
    executor.reap();
    EXPECT_EQ(here->size(), 0u);
  } else {
    here.reset();
  }
  elsewhere.cancel();
  executor.run();
  EXPECT_EQ(executor.registered(), 0u);
}

TEST(NastyDestructors, MayWakeCloseSpawnAndCancel) {
  for (const Act act : kActs) {
    for (std::uint64_t steps = 0; steps <= 8; ++steps) {
      for (const bool by_cancel : {false, true}) {
        run_nasty(act, steps, by_cancel);
        ASSERT_EQ(Token::live(), 0) << "act " << static_cast<int>(act) << " steps " << steps;
      }
    }
  }
}

Task<void> destroy_other(std::unique_ptr<TaskScope>& other) {
  co_await sleep_for(1ns);
  other.reset();
}

TEST(NastyDestructors, AScopeMayDestroyAnother) {
  Executor executor(1);
  auto other = std::make_unique<TaskScope>(executor, 2);
  TaskScope scope(executor, 1);
  other->spawn(suspended_for_ever());
  scope.spawn(destroy_other(other));
  executor.run();
  EXPECT_EQ(Token::live(), 0);
}

// --- woken, then destroyed before resuming -------------------------------------------------------

enum class Wait { kEvent, kOneShot, kOneShotDeadline, kRecv, kRecvDeadline, kSend, kSendDeadline, kPermit, kPermitDeadline };
constexpr Wait kWaits[] = {Wait::kEvent, Wait::kOneShot,      Wait::kOneShotDeadline, Wait::kRecv,          Wait::kRecvDeadline,
                           Wait::kSend,  Wait::kSendDeadline, Wait::kPermit,          Wait::kPermitDeadline};

struct Things {
  Event event;
  OneShot<Token> one_shot;
  Channel<Token> channel{1};
  Semaphore semaphore{1};
  std::optional<Semaphore::Permit> permit = semaphore.try_acquire();
};

Task<void> wait_once(Wait wait, Things& things, bool& resumed) {
  Token token;
  switch (wait) {
    case Wait::kEvent:
      co_await things.event.wait();
      break;
    case Wait::kOneShot:
      co_await things.one_shot.wait();
      break;
    case Wait::kOneShotDeadline:
      co_await things.one_shot.wait(at(1s));
      break;
    case Wait::kRecv:
      co_await things.channel.recv();
      break;
    case Wait::kRecvDeadline:
      co_await things.channel.recv(at(1s));
      break;
    case Wait::kSend:
      co_await things.channel.send(Token(9));
      break;
    case Wait::kSendDeadline:
      co_await things.channel.send(Token(9), at(1s));
      break;
    case Wait::kPermit:
      co_await things.semaphore.acquire();
      break;
    case Wait::kPermitDeadline:
      co_await things.semaphore.acquire(at(1s));
      break;
  }
  resumed = true;
}

bool is_send(Wait wait) { return wait == Wait::kSend || wait == Wait::kSendDeadline; }
bool is_recv(Wait wait) { return wait == Wait::kRecv || wait == Wait::kRecvDeadline; }
bool is_permit(Wait wait) { return wait == Wait::kPermit || wait == Wait::kPermitDeadline; }
bool is_one_shot(Wait wait) { return wait == Wait::kOneShot || wait == Wait::kOneShotDeadline; }

void wake(Wait wait, Things& things) {
  if (wait == Wait::kEvent) things.event.set();
  if (is_one_shot(wait)) things.one_shot.set(Token(7));
  if (is_recv(wait)) EXPECT_TRUE(things.channel.try_send(Token(7)));
  if (is_send(wait)) EXPECT_TRUE(things.channel.try_recv());
  if (is_permit(wait)) things.permit.reset();
}

void destroy_after_waking(Wait wait, std::uint64_t seed) {
  Executor executor(seed, seed % 2 != 0 ? Executor::Order::kSeeded : Executor::Order::kFifo);
  Things things;
  bool first_resumed = false;
  bool second_resumed = false;
  if (is_send(wait)) things.channel.try_send(Token(1));
  TaskScope first(executor, 1);
  TaskScope second(executor, 2);
  first.spawn(wait_once(wait, things, first_resumed));
  executor.run(1);
  if (!is_one_shot(wait)) second.spawn(wait_once(wait, things, second_resumed));
  if (!is_one_shot(wait)) executor.run(1);
  wake(wait, things);
  EXPECT_GE(executor.registered(), 1u);
  first.cancel();
  executor.run();
  EXPECT_FALSE(first_resumed);
  EXPECT_EQ(executor.registered(), 0u);
  if (!is_one_shot(wait)) EXPECT_TRUE(second_resumed);
  if (is_recv(wait)) EXPECT_TRUE(things.channel.empty());
  if (is_send(wait)) EXPECT_EQ(things.channel.try_recv()->value(), 9);
  if (is_permit(wait)) EXPECT_EQ(things.semaphore.used(), 0u);
  if (is_one_shot(wait)) {
    bool third_resumed = false;
    second.spawn(wait_once(wait, things, third_resumed));
    executor.run();
    EXPECT_TRUE(third_resumed);
  }
}

TEST(WokenThenDestroyed, HasHadNoEffect) {
  for (const Wait wait : kWaits) {
    for (std::uint64_t seed = 0; seed < 20; ++seed) {
      destroy_after_waking(wait, seed);
      ASSERT_EQ(Token::live(), 0) << "wait " << static_cast<int>(wait) << " seed " << seed;
    }
  }
}

}  // namespace
}  // namespace reliant
