// The order of a graph as it runs (README.md of format/, "Order"): which nodes may begin, and what their ends decide.
#include <algorithm>
#include <optional>
#include <utility>
#include <vector>

#include "base/assert.h"
#include "base/text.h"
#include "runtime/race.h"
#include "runtime/scope.h"
#include "runtime/this_context.h"
#include "workflow/graph/node_run.h"

namespace reliant::workflow {
namespace {

enum class EdgeState : std::uint8_t { kOpen, kTaken, kNotTaken };

constexpr Duration kNoTimeout{};

void move_node(Host& host, const GraphNode& node, NodeProgress& progress, std::string way, NodeInput input) {
  const auto to = next_state(progress.state, input);
  RELIANT_ASSERT(to.has_value(), "a node is moved only in states that have the input");
  progress.state = *to;
  host.changed({std::move(way), std::string(node.type()), *to, progress.attempts, progress.error});
}

class GraphRun {
 public:
  GraphRun(const GraphPlace& place, const Flow& flow, const Scope& outer, Cancellation& cancel)
      : place_(place), flow_(flow), scope_(outer), cancel_(cancel), edges_(flow.edges.size(), EdgeState::kOpen) {}

  Task<Status> run() {
    for (const std::size_t at : flow_.order) {
      if (is_end(progress(at).state)) decide(at);
    }
    TaskScope children(co_await ThisContext{});
    begin_ready(children);
    while (running_ > 0) {
      co_await ended_.wait();
      ended_.reset();
      begin_ready(children);
    }
    if (!failure_ && cancel_.is_set()) failure_ = cancelled("the run was cancelled");
    if (failure_) leave_rest();
    co_return failure_ ? *failure_ : ok_status();
  }

 private:
  NodeProgress& progress(std::size_t at) { return place_.progress.nodes[flow_.nodes[at].node->id]; }

  void move(std::size_t at, NodeInput input) {
    const GraphNode& node = *flow_.nodes[at].node;
    move_node(place_.interpreter.host(), node, progress(at), place_.way + node.id, input);
  }

  // Every edge that leads to a node in front of it in `order` is decided before.
  void begin_ready(TaskScope& children) {
    if (failure_ || cancel_.is_set()) return;
    for (const std::size_t at : flow_.order) {
      if (progress(at).state != NodeState::kPending) continue;
      if (is_dead(at)) {
        progress(at).ended_its_way = true;
        move(at, NodeInput::kSkip);
        decide(at);
      } else if (is_ready(at)) {
        if (!begin(at, children)) return;
      }
    }
  }

  std::size_t count(std::size_t at, EdgeState state) const {
    const auto& in = flow_.nodes[at].in;
    return static_cast<std::size_t>(std::ranges::count_if(in, [&](std::size_t edge) { return edges_[edge] == state; }));
  }
  const JoinNode* join(std::size_t at) const { return std::get_if<JoinNode>(&flow_.nodes[at].node->action); }

  bool is_ready(std::size_t at) const {
    const std::size_t edges = flow_.nodes[at].in.size();
    if (edges == 0) return true;
    if (const JoinNode* node = join(at); node != nullptr && node->mode == "any") return count(at, EdgeState::kTaken) > 0;
    return count(at, EdgeState::kOpen) == 0 && count(at, EdgeState::kTaken) > 0;
  }
  bool is_dead(std::size_t at) const {
    const std::size_t edges = flow_.nodes[at].in.size();
    if (edges == 0) return false;
    if (const JoinNode* node = join(at); node != nullptr && node->mode == "all") return count(at, EdgeState::kNotTaken) > 0;
    return count(at, EdgeState::kNotTaken) == edges;
  }

  // False: the graph has failed.
  bool begin(std::size_t at, TaskScope& children) {
    const GraphNode& node = *flow_.nodes[at].node;
    if (node.condition.given()) {
      const auto holds = place_.interpreter.holds(node.condition, scope_now());
      if (!holds.ok()) {
        move(at, NodeInput::kBegin);
        progress(at).error = std::string(message_of(holds.status()));
        move(at, NodeInput::kFail);
        return fail(at, holds.status());
      }
      if (!*holds) {
        move(at, NodeInput::kSkip);
        decide(at);
        return !failure_;
      }
    }
    progress(at).attempts = 1;
    move(at, NodeInput::kBegin);
    ++running_;
    children.spawn(run_node(at));
    return true;
  }

  bool fail(std::size_t at, Status status) {
    if (failure_) return false;
    const std::string& id = flow_.nodes[at].node->id;
    failure_ = make_status(status.code(), place_.way, id, ": ", message_of(status));
    cancel_.set();
    return false;
  }

  // What the end of a node says about the edges that leave it.
  void decide(std::size_t at) {
    const FlowNode& node = flow_.nodes[at];
    const bool leads_on = progress(at).state != NodeState::kCancelled && !progress(at).ended_its_way;
    for (const std::size_t edge : node.out) {
      const bool taken = leads_on && flow_.edges[edge].decision == kNone;
      edges_[edge] = taken ? EdgeState::kTaken : EdgeState::kNotTaken;
    }
    if (!leads_on) return;
    for (const Decision& decision : node.decisions) {
      const auto chosen = choose(decision);
      if (!chosen.ok()) {
        fail(at, chosen.status());
        return;
      }
      if (*chosen != kNone) edges_[*chosen] = EdgeState::kTaken;
    }
  }

