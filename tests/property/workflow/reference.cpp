#include "property/workflow/reference.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "base/text.h"

namespace reliant::tests {
namespace {

using workflow::NodeState;

// A node that ended, as the expressions after it see it.
struct Ended {
  NodeState state = NodeState::kPending;
  Fields output;
};

struct Scope {
  const Scope* outer = nullptr;  // null: this is the graph of a file
  const std::map<std::string, Ended>* nodes = nullptr;
  bool flag = false;
  std::int64_t n = 0;
  std::optional<std::int64_t> index;
  std::int64_t item = 0;
  const std::map<std::string, Ended>* output = nullptr;  // of the round before
};

struct Place {
  std::string way;  // "repair[1]."
  std::string key;  // the same with attempts, for the answers
};

using Ways = std::map<std::string, AllowedNode>;

struct GraphOutcome {
  std::map<std::string, Ended> nodes;  // those that ended, if nothing was cancelled
  std::set<std::string> culprits;      // not empty: FAILED
  bool late = false;
  Ways ways;
};

struct Attempt {
  bool failed = false;
  bool late = false;
  bool final = false;  // no other attempt follows
  Fields output{};
  Ways ways{};  // below the node
};

void add(Ways& to, const Ways& from) { to.insert(from.begin(), from.end()); }

// What an attempt left behind is seen only if the run is cancelled before the next one has gone as far.
void remember(Ways& now, const Ways& before) {
  for (const auto& [way, node] : before) {
    AllowedNode& here = now.try_emplace(way, AllowedNode{.states = {NodeState::kPending}}).first->second;
    here.earlier.insert(node.states.begin(), node.states.end());
    here.earlier.insert(node.earlier.begin(), node.earlier.end());
  }
}

class Reference {
 public:
  Reference(const RandomProject& project, std::uint64_t seed) : project_(project), seed_(seed) {}

  GraphOutcome graph(const RandomGraph& graph, const Scope* outer, const Scope& own, const Place& place);

  Fields outputs(const RandomWorkflow& workflow, const GraphOutcome& outcome) const {
    Fields outputs;
    for (const auto& [name, from] : workflow.outputs) outputs[name] = field(outcome.nodes.at(from.first), from.second);
    return outputs;
  }

 private:
  static Known field(const Ended& ended, std::string_view name) {
    const auto found = ended.output.find(name);
    return found == ended.output.end() ? Known() : found->second;
  }

  static const Ended& named(const Scope& scope, const std::string& id) {
    for (const Scope* at = &scope;; at = at->outer) {
      if (at->nodes == nullptr) continue;
      const auto found = at->nodes->find(id);
      if (found != at->nodes->end()) return found->second;
    }
  }

  static const Scope& round(const Scope& scope) {
    const Scope* at = &scope;
    while (!at->index) at = at->outer;
    return *at;
  }

  static bool holds(const Term& term, const Scope& scope) {
    switch (term.kind) {
      case Term::Kind::kTrue:
        return true;
      case Term::Kind::kFalse:
        return false;
      case Term::Kind::kFlag:
        return scope.flag;
      case Term::Kind::kInputLess:
        return scope.n < term.number;
      case Term::Kind::kStatus:
        return workflow::to_string(named(scope, term.node).state) == term.text;
      case Term::Kind::kNumber:
        return field(named(scope, term.node), term.field) == Known(term.number);
      case Term::Kind::kText:
        return field(named(scope, term.node), term.field) == Known(term.text);
      case Term::Kind::kApproved:
        return field(named(scope, term.node), "approved") == Known(true);
      case Term::Kind::kNumberOr: {
        const Known value = field(named(scope, term.node), term.field);
        return value == Known(term.number);  // null is a value
      }
      case Term::Kind::kIndexLess:
        return *round(scope).index < term.number;
      case Term::Kind::kItem:
        return round(scope).item == term.number;
      case Term::Kind::kOutput:
        return field(scope.output->at(term.node), term.field) != Known(term.number);
      case Term::Kind::kNot:
        return !holds(term.parts[0], scope);
      case Term::Kind::kAnd:
        return holds(term.parts[0], scope) && holds(term.parts[1], scope);
      case Term::Kind::kOr:
        return holds(term.parts[0], scope) || holds(term.parts[1], scope);
    }
    return false;
  }

  Answer answer(std::string_view key, std::int64_t call) const { return answer_of(seed_, key, call); }

