// Intrusive doubly linked list. The nodes live in the waiting coroutine's frame, so waiting allocates
// nothing, and both sides unlink themselves: a destroyed element leaves its list, a destroyed list lets its
// elements go.
//
// One thread. The list owns nothing.
#pragma once

namespace reliant {

class ListNode {
 public:
  ListNode() = default;
  ListNode(const ListNode&) = delete;
  ListNode& operator=(const ListNode&) = delete;
  ~ListNode() { unlink(); }

  bool linked() const noexcept { return next_ != this; }
  void unlink() noexcept {
    previous_->next_ = next_;
    next_->previous_ = previous_;
    previous_ = next_ = this;
  }

 private:
  friend class List;
  ListNode* previous_ = this;
  ListNode* next_ = this;
};

class List {
 public:
  List() = default;
  ~List() {
    while (!empty()) front().unlink();
  }

  bool empty() const noexcept { return !end_.linked(); }
  ListNode& front() noexcept { return *end_.next_; }     // not on an empty list
  ListNode& back() noexcept { return *end_.previous_; }  // not on an empty list
  void push_back(ListNode& node) noexcept {              // a node that is in no list
    node.previous_ = end_.previous_;
    node.next_ = &end_;
    end_.previous_->next_ = &node;
    end_.previous_ = &node;
  }

 private:
  ListNode end_;
};

}  // namespace reliant
