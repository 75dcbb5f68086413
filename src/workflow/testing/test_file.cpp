#include "workflow/testing/test_file.h"

#include <algorithm>
#include <array>
#include <charconv>

#include "base/command_line.h"
#include "base/json.h"
#include "base/text.h"
#include "workflow/format/yaml_json.h"

namespace reliant::workflow {
namespace {

constexpr std::array<std::string_view, 6> kEventTypes = {"llm_response", "llm_error", "tool_result",
                                                         "tool_error",   "command",   "user_input"};
constexpr std::array<std::string_view, 3> kOutcomes = {"COMPLETED", "FAILED", "CANCELLED"};

Place place_of(const YamlNode& node) { return {node.line, node.column}; }

Result<std::vector<std::string>> texts_of(const YamlNode* node) {
  std::vector<std::string> texts;
  if (node == nullptr) return texts;
  if (node->kind != YamlNode::Kind::kList) return node->error(concat("\"", node->key, "\" must be a list"));
  for (const YamlNode& item : node->items) {
    TRY_ASSIGN(std::string text, item.as_string());
    texts.push_back(std::move(text));
  }
  return texts;
}

template <std::size_t N>
Status one_of(const YamlNode& map, std::string_view key, const std::string& word,
              const std::array<std::string_view, N>& known) {
  if (std::ranges::find(known, word) != known.end()) return ok_status();
  const YamlNode* node = map.find(key);
  const std::string meant = nearest(word, known);
  return (node == nullptr ? map : *node)
      .error(concat("\"", key, "\" must be one of ", join({known.begin(), known.end()}, ", "),
                    meant.empty() ? "" : concat("; did you mean \"", meant, "\"?")));
}

Status read_tool_calls(const YamlNode* list, TestEvent& event) {
  if (list == nullptr) return ok_status();
  if (list->kind != YamlNode::Kind::kList) return list->error("\"tool_calls\" must be a list of {tool, arguments}");
  for (const YamlNode& item : list->items) {
    YamlReader reader(item);
    std::string tool = reader.required_string("tool");
    const YamlNode* arguments = reader.optional_node("arguments");
    TRY_OK(reader.finish());
    event.tool_calls.emplace_back(std::move(tool), arguments == nullptr ? "{}" : to_json(json_from_yaml(*arguments)));
  }
  return ok_status();
}

Result<TestEvent> read_event(const YamlNode& item) {
  TestEvent event;
  event.place = place_of(item);
  YamlReader reader(item);
  event.node = reader.required_string("node");
  event.type = reader.required_string("type");
  event.text = reader.optional_string("text");
  event.stop_reason = reader.optional_string("stop_reason");
  event.tool = reader.optional_string("tool");
  event.output = reader.optional_string("output");
  event.is_error = reader.optional_bool("is_error", false);
  event.exit_code = reader.optional_int("exit_code", 0);
  event.standard_output = reader.optional_string("stdout");
  event.standard_error = reader.optional_string("stderr");
  event.times = reader.optional_int("times", 1);
  const YamlNode* calls = reader.optional_node("tool_calls");
  const std::int64_t after = reader.optional_int("after_ms", -1);
  TRY_OK(reader.finish());
  if (after >= 0) event.after = std::chrono::milliseconds(after);
  TRY_OK(read_tool_calls(calls, event));
  TRY_OK(one_of(item, "type", event.type, kEventTypes));
  if (event.times < 1) return item.error("\"times\" must be 1 or more");
  return event;
}

Result<TestExpectation> read_expectation(const YamlNode& node) {
  TestExpectation expect;
  YamlReader reader(node);
  expect.outcome = reader.optional_string("outcome", "COMPLETED");
  expect.error_contains = reader.optional_string("error_contains");
  expect.error_node = reader.optional_string("error_node");
  const YamlNode* reached = reader.optional_node("reached");
  const YamlNode* not_reached = reader.optional_node("not_reached");
  const YamlNode* completed = reader.optional_node("completed");
  const YamlNode* failed = reader.optional_node("failed");
  const YamlNode* skipped = reader.optional_node("skipped");
  const YamlNode* messages = reader.optional_node("messages");
  if (const YamlNode* outputs = reader.optional_node("node_outputs")) expect.node_outputs = *outputs;
  if (const YamlNode* outputs = reader.optional_node("outputs")) expect.outputs = *outputs;
  TRY_OK(reader.finish());
  TRY_ASSIGN(expect.reached, texts_of(reached));
  TRY_ASSIGN(expect.not_reached, texts_of(not_reached));
  TRY_ASSIGN(expect.completed, texts_of(completed));
  TRY_ASSIGN(expect.failed, texts_of(failed));
  TRY_ASSIGN(expect.skipped, texts_of(skipped));
  TRY_ASSIGN(expect.messages, texts_of(messages));
  TRY_OK(one_of(node, "outcome", expect.outcome, kOutcomes));
  return expect;
}

Result<WorkflowTest> read_test(const YamlNode& item) {
  WorkflowTest test;
  test.place = place_of(item);
  YamlReader reader(item);
  test.name = reader.required_string("name");
  if (const YamlNode* inputs = reader.optional_node("inputs")) test.inputs = *inputs;
  const YamlNode* events = reader.optional_node("events");
  const YamlNode* expect = reader.optional_node("expect");
  TRY_OK(reader.finish());
  if (events != nullptr) {
    if (events->kind != YamlNode::Kind::kList) return events->error("\"events\" must be a list");
    for (const YamlNode& one : events->items) {
      TRY_ASSIGN(TestEvent event, read_event(one));
      test.events.push_back(std::move(event));
    }
  }
  if (expect == nullptr)
    return item.error(concat("test \"", test.name, "\" has no \"expect\"; a test without one cannot fail"));
  TRY_ASSIGN(test.expect, read_expectation(*expect));
  return test;
}

}  // namespace

bool names_node(std::string_view pattern, std::string_view way) {
  if (pattern == way) return true;
  const auto last = way.find_last_of("./");
  return last != std::string_view::npos && pattern == way.substr(last + 1);
}

Result<TestFile> read_test_file(std::string_view text, std::string_view file) {
  TRY_ASSIGN(const YamlNode root, parse_yaml(text, file));
  TestFile tests;
  tests.file = std::string(file);
  YamlReader reader(root);
  tests.workflow = reader.required_string("workflow");
  const YamlNode* list = reader.optional_node("tests");
  TRY_OK(reader.finish());
  if (list == nullptr || list->kind != YamlNode::Kind::kList || list->items.empty()) {
    return (list == nullptr ? root : *list).error("\"tests\" must be a list with at least one test");
  }
  for (const YamlNode& item : list->items) {
    TRY_ASSIGN(WorkflowTest test, read_test(item));
    tests.tests.push_back(std::move(test));
  }
  return tests;
}

}  // namespace reliant::workflow
