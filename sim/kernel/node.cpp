#include "kernel/node.h"

#include <utility>

namespace reliant::sim {

Node::Node(Executor& executor, NodeTimes& times, const RandomStreams& streams, Trace& trace, std::string name, std::uint32_t id)
    : executor_(executor),
      times_(times),
      streams_(streams),
      trace_(trace),
      name_(std::move(name)),
      id_(id),
      clock_(executor, id) {
  begin_life();
}

void Node::begin_life() {
  up_ = true;
  asked_to_stop_.reset();
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
  ended_in_order_ = false;
  end_life();
}

void Node::exit() {
  if (!up_) return;
  trace_.record(id_, Level::kInfo, "node.exited", {{"called", name_}, {"life", epoch_}});
  ended_in_order_ = true;
  end_life();
}

void Node::end_life() {
  if (!up_) return;
  up_ = false;
  ++epoch_;
  scope_->cancel();
  resume();
  for (NodeObserver* observer : observers_) observer->node_crashed(*this);
}

void Node::ask_to_stop(Duration grace) {
  if (!up_ || asked_to_stop_.is_set()) return;
  stop_by_ = after(times_.local(id_, executor_.true_now()), grace);
  asked_to_stop_.set();
}

Task<Instant> Node::until_asked_to_stop() {
  co_await asked_to_stop_.wait();
  co_return stop_by_;
}

template <class Change>
void Node::change_time(Change change) {
  executor_.set_node_times(&times_);
  const NodeTimes before = times_;
  change(executor_.true_now());
  executor_.move_timers(id_, before);
}

void Node::pause() {
  if (!up_ || paused_) return;
  paused_ = true;
  times_.hold(id_, true);
  executor_.set_node_times(&times_);
  for (NodeObserver* observer : observers_) observer->node_paused(*this);
}

// Nothing reads its clock before it wakes, so the clock can be set now to its value at wake-up.
void Node::fall_asleep(Duration planned) {
  if (!up_ || paused_) return;
  pause();
  asleep_until_ = after(executor_.true_now(), planned);
  change_time([&](Instant now) { times_.stood_still(id_, now, planned); });
}

void Node::resume() {
  if (!paused_) return;
  paused_ = false;
  if (const Instant now = executor_.true_now(); asleep_until_ > now) {  // woken before
    change_time([&](Instant) { times_.stood_still(id_, now, now - asleep_until_); });
    asleep_until_ = now;
  }
  times_.hold(id_, false);
  executor_.let_go(id_);
  for (NodeObserver* observer : observers_) observer->node_resumed(*this);
}

void Node::set_clock_rate(std::int64_t ahead_per_million) {
  clock_rate_ = ahead_per_million;
  change_time([&](Instant now) { times_.set_rate(id_, now, ahead_per_million); });
}

void Node::restart() {
  crash();
  // The old frames may not be destroyed yet, or one of them may be the caller: the new program gets a scope of
  // its own.
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
    return scope->size() == 0 && !executor_.running_inside(scope->context());
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

void Node::shutdown() {
  end_life();
  dying_.clear();
  scope_ = std::make_unique<TaskScope>(executor_, id_);
}

void Node::Log::record(Level level, std::string_view name, std::initializer_list<Field> fields) {
  if (author_.alive()) trace_.record(author_.node().id(), level, name, fields);
}

}  // namespace reliant::sim
