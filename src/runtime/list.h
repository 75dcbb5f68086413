// Intrusive doubly linked list. The links live in the waiting coroutine's frame, so waiting allocates
// nothing, and both sides unlink themselves: a destroyed element leaves its list, a destroyed list lets its
// elements go.
//
// One thread. The list owns nothing.
#pragma once

namespace reliant {

class Link {
 public:
  Link() = default;
  Link(const Link&) = delete;
  Link& operator=(const Link&) = delete;
  ~Link() { unlink(); }

  bool linked() const noexcept { return next_ != this; }
  void unlink() noexcept {
    previous_->next_ = next_;
    next_->previous_ = previous_;
    previous_ = next_ = this;
  }

 private:
  friend class List;
  Link* previous_ = this;
  Link* next_ = this;
};

class List {
 public:
  List() = default;
  ~List() {
    while (!empty()) front().unlink();
  }

  bool empty() const noexcept { return !end_.linked(); }
  Link& front() noexcept { return *end_.next_; }      // not on an empty list
  Link& back() noexcept { return *end_.previous_; }   // not on an empty list
  void push_back(Link& link) noexcept {               // a link that is in no list
    link.previous_ = end_.previous_;
    link.next_ = &end_;
    end_.previous_->next_ = &link;
    end_.previous_ = &link;
  }

 private:
  Link end_;
};

}  // namespace reliant
