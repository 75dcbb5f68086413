#include "kernel/node.h"

#include <utility>

namespace reliant::sim {

Node::Node(Executor& executor, const RandomStreams& streams, Trace& trace, std::string name, std::uint32_t id)
    : executor_(executor),
      streams_(streams),
      trace_(trace),
      name_(std::move(name)),
      id_(id),
      clock_(executor) {
  begin_life();
}

void Node::begin_life() {
  up_ = true;
  scope_ = std::make_unique<TaskScope>(executor_, id_);
  logs_.emplace_back(trace_, incarnation());
}

void Node::start(Program program) {
  program_ = std::move(program);
  RELIANT_ASSERT(up_, "a program is started on a node that is up");
  trace_.record(id_, Level::kInfo, "node.started", {{"called", name_}, {"life", epoch_}});
  spawn(program_(*this));
}

void Node::crash() {
  if (!up_) return;
  trace_.record(id_, Level::kInfo, "node.crashed", {{"called", name_}, {"life", epoch_}});
  end_life();
}

void Node::end_life() {
  if (!up_) return;
  up_ = false;
  ++epoch_;
  scope_->cancel();
  for (NodeObserver* observer : observers_) observer->node_crashed(*this);
}

void Node::restart() {
  crash();
  // The old frames may not be destroyed yet, or one of them may be the caller: they get their own scope to
  // die in.
  bury();
  dying_.push_back(std::move(scope_));
  begin_life();
  for (NodeObserver* observer : observers_) observer->node_restarted(*this);
  if (!program_) return;
  trace_.record(id_, Level::kInfo, "node.started", {{"called", name_}, {"life", epoch_}});
  spawn(program_(*this));
}

void Node::bury() {
  std::erase_if(dying_, [this](const std::unique_ptr<TaskScope>& scope) {
    if (scope->size() > 0 || executor_.running_inside(scope->context())) return false;
    if (scope->error() && !past_failure_) past_failure_ = scope->error();
    return true;
  });
}

Random Node::random(std::string_view label) const {
  return streams_.stream("node/" + name_ + "/" + std::to_string(epoch_) + "/" + std::string(label));
}

std::size_t Node::tasks() const {
  std::size_t count = scope_->size();
  for (const auto& scope : dying_) count += scope->size();
  return count;
}

std::exception_ptr Node::failure() const {
  if (past_failure_) return past_failure_;
  for (const auto& scope : dying_) {
    if (scope->error()) return scope->error();
  }
  return scope_->error();
}

void Node::shutdown() {
  end_life();
  std::exception_ptr failed = failure();
  dying_.clear();
  scope_ = std::make_unique<TaskScope>(executor_, id_);
  past_failure_ = failed;
}

void Node::Log::record(Level level, std::string_view name, std::initializer_list<Field> fields) {
  if (author_.alive()) trace_.record(author_.node().id(), level, name, fields);
}

}  // namespace reliant::sim
