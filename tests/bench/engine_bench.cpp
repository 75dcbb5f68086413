// How fast the embedded Temporal engine is: workflows of one activity each, by raw pollers in the same thread, as in the
// comparison with the real server (which makes 88 a second in memory, on two cores, and takes 150 ms for one).
#include <benchmark/benchmark.h>

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <memory>
#include <string>

#include "adapters/embedded_temporal/embedded_temporal.h"
#include "adapters/sqlite/sqlite_database.h"
#include "base/text.h"
#include "bench/noop_workflow.h"
#include "runtime/executor.h"
#include "runtime/scope.h"

namespace reliant {
namespace {

namespace wf = ports::wf;

class BenchClock final : public Clock {
 public:
  explicit BenchClock(const Executor& executor) : executor_(executor) {}
  Instant now() const override { return executor_.now(); }
  WallTime wall_now() const override { return WallTime(std::chrono::hours(500'000)) + now().time_since_epoch(); }

 private:
  const Executor& executor_;
};

class NoLog final : public EventLog {
 public:
  void record(Level, std::string_view, std::initializer_list<Field>) override {}
};

struct World {
  explicit World(const std::string& path) : database(*adapters::SqliteDatabase::open(path)) {
    server.spawn(start(temporal));
    executor.run();
  }
  static Task<void> start(adapters::EmbeddedTemporal& temporal) { (void)co_await temporal.start(kNever); }

  Executor executor{1, Executor::Order::kFifo};
  BenchClock clock{executor};
  NoLog log;
  std::unique_ptr<adapters::SqliteDatabase> database;
  TaskScope server{executor, 0};
  adapters::EmbeddedTemporal temporal{server.context(), clock, Random(1), log, *database};
  std::size_t started = 0;
  std::size_t done = 0;
  TaskScope clients{executor, 0};
};

Task<void> poll_workflows(World& world) {
  for (;;) {
    wf::PollWorkflowTaskQueueRequest poll;
    poll.set_namespace_("default");
    poll.mutable_task_queue()->set_name("queue");
    const auto task = co_await world.temporal.poll_workflow_task_queue(poll, kNever);
    if (!task.ok() || task->task_token().empty()) continue;
    const bool last = task->previous_started_event_id() != 0;
    const auto answer = co_await world.temporal.respond_workflow_task_completed(tests::decide_noop(*task, "queue"), kNever);
    if (answer.ok() && last) ++world.done;
  }
}

Task<void> poll_activities(World& world) {
  for (;;) {
    wf::PollActivityTaskQueueRequest poll;
    poll.set_namespace_("default");
    poll.mutable_task_queue()->set_name("queue");
    const auto task = co_await world.temporal.poll_activity_task_queue(poll, kNever);
    if (!task.ok() || task->task_token().empty()) continue;
    wf::RespondActivityTaskCompletedRequest answer;
    answer.set_namespace_("default");
    answer.set_task_token(task->task_token());
    (void)co_await world.temporal.respond_activity_task_completed(answer, kNever);
  }
}

Task<void> start_workflow(World& world) {
  wf::StartWorkflowExecutionRequest request;
  request.set_namespace_("default");
  request.set_workflow_id(concat("workflow-", world.started++));
  request.mutable_workflow_type()->set_name("Noop");
  request.mutable_task_queue()->set_name("queue");
  request.set_request_id(request.workflow_id());
  (void)co_await world.temporal.start_workflow_execution(request, kNever);
}

void run(benchmark::State& state, const std::string& path) {
  World world(path);
  const auto at_once = static_cast<std::size_t>(state.range(0));
  for (std::size_t i = 0; i < at_once; ++i) {
    world.clients.spawn(poll_workflows(world));
    world.clients.spawn(poll_activities(world));
  }
  for (auto _ : state) {
    const std::size_t wanted = world.done + at_once;
    for (std::size_t i = 0; i < at_once; ++i) world.clients.spawn(start_workflow(world));
    while (world.done < wanted) world.executor.step();
  }
  state.SetItemsProcessed(static_cast<std::int64_t>(world.done));
}

void workflows_in_memory(benchmark::State& state) { run(state, ":memory:"); }

void workflows_in_a_file(benchmark::State& state) {
  std::string directory = (std::filesystem::temp_directory_path() / "engine-bench-XXXXXX").string();
  if (mkdtemp(directory.data()) == nullptr) return state.SkipWithError("no directory for temporary files");
  run(state, directory + "/temporal.db");
  std::error_code ignored;
  std::filesystem::remove_all(directory, ignored);
}

BENCHMARK(workflows_in_memory)->Arg(1)->Arg(50)->Unit(benchmark::kMillisecond);
BENCHMARK(workflows_in_a_file)->Arg(1)->Arg(50)->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace reliant
