// temporal_peer PORT WORKFLOWS AT_ONCE: workflows of one no-op activity each against a Temporal server on this machine, by raw
// pollers, AT_ONCE at a time. Prints {"seconds": .., "median_ms": ..}: for all of them, and for one.
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "adapters/asio/asio_executor.h"
#include "adapters/grpc_temporal/grpc_temporal.h"
#include "adapters/posix/os_entropy.h"
#include "base/text.h"
#include "bench/noop_workflow.h"
#include "runtime/random.h"
#include "runtime/scope.h"
#include "runtime/sleep.h"

namespace reliant {
namespace {

namespace wf = ports::wf;

constexpr Duration kCallTimeout = std::chrono::seconds(30);
constexpr Duration kPollTimeout = std::chrono::seconds(60);
constexpr std::size_t kPollers = 20;  // of each kind

struct Bench {
  adapters::AsioExecutor executor;
  std::unique_ptr<adapters::GrpcTemporal> temporal;
  std::string name;  // of this run: its workflows and its queue
  std::size_t wanted = 0;
  std::size_t started = 0;
  std::map<std::string, Instant> running;
  std::vector<double> took_ms;
  TaskScope scope{executor, 0};

  Instant in(Duration time) { return after(executor.now(), time); }
};

Task<void> start_one(Bench& bench) {
  wf::StartWorkflowExecutionRequest request;
  request.set_namespace_("default");
  request.set_workflow_id(concat(bench.name, "-", bench.started++));
  request.mutable_workflow_type()->set_name("Noop");
  request.mutable_task_queue()->set_name(bench.name);
  request.set_request_id(request.workflow_id());
  bench.running.emplace(request.workflow_id(), bench.executor.now());
  const auto answer = co_await bench.temporal->start_workflow_execution(request, bench.in(kCallTimeout));
  if (answer.ok()) co_return;
  std::fprintf(stderr, "temporal_peer: %s\n", std::string(message_of(answer.status())).c_str());
  std::exit(1);
}

void ended(Bench& bench, const std::string& workflow_id) {
  const auto found = bench.running.find(workflow_id);
  if (found == bench.running.end()) return;
  bench.took_ms.push_back(std::chrono::duration<double, std::milli>(bench.executor.now() - found->second).count());
  bench.running.erase(found);
  if (bench.started < bench.wanted) bench.scope.spawn(start_one(bench));
}

Task<void> poll_workflows(Bench& bench) {
  for (;;) {
    wf::PollWorkflowTaskQueueRequest poll;
    poll.set_namespace_("default");
    poll.mutable_task_queue()->set_name(bench.name);
    const auto task = co_await bench.temporal->poll_workflow_task_queue(poll, bench.in(kPollTimeout));
    if (!task.ok() || task->task_token().empty()) continue;
    const bool last = task->previous_started_event_id() != 0;
    const auto answer =
        co_await bench.temporal->respond_workflow_task_completed(tests::decide_noop(*task, bench.name), bench.in(kCallTimeout));
    if (answer.ok() && last) ended(bench, task->workflow_execution().workflow_id());
  }
}

Task<void> poll_activities(Bench& bench) {
  for (;;) {
    wf::PollActivityTaskQueueRequest poll;
    poll.set_namespace_("default");
    poll.mutable_task_queue()->set_name(bench.name);
    const auto task = co_await bench.temporal->poll_activity_task_queue(poll, bench.in(kPollTimeout));
    if (!task.ok() || task->task_token().empty()) continue;
    wf::RespondActivityTaskCompletedRequest answer;
    answer.set_namespace_("default");
    answer.set_task_token(task->task_token());
    (void)co_await bench.temporal->respond_activity_task_completed(answer, bench.in(kCallTimeout));
  }
}

int run(std::uint16_t port, std::size_t workflows, std::size_t at_once) {
  Bench bench;
  adapters::GrpcTemporalOptions options;
  options.host = "127.0.0.1";
  options.port = port;
  auto opened = adapters::GrpcTemporal::open(bench.executor, options);
  if (!opened.ok()) return 1;
  bench.temporal = *std::move(opened);
  bench.name = concat("bench-", Random(adapters::os_seed()).hex(12));
  bench.wanted = workflows;
  for (std::size_t i = 0; i < std::min(kPollers, std::max<std::size_t>(1, at_once)); ++i) {
    bench.scope.spawn(poll_workflows(bench));
    bench.scope.spawn(poll_activities(bench));
  }
  const Instant begin = bench.executor.now();
  for (std::size_t i = 0; i < std::min(at_once, workflows); ++i) bench.scope.spawn(start_one(bench));
  if (!bench.executor.run_loop_until([&] { return bench.took_ms.size() == workflows; }, std::chrono::minutes(3))) return 1;
  const double seconds = std::chrono::duration<double>(bench.executor.now() - begin).count();
  std::ranges::sort(bench.took_ms);
  std::printf("{\"seconds\": %.6f, \"median_ms\": %.3f}\n", seconds, bench.took_ms[workflows / 2]);
  return 0;
}

}  // namespace
}  // namespace reliant

int main(int argc, char** argv) {
  if (argc != 4) {
    std::fprintf(stderr, "temporal_peer PORT WORKFLOWS AT_ONCE\n");
    return 2;
  }
  return reliant::run(static_cast<std::uint16_t>(std::atoi(argv[1])), static_cast<std::size_t>(std::atoi(argv[2])),
                      static_cast<std::size_t>(std::atoi(argv[3])));
}