  Attempt attempt(const RandomNode& node, const Scope& scope, const std::string& way, const std::string& key);
  Attempt leaf(const RandomNode& node, const std::string& key);
  Attempt agent(const RandomNode& node, const std::string& key);
  Attempt loop(const RandomNode& node, const Scope& scope, const std::string& way, const std::string& key);
  Attempt while_loop(const RandomNode& node, const Scope& scope, const std::string& way, const std::string& key);
  Attempt parallel(const RandomNode& node, const Scope& scope, const std::string& way, const std::string& key);
  Attempt call(const RandomNode& node, const Scope& scope, const std::string& way, const std::string& key);

  const RandomProject& project_;
  std::uint64_t seed_;
};

// --- nodes ---

Attempt failed() { return {.failed = true}; }
Attempt Reference::attempt(const RandomNode& node, const Scope& scope, const std::string& way, const std::string& key) {
  Attempt result;
  switch (node.kind) {
    case NodeKind::kLoop:
      result = node.while_ ? while_loop(node, scope, way, key) : loop(node, scope, way, key);
      break;
    case NodeKind::kParallel:
      result = parallel(node, scope, way, key);
      break;
    case NodeKind::kWorkflow:
      result = call(node, scope, way, key);
      break;
    default:
      result = leaf(node, key);
      break;
  }
  if (!result.late || !node.timeout) return result;
  // The timeout is of the whole node, retries included: no other attempt follows.
  allow_cancellation(result.ways);
  return {.failed = true, .late = !result.ways.empty(), .final = true, .output = {}, .ways = std::move(result.ways)};
}

Attempt Reference::leaf(const RandomNode& node, const std::string& key) {
  using Kind = Answer::Kind;
  if (node.kind == NodeKind::kAgent) return agent(node, key);
  const Answer first = answer(key, 1);
  Attempt result;
  result.late = first.kind == Kind::kSlow;
  switch (node.kind) {
    case NodeKind::kRun:
      if (first.kind == Kind::kLost || first.kind == Kind::kRefused) return failed();
      result.output["exit_code"] = std::int64_t{first.kind == Kind::kBad ? first.value + 1 : 0};
      result.failed = node.check && first.kind == Kind::kBad;
      break;
    case NodeKind::kCallLlm:
      if (first.kind != Kind::kGood && first.kind != Kind::kSlow) return failed();
      result.output["text"] = concat("t", first.value);
      break;
    case NodeKind::kExecuteTools: {
      std::int64_t bad = 0;
      result.late = false;
      for (int i = 0; i < node.calls; ++i) {
        const Answer each = answer(key, i + 1);
        result.late = result.late || each.kind == Kind::kSlow;
        bad += each.kind == Kind::kBad ? 1 : 0;
      }
      result.output["failed"] = bad;
      break;
    }
    case NodeKind::kAsk:
      if (result.late && node.has_default) {  // the answer after the timeout
        result.late = false;
        result.output["answer"] = std::string(node.approval ? "no" : "t2");
        if (node.approval) result.output["approved"] = false;
        break;
      }
      result.output["answer"] = node.approval ? std::string(first.value < 2 ? "yes" : "no") : concat("t", first.value);
      if (node.approval) result.output["approved"] = first.value < 2;
      break;
    case NodeKind::kSaveMessage:  // no call that takes time
    default:
      result.late = false;
      break;
  }
  return result;
}

Attempt Reference::agent(const RandomNode& node, const std::string& key) {
  using Kind = Answer::Kind;
  const std::int64_t most = node.max_steps == 0 ? 50 : node.max_steps;
  Attempt result;
  for (std::int64_t step = 1; step <= most; ++step) {
    const Answer each = answer(key, step);
    result.late = result.late || each.kind == Kind::kSlow;
    if (each.kind != Kind::kGood && each.kind != Kind::kSlow) return {.failed = true, .late = result.late};
    if (each.value == 3) continue;  // it calls tools, whose errors are for the model
    result.output["steps"] = step;
    result.output["text"] = concat("t", each.value);
    return result;
  }
  return {.failed = true, .late = result.late};
}

Attempt Reference::loop(const RandomNode& node, const Scope& scope, const std::string& way, const std::string& key) {
  struct Round {
    GraphOutcome outcome;
    bool late = false;
  };
  std::vector<Round> rounds;
  for (std::size_t i = 0; i < node.items.size(); ++i) {
    Scope own;
    own.flag = scope.flag;
    own.n = scope.n;
    own.index = static_cast<std::int64_t>(i);
    own.item = node.items[i];
    Round round;
    round.outcome = graph(node.body, &scope, own, {concat(way, "[", i, "]."), concat(key, "[", i, "].")});
    // It begins late when late ones before it take all places.
    const auto before = std::ranges::count_if(rounds, &Round::late);
    round.late = round.outcome.late || before >= node.parallel;
    rounds.push_back(std::move(round));
  }
  const auto has_failed = [](const Round& round) { return !round.outcome.culprits.empty(); };
  const auto bad = std::ranges::count_if(rounds, has_failed);
  Attempt result;
  result.output["iterations"] = static_cast<std::int64_t>(rounds.size());
  result.output["completed"] = static_cast<std::int64_t>(rounds.size()) - bad;
  result.output["failed"] = static_cast<std::int64_t>(bad);
  result.failed = bad > 0 && node.on_failure != OnFailure::kContinue;
  if (!result.failed || node.on_failure == OnFailure::kFailAll) {
    result.late = std::ranges::any_of(rounds, &Round::late);
    for (const Round& round : rounds) add(result.ways, round.outcome.ways);
    return result;
  }
  // fail_fast: any round that fails may be the first, a late one only if all are.
  result.late = std::ranges::all_of(rounds, [&](const Round& round) { return !has_failed(round) || round.late; });
  std::vector<std::size_t> first;
  for (std::size_t i = 0; i < rounds.size(); ++i) {
    if (has_failed(rounds[i]) && rounds[i].late == result.late) first.push_back(i);
  }
  for (std::size_t i = 0; i < rounds.size(); ++i) {
    if (node.parallel == 1) {
      if (i > first.front()) break;  // never begins
    } else if (first.size() > 1 || i != first.front()) {
      // An early round before a late end has its time.
      if (!(result.late && !rounds[i].late)) allow_cancellation(rounds[i].outcome.ways);
    }
    add(result.ways, rounds[i].outcome.ways);
  }
  return result;
}

Attempt Reference::while_loop(const RandomNode& node, const Scope& scope, const std::string& way, const std::string& key) {
  Attempt result;
  std::int64_t completed = 0;
  std::int64_t bad = 0;
  std::map<std::string, Ended> before;
  for (std::int64_t i = 0;; ++i) {
    if (i > 0) {
      Scope own = scope;
      own.outer = &scope;
      own.nodes = nullptr;
      own.output = &before;
      if (!holds(*node.while_, own)) break;
    }
    if (i == node.max_iterations) {
      result.failed = true;
      break;
    }
    Scope own;
    own.flag = scope.flag;
    own.n = scope.n;
    own.index = i;
    GraphOutcome round = graph(node.body, &scope, own, {concat(way, "[", i, "]."), concat(key, "[", i, "].")});
    add(result.ways, round.ways);
    result.late = result.late || round.late;
    if (round.culprits.empty()) {
      ++completed;
    } else {
      ++bad;
      result.failed = node.on_failure != OnFailure::kContinue;
      if (node.on_failure == OnFailure::kFailFast) break;
      for (const RandomNode& each : node.body.nodes) round.nodes.try_emplace(each.id);
    }
    before = std::move(round.nodes);
  }
  result.output["iterations"] = completed + bad;
  result.output["completed"] = completed;
  result.output["failed"] = bad;
  return result;
}

Attempt Reference::parallel(const RandomNode& node, const Scope& scope, const std::string& way, const std::string& key) {
  std::vector<GraphOutcome> branches;
  for (const auto& [name, body] : node.branches) {
    Scope own;
    own.flag = scope.flag;
    own.n = scope.n;
    branches.push_back(graph(body, &scope, own, {concat(way, ".", name, "."), concat(key, ".", name, ".")}));
  }
  const auto has_failed = [](const GraphOutcome& branch) { return !branch.culprits.empty(); };
  Attempt result;
  result.failed = std::ranges::any_of(branches, has_failed);
  if (!result.failed) {
    result.late = std::ranges::any_of(branches, &GraphOutcome::late);
    for (const GraphOutcome& branch : branches) add(result.ways, branch.ways);
    return result;
  }
  // The first branch that fails cancels the others.
  result.late = std::ranges::all_of(branches, [&](const GraphOutcome& branch) { return !has_failed(branch) || branch.late; });
  const auto first =
      std::ranges::count_if(branches, [&](const GraphOutcome& b) { return has_failed(b) && b.late == result.late; });
  for (GraphOutcome& branch : branches) {
    const bool the_first = first == 1 && has_failed(branch) && branch.late == result.late;
    if (!the_first && !(result.late && !branch.late)) allow_cancellation(branch.ways);
    add(result.ways, branch.ways);
  }
  return result;
}

Attempt Reference::call(const RandomNode& node, const Scope& scope, const std::string& way, const std::string& key) {
  const RandomWorkflow& called = project_.find(node.workflow);
  Scope own;
  own.flag = scope.flag;
  own.n = 1;
  GraphOutcome outcome = graph(called.graph, nullptr, own, {concat(way, "/"), concat(key, "/")});
  Attempt result;
  result.failed = !outcome.culprits.empty();
  result.late = outcome.late;
  if (!result.failed) result.output = outputs(called, outcome);
  result.ways = std::move(outcome.ways);
  return result;
}

// --- graphs ---

enum class Verdict : std::uint8_t { kUndecided, kTaken, kNotTaken };

struct Edge {
  std::string from;
  std::string to;
  Verdict verdict = Verdict::kUndecided;
  bool late = false;
};

// The edges of one decision, of which one is taken, or all of an edge without cases.
struct Decision {
  std::string from;
  const std::vector<RandomCase>* cases = nullptr;
  std::size_t first = 0;  // of the edges: the cases, and then the default
  bool otherwise = false;
};

class GraphEdges {
 public:
  explicit GraphEdges(const RandomGraph& graph) {
    if (graph.sequential()) {
      for (std::size_t i = 1; i < graph.nodes.size(); ++i) edges.push_back({graph.nodes[i - 1].id, graph.nodes[i].id});
    }
    for (const RandomEdge& edge : graph.edges) {
      for (const std::string& to : edge.to) edges.push_back({edge.from, to});
      if (!edge.cases.empty()) decide(edge.from, edge.cases, edge.otherwise);
    }
    for (const RandomNode& node : graph.nodes) {
      if (!node.cases.empty()) decide(node.id, node.cases, node.otherwise);
    }
  }

