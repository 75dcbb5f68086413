// Random workflows over random histories: wherever the run is evicted, it asks for the same; destroyed
// anywhere, it leaves nothing behind (under ASan).

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <charconv>
#include <memory>
#include <string>
#include <vector>

#include "runtime/all.h"
#include "runtime/event.h"
#include "runtime/race.h"
#include "runtime/random.h"
#include "runtime/scope.h"
#include "runtime/this_context.h"
#include "support/run_driver.h"
#include "temporal/workflow.h"

namespace reliant::tests {
namespace {

using temporal::ActivityOptions;
using temporal::WorkflowContext;

// Some parallel strands with random actions; their observations go into the result.
class RandomWorkflow final : public temporal::Workflow {
 public:
  Task<Result<std::string>> run(WorkflowContext& context, std::string input) override {
    std::uint64_t seed = 0;
    std::from_chars(input.data(), input.data() + input.size(), seed);
    Random random(seed);
    std::vector<Task<void>> strands;
    const std::uint64_t count = 1 + random.below(4);
    for (std::uint64_t i = 0; i < count; ++i) strands.push_back(strand(context, random.next()));
    TaskScope beside(co_await ThisContext{});
    if (random.chance(1, 2)) beside.spawn(strand(context, random.next()));  // destroyed where it stands
    co_await all(std::move(strands));
    if (seen_ % 5 == 0) co_return internal_error("seen ", seen_);
    if (seen_ % 5 == 1) co_return context.continue_as_new(concat(seen_));
    co_return concat(seen_);
  }

 private:
  void see(std::string_view what) { seen_ = hash_bytes(what, seen_ ^ 1); }
  void see_outcome(const Result<std::string>& outcome) {
    see(outcome.ok() ? std::string_view(*outcome) : message_of(outcome.status()));
  }
  static ActivityOptions minute() {
    ActivityOptions options;
    options.start_to_close = std::chrono::minutes(1);
    return options;
  }
  static std::string type(Random& random) { return concat("type", random.below(3)); }
  static Duration pause(Random& random) { return std::chrono::seconds(random.below(4)); }

  Task<void> strand(WorkflowContext& context, std::uint64_t seed) {
    Random random(seed);
    const std::uint64_t steps = 1 + random.below(5);
    for (std::uint64_t i = 0; i < steps; ++i) co_await step(context, random.next());
  }

  Task<void> step(WorkflowContext& context, std::uint64_t seed) {
    Random random(seed);
    const std::uint64_t kind = random.below(7);
    const Duration wait = pause(random);
    std::string name = type(random);
    if (kind == 0) {
      see_outcome(co_await context.execute_activity(std::move(name), "1", minute()));
    } else if (kind == 1) {
      co_await context.sleep(wait);
      see(concat(context.now().time_since_epoch().count()));
    } else if (kind == 2) {
      auto first = co_await race(context.execute_activity(std::move(name), "2", minute()), context.sleep(wait));
      see(first.index() == 0 ? "activity" : "timer");
    } else if (kind == 3) {
      auto first = co_await race(context.receive_signal("a"), context.sleep(wait));
      see(first.index() == 0 ? std::get<0>(first) : std::string("late"));
    } else if (kind == 4) {
      ActivityOptions options = minute();
      options.cancel_when = &stop_;
      see_outcome(co_await context.execute_activity("stoppable", "3", options));
    } else if (kind == 5) {
      stop_.set();
      see(concat(context.random().next()));
    } else {
      std::vector<Task<Result<std::string>>> tasks;
      for (int i = 0; i < 3; ++i) tasks.push_back(context.execute_activity(name, "4", minute()));
      for (const auto& result : co_await all(std::move(tasks))) see_outcome(result);
    }
  }

