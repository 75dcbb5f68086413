#include "runtime/sleep.h"
#include "temporal/engine/matching.h"
#include "unit/temporal/engine/engine_world.h"

namespace reliant::tests {
namespace {

using temporal::engine::Dispatch;
using temporal::engine::Matching;
using temporal::engine::MatchTask;
using temporal::engine::QueueKey;

const QueueKey kNormal{"default", Dispatch::Kind::kWorkflow, false, "queue"};
const QueueKey kSticky{"default", Dispatch::Kind::kWorkflow, true, "sticky"};

MatchTask task(std::string run_id, bool sticky = false) {
  MatchTask made;
  made.ns = "default";
  made.run_id = std::move(run_id);
  made.dispatch.queue = "queue";
  if (sticky) made.dispatch.sticky_queue = "sticky";
  return made;
}

// Takes tasks until the deadline, for a worker.
Task<void> take_all(Matching& matching, QueueKey key, std::string worker, Instant deadline, std::vector<std::string>& got,
                    bool& ended) {
  for (;;) {
    auto taken = co_await matching.take(key, worker, "", deadline);
    if (!taken) break;
    got.push_back((*taken)->run_id);
    taken->done();
  }
  ended = true;
}

// Takes one and never says that it is done.
Task<void> take_one(Matching& matching, QueueKey key, bool& took) {
  auto taken = co_await matching.take(key, "", "", kNever);
  took = taken.has_value();
  co_await never();
}

struct MatchingWorld {
  Executor executor{5};
  Matching matching{executor};
  std::vector<std::string> got;
  bool ended = false;
  TaskScope scope{executor, 0};

  void poll(const QueueKey& key, std::string worker = "w") {
    scope.spawn(take_all(matching, key, std::move(worker), executor.now() + std::chrono::seconds(60), got, ended));
    run();
  }
  void run() { executor.run_until(executor.now() + std::chrono::milliseconds(1)); }
};

TEST(EngineMatching, GivesTasksInTheirOrder) {
  MatchingWorld world;
  world.matching.add(task("a"));
  world.matching.add(task("b"));
  world.poll(kNormal);
  world.matching.add(task("c"));
  world.run();
  EXPECT_EQ(world.got, (std::vector<std::string>{"a", "b", "c"}));
}

TEST(EngineMatching, ATaskOfADestroyedPollerIsRequeued) {
  MatchingWorld world;
  world.matching.add(task("a"));
  world.matching.add(task("b"));
  bool took = false;
  {
    TaskScope poller(world.scope.context());
    poller.spawn(take_one(world.matching, kNormal, took));
    world.run();
    EXPECT_TRUE(took);
  }
  world.poll(kNormal);
  EXPECT_EQ(world.got, (std::vector<std::string>{"a", "b"}));
}

TEST(EngineMatching, ATaskPromisedToADestroyedPollerIsPassedOn) {
  MatchingWorld world;
  bool took = false;
  auto first = std::make_unique<TaskScope>(world.scope.context());
  first->spawn(take_one(world.matching, kNormal, took));
  world.run();
  world.poll(kNormal);
  world.matching.add(task("a"));  // promised to the first, which has not run
  first.reset();
  world.run();
  EXPECT_FALSE(took);
  EXPECT_EQ(world.got, std::vector<std::string>{"a"});
}

TEST(EngineMatching, PrefersTheStickyQueueWhileItIsPolled) {
  MatchingWorld world;
  world.matching.add(task("unknown worker", true));
  world.poll(kNormal);
  EXPECT_EQ(world.got.size(), 1u);
  world.poll(kSticky);
  EXPECT_TRUE(world.matching.has_poller(kSticky));
  world.matching.add(task("sticky", true));
  world.run();
  EXPECT_EQ(world.got.size(), 2u);
  world.executor.run_until(world.executor.now() + std::chrono::seconds(90));
  EXPECT_FALSE(world.matching.has_poller(kSticky)) << "ten seconds after its last poll";
}

TEST(EngineMatching, EndsThePollsOfOneWorkerAndHandsItsStickyTasksOn) {
  MatchingWorld world;
  world.poll(kSticky, "stopping");
  world.executor.run_until(world.executor.now() + std::chrono::seconds(61));
  ASSERT_TRUE(world.ended);
  world.matching.add(task("left behind", true));
  world.ended = false;
  world.poll(kNormal, "other");
  EXPECT_TRUE(world.got.empty());
  bool stopped = false;
  std::vector<std::string> nothing;
  world.scope.spawn(
      take_all(world.matching, kNormal, "stopping", world.executor.now() + std::chrono::seconds(60), nothing, stopped));
  world.run();
  world.matching.stop_worker("stopping", kSticky);
  world.run();
  EXPECT_TRUE(stopped);
  EXPECT_FALSE(world.ended);
  EXPECT_EQ(world.got, std::vector<std::string>{"left behind"});
}

}  // namespace
}  // namespace reliant::tests
