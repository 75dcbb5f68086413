// What one core does: resumptions, sleeps, spawns, combinators, channels, crashes. Read `items_per_second`,
// which is per second of CPU time.
#include <benchmark/benchmark.h>

#include <chrono>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "kernel/simulation.h"
#include "runtime/all.h"
#include "runtime/channel.h"
#include "runtime/deadline.h"
#include "runtime/event.h"
#include "runtime/one_shot.h"
#include "runtime/race.h"
#include "runtime/random.h"
#include "runtime/scope.h"
#include "runtime/sleep.h"
#include "runtime/this_context.h"

namespace reliant {
namespace {

using namespace std::chrono_literals;

// Runs `act(rounds)` as one task per iteration; counts `rounds` items each.
constexpr int kRounds = 100'000;

template <class Start>
void run_rounds(benchmark::State& state, Start start) {
  std::int64_t items = 0;
  for (auto _ : state) {
    Executor executor(1);
    TaskScope scope(executor, 1);
    items += start(scope);
    executor.run();
    benchmark::DoNotOptimize(executor.hash());
  }
  state.SetItemsProcessed(items);
}

// --- resuming and sleeping -----------------------------------------------------------------------

Task<void> yield_for_ever() {
  for (;;) co_await yield();
}
Task<void> sleep_for_ever(Random random) {
  for (;;) {
    const Duration delay = random.duration(1us, 1ms);
    co_await sleep_for(delay);
  }
}

void step_batches(benchmark::State& state, Executor& executor) {
  constexpr std::uint64_t kBatch = 10'000;
  executor.run(static_cast<std::uint64_t>(state.range(0)) * 4);  // past the start
  std::int64_t steps = 0;
  for (auto _ : state) steps += static_cast<std::int64_t>(executor.run(kBatch));
  state.SetItemsProcessed(steps);
}

void Resume(benchmark::State& state, Executor::Order order) {
  Executor executor(1, order);
  TaskScope scope(executor, 1);
  for (int i = 0; i < state.range(0); ++i) scope.spawn(yield_for_ever());
  step_batches(state, executor);
}
BENCHMARK_CAPTURE(Resume, seeded, Executor::Order::kSeeded)->Arg(1)->Arg(1000);
BENCHMARK_CAPTURE(Resume, fifo, Executor::Order::kFifo)->Arg(1)->Arg(1000);

void Sleep(benchmark::State& state) {
  Executor executor(1);
  TaskScope scope(executor, 1);
  const RandomStreams streams(1);
  for (int i = 0; i < state.range(0); ++i) scope.spawn(sleep_for_ever(streams.stream(std::to_string(i))));
  step_batches(state, executor);
}
BENCHMARK(Sleep)->Arg(1)->Arg(1000)->Arg(100'000);

// --- tasks ---------------------------------------------------------------------------------------

Task<int> immediate() { co_return 1; }
Task<void> immediate_void() { co_return; }
Task<int> slow(Duration delay) {
  co_await sleep_for(delay);
  co_return 1;
}

Task<void> await_often(int rounds) {
  int sum = 0;
  for (int i = 0; i < rounds; ++i) sum += co_await immediate();
  benchmark::DoNotOptimize(sum);
}
void NestedAwait(benchmark::State& state) {
  run_rounds(state, [](TaskScope& scope) {
    scope.spawn(await_often(kRounds));
    return kRounds;
  });
}
BENCHMARK(NestedAwait);

Task<void> spawn_often(int rounds) {
  Context& context = co_await ThisContext{};
  TaskScope scope(context);
  for (int i = 0; i < rounds; ++i) {
    scope.spawn(immediate_void());
    co_await yield();
  }
  co_await scope.join();
}
void SpawnAndEnd(benchmark::State& state) {
  run_rounds(state, [](TaskScope& scope) {
    for (int i = 0; i < kRounds / 10; ++i) scope.spawn(immediate_void());
    return kRounds / 10;
  });
}
BENCHMARK(SpawnAndEnd);
void SpawnOneByOne(benchmark::State& state) {
  run_rounds(state, [](TaskScope& scope) {
    scope.spawn(spawn_often(kRounds));
    return kRounds;
  });
}
BENCHMARK(SpawnOneByOne);

// --- combinators ---------------------------------------------------------------------------------

enum class Deadline { kEndsAtOnce, kInTime, kLate };

Task<void> deadline_often(Deadline kind, int rounds) {
  Executor& executor = *(co_await ThisContext{}).executor;
  for (int i = 0; i < rounds; ++i) {
    if (kind == Deadline::kEndsAtOnce) co_await with_deadline(immediate(), executor.now() + 5us);
    if (kind == Deadline::kInTime) co_await with_deadline(slow(1us), executor.now() + 5us);
    if (kind == Deadline::kLate) co_await with_deadline(slow(9us), executor.now() + 5us);
  }
}
void WithDeadline(benchmark::State& state, Deadline kind) {
  run_rounds(state, [kind](TaskScope& scope) {
    scope.spawn(deadline_often(kind, kRounds));
    return kRounds;
  });
}
BENCHMARK_CAPTURE(WithDeadline, ends_at_once, Deadline::kEndsAtOnce);
BENCHMARK_CAPTURE(WithDeadline, in_time, Deadline::kInTime);
BENCHMARK_CAPTURE(WithDeadline, late, Deadline::kLate);

Task<void> race_often(int rounds) {
  for (int i = 0; i < rounds; ++i) co_await race(slow(2us), slow(1us));
}
void RaceOfTwo(benchmark::State& state) {
  run_rounds(state, [](TaskScope& scope) {
    scope.spawn(race_often(kRounds));
    return kRounds;
  });
}
BENCHMARK(RaceOfTwo);

Task<void> gather_often(int rounds) {
  for (int i = 0; i < rounds; ++i) co_await all(slow(2us), slow(1us));
}
void AllOfTwo(benchmark::State& state) {
  run_rounds(state, [](TaskScope& scope) {
    scope.spawn(gather_often(kRounds));
    return kRounds;
  });
}
BENCHMARK(AllOfTwo);

Task<void> gather_vectors(int rounds) {
  for (int i = 0; i < rounds; ++i) {
    std::vector<Task<int>> tasks;
    tasks.reserve(8);
    for (int k = 0; k < 8; ++k) tasks.push_back(slow(1us));
    co_await all(std::move(tasks));
  }
}
void AllOfVectorOfEight(benchmark::State& state) {
  run_rounds(state, [](TaskScope& scope) {
    scope.spawn(gather_vectors(kRounds / 8));
    return kRounds / 8;
  });
}
BENCHMARK(AllOfVectorOfEight);

// --- waiting for each other ----------------------------------------------------------------------

Task<void> send_often(Channel<int>& channel, int rounds) {
  for (int i = 0; i < rounds; ++i) co_await channel.send(i);
  channel.close();
}
Task<void> receive_often(Channel<int>& channel) {
  int sum = 0;
  while (const auto item = co_await channel.recv()) sum += *item;
  benchmark::DoNotOptimize(sum);
}
void ChannelTransfer(benchmark::State& state) {
  std::int64_t items = 0;
  for (auto _ : state) {
    Executor executor(1);
    Channel<int> channel(static_cast<std::size_t>(state.range(0)));
    TaskScope scope(executor, 1);
    scope.spawn(send_often(channel, kRounds));
    scope.spawn(receive_often(channel));
    executor.run();
    items += kRounds;
  }
  state.SetItemsProcessed(items);
}
BENCHMARK(ChannelTransfer)->Arg(1)->Arg(16);

Task<void> wait_late_often(int rounds) {
  Executor& executor = *(co_await ThisContext{}).executor;
  OneShot<int> never_set;
  for (int i = 0; i < rounds; ++i) co_await never_set.wait(executor.now() + 5us);
}
void OneShotLate(benchmark::State& state) {
  run_rounds(state, [](TaskScope& scope) {
    scope.spawn(wait_late_often(kRounds));
    return kRounds;
  });
}
BENCHMARK(OneShotLate);

Task<void> ping(Event& mine, Event& other, int rounds) {
  for (int i = 0; i < rounds; ++i) {
    other.set();
    co_await mine.wait();
    mine.reset();
  }
  other.set();
}
void EventPingPong(benchmark::State& state) {
  std::int64_t items = 0;
  for (auto _ : state) {
    Executor executor(1);
    Event a;
    Event b;
    TaskScope scope(executor, 1);
    scope.spawn(ping(a, b, kRounds));
    scope.spawn(ping(b, a, kRounds));
    executor.run();
    items += 2 * kRounds;
  }
  state.SetItemsProcessed(items);
}
BENCHMARK(EventPingPong);

// --- the kernel ----------------------------------------------------------------------------------

Task<int> inner_wait(Random random) {
  const Duration delay = random.duration(1s, 2s);
  co_await sleep_for(delay);
  co_return 1;
}
Task<void> outer_wait(Random random) { co_await inner_wait(random); }

// Destroying tasks of two frames with a timer each, where they wait. The items are tasks.
void Crash(benchmark::State& state) {
  const auto tasks = static_cast<std::uint64_t>(state.range(0));
  sim::Simulation simulation(1, {.trace_keep = 0});
  sim::Node& node = simulation.add_node("victim");
  std::int64_t items = 0;
  for (auto _ : state) {
    state.PauseTiming();
    node.restart();
    Random random = node.random("waits");
    for (std::uint64_t i = 0; i < tasks; ++i) node.spawn(outer_wait(Random(random.next())));
    simulation.run(tasks);
    state.ResumeTiming();
    node.crash();
    simulation.executor().reap();
    items += state.range(0);
  }
  state.SetItemsProcessed(items);
}
BENCHMARK(Crash)->Arg(1000)->Arg(100'000);

// One restart of a node whose program waits: what it costs to make lives.
void CrashAndRestart(benchmark::State& state) {
  sim::Simulation simulation(1, {.trace_keep = 0});
  sim::Node& node = simulation.add_node("victim");
  node.start([](sim::Node&) { return outer_wait(Random(1)); });
  std::int64_t items = 0;
  for (auto _ : state) {
    node.restart();
    simulation.run(1);
    ++items;
  }
  state.SetItemsProcessed(items);
}
BENCHMARK(CrashAndRestart)->Iterations(100'000);

// A record with three fields that no one keeps: what tracing adds to every event.
void TraceRecordHashed(benchmark::State& state) {
  sim::Simulation simulation(1, {.trace_keep = 0});
  sim::Node& node = simulation.add_node("a");
  std::int64_t items = 0;
  for (auto _ : state) {
    node.log().info("bench.thing.happened", {{"id", "d-17"}, {"epoch", 4}, {"bytes", items}});
    ++items;
  }
  state.SetItemsProcessed(items);
}
BENCHMARK(TraceRecordHashed);

// The whole loop, ladder included.
void SimulationSteps(benchmark::State& state) {
  sim::Simulation simulation(1);
  for (int i = 0; i < 100; ++i) {
    sim::Node& node = simulation.add_node("n" + std::to_string(i));
    node.spawn(sleep_for_ever(node.random("sleep")));
  }
  std::int64_t steps = 0;
  for (auto _ : state) steps += static_cast<std::int64_t>(simulation.run(10'000));
  state.SetItemsProcessed(steps);
}
BENCHMARK(SimulationSteps);

}  // namespace
}  // namespace reliant
