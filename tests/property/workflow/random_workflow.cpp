#include "property/workflow/random_workflow.h"

#include <algorithm>
#include <span>

#include "base/text.h"
#include "runtime/random.h"

namespace reliant::tests {
namespace {

constexpr std::string_view kTypes[] = {"run",      "call_llm", "agent",    "execute_tools", "save_message", "ask",
                                       "workflow", "loop",     "parallel", "join",          "router"};

bool is_composite(NodeKind kind) {
  return kind == NodeKind::kLoop || kind == NodeKind::kParallel || kind == NodeKind::kWorkflow;
}

bool writes(const RandomNode& node) {
  switch (node.kind) {
    case NodeKind::kRun:
    case NodeKind::kAsk:
    case NodeKind::kJoin:
    case NodeKind::kRouter:
      return false;
    default:
      return true;
  }
}

// --- drawing ---

class Generator {
 public:
  explicit Generator(std::uint64_t seed) : random_(RandomStreams(seed).stream("workflow")) {}

  RandomProject project() {
    RandomProject project;
    const std::size_t called = random_.below(3);
    for (std::size_t i = called + 1; i-- > 0;) {
      // Those that it may call have been drawn already.
      RandomWorkflow workflow;
      workflow.name = concat("w", i);
      timeouts_of_composites_ = i == 0;
      budget_ = i == 0 ? 16 : 5;
      next_id_ = 1;
      workflow.graph = graph({}, 0, false);
      for (const RandomNode& node : workflow.graph.nodes) {
        const std::string field = number_field(node);
        if (!field.empty() && random_.chance(1, 2)) workflow.outputs.emplace(concat("o_", node.id), std::pair(node.id, field));
      }
      callable_.push_back(workflow.name);
      project.workflows.insert(project.workflows.begin(), std::move(workflow));
    }
    project.flag = random_.chance(1, 2);
    project.n = random_.between(0, 3);
    return project;
  }

 private:
  // Nodes that an expression may name.
  struct Names {
    std::vector<const RandomNode*> nodes;
    bool iter = false;
    bool item = false;
  };

  RandomGraph graph(const Names& outer, int depth, bool composite_timeout) {
    RandomGraph graph;
    const std::size_t size = 1 + random_.below(depth == 0 ? 6 : 3);
    const bool sequence = random_.chance(2, 5);
    graph.nodes.reserve(size);
    for (std::size_t i = 0; i < size; ++i) {
      RandomNode node;
      node.id = concat("n", next_id_++);
      node.kind = kind(depth, i, size, sequence);
      node.any = node.kind == NodeKind::kJoin && random_.chance(1, 2);
      graph.nodes.push_back(std::move(node));
    }
    if (!sequence) add_edges(graph);
    if (!sequence && graph.edges.empty() && random_.chance(1, 2)) set_entry(graph);
    const bool one_by_one = graph.sequential();
    for (std::size_t i = 0; i < size; ++i) fill(graph, i, outer, depth, composite_timeout, one_by_one);
    if (!one_by_one) random_.shuffle(std::span(graph.nodes));
    return graph;
  }

  NodeKind kind(int depth, std::size_t place, std::size_t size, bool sequence) {
    if (!sequence && place > 0 && random_.chance(1, 6)) return NodeKind::kJoin;
    if (!sequence && place + 1 < size && random_.chance(1, 6)) return NodeKind::kRouter;
    if (depth < 3 && budget_ > 0 && random_.chance(1, 3)) {
      --budget_;
      const std::uint64_t which = random_.below(callable_.empty() ? 2 : 3);
      return which == 0 ? NodeKind::kLoop : (which == 1 ? NodeKind::kParallel : NodeKind::kWorkflow);
    }
    if (random_.chance(1, 2)) return NodeKind::kRun;
    return static_cast<NodeKind>(random_.below(6));
  }

  std::string later(const RandomGraph& graph, std::size_t place) {
    return graph.nodes[place + 1 + random_.below(graph.nodes.size() - place - 1)].id;
  }

