// Host: all that an interpreter of workflows asks of its surroundings. The worker's host turns each call into an activity of the
// run; that of `reliant workflow test` answers from a script. Deterministic: an interpreter that is given the same answers asks for
// the same things in the same order.
//
// Every call may take long, and ends early with CANCELLED once `cancel` is set. With any other error the node FAILED: its `retry`
// decides whether it begins again.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"
#include "expr/value.h"
#include "runtime/event.h"
#include "runtime/task.h"
#include "runtime/time.h"
#include "workflow/format/definition.h"
#include "workflow/graph/node_state.h"

namespace reliant::workflow {

// A conversation. "": the run's own.
using ThreadId = std::string;

struct ModelCall {
  std::string node;  // the way to it: "repair[2].fix"
  ThreadId thread;
  std::int64_t step = 1;  // answers of the model in this node, from 1
  std::string model;      // "": the chat's
  std::int64_t max_tokens = 0;
  std::string system_prompt;
  std::optional<std::vector<std::string>> tools;  // nullopt: all
};

struct RequestedTool {
  std::string id;
  std::string tool;
  std::string arguments;  // JSON
};

struct ModelReply {
  std::string text;
  std::vector<RequestedTool> tools;
  std::string stop_reason;  // tool_use, incomplete, truncated, interrupted, refused, error, done
};

struct ToolRun {
  std::string node;
  ThreadId thread;
  bool in_conversation = false;  // the result answers a call that the model made in the thread
  std::int64_t step = 1;
  std::int64_t index = 0;  // among the calls of the step
  RequestedTool call;
  expr::Value daemon;  // a selector, evaluated; null: not chosen by the workflow
  std::string on_daemon_lost = "wait";
  Duration timeout{};  // zero: the tool's own
};

struct ToolReply {
  std::string content;
  bool is_error = false;
  expr::Value data;  // a map; of a command: exit_code, stdout, stderr
};

struct Question {
  std::string node;
  std::string kind;  // question, approval
  std::string text;
  std::vector<std::string> options;
};

// What a user sees of a node.
struct NodeChange {
  std::string node;
  std::string type;
  NodeState state = NodeState::kPending;
  std::int64_t attempt = 0;
  std::string error;
};

class Host {
 public:
  virtual ~Host() = default;

  virtual Task<Result<ModelReply>> call_model(ModelCall call, Event& cancel) = 0;
  // A tool that failed is a reply with is_error.
  virtual Task<Result<ToolReply>> run_tool(ToolRun run, Event& cancel) = 0;
  // The id of the message.
  virtual Task<Result<std::string>> save_message(ThreadId thread, std::string role, std::string content) = 0;
  // The user's answer: a text; "yes" or "no" to an approval.
  virtual Task<Result<std::string>> ask(Question question, Event& cancel) = 0;
  virtual Task<void> sleep(Duration duration) = 0;

  // A copy of `from` as it is now, or an empty conversation. `name` is unique in the run.
  virtual ThreadId fork_thread(const ThreadId& from, std::string name) = 0;
  virtual ThreadId new_thread(std::string name) = 0;

  virtual void changed(NodeChange change) = 0;
};

}  // namespace reliant::workflow
