#include "runtime/executor.h"

#include "base/assert.h"

namespace reliant {

Executor::~Executor() {
  RELIANT_ASSERT(registered() == 0 && dying_.empty(),
                 "an Executor must outlive its scopes, waits and timers");
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
  kick();
}

void Executor::reap() {
  RELIANT_ASSERT(current_ == nullptr, "frames are destroyed between two steps only");
  while (!dying_.empty()) {
    auto& next = static_cast<Reapable&>(dying_.front());
    next.unlink();
    next.reap();
  }
}

void Executor::release(Instant now) {
  if (now > now_) now_ = now;
  mix(static_cast<std::uint64_t>(now_.time_since_epoch().count()));
  while (timers_.due(now_)) ready_.push(timers_.take_first());
}

}  // namespace reliant