  void add_edges(RandomGraph& graph) {
    for (std::size_t i = 0; i + 1 < graph.nodes.size(); ++i) {
      RandomNode& node = graph.nodes[i];
      if (node.kind == NodeKind::kRouter) {
        node.cases.resize(1 + random_.below(2));
        for (RandomCase& one : node.cases) one.to = later(graph, i);
        if (random_.chance(1, 2)) node.otherwise = later(graph, i);
        continue;
      }
      if (random_.chance(1, 5)) continue;
      RandomEdge edge;
      edge.from = node.id;
      if (random_.chance(1, 3)) {
        edge.cases.resize(1 + random_.below(2));
        for (RandomCase& one : edge.cases) one.to = later(graph, i);
        if (random_.chance(1, 2)) edge.otherwise = later(graph, i);
      } else {
        edge.to.push_back(random_.chance(2, 3) ? graph.nodes[i + 1].id : later(graph, i));
        if (random_.chance(1, 3)) edge.to.push_back(later(graph, i));
        if (edge.to.size() == 2 && edge.to[0] == edge.to[1]) edge.to.pop_back();
      }
      graph.edges.push_back(std::move(edge));
    }
  }

  void set_entry(RandomGraph& graph) {
    for (const RandomNode& node : graph.nodes) {
      if (sources(graph, node.id).empty()) graph.entry.push_back(node.id);
    }
  }

  void fill(RandomGraph& graph, std::size_t place, const Names& outer, int depth, bool composite_timeout, bool one_by_one) {
    RandomNode& node = graph.nodes[place];
    Names names = outer;
    for (const std::string& id : ended_before(graph, node.id)) names.nodes.push_back(graph.find(id));
    if (random_.chance(1, 5)) node.condition = term(names, 2);
    node.allow_failure = random_.chance(1, 4);
    if (random_.chance(1, 5)) node.attempts = static_cast<int>(random_.between(2, 3));
    if (writes(node)) {
      if (!one_by_one || random_.chance(1, 5)) node.thread = random_.chance(1, 2) ? "fork" : "new";
    }
    if (!is_composite(node.kind)) {
      node.timeout = random_.chance(1, 3);
    } else if (timeouts_of_composites_ && !composite_timeout) {
      node.timeout = random_.chance(1, 6);
    }
    switch (node.kind) {
      case NodeKind::kRun:
        node.check = random_.chance(2, 3);
        break;
      case NodeKind::kAgent:
        node.max_steps = random_.chance(1, 3) ? static_cast<int>(random_.between(1, 3)) : 0;
        break;
      case NodeKind::kExecuteTools:
        node.calls = static_cast<int>(random_.between(0, 3));
        break;
      case NodeKind::kAsk:
        node.approval = random_.chance(1, 2);
        node.has_default = node.timeout && random_.chance(1, 2);
        break;
      case NodeKind::kWorkflow:
        node.workflow = callable_[random_.below(callable_.size())];
        break;
      case NodeKind::kLoop:
        fill_loop(node, names, depth, composite_timeout);
        break;
      case NodeKind::kParallel: {
        const std::size_t count = 1 + random_.below(3);
        for (std::size_t i = 0; i < count; ++i) {
          node.branches.push_back({concat("b", i), this->graph(names, depth + 1, composite_timeout || node.timeout)});
          separate(node.branches.back().graph);
        }
        break;
      }
      case NodeKind::kRouter:
        for (std::size_t i = 0; i < node.cases.size(); ++i) {
          node.cases[i].condition = term(names, 2);
          node.cases[i].label = concat("l", i);
        }
        break;
      default:
        break;
    }
    names.nodes.push_back(&node);
    for (RandomEdge& edge : graph.edges) {
      if (edge.from != node.id) continue;
      for (RandomCase& one : edge.cases) one.condition = term(names, 2);
    }
  }

  // Branches, and rounds that run side by side, each have conversations of their own.
  static void separate(RandomGraph& graph) {
    for (RandomNode& node : graph.nodes) {
      if (writes(node) && node.thread.empty()) node.thread = "fork";
    }
  }

