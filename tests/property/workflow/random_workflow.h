// Random workflows, as values of their own: the reference evaluates them, the interpreter reads them as YAML. And what each call of
// a node is answered: a function of the seed and the call alone, so that the order in which calls are made changes no answer.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace reliant::tests {

// An expression, of few forms.
struct Term {
  enum class Kind : std::uint8_t {
    kTrue,
    kFalse,
    kFlag,       // inputs.flag
    kInputLess,  // inputs.n < number
    kStatus,     // nodes.NODE.status == 'TEXT'
    kNumber,     // nodes.NODE.FIELD == number
    kText,       // nodes.NODE.FIELD == 'TEXT'
    kApproved,   // nodes.NODE.approved == true
    kNumberOr,   // nodes.?NODE.FIELD.orValue(number) == number
    kIndexLess,  // iter.index < number
    kItem,       // iter.item == number
    kOutput,     // output.NODE.FIELD != number
    kNot,
    kAnd,
    kOr,
  };
  Kind kind = Kind::kTrue;
  std::string node;
  std::string field;
  std::string text;
  std::int64_t number = 0;
  std::vector<Term> parts;

  std::string cel() const;
};

enum class NodeKind : std::uint8_t {
  kRun,
  kCallLlm,
  kAgent,
  kExecuteTools,
  kSaveMessage,
  kAsk,
  kWorkflow,
  kLoop,
  kParallel,
  kJoin,
  kRouter
};

struct RandomCase {
  std::string to;
  Term condition;
  std::string label;
};

struct RandomEdge {
  std::string from;
  std::vector<std::string> to;  // or cases
  std::vector<RandomCase> cases;
  std::string otherwise;
};

struct RandomNode;
struct RandomBranch;

struct RandomGraph {
  std::vector<RandomNode> nodes;  // in the order of the file
  std::vector<RandomEdge> edges;
  std::vector<std::string> entry;

  const RandomNode* find(std::string_view id) const;
  bool sequential() const;  // no edges, no entry, no routers
};

enum class OnFailure : std::uint8_t { kFailFast, kFailAll, kContinue };

struct RandomNode {
  std::string id;
  NodeKind kind = NodeKind::kRun;
  std::optional<Term> condition;
  bool timeout = false;
  int attempts = 1;
  bool allow_failure = false;
  std::string thread;     // "": not said
  bool check = true;      // run
  bool approval = false;  // ask
  bool has_default = false;
  int calls = 0;      // execute_tools
  int max_steps = 0;  // agent; 0: not said
  std::string workflow;
  std::vector<int> items;  // loop
  std::optional<Term> while_;
  int max_iterations = 0;  // 0: not said
  int parallel = 1;
  OnFailure on_failure = OnFailure::kFailFast;
  RandomGraph body;
  std::vector<RandomBranch> branches;
  bool any = false;  // join
  std::vector<RandomCase> cases;
  std::string otherwise;
};

struct RandomBranch {
  std::string name;
  RandomGraph graph;
};

struct RandomWorkflow {
  std::string name;
  RandomGraph graph;
  // By name, a field of a node of the graph.
  std::map<std::string, std::pair<std::string, std::string>> outputs;

  std::string yaml() const;
};

struct RandomProject {
  std::vector<RandomWorkflow> workflows;  // the first is run; each calls only those behind it
  bool flag = false;                      // inputs of the run
  std::int64_t n = 0;

  const RandomWorkflow& find(std::string_view name) const;
};

RandomProject random_project(std::uint64_t seed);

// What has surely ended when `id` begins: README.md of src/workflow/format, "Order". Behind a join of all that may be SKIPPED
// early, only what led to the edge that was not taken has.
std::set<std::string> ended_before(const RandomGraph& graph, std::string_view id);
// All edges that lead to it, as ids of the nodes that they come from.
std::vector<std::string> sources(const RandomGraph& graph, std::string_view id);

struct Answer {
  enum class Kind : std::uint8_t { kGood, kBad, kLost, kRefused, kSlow };
  Kind kind = Kind::kGood;
  int value = 0;  // 0 to 3
  int millis = 1;
};

// `key` is the way to a node with the attempt of each node on it: "repair#1[2].fix#2".
Answer answer_of(std::uint64_t seed, std::string_view key, std::int64_t call);

inline constexpr int kSlowDays = 40;

}  // namespace reliant::tests
