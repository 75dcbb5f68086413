#include "runtime/executor.h"

#include <cstdio>
#include <cstdlib>
#include <vector>

#include "base/assert.h"

namespace reliant {

Executor::~Executor() {
  RELIANT_ASSERT(registered() == 0 && dying_.empty(), "an Executor must outlive its scopes, waits and timers");
}

std::uint64_t Executor::run(std::uint64_t max_steps) {
  std::uint64_t made = 0;
  while (made < max_steps && step()) ++made;
  return made;
}

std::uint64_t Executor::run_until(Instant until, std::uint64_t max_steps) {
  reap();  // now, so that next_event() below is what the next step will run
  for (std::uint64_t made = 0; made < max_steps; ++made) {
    if (next_event() <= until && step()) continue;
    if (until != kNever && until > now_) now_ = until;
    return made;
  }
  return max_steps;
}

bool Executor::running_inside(const Context& context) const noexcept {
  for (const Context* c = current_; c != nullptr; c = c->parent) {
    if (c == &context) return true;
  }
  return false;
}

void Executor::reap_later(Reapable& reapable) {
  if (!reapable.linked()) dying_.push_back(reapable);
}

void Executor::reap() {
  RELIANT_ASSERT(current_ == nullptr, "frames are destroyed between two steps only");
  while (!dying_.empty()) {
    auto& next = static_cast<Reapable&>(dying_.front());
    next.unlink();
    next.reap();
  }
}

void Executor::uncaught(std::uint32_t node, const std::exception_ptr& error) noexcept {
  if (failure_handler_ != nullptr) return failure_handler_->uncaught(node, error);
  std::fprintf(stderr, "an exception left a task that no other task joins: %s\n", what_of(error).c_str());
  std::fflush(stderr);
  std::abort();
}

void Executor::hold(Wake& wake) {
  held_.push(wake);
  wake.where_ = Wake::Where::kHeld;
}

void Executor::let_go(std::uint32_t node) {
  for (std::uint32_t i = 0; i < held_.size();) {
    if (held_.at(i).context_->node != node) {
      ++i;
      continue;
    }
    ready_.push(held_.take_any(i));
  }
}

void Executor::move_timers(std::uint32_t node, const NodeTimes& before) {
  std::vector<std::pair<Wake*, Instant>> moved;
  timers_.for_each([&](Wake& wake, Instant when) {
    if (wake.context_->node == node) moved.emplace_back(&wake, before.local(node, when));
  });
  for (const auto& [wake, local] : moved) set_timer(*wake, local);
}

void Executor::release(Instant now) {
  if (now > now_) now_ = now;
  mix(static_cast<std::uint64_t>(now_.time_since_epoch().count()));
  while (timers_.due(now_)) ready_.push(timers_.take_first());
}

}  // namespace reliant
