// loop: its body once for each item, or as long as a condition holds.
#include <algorithm>
#include <map>

#include "base/text.h"
#include "runtime/scope.h"
#include "runtime/this_context.h"
#include "workflow/graph/node_run.h"

namespace reliant::workflow {
namespace {

constexpr std::size_t kMostItems = 10'000;

class Loop {
 public:
  Loop(NodeRun& run, const LoopNode& node) : run_(run), node_(node), cancel_(&run.cancel) {}

  Task<Result<expr::Value>> run() {
    if (node_.items.given()) {
      CO_TRY_OK(co_await run_items());
    } else {
      CO_TRY_OK(co_await run_while());
    }
    co_return output();
  }

 private:
  Task<Status> run_items() {
    CO_TRY_ASSIGN(items_, run_.interpreter.evaluate(node_.items, run_.scope));
    if (!items_.is(expr::Kind::kList)) co_return run_.error(node_.items.place, "\"items\" must be a list");
    if (items_.as_list().size() > kMostItems) {
      co_return run_.error(node_.items.place,
                           concat("\"items\" has ", items_.as_list().size(), " entries; a loop takes ", kMostItems));
    }
    TaskScope lanes(co_await ThisContext{});
    const auto width = std::min<std::size_t>(static_cast<std::size_t>(node_.parallel), items_.as_list().size());
    for (std::size_t lane = 0; lane < width; ++lane) lanes.spawn(run_lane());
    co_await lanes.join();
    if (run_.cancel.is_set()) co_return cancelled("the loop was cancelled");
    co_return failure_;
  }

  Task<void> run_lane() {
    while (next_ < items_.as_list().size() && !stopped()) {
      const std::size_t index = next_++;
      co_await run_round(index, items_.as_list()[index], std::nullopt);
    }
  }

  Task<Status> run_while() {
    std::optional<expr::Value> before;
    for (std::int64_t index = 0;; ++index) {
      if (index >= node_.max_iterations) {
        co_return resource_exhausted("the loop took ", node_.max_iterations, " rounds; \"max_iterations\" allows more");
      }
      co_await run_round(static_cast<std::size_t>(index), expr::Value(), before);
      if (run_.cancel.is_set()) co_return cancelled("the loop was cancelled");
      if (stopped()) co_return failure_;
      before = outputs_of(node_.body, run_.progress.inner[concat(index)]);
      Scope scope = round_scope(static_cast<std::size_t>(index), expr::Value(), before);
      CO_TRY_ASSIGN(const bool again, run_.interpreter.holds(node_.while_, scope));
      if (!again) co_return failure_;
    }
  }

  // With fail_all the other rounds come to their end.
  bool stopped() const { return cancel_.is_set() || (!failure_.ok() && node_.on_failure == "fail_fast"); }

  Scope round_scope(std::size_t index, expr::Value item, std::optional<expr::Value> before) const {
    Scope scope = run_.scope;
    scope.item = std::move(item);
    scope.index = static_cast<std::int64_t>(index);
    scope.output = std::move(before);
    return scope;
  }

  Task<void> run_round(std::size_t index, expr::Value item, std::optional<expr::Value> before) {
    const Scope scope = round_scope(index, std::move(item), std::move(before));
    const GraphPlace place{run_.interpreter, run_.run,
                           node_.body,       run_.progress.inner[concat(index)],
                           run_.thread,      concat(run_.way, "[", index, "].")};
    const Status status = co_await run_graph(place, scope, cancel_);
    ++rounds_;
    if (status.ok()) co_return;
    if (run_.cancel.is_set()) co_return;
    errors_[index] = std::string(message_of(status));
    if (node_.on_failure == "continue") co_return;
    if (failure_.ok()) failure_ = status;
    if (node_.on_failure == "fail_fast") cancel_.set();
  }

  expr::Value output() const {
    expr::List results;
    for (std::size_t index = 0; index < rounds_; ++index) {
      const auto error = errors_.find(index);
      if (error != errors_.end()) {
        results.push_back(fields({{"error", expr::Value::string(error->second)}}));
      } else {
        results.push_back(outputs_of(node_.body, run_.progress.inner[concat(index)]));
      }
    }
    const auto failed = static_cast<std::int64_t>(errors_.size());
    const auto rounds = static_cast<std::int64_t>(rounds_);
    return fields({{"iterations", expr::Value::integer(rounds)},
                   {"results", expr::Value::list(std::move(results))},
                   {"completed", expr::Value::integer(rounds - failed)},
                   {"failed", expr::Value::integer(failed)}});
  }

  NodeRun& run_;
  const LoopNode& node_;
  Cancellation cancel_;
  expr::Value items_;
  std::size_t next_ = 0;
  std::size_t rounds_ = 0;
  std::map<std::size_t, std::string> errors_;  // by round
  Status failure_;
};

}  // namespace

Task<Result<expr::Value>> act(NodeRun& run, const LoopNode& node) {
  Loop loop(run, node);
  co_return co_await loop.run();
}

}  // namespace reliant::workflow
