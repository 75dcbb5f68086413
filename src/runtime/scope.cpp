#include "runtime/scope.h"

namespace reliant {

TaskScope::~TaskScope() {
  RELIANT_ASSERT(!context_.executor->running_inside(context_),
                 "a TaskScope was destroyed by its own child: call cancel() there");
  RELIANT_ASSERT(!destroying_, "a TaskScope was destroyed by a destructor of its own child");
  stopping_ = true;
  destroy_all(ended_);
  destroy_all(children_);
  if (error_) executor().uncaught(context_.node, error_);  // the joiner was destroyed before it resumed
}

void TaskScope::child_failed(const std::exception_ptr& error) noexcept {
  stopping_ = true;
  if (!error_ && !joiners_.empty()) {
    error_ = error;
  } else {
    executor().uncaught(context_.node, error);
  }
}

bool TaskScope::contains(const Context& context) const noexcept {
  for (const Context* c = &context; c != nullptr; c = c->parent) {
    if (c == &context_) return true;
  }
  return false;
}

// Destructors of a child may wake, cancel, or spawn elsewhere: the list is read again for each.
void TaskScope::destroy_all(List& children) {
  const bool nested = std::exchange(destroying_, true);
  while (!children.empty()) {
    auto* child = static_cast<Child*>(&children.back());
    child->unlink();
    --size_;
    delete child;
  }
  destroying_ = nested;
}

void TaskScope::reap() {
  destroy_all(ended_);
  if (stopping_) destroy_all(children_);
  if (size_ == 0) joiners_.wake_all();
}

}  // namespace reliant