  void fill_loop(RandomNode& node, Names names, int depth, bool composite_timeout) {
    names.iter = true;
    names.item = random_.chance(2, 3);
    node.on_failure = static_cast<OnFailure>(random_.below(3));
    if (random_.chance(1, 2)) node.max_iterations = static_cast<int>(random_.between(1, 4));
    if (names.item) {
      const std::size_t count = random_.below(5);
      for (std::size_t i = 0; i < count; ++i) node.items.push_back(static_cast<int>(random_.below(3)));
      if (random_.chance(1, 2)) node.parallel = static_cast<int>(random_.between(2, 3));
    }
    node.body = graph(names, depth + 1, composite_timeout || node.timeout);
    if (node.parallel > 1) separate(node.body);
    if (names.item) return;
    if (node.max_iterations == 0) node.max_iterations = 4;
    Term condition;
    const RandomNode& seen = node.body.nodes[random_.below(node.body.nodes.size())];
    const std::string field = number_field(seen);
    // After a round that failed, what ran side by side in it has no certain output.
    const bool certain = node.on_failure == OnFailure::kFailFast || node.body.sequential();
    condition.kind = field.empty() || !certain ? Term::Kind::kTrue : Term::Kind::kOutput;
    condition.node = seen.id;
    condition.field = field;
    condition.number = random_.between(0, 1);
    node.while_ = condition;
  }

  static std::string number_field(const RandomNode& node) {
    switch (node.kind) {
      case NodeKind::kRun:
        return "exit_code";
      case NodeKind::kAgent:
        return "steps";
      case NodeKind::kExecuteTools:
        return "failed";
      case NodeKind::kLoop:
        return "completed";
      default:
        return "";
    }
  }

  Term term(const Names& names, int depth) {
    Term term;
    if (depth > 0 && random_.chance(1, 4)) {
      const std::uint64_t which = random_.below(3);
      term.kind = which == 0 ? Term::Kind::kNot : (which == 1 ? Term::Kind::kAnd : Term::Kind::kOr);
      for (std::size_t i = 0; i < (which == 0 ? 1 : 2); ++i) term.parts.push_back(this->term(names, depth - 1));
      return term;
    }
    term.number = random_.between(0, 2);
    const std::uint64_t which = random_.below(10);
    if (which < 6 && !names.nodes.empty()) return about(*names.nodes[random_.below(names.nodes.size())], std::move(term));
    if (which < 8 && names.iter) {
      term.kind = names.item && random_.chance(1, 2) ? Term::Kind::kItem : Term::Kind::kIndexLess;
      return term;
    }
    constexpr Term::Kind kPlain[] = {Term::Kind::kTrue, Term::Kind::kFalse, Term::Kind::kFlag, Term::Kind::kInputLess};
    term.kind = kPlain[random_.below(4)];
    return term;
  }

  Term about(const RandomNode& node, Term term) {
    term.node = node.id;
    term.field = number_field(node);
    if (!term.field.empty() && random_.chance(2, 3)) {
      term.kind = random_.chance(1, 2) ? Term::Kind::kNumber : Term::Kind::kNumberOr;
      return term;
    }
    if (node.kind == NodeKind::kCallLlm || node.kind == NodeKind::kAsk) {
      term.kind = node.approval ? Term::Kind::kApproved : Term::Kind::kText;
      term.field = node.kind == NodeKind::kAsk ? "answer" : "text";
      term.text = concat("t", term.number);
      if (random_.chance(2, 3)) return term;
    }
    constexpr std::string_view kStatuses[] = {"COMPLETED", "FAILED", "SKIPPED"};
    term.kind = Term::Kind::kStatus;
    term.text = kStatuses[random_.below(3)];
    return term;
  }

  Random random_;
  std::vector<std::string> callable_;
  bool timeouts_of_composites_ = false;
  int budget_ = 0;
  int next_id_ = 1;
};

// --- YAML ---

class Writer {
 public:
  std::string write(const RandomWorkflow& workflow) {
    line(concat("name: ", workflow.name));
    line("inputs:");
    line("  flag: {type: boolean, default: false}");
    line("  n: {type: integer, default: 2}");
    graph(workflow.graph);
    if (!workflow.outputs.empty()) line("outputs:");
    for (const auto& [name, from] : workflow.outputs) {
      line(concat("  ", name, ": \"{{ nodes.", from.first, ".", from.second, " }}\""));
    }
    return std::move(text_);
  }

 private:
  void line(std::string_view text) { text_ += concat(indent_, text, "\n"); }
  class Deeper {
   public:
    Deeper(Writer& writer, std::string_view by) : writer_(writer), before_(writer.indent_.size()) { writer.indent_ += by; }
    ~Deeper() { writer_.indent_.resize(before_); }

   private:
    Writer& writer_;
    std::size_t before_;
  };

