#include "kernel/simulation.h"

#include <gtest/gtest.h>

#include <chrono>
#include <vector>

#include "runtime/channel.h"
#include "runtime/sleep.h"
#include "runtime/this_context.h"

namespace reliant::sim {
namespace {

using namespace std::chrono_literals;

constexpr Instant at(Duration since_start) { return Instant(since_start); }

Task<void> beat(Node& node, Channel<int>& out) {
  Random random = node.random("beat");
  for (int i = 0;; ++i) {
    const Duration wait = random.duration(1ms, 9ms);
    co_await sleep_for(wait);
    node.log().info("test.beat", {{"count", i}});
    co_await out.send(i);
  }
}
Task<void> listen(Node& node, Channel<int>& in) {
  while (const auto item = co_await in.recv()) node.log().info("test.heard", {{"count", *item}});
}

struct Pair {
  explicit Pair(std::uint64_t seed, SimulationOptions options = {}) : simulation(seed, options) {
    Node& sender = simulation.add_node("sender");
    Node& receiver = simulation.add_node("receiver");
    sender.start([this](Node& node) { return beat(node, channel); });
    receiver.start([this](Node& node) { return listen(node, channel); });
  }
  ~Pair() { simulation.shutdown(); }

  Channel<int> channel{4};
  Simulation simulation;
};

TEST(Simulation, OneSeedClimbsOneLadder) {
  Pair a(7);
  Pair b(7);
  Pair c(8);
  for (Pair* pair : {&a, &b, &c}) pair->simulation.run_for(60s);
  EXPECT_EQ(a.simulation.hash(), b.simulation.hash());
  EXPECT_NE(a.simulation.hash(), c.simulation.hash());
  EXPECT_GT(a.simulation.ladder().rungs().size(), 10u);
  EXPECT_EQ(first_difference(a.simulation.ladder(), b.simulation.ladder()), std::nullopt);
  EXPECT_EQ(first_difference(a.simulation.ladder(), c.simulation.ladder()), 0u);
}

TEST(Simulation, RunCallsDoNotChangeTheLadder) {
  Pair whole(7);
  Pair pieces(7);
  Pair stepped(7);
  Pair predicate(7);
  whole.simulation.run_until(at(10s));
  for (int i = 0; i < 1000; ++i) pieces.simulation.run_for(10ms);
  while (stepped.simulation.executor().next_event() <= at(10s)) stepped.simulation.run(3);
  predicate.simulation.run_until([] { return false; }, at(10s));
  EXPECT_EQ(whole.simulation.hash(), pieces.simulation.hash());
  EXPECT_EQ(whole.simulation.hash(), predicate.simulation.hash());
  EXPECT_EQ(whole.simulation.ladder().rungs(), pieces.simulation.ladder().rungs());
  EXPECT_EQ(whole.simulation.ladder().rungs(), predicate.simulation.ladder().rungs());
  EXPECT_EQ(whole.simulation.ladder().rungs().front(), stepped.simulation.ladder().rungs().front());
  EXPECT_EQ(predicate.simulation.now(), at(10s));
}

TEST(Simulation, TheLadderFindsTheFirstStepThatDiffers) {
  const auto run = [](SimulationOptions options, bool disturbed) {
    Pair pair(7, options);
    pair.simulation.run_until(at(5s));
    if (disturbed) pair.simulation.executor().mix(1);
    pair.simulation.run_until(at(10s));
    return pair.simulation.ladder();
  };
  const SimulationOptions coarse{.ladder_spacing = 100};
  const HashLadder good = run(coarse, false);
  const auto rung = first_difference(good, run(coarse, true));
  ASSERT_TRUE(rung);
  ASSERT_GT(*rung, 0u);
  const SimulationOptions window{.ladder_spacing = 1, .ladder_first_step = good.rungs()[*rung - 1].step};
  const HashLadder fine = run(window, false);
  const auto step = first_difference(fine, run(window, true));
  ASSERT_TRUE(step);
  EXPECT_LE(fine.rungs()[*step - 1].time, at(5s));
  EXPECT_GT(fine.rungs()[*step].time, at(5s));
}

TEST(Simulation, SinksDoNotChangeTheHash) {
  struct Counter final : TraceSink {
    void on_record(const TraceRecord&) override { ++records; }
    int records = 0;
  };
  Counter counter;
  Pair watched(7, {.trace_keep = 10});
  Pair blind(7, {.trace_keep = 0});
  watched.simulation.trace().add_sink(counter);
  watched.simulation.run_for(10s);
  blind.simulation.run_for(10s);
  EXPECT_EQ(watched.simulation.hash(), blind.simulation.hash());
  EXPECT_GT(counter.records, 1000);
  EXPECT_TRUE(blind.simulation.trace().records().empty());
  watched.simulation.trace().remove_sink(counter);
}

TEST(Simulation, StopsWhereThePredicateHolds) {
  Pair pair(7);
  const auto ten_records = [&] { return pair.simulation.trace().recorded() >= 10; };
  EXPECT_TRUE(pair.simulation.run_until(ten_records, at(10s)));
  EXPECT_LT(pair.simulation.now(), at(1s));
  EXPECT_FALSE(pair.simulation.run_until([] { return false; }, at(2s)));
  EXPECT_EQ(pair.simulation.now(), at(2s));
}

TEST(Simulation, LeaksNothingAfterShutdown) {
  Pair pair(7);
  EXPECT_FALSE(pair.simulation.quiescent());
  pair.simulation.run_for(1s);
  EXPECT_EQ(pair.simulation.live().tasks, 2u);
  EXPECT_GT(pair.simulation.live().frames, 0);
  pair.simulation.shutdown();
  EXPECT_EQ(pair.simulation.live(), LiveCounts{});
  EXPECT_TRUE(pair.simulation.quiescent());
}

TEST(Simulation, StreamsAreLabelled) {
  const Simulation simulation(7);
  Random a = simulation.random("a");
  Random same = simulation.random("a");
  Random b = simulation.random("b");
  const std::uint64_t first = a.next();
  EXPECT_EQ(first, same.next());
  EXPECT_NE(first, b.next());
}

Task<void> fail_later() {
  co_await sleep_for(1s);
  throw 5;
}

TEST(Simulation, ReportsAnUnhandledException) {
  Simulation simulation(7);
  Node& node = simulation.add_node("a");
  node.start([](Node&) { return fail_later(); });
  EXPECT_FALSE(simulation.failure().error());
  simulation.run();
  EXPECT_TRUE(simulation.failure().error());
  EXPECT_EQ(simulation.failure().node(), node.id());
  node.restart();
  node.crash();
  simulation.run();
  EXPECT_TRUE(simulation.failure().error());
}

Task<void> fail_in_a_scope_of_its_own() {
  TaskScope scope(co_await ThisContext{});
  scope.spawn(fail_later());
  co_await never();
}

TEST(Simulation, ReportsAnUnhandledExceptionOfANestedScope) {
  Simulation simulation(7);
  Node& node = simulation.add_node("a");
  node.start([](Node&) { return fail_in_a_scope_of_its_own(); });
  simulation.run();
  EXPECT_TRUE(simulation.failure().error());
  EXPECT_EQ(simulation.failure().node(), node.id());
}

void add_twice() {
  Simulation simulation(1);
  simulation.add_node("a");
  simulation.add_node("a");
}

TEST(SimulationDeathTest, NodeNamesAreUnique) { EXPECT_DEATH(add_twice(), "unique"); }

TEST(Simulation, FindsNodesByNameAndNumber) {
  Simulation simulation(1);
  Node& a = simulation.add_node("a");
  Node& b = simulation.add_node("b");
  EXPECT_EQ(simulation.find_node("b"), &b);
  EXPECT_EQ(&simulation.node(1), &a);
  EXPECT_EQ(simulation.find_node("c"), nullptr);
}

}  // namespace
}  // namespace reliant::sim