  Result<std::size_t> choose(const Decision& decision) {
    const Scope now = scope_now();
    for (const std::size_t edge : decision.edges) {
      const ExpressionText& condition = flow_.edges[edge].condition->condition;
      if (!condition.given()) return edge;
      TRY_ASSIGN(const bool holds, place_.interpreter.holds(condition, now));
      if (holds) return edge;
    }
    return decision.otherwise;
  }

  Scope scope_now() const {
    Scope scope;
    scope.run = &place_.run;
    scope.graph = &place_.graph;
    scope.progress = &place_.progress;
    scope.outer = scope_.run == nullptr ? nullptr : &scope_;
    return scope;
  }

  Task<void> run_node(std::size_t at) {
    const GraphNode& node = *flow_.nodes[at].node;
    const Scope scope = scope_now();
    Cancellation cancel(&cancel_);
    bool timed_out = false;
    Result<expr::Value> result = expr::Value();
    {
      TaskScope watch(co_await ThisContext{});
      if (node.timeout > kNoTimeout && !std::holds_alternative<AskNode>(node.action))
        watch.spawn(time(node, cancel, timed_out));
      result = co_await attempt_all(at, scope, cancel);
    }
    if (!result.ok() && timed_out && !cancel_.is_set()) {
      result = deadline_exceeded("it took longer than its timeout of ", node.timeout / std::chrono::milliseconds(1), " ms");
    }
    end(at, std::move(result));
    --running_;
    ended_.set();
  }

  Task<void> time(const GraphNode& node, Cancellation& cancel, bool& timed_out) {
    co_await place_.interpreter.host().sleep(node.timeout);
    timed_out = true;
    cancel.set();
  }

  void end(std::size_t at, Result<expr::Value> result) {
    NodeProgress& progress = this->progress(at);
    if (result.ok()) {
      progress.output = *std::move(result);
      move(at, NodeInput::kComplete);
      decide(at);
      return;
    }
    if (cancel_.is_set()) return move(at, NodeInput::kCancel);
    progress.error = std::string(message_of(result.status()));
    move(at, NodeInput::kFail);
    if (!flow_.nodes[at].node->allow_failure) {
      fail(at, result.status());
      return;
    }
    decide(at);
  }

  Task<Result<expr::Value>> attempt_all(std::size_t at, const Scope& scope, Cancellation& cancel) {
    const GraphNode& node = *flow_.nodes[at].node;
    Duration pause = node.retry.initial;
    for (;;) {
      auto result = co_await this->attempt(at, scope, cancel);
      if (result.ok() || progress(at).attempts >= node.retry.attempts || cancel.is_set()) co_return result;
      // No answer came: the timeout is of the whole node.
      const bool asked = std::holds_alternative<AskNode>(node.action);
      if (asked && result.status().code() == StatusCode::kDeadlineExceeded) co_return result;
      progress(at).inner.clear();
      co_await pause_for(pause, cancel);
      if (cancel.is_set()) co_return result;
      ++progress(at).attempts;
      move(at, NodeInput::kRetry);
      pause = std::min(pause * node.retry.factor, std::max(node.retry.maximum, node.retry.initial));
    }
  }

  Task<void> pause_for(Duration pause, Cancellation& cancel) {
    co_await race(place_.interpreter.host().sleep(pause), cancel.event().wait());
  }

  Task<Result<expr::Value>> attempt(std::size_t at, const Scope& scope, Cancellation& cancel) {
    if (cancel.is_set()) co_return cancelled("the node was cancelled before its first call");
    const GraphNode& node = *flow_.nodes[at].node;
    NodeRun run{place_.interpreter, place_.run, node, progress(at), scope, cancel, "", place_.way + node.id};
    CO_TRY_ASSIGN(run.thread, co_await open_thread(run));
    co_return co_await std::visit([&run](const auto& action) { return act(run, action); }, node.action);
  }

  Task<Result<ThreadId>> open_thread(NodeRun& run) {
    const Thread& thread = run.node.thread;
    ThreadId id = place_.thread;
    const std::string name = concat(run.way, "#", run.progress.attempts);
    if (thread.mode == "fork") id = run.host().fork_thread(place_.thread, name);
    if (thread.mode == "new") id = run.host().new_thread(name);
    if (thread.inject) {
      CO_TRY_ASSIGN(std::string text, place_.interpreter.render(thread.inject->content, run.scope));
      auto saved = co_await run.host().save_message(id, thread.inject->role, std::move(text));
      if (!saved.ok()) co_return saved.status();
    }
    co_return id;
  }

  // After a failure or a cancellation: what has not begun never will.
  void leave_rest() {
    for (const std::size_t at : flow_.order) {
      if (progress(at).state == NodeState::kPending) move(at, NodeInput::kCancel);
    }
  }

  const GraphPlace& place_;
  const Flow& flow_;
  const Scope& scope_;  // of the graph around
  Cancellation& cancel_;
  std::vector<EdgeState> edges_;
  std::size_t running_ = 0;
  Event ended_;
  std::optional<Status> failure_;
};

}  // namespace

Task<Status> run_graph(GraphPlace place, const Scope& scope, Cancellation& cancel) {
  CO_TRY_ASSIGN(const Flow* flow, place.interpreter.flow_of(*place.run.workflow, place.graph));
  Cancellation inner(&cancel);
  GraphRun run(place, *flow, scope, inner);
  co_return co_await run.run();
}

void NodeRun::move(NodeInput input) const { move_node(host(), node, progress, way, input); }

}  // namespace reliant::workflow
