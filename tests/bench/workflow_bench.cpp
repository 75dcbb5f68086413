// What a node of a workflow costs the interpreter alone: a thousand in sequence, in the rounds of a loop, and side by side. The time
// is the processor's, a node. Each node names the one before it, or the round's item, so that its scope is made.
#include <benchmark/benchmark.h>

#include <cstdlib>
#include <string>
#include <utility>

#include "base/text.h"
#include "runtime/executor.h"
#include "runtime/scope.h"
#include "workflow/format/library.h"
#include "workflow/graph/interpreter.h"
#include "workflow/graph/node_run.h"

namespace reliant::workflow {
namespace {

class QuickHost final : public Host {
 public:
  Task<Result<ModelReply>> call_model(ModelCall, Event&) override { co_return ModelReply{"text", {}, "done"}; }
  Task<Result<ToolReply>> run_tool(ToolRun, Event&) override {
    co_return ToolReply{"out", false,
                        fields({{"exit_code", expr::Value::integer(0)},
                                {"stdout", expr::Value::string("out")},
                                {"stderr", expr::Value::string("")}})};
  }
  Task<Result<std::string>> save_message(ThreadId, std::string, std::string) override { co_return "message"; }
  Task<Result<std::string>> ask(Question, Event&) override { co_return "yes"; }
  Task<void> sleep(Duration) override { co_return; }
  ThreadId fork_thread(const ThreadId&, std::string name) override { return name; }
  ThreadId new_thread(std::string name) override { return name; }
  void changed(NodeChange) override {}
};

std::string sequence(std::int64_t nodes) {
  std::string text = "name: w\nnodes:\n";
  for (std::int64_t i = 0; i < nodes; ++i) {
    text += concat("  - {id: n", i, ", type: run, command: \"echo ", i == 0 ? "" : concat("{{ nodes.n", i - 1, ".stdout }}"),
                   "\"}\n");
  }
  return text;
}

std::string list(std::int64_t count) {
  std::string items;
  for (std::int64_t i = 0; i < count; ++i) items += concat(i == 0 ? "" : ", ", i);
  return concat("\"[", items, "]\"");
}

std::string loop(std::int64_t rounds) {
  return concat("name: w\nnodes:\n  - id: l\n    type: loop\n    max_iterations: 10000\n    items: ", list(rounds),
                "\n    nodes: [{id: x, type: run, command: \"echo {{ iter.item }}\"}]\n");
}

std::string fan_out(std::int64_t nodes) {
  std::string text = "name: w\nnodes:\n  - {id: first, type: run, command: x}\n";
  std::string ids;
  for (std::int64_t i = 0; i < nodes; ++i) {
    text += concat("  - {id: n", i, ", type: run, command: \"echo {{ nodes.first.stdout }}\"}\n");
    ids += concat(i == 0 ? "" : ", ", "n", i);
  }
  return concat(text, "  - {id: last, join: {}}\nedges:\n  - {from: first, to: [", ids, "]}\n", [&] {
    std::string edges;
    for (std::int64_t i = 0; i < nodes; ++i) edges += concat("  - {from: n", i, ", to: last}\n");
    return edges;
  }());
}

Task<void> drive(Interpreter& interpreter, const WorkflowDefinition& workflow, GraphProgress& progress, Cancellation& cancel,
                 bool& completed) {
  completed = (co_await interpreter.run(workflow, fields({}), "", "", progress, cancel)).ok();
}

void run(benchmark::State& state, const std::string& text) {
  Library library;
  library.add_workflow(text, "w.yaml");
  library.check_all();
  if (!library.problems().empty()) return state.SkipWithError(std::string(message_of(library.problems().front())).c_str());
  for (auto _ : state) {
    QuickHost host;
    Interpreter interpreter(host, library, "run");
    Executor executor(1, Executor::Order::kFifo);
    GraphProgress progress;
    Cancellation cancel;
    bool completed = false;
    {
      TaskScope scope(executor, 0);
      scope.spawn(drive(interpreter, *library.find("w"), progress, cancel, completed));
      executor.run();
    }
    if (!completed) return state.SkipWithError("the run is not COMPLETED");
  }
  state.counters["cpu_of_a_node"] = benchmark::Counter(
      static_cast<double>(state.range(0)), benchmark::Counter::kIsIterationInvariantRate | benchmark::Counter::kInvert);
}

void Sequence(benchmark::State& state) { run(state, sequence(state.range(0))); }
void Loop(benchmark::State& state) { run(state, loop(state.range(0))); }
void FanOut(benchmark::State& state) { run(state, fan_out(state.range(0))); }
BENCHMARK(Sequence)->Arg(250)->Arg(1000)->Unit(benchmark::kMillisecond);
BENCHMARK(Loop)->Arg(250)->Arg(1000)->Unit(benchmark::kMillisecond);
BENCHMARK(FanOut)->Arg(250)->Arg(1000)->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace reliant::workflow