  std::vector<Edge> edges;
  std::vector<Decision> decisions;

 private:
  void decide(const std::string& from, const std::vector<RandomCase>& cases, const std::string& otherwise) {
    decisions.push_back({from, &cases, edges.size(), !otherwise.empty()});
    for (const RandomCase& one : cases) edges.push_back({from, one.to});
    if (!otherwise.empty()) edges.push_back({from, otherwise});
  }
};

GraphOutcome Reference::graph(const RandomGraph& graph, const Scope* outer, const Scope& own, const Place& place) {
  GraphOutcome outcome;
  Scope scope = own;
  scope.outer = outer;
  scope.nodes = &outcome.nodes;
  GraphEdges all(graph);
  std::map<std::string, bool> late;  // of those that ended or failed
  std::map<std::string, Ways> below;

  const auto settle = [&](const std::string& id, Verdict unconditional) {
    for (Edge& edge : all.edges) {
      if (edge.from != id) continue;
      edge.verdict = unconditional;
      edge.late = late[id];
    }
    if (unconditional == Verdict::kNotTaken) return;
    for (const Decision& decision : all.decisions) {
      if (decision.from != id) continue;
      const auto taken =
          std::ranges::find_if(*decision.cases, [&](const RandomCase& one) { return holds(one.condition, scope); });
      const auto place_taken = static_cast<std::size_t>(taken - decision.cases->begin());
      for (std::size_t i = 0; i < decision.cases->size() + (decision.otherwise ? 1 : 0); ++i) {
        if (i != place_taken) all.edges[decision.first + i].verdict = Verdict::kNotTaken;
      }
      const RandomNode& node = *graph.find(id);
      if (node.kind == NodeKind::kRouter && outcome.nodes[id].state == NodeState::kCompleted) {
        const bool none = place_taken == decision.cases->size();
        if (!none || decision.otherwise) outcome.nodes[id].output["to"] = none ? node.otherwise : (*taken).to;
        if (!none) outcome.nodes[id].output["label"] = (*taken).label;
      }
    }
  };

  const auto begin = [&](const RandomNode& node, bool begins_late) {
    late[node.id] = begins_late;
    if (node.condition && !holds(*node.condition, scope)) {
      outcome.nodes[node.id].state = NodeState::kSkipped;
      return settle(node.id, Verdict::kTaken);
    }
    Attempt result;
    for (int i = 1; i <= node.attempts; ++i) {
      Attempt next = attempt(node, scope, place.way + node.id, concat(place.key, node.id, "#", i));
      next.late = next.late || result.late;
      remember(next.ways, result.ways);
      result = std::move(next);
      if (!result.failed || result.final) break;
    }
    late[node.id] = begins_late || result.late;
    below[node.id] = std::move(result.ways);
    if (result.failed && !node.allow_failure) {
      outcome.culprits.insert(node.id);
      return;
    }
    outcome.nodes[node.id].state = result.failed ? NodeState::kFailed : NodeState::kCompleted;
    if (!result.failed) outcome.nodes[node.id].output = std::move(result.output);
    settle(node.id, Verdict::kTaken);
  };

  // Whether the node began or was SKIPPED, which may decide others. A join that one edge decides is decided by the earliest: it is
  // considered with some of them open only when nothing else can happen.
  bool early_joins = false;
  const auto consider = [&](const RandomNode& node) {
    if (outcome.nodes.contains(node.id) || outcome.culprits.contains(node.id)) return false;
    std::size_t open = 0;
    std::size_t count[2] = {};       // not taken, taken
    std::size_t late_count[2] = {};  // of those
    for (const Edge& edge : all.edges) {
      if (edge.to != node.id) continue;
      if (edge.verdict == Verdict::kUndecided) {
        ++open;
        continue;
      }
      const int taken = edge.verdict == Verdict::kTaken ? 1 : 0;
      ++count[taken];
      if (edge.late) ++late_count[taken];
    }
    const bool join = node.kind == NodeKind::kJoin;
    const bool any_late = late_count[0] + late_count[1] > 0;
    if (join && open > 0 && !early_joins) return false;
    if (join && !node.any && count[0] > 0) {  // SKIPPED as soon as one edge is not taken
      late[node.id] = late_count[0] == count[0];
      outcome.nodes[node.id].state = NodeState::kSkipped;
      settle(node.id, Verdict::kNotTaken);
    } else if (join && node.any && count[1] > 0) {
      begin(node, late_count[1] == count[1]);
    } else if (open > 0) {
      return false;
    } else if (count[0] > 0 && count[1] == 0) {
      late[node.id] = any_late;
      outcome.nodes[node.id].state = NodeState::kSkipped;
      settle(node.id, Verdict::kNotTaken);
    } else {
      begin(node, any_late);
    }
    return true;
  };
  for (;;) {
    early_joins = false;
    if (std::ranges::any_of(graph.nodes, consider)) continue;
    early_joins = true;
    if (std::ranges::none_of(graph.nodes, consider)) break;
  }

  // --- what of it may be seen ---
  const bool fails = !outcome.culprits.empty();
  std::set<std::string> first = outcome.culprits;
  outcome.late = std::ranges::all_of(outcome.culprits, [&](const std::string& id) { return late[id]; });
  if (!fails) outcome.late = std::ranges::any_of(late, [](const auto& each) { return each.second; });
  std::erase_if(first, [&](const std::string& id) { return late[id] != outcome.late; });
  const auto surely_ended = [&](const std::string& id) {
    if (!fails || (outcome.late && !late[id])) return true;
    return std::ranges::all_of(first, [&](const std::string& one) { return ended_before(graph, one).contains(id); });
  };
  for (const RandomNode& node : graph.nodes) {
    Ways ways;
    AllowedNode& self = ways[place.way + node.id];
    const auto ended = outcome.nodes.find(node.id);
    if (ended != outcome.nodes.end()) {
      self.states = {ended->second.state};
      self.output = ended->second.output;
    } else if (outcome.culprits.contains(node.id)) {
      self.states = {NodeState::kFailed};
    } else {
      self.states = {NodeState::kCancelled, NodeState::kPending};
    }
    add(ways, below[node.id]);
    const bool the_first = first.size() == 1 && first.contains(node.id);
    const bool sure = ended != outcome.nodes.end() && surely_ended(node.id);
    if (fails && !the_first && !sure) {
      // What would end late does not end before an early failure.
      if (!outcome.late && late[node.id]) self.states.clear();
      allow_cancellation(ways);
    }
    add(outcome.ways, ways);
  }
  outcome.culprits = std::move(first);
  return outcome;
}

}  // namespace

void allow_cancellation(std::map<std::string, AllowedNode>& nodes) {
  for (auto& [way, node] : nodes) {
    node.states.insert({NodeState::kCancelled, NodeState::kPending});
    node.states.insert(node.earlier.begin(), node.earlier.end());
    if (node.earlier.contains(NodeState::kCompleted)) node.output.clear();
  }
}

Allowed allowed_outcomes(const RandomProject& project, std::uint64_t seed) {
  Reference reference(project, seed);
  Scope own;
  own.flag = project.flag;
  own.n = project.n;
  GraphOutcome outcome = reference.graph(project.workflows.front().graph, nullptr, own, {});
  Allowed allowed;
  allowed.completed = outcome.culprits.empty();
  allowed.culprits = outcome.culprits;
  if (allowed.completed) allowed.outputs = reference.outputs(project.workflows.front(), outcome);
  allowed.nodes = std::move(outcome.ways);
  return allowed;
}

}  // namespace reliant::tests
