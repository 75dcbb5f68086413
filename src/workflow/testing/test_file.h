// A file of workflow tests, `.reliant/workflows/tests/*.yaml`: what the model, the tools and the user do, and what must come of it.
// README.md beside this file has the format.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"
#include "base/yaml.h"
#include "expr/value.h"
#include "runtime/time.h"
#include "workflow/format/definition.h"

namespace reliant::workflow {

// One answer, taken by the first call of its node and kind that has not had one.
struct TestEvent {
  std::string node;  // an id, or the way to it: "repair[1].fix"
  std::string type;  // llm_response, llm_error, tool_result, tool_error, command, user_input
  std::string text;  // of an answer of the model or the user, of an error
  std::vector<std::pair<std::string, std::string>> tool_calls;  // tool, arguments as JSON
  std::string stop_reason;                                      // "": tool_use with tool calls, else done
  std::string tool;                                             // of a result: only of this tool; "": of any
  std::string output;
  bool is_error = false;
  std::int64_t exit_code = 0;
  std::string standard_output;
  std::string standard_error;
  std::optional<Duration> after;  // how long the call takes; without one, drawn from the seed
  std::int64_t times = 1;         // calls that it answers
  Place place;
};

struct TestExpectation {
  std::string outcome = "COMPLETED";  // COMPLETED, FAILED, CANCELLED
  std::vector<std::string> reached;
  std::vector<std::string> not_reached;
  std::vector<std::string> completed;
  std::vector<std::string> failed;
  std::vector<std::string> skipped;
  std::string error_contains;
  std::string error_node;
  YamlNode node_outputs;  // by node, a map of the fields to compare
  YamlNode outputs;
  std::vector<std::string> messages;  // texts that the conversation holds, in this order
};

struct WorkflowTest {
  std::string name;
  YamlNode inputs;
  std::vector<TestEvent> events;
  TestExpectation expect;
  Place place;
};

struct TestFile {
  std::string file;
  std::string workflow;
  std::vector<WorkflowTest> tests;
};

// Whether `pattern` of a test means the node at `way`: "fix" and "repair[1].fix" both mean "repair[1].fix".
bool names_node(std::string_view pattern, std::string_view way);

// INVALID_ARGUMENT "file:line:column: …".
Result<TestFile> read_test_file(std::string_view text, std::string_view file);

}  // namespace reliant::workflow
