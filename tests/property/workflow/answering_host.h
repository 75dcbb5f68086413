// A host that answers each call of a random workflow (random_workflow.h), and watches what the interpreter does: the state machine
// of each node, what begins before its time or after the end, how many rounds run at a time, whether two nodes write one
// conversation at a time.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "property/workflow/random_workflow.h"
#include "workflow/graph/host.h"

namespace reliant::tests {

class AnsweringHost final : public workflow::Host {
 public:
  AnsweringHost(const RandomProject& project, std::uint64_t seed) : project_(project), seed_(seed) {}

  Task<Result<workflow::ModelReply>> call_model(workflow::ModelCall call, Event& cancel) override;
  Task<Result<workflow::ToolReply>> run_tool(workflow::ToolRun run, Event& cancel) override;
  Task<Result<std::string>> save_message(workflow::ThreadId thread, std::string role, std::string content) override;
  Task<Result<std::string>> ask(workflow::Question question, Event& cancel) override;
  Task<void> sleep(Duration duration) override;
  workflow::ThreadId fork_thread(const workflow::ThreadId& from, std::string name) override;
  workflow::ThreadId new_thread(std::string name) override;
  void changed(workflow::NodeChange change) override;

  // From now on nothing may begin.
  void cancelled() { cancelled_ = true; }

  const std::vector<std::string>& changes() const { return changes_; }
  const std::vector<std::string>& offences() const { return offences_; }

 private:
  // Where a way leads.
  struct Located {
    const RandomGraph* graph = nullptr;
    const RandomNode* node = nullptr;
    std::string prefix;                                              // of the ways of the graph's nodes
    std::vector<std::pair<std::string, const RandomNode*>> holders;  // from the outermost
  };
  Located locate(std::string_view way) const;

  struct Seen {
    workflow::NodeState state = workflow::NodeState::kPending;
    std::int64_t attempt = 0;
  };

  void offend(std::string_view way, std::string_view what);
  Answer answer(std::string_view way, std::string_view part, std::int64_t call);
  void check_begin(const std::string& way, const Located& at);
  void check_rounds(const std::string& loop, const RandomNode& node);
  workflow::NodeState state_of(const std::string& way) const;
  Task<Status> pass(const Answer& answer, Event& cancel);

  const RandomProject& project_;
  std::uint64_t seed_;
  bool cancelled_ = false;
  std::map<std::string, Seen> seen_;            // by way
  std::map<std::string, std::string> writing_;  // by conversation, the node that calls a model
  std::vector<std::string> changes_;
  std::vector<std::string> offences_;
};

}  // namespace reliant::tests
