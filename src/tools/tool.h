// Tool: something the model may ask for (R7, R22), and the registry of them. A descriptor says where it runs (R41) and what
// running it twice would do (C7); the registry is the same on the server (which describes them to the model) and on the
// daemon (which runs them).
//
// Executor: the logic thread of the process that runs it. A running tool is cancelled by destroying its task; a tool that
// started a process group ends it then.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "base/status.h"
#include "model/tool.h"
#include "runtime/event.h"
#include "runtime/task.h"
#include "runtime/time.h"

namespace reliant::tools {

// In the environment of every process that a run has started, also of those that left its process group.
inline constexpr std::string_view kRequestVariable = "RELIANT_REQUEST_ID";

struct ToolDescriptor {
  std::string name;
  std::string description;
  std::string parameters;  // a JSON schema object
  model::RunsOn runs_on = model::RunsOn::kDaemon;
  model::Effect effect = model::Effect::kNonIdempotent;
};

struct ToolInvocation {
  RequestId request;
  json::value arguments;          // parsed, an object
  std::string working_directory;  // absolute
  Instant deadline = kNever;
  // Set when the run is no longer wanted: a tool that has something to end in order does so and returns soon. One
  // that does not look is destroyed after a grace. Nullptr: it is destroyed at once.
  Event* stop = nullptr;
};

// Takes output as the tool produces it; suspends when the reader is slow.
class ToolOutput {
 public:
  virtual ~ToolOutput() = default;
  virtual Task<void> write(std::string data) = 0;
};

class Tool {
 public:
  virtual ~Tool() = default;
  virtual const ToolDescriptor& descriptor() const = 0;
  // Always a result: bad arguments and failures are results with is_error, whose content tells the model what to do.
  virtual Task<model::ToolResult> run(ToolInvocation invocation, ToolOutput& output) = 0;
};

class ToolRegistry {
 public:
  void add(std::unique_ptr<Tool> tool);
  Tool* find(std::string_view name) const;                 // nullptr: unknown
  std::vector<const ToolDescriptor*> descriptors() const;  // by name

 private:
  std::map<std::string, std::unique_ptr<Tool>, std::less<>> tools_;
};

}  // namespace reliant::tools
