// ScriptedHost: a Host that answers from the events of a test, in simulated time. A call that no event answers is an error that
// names the node, so that a test cannot pass by chance.
#pragma once

#include <cstddef>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "runtime/random.h"
#include "workflow/graph/host.h"
#include "workflow/testing/test_file.h"

namespace reliant::workflow {

class ScriptedHost final : public Host {
 public:
  struct Said {
    std::string role;  // user, assistant, tool
    std::string text;
  };

  // `test` outlives it. `random` draws how long a call takes for which the test does not say it.
  ScriptedHost(const WorkflowTest& test, Random random) : test_(test), random_(random), used_(test.events.size()) {}

  Task<Result<ModelReply>> call_model(ModelCall call, Event& cancel) override;
  Task<Result<ToolReply>> run_tool(ToolRun run, Event& cancel) override;
  Task<Result<std::string>> save_message(ThreadId thread, std::string role, std::string content) override;
  Task<Result<std::string>> ask(Question question, Event& cancel) override;
  Task<void> sleep(Duration duration) override;
  ThreadId fork_thread(const ThreadId& from, std::string name) override;
  ThreadId new_thread(std::string name) override;
  void changed(NodeChange change) override;

  // In the order in which they came.
  const std::vector<NodeChange>& changes() const { return changes_; }
  const std::vector<Said>& conversation(std::string_view thread) const;
  // Events that have answered fewer calls than they are for.
  struct Unused {
    const TestEvent* event;
    std::int64_t answered;
  };
  std::vector<Unused> unused() const;

 private:
  // The next event for a call of `node`; null: there is none.
  const TestEvent* take(std::string_view node, std::initializer_list<std::string_view> types, std::string_view tool);
  Task<Status> pass(const TestEvent& event, Event& cancel);

  const WorkflowTest& test_;
  Random random_;
  std::vector<std::int64_t> used_;  // calls that each event has answered
  std::map<std::string, std::vector<Said>, std::less<>> threads_;
  std::vector<NodeChange> changes_;
};

}  // namespace reliant::workflow
