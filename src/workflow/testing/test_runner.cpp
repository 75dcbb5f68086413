#include "workflow/testing/test_runner.h"

#include <algorithm>
#include <map>
#include <optional>
#include <utility>

#include "base/text.h"
#include "expr/json_value.h"
#include "runtime/executor.h"
#include "runtime/failure_handler.h"
#include "runtime/scope.h"
#include "workflow/graph/node_run.h"
#include "workflow/testing/scripted_host.h"

namespace reliant::workflow {
namespace {

using expr::Value;

// A graph whose loops each take their 10,000 rounds is a test that says nothing in its time.
constexpr std::uint64_t kMostSteps = 2'000'000;

std::string shown(const Value& value) {
  expr::Budget budget(expr::kDefaultCost);
  const auto json = expr::json_from_value(value, budget);
  return json.ok() ? to_json(*json) : std::string(expr::type_name(value));
}

class Judge {
 public:
  Judge(const TestFile& file, const WorkflowTest& test, const ScriptedHost& host) : file_(file), test_(test), host_(host) {
    for (const NodeChange& change : host.changes()) last_[change.node] = change;
  }

  std::vector<std::string> judge(const WorkflowDefinition& workflow, const Result<Value>& result,
                                 const GraphProgress& progress) {
    const TestExpectation& expect = test_.expect;
    const std::string outcome =
        result.ok() ? "COMPLETED" : (result.status().code() == StatusCode::kCancelled ? "CANCELLED" : "FAILED");
    if (outcome != expect.outcome) {
      complain(concat("the run is ", outcome, result.ok() ? "" : concat(" (", message_of(result.status()), ")"), ", expected ",
                      expect.outcome));
    }
    for (const std::string& node : expect.reached) {
      if (!any(node, [](NodeState state) {
            return state != NodeState::kPending && state != NodeState::kSkipped && state != NodeState::kCancelled;
          }))
        complain(concat("node \"", node, "\" was not reached"));
    }
    for (const std::string& node : expect.not_reached) {
      if (any(node, [](NodeState state) {
            return state != NodeState::kPending && state != NodeState::kSkipped && state != NodeState::kCancelled;
          }))
        complain(concat("node \"", node, "\" was reached"));
    }
    expect_state(expect.completed, NodeState::kCompleted);
    expect_state(expect.failed, NodeState::kFailed);
    expect_state(expect.skipped, NodeState::kSkipped);
    judge_error(result);
    judge_messages();
    if (result.ok()) compare(expect.outputs, *result, "output");
    judge_node_outputs(outputs_of(workflow.graph, progress));
    for (const auto& [event, answered] : host_.unused()) {
      complain(event->place,
               concat("this event of node \"", event->node, "\" answered ", answered, " of ", event->times, " calls"));
    }
    return std::move(complaints_);
  }

 private:
  void complain(Place place, std::string_view message) {
    complaints_.push_back(concat(file_.file, ":", place.line, ":", place.column, ": ", test_.name, ": ", message));
  }
  void complain(std::string_view message) { complain(test_.place, message); }