  std::uint64_t seen_ = 0;
  Event stop_;
};

MakeWorkflow random_workflow() {
  return [] { return std::make_unique<RandomWorkflow>(); };
}

// One thing that happens outside, if it can.
void happen(HistoryBuilder& history, Random& random) {
  const auto activities = history.open_activities();
  const auto timers = history.open_timers();
  const auto cancelling = history.cancelling_activities();
  const std::uint64_t what = random.below(7);
  if (what <= 2 && !activities.empty()) {
    const std::string& id = activities[random.below(activities.size())];
    if (what == 0) history.activity_completed(id, concat("\"", random.below(100), "\""));
    if (what == 1) history.activity_failed(id, internal_error("failed ", random.below(100)));
    if (what == 2) history.activity_timed_out(id);
  } else if (what == 3 && !cancelling.empty()) {
    history.activity_cancelled(cancelling[random.below(cancelling.size())]);
  } else if (what == 4) {
    history.signalled(random.chance(3, 4) ? "a" : "b", concat("\"", random.below(100), "\""));
  } else if (what == 5 && random.chance(1, 4)) {
    history.cancel_requested();
  } else if (!timers.empty()) {
    history.timer_fired(timers[random.below(timers.size())]);
  }
}

// Plays one run to its end, or for a while. `evictions` draws where the live run is forgotten; the world
// draws from `seed`.
std::unique_ptr<RunDriver> play(std::uint64_t seed, Random evictions, std::uint64_t eviction_odds) {
  Random random(seed);
  auto driver = std::make_unique<RunDriver>(random_workflow(), concat(random.next()));
  for (int i = 0; i < 40 && !driver->history().closed(); ++i) {
    if (random.chance(1, 8)) {
      (void)driver->lost_task();
    } else {
      const auto commands = driver->task();
      RC_ASSERT(driver->tasks().size() > 0u);
      RC_ASSERT(commands == driver->tasks().back().commands);
    }
    if (driver->history().closed()) break;
    driver->history().advance(random.duration(Duration::zero(), std::chrono::seconds(3)));
    const std::uint64_t events = random.below(4);
    for (std::uint64_t event = 0; event < events; ++event) happen(driver->history(), random);
    if (eviction_odds > 0 && evictions.chance(1, eviction_odds)) driver->evict();
  }
  return driver;
}

std::vector<std::vector<std::string>> commands_of(const RunDriver& driver) {
  std::vector<std::vector<std::string>> out;
  for (const auto& task : driver.tasks()) out.push_back(task.commands);
  return out;
}

// A case that rapidcheck draws is a batch of them: one costs a tenth of a millisecond.
constexpr std::uint64_t kBatch = 10;

void evict_anywhere(std::uint64_t seed, std::uint64_t eviction_seed) {
  const auto kept = play(seed, Random(eviction_seed), 0);
  const auto evicted = play(seed, Random(eviction_seed), 2);
  RC_ASSERT(commands_of(*kept) == commands_of(*evicted));
  const auto always = play(seed, Random(eviction_seed), 1);
  RC_ASSERT(commands_of(*kept) == commands_of(*always));
}

RC_GTEST_PROP(Replay, AsksForTheSameWhereverTheRunIsEvicted, (std::uint64_t seed, std::uint64_t eviction_seed)) {
  for (std::uint64_t i = 0; i < kBatch; ++i) evict_anywhere(seed * kBatch + i, eviction_seed);
}

void replay_prefixes(std::uint64_t seed) {
  const auto driver = play(seed, Random(0), 0);
  for (std::size_t index = 0; index < driver->tasks().size(); ++index) {
    const auto again = driver->replay_to(index, random_workflow());
    RC_ASSERT(again.ok());
    RC_ASSERT(*again == driver->tasks()[index].commands);
  }
  RC_ASSERT(driver->replay_all().ok());
}

RC_GTEST_PROP(Replay, AsksForTheSameFromAnyPrefixOfItsHistory, (std::uint64_t seed)) {
  for (std::uint64_t i = 0; i < kBatch; ++i) replay_prefixes(seed * kBatch + i);
}

// Events of any history in any order and number are errors at worst.
void scramble(std::uint64_t seed) {
  const auto driver = play(seed, Random(0), 0);
  Random random(seed + 1);
  std::vector<HistoryEvent> events = driver->history().events();
  const std::uint64_t changes = 1 + random.below(4);
  for (std::uint64_t change = 0; change < changes; ++change) {
    const std::size_t at = random.below(events.size());
    const std::size_t other = random.below(events.size());
    if (random.chance(1, 2)) {
      events[at].Swap(&events[other]);
    } else {
      events[at] = events[other];
    }
  }
  temporal::WorkflowRun run("workflow", "run", random_workflow()());
  for (std::size_t i = 0; i < events.size(); ++i) {
    events[i].set_event_id(static_cast<std::int64_t>(i) + 1);
    if (!run.apply(events[i]).ok()) break;
  }
  (void)run.activate();
}

RC_GTEST_PROP(Replay, RefusesAScrambledHistoryWithoutHarm, (std::uint64_t seed)) {
  for (std::uint64_t i = 0; i < kBatch; ++i) scramble(seed * kBatch + i);
}

}  // namespace
}  // namespace reliant::tests