  void graph(const RandomGraph& graph) {
    line("nodes:");
    for (const RandomNode& each : graph.nodes) {
      line(concat("  - id: ", each.id));
      const Deeper deeper(*this, "    ");
      node(each);
    }
    if (!graph.entry.empty()) line(concat("entry: [", join(graph.entry, ", "), "]"));
    if (graph.edges.empty()) return;
    line("edges:");
    for (const RandomEdge& edge : graph.edges) {
      line(concat("  - from: ", edge.from));
      const Deeper deeper(*this, "    ");
      if (!edge.to.empty()) line(concat("to: [", join(edge.to, ", "), "]"));
      cases(edge.cases, edge.otherwise);
    }
  }

  void cases(const std::vector<RandomCase>& cases, std::string_view otherwise) {
    if (!cases.empty()) line("cases:");
    for (const RandomCase& one : cases) {
      line(concat("  - {to: ", one.to, ", condition: \"", one.condition.cel(), "\"",
                  one.label.empty() ? "" : ", label: ", one.label, "}"));
    }
    if (!otherwise.empty()) line(concat("default: ", otherwise));
  }

  void node(const RandomNode& node) {
    line(concat("type: ", kTypes[static_cast<std::size_t>(node.kind)]));
    if (node.condition) line(concat("condition: \"", node.condition->cel(), "\""));
    if (node.timeout) line(is_composite(node.kind) ? "timeout: 480h" : "timeout: 1m");
    if (node.attempts > 1) line(concat("retry: {attempts: ", node.attempts, "}"));
    if (node.allow_failure) line("allow_failure: true");
    if (!node.thread.empty()) line(concat("thread: ", node.thread));
    switch (node.kind) {
      case NodeKind::kRun:
        line("command: make");
        if (!node.check) line("check: false");
        break;
      case NodeKind::kCallLlm:
        line("prompt: Answer.");
        break;
      case NodeKind::kAgent:
        line("prompt: Work.");
        if (node.max_steps > 0) line(concat("max_steps: ", node.max_steps));
        break;
      case NodeKind::kExecuteTools: {
        std::vector<std::string> calls(static_cast<std::size_t>(node.calls), "{'tool': 'view', 'arguments': {}}");
        line(concat("calls: \"[", join(calls, ", "), "]\""));
        break;
      }
      case NodeKind::kSaveMessage:
        line("role: assistant");
        line("content: Said.");
        break;
      case NodeKind::kAsk:
        line(concat("kind: ", node.approval ? "approval" : "question"));
        line("question: Which?");
        if (node.has_default) line(node.approval ? "default: \"no\"" : "default: t2");
        break;
      case NodeKind::kWorkflow:
        line(concat("workflow: ", node.workflow));
        line("args: {n: 1, flag: \"{{ inputs.flag }}\"}");
        break;
      case NodeKind::kLoop:
        loop(node);
        break;
      case NodeKind::kParallel:
        line("branches:");
        for (const auto& [name, body] : node.branches) {
          line(concat("  ", name, ":"));
          const Deeper deeper(*this, "    ");
          graph(body);
        }
        break;
      case NodeKind::kJoin:
        line(concat("mode: ", node.any ? "any" : "all"));
        break;
      case NodeKind::kRouter:
        cases(node.cases, node.otherwise);
        break;
    }
  }

  void loop(const RandomNode& node) {
    constexpr std::string_view kOnFailure[] = {"fail_fast", "fail_all", "continue"};
    if (node.while_) {
      line(concat("while: \"", node.while_->cel(), "\""));
    } else {
      std::vector<std::string> items;
      items.reserve(node.items.size());
      for (const int item : node.items) items.push_back(concat(item));
      line(concat("items: \"[", join(items, ", "), "]\""));
    }
    if (node.max_iterations > 0) line(concat("max_iterations: ", node.max_iterations));
    if (node.parallel > 1) line(concat("parallel: ", node.parallel));
    line(concat("on_failure: ", kOnFailure[static_cast<std::size_t>(node.on_failure)]));
    graph(node.body);
  }