  template <class Is>
  bool any(std::string_view node, Is is) const {
    return std::ranges::any_of(last_,
                               [&](const auto& entry) { return names_node(node, entry.first) && is(entry.second.state); });
  }
  void expect_state(const std::vector<std::string>& nodes, NodeState state) {
    for (const std::string& node : nodes) {
      if (any(node, [state](NodeState is) { return is == state; })) continue;
      std::string found = "PENDING";
      for (const auto& [way, change] : last_) {
        if (names_node(node, way)) found = to_string(change.state);
      }
      complain(concat("node \"", node, "\" is ", found, ", expected ", to_string(state)));
    }
  }
  void judge_error(const Result<Value>& result) {
    const TestExpectation& expect = test_.expect;
    const std::string_view error = result.ok() ? std::string_view() : message_of(result.status());
    if (error.find(expect.error_contains) == std::string_view::npos) {
      complain(concat("the error is \"", error, "\"; expected to hold \"", expect.error_contains, "\""));
    }
    if (!expect.error_node.empty() && !any(expect.error_node, [](NodeState state) { return state == NodeState::kFailed; })) {
      complain(concat("node \"", expect.error_node, "\" did not fail"));
    }
  }
  void judge_messages() {
    const auto& said = host_.conversation("");
    auto at = said.begin();
    for (const std::string& wanted : test_.expect.messages) {
      at = std::find_if(at, said.end(),
                        [&](const ScriptedHost::Said& one) { return one.text.find(wanted) != std::string::npos; });
      if (at == said.end())
        return complain(concat("no message of the conversation holds \"", wanted, "\", after those before it"));
      ++at;
    }
  }
  void judge_node_outputs(const Value& outputs) {
    for (const YamlNode& node : test_.expect.node_outputs.fields) {
      const Value* output = outputs.as_map().find(node.key);
      if (output == nullptr) {
        complain({node.line, node.column}, concat("node \"", node.key, "\" has no output"));
      } else {
        compare(node, *output, concat("node \"", node.key, "\""));
      }
    }
  }
  // Each field that the test names.
  void compare(const YamlNode& expected, const Value& actual, std::string_view what) {
    for (const YamlNode& field : expected.fields) {
      const Value* value = actual.is(expr::Kind::kMap) ? actual.as_map().find(field.key) : nullptr;
      const Value wanted = value_of(field, field.quoted ? "string" : "");
      expr::Budget budget(expr::kDefaultCost);
      if (value != nullptr && expr::equal(*value, wanted, budget)) continue;
      complain({field.line, field.column}, concat(what, " has ", field.key, " = ", value == nullptr ? "nothing" : shown(*value),
                                                  ", expected ", shown(wanted)));
    }
  }

  const TestFile& file_;
  const WorkflowTest& test_;
  const ScriptedHost& host_;
  std::map<std::string, NodeChange, std::less<>> last_;  // by way
  std::vector<std::string> complaints_;
};

Task<void> drive(Interpreter& interpreter, const WorkflowDefinition& workflow, Value inputs, GraphProgress& progress,
                 Cancellation& cancel, std::optional<Result<Value>>& result) {
  result = co_await interpreter.run(workflow, std::move(inputs), "", "", progress, cancel);
}

}  // namespace

std::vector<std::string> run_test(const TestFile& file, const WorkflowTest& test, const Library& library, std::uint64_t seed) {
  const std::string where = concat(file.file, ":", test.place.line, ":", test.place.column, ": ", test.name, ": ");
  const WorkflowDefinition* workflow = library.find(file.workflow);
  if (workflow == nullptr) return {concat(where, "there is no workflow \"", file.workflow, "\", or it has a problem")};
  FirstFailure failure;
  Executor executor(seed);
  executor.set_failure_handler(&failure);
  ScriptedHost host(test, RandomStreams(seed).stream("answers"));
  Interpreter interpreter(host, library, "test");
  GraphProgress progress;
  Cancellation cancel;
  std::optional<Result<Value>> result;
  {
    TaskScope scope(executor, 0);
    const Value inputs = test.inputs.kind == YamlNode::Kind::kMap ? value_of(test.inputs, "") : fields({});
    scope.spawn(drive(interpreter, *workflow, inputs, progress, cancel, result));
    if (executor.run(kMostSteps) == kMostSteps) return {concat(where, "the run takes more than ", kMostSteps, " steps")};
  }
  if (failure.error()) return {concat(where, "the interpreter failed: ", what_of(failure.error()))};
  if (!result) return {concat(where, "the run waits for an answer that no event gives; add a user_input, or a \"timeout\"")};
  return Judge(file, test, host).judge(*workflow, *result, progress);
}

}  // namespace reliant::workflow
