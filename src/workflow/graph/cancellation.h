// Cancellation: a flag to stop, of a node or of a graph. One that is set reaches all below it, and stays.
#pragma once

#include "runtime/event.h"

namespace reliant::workflow {

class Cancellation {
 public:
  Cancellation() = default;
  // Below `parent`, which outlives it.
  explicit Cancellation(Cancellation* parent) : parent_(parent), next_(parent->first_) {
    parent->first_ = this;
    if (next_ != nullptr) next_->previous_ = this;
    if (parent->is_set()) event_.set();
  }
  Cancellation(const Cancellation&) = delete;
  Cancellation& operator=(const Cancellation&) = delete;
  ~Cancellation() {
    if (parent_ == nullptr) return;
    (previous_ != nullptr ? previous_->next_ : parent_->first_) = next_;
    if (next_ != nullptr) next_->previous_ = previous_;
  }

  void set() {
    event_.set();
    for (Cancellation* child = first_; child != nullptr; child = child->next_) child->set();
  }
  bool is_set() const { return event_.is_set(); }
  Event& event() { return event_; }

 private:
  Event event_;
  Cancellation* parent_ = nullptr;
  Cancellation* first_ = nullptr;
  Cancellation* previous_ = nullptr;
  Cancellation* next_ = nullptr;
};

}  // namespace reliant::workflow