  std::string text_;
  std::string indent_;
};

}  // namespace

std::string Term::cel() const {
  switch (kind) {
    case Kind::kTrue:
      return "true";
    case Kind::kFalse:
      return "false";
    case Kind::kFlag:
      return "inputs.flag";
    case Kind::kInputLess:
      return concat("inputs.n < ", number);
    case Kind::kStatus:
      return concat("nodes.", node, ".status == '", text, "'");
    case Kind::kNumber:
      return concat("nodes.", node, ".", field, " == ", number);
    case Kind::kText:
      return concat("nodes.", node, ".", field, " == '", text, "'");
    case Kind::kApproved:
      return concat("nodes.", node, ".approved == true");
    case Kind::kNumberOr:
      return concat("nodes.?", node, ".", field, ".orValue(", number, ") == ", number);
    case Kind::kIndexLess:
      return concat("iter.index < ", number);
    case Kind::kItem:
      return concat("iter.item == ", number);
    case Kind::kOutput:
      return concat("output.", node, ".", field, " != ", number);
    case Kind::kNot:
      return concat("!(", parts[0].cel(), ")");
    case Kind::kAnd:
      return concat("(", parts[0].cel(), " && ", parts[1].cel(), ")");
    case Kind::kOr:
      return concat("(", parts[0].cel(), " || ", parts[1].cel(), ")");
  }
  return "";
}

const RandomNode* RandomGraph::find(std::string_view id) const {
  const auto found = std::ranges::find(nodes, id, &RandomNode::id);
  return found == nodes.end() ? nullptr : &*found;
}

bool RandomGraph::sequential() const {
  return edges.empty() && entry.empty() && std::ranges::find(nodes, NodeKind::kRouter, &RandomNode::kind) == nodes.end();
}

const RandomWorkflow& RandomProject::find(std::string_view name) const {
  return *std::ranges::find(workflows, name, &RandomWorkflow::name);
}

std::string RandomWorkflow::yaml() const { return Writer().write(*this); }

RandomProject random_project(std::uint64_t seed) { return Generator(seed).project(); }

std::vector<std::string> sources(const RandomGraph& graph, std::string_view id) {
  std::vector<std::string> found;
  if (graph.sequential()) {
    for (std::size_t i = 1; i < graph.nodes.size(); ++i) {
      if (graph.nodes[i].id == id) found.push_back(graph.nodes[i - 1].id);
    }
    return found;
  }
  const auto add = [&](const std::string& from, const std::vector<RandomCase>& cases, std::string_view otherwise) {
    for (const RandomCase& one : cases) {
      if (one.to == id) found.push_back(from);
    }
    if (otherwise == id) found.push_back(from);
  };
  for (const RandomEdge& edge : graph.edges) {
    for (const std::string& to : edge.to) {
      if (to == id) found.push_back(edge.from);
    }
    add(edge.from, edge.cases, edge.otherwise);
  }
  for (const RandomNode& node : graph.nodes) add(node.id, node.cases, node.otherwise);
  return found;
}

std::set<std::string> ended_before(const RandomGraph& graph, std::string_view id) {
  // A join decides early: one of any begins, and one of all is SKIPPED, after a single edge.
  const auto before = [&](const auto& self, std::string_view of, bool begins) -> std::set<std::string> {
    const RandomNode& node = *graph.find(of);
    const bool one_is_enough = node.kind == NodeKind::kJoin && (node.any || !begins);
    std::set<std::string> result;
    bool first = true;
    for (const std::string& source : sources(graph, of)) {
      std::set<std::string> way = self(self, source, false);
      way.insert(source);
      if (first || !one_is_enough) {
        result.insert(way.begin(), way.end());
      } else {
        std::erase_if(result, [&](const std::string& each) { return !way.contains(each); });
      }
      first = false;
    }
    return result;
  };
  return before(before, id, true);
}

Answer answer_of(std::uint64_t seed, std::string_view key, std::int64_t call) {
  Random random = RandomStreams(seed).stream(concat(key, "/", call));
  Answer answer;
  const std::uint64_t kind = random.below(100);
  if (kind >= 70) answer.kind = Answer::Kind::kBad;
  if (kind >= 82) answer.kind = Answer::Kind::kLost;
  if (kind >= 88) answer.kind = Answer::Kind::kRefused;
  if (kind >= 92) answer.kind = Answer::Kind::kSlow;
  answer.value = static_cast<int>(random.below(4));
  answer.millis = static_cast<int>(random.between(1, 100));
  return answer;
}

}  // namespace reliant::tests
