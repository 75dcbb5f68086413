// GroupCommit: writes of many callers, gathered into few transactions. While one is under way, what comes in waits and
// goes with the next, all at once: a lone caller waits for its own write only; in a burst, a thousand writes cost
// what a dozen do, and the database's other clients are still served (R46).
//
// Items are written in FIFO order: of two items with the same key the second goes with a later transaction. An item that
// cannot be written does not fail the others: then each is written alone.
//
// Owner: a role; outlives its callers. Executor: the logic thread. A queued item whose caller is destroyed is
// dropped; one that is being written is still written.
#pragma once

#include <cstddef>
#include <deque>
#include <functional>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "base/status.h"
#include "runtime/one_shot.h"
#include "runtime/scope.h"
#include "runtime/task.h"
#include "runtime/time.h"

namespace reliant::store {

template <class Item, class Answer>
class GroupCommit {
 public:
  using Answers = std::vector<Result<Answer>>;  // in the order of the items
  using Key = std::pair<std::string, std::string>;
  struct Actions {
    // In one transaction. An error of its own: nothing is known to be written.
    std::function<Task<Result<Answers>>(std::vector<Item>)> write;
    std::function<Key(const Item&)> key_of;
  };
  static constexpr std::size_t kMost = 64;  // items of one transaction

  GroupCommit(Context& context, Actions actions) : actions_(std::move(actions)), scope_(context) {}

  // What the write says. DEADLINE_EXCEEDED: its turn did not come in time, nothing was written.
  Task<Result<Answer>> submit(Item item, Instant deadline) {
    const Ticket ticket(enqueue(std::move(item)));
    co_return co_await ticket.answer(deadline);
  }
  Task<Answers> submit_all(std::vector<Item> items, Instant deadline) {
    std::deque<Ticket> tickets;
    for (Item& item : items) tickets.emplace_back(enqueue(std::move(item)));
    Answers answers;
    for (const Ticket& ticket : tickets) answers.push_back(co_await ticket.answer(deadline));
    co_return answers;
  }

 private:
  struct Entry {
    explicit Entry(Item i) : item(std::move(i)) {}
    Item item;
    bool dropped = false;  // its caller was destroyed
    bool taken = false;    // it is being written
    OneShot<Result<Answer>> answer;
  };
  using Entries = std::vector<std::shared_ptr<Entry>>;

  class Ticket {
   public:
    explicit Ticket(std::shared_ptr<Entry> entry) : entry_(std::move(entry)) {}
    Ticket(const Ticket&) = delete;
    Ticket& operator=(const Ticket&) = delete;
    ~Ticket() { entry_->dropped = true; }
    Task<Result<Answer>> answer(Instant deadline) const {
      auto answer = co_await entry_->answer.wait(deadline);
      if (!answer && entry_->taken) answer = co_await entry_->answer.wait();  // the write has its own deadline
      if (!answer) co_return deadline_exceeded("the turn to write did not come in time; nothing was written");
      co_return *std::move(answer);
    }

   private:
    std::shared_ptr<Entry> entry_;
  };

  std::shared_ptr<Entry> enqueue(Item item) {
    auto entry = std::make_shared<Entry>(std::move(item));
    queue_.push_back(entry);
    if (!writing_) writing_ = scope_.try_spawn(write_queued());
    return entry;
  }

  Task<void> write_queued() {
    while (!queue_.empty()) {
      if (Entries group = take(); !group.empty()) co_await write(std::move(group));
    }
    writing_ = false;
  }

  Entries take() {
    Entries group;
    std::set<Key> keys;
    while (!queue_.empty() && group.size() < kMost) {
      const std::shared_ptr<Entry>& first = queue_.front();
      if (!first->dropped) {
        if (!keys.insert(actions_.key_of(first->item)).second) break;
        first->taken = true;
        group.push_back(first);
      }
      queue_.pop_front();
    }
    return group;
  }

  static std::vector<Item> items_of(const Entries& group) {
    std::vector<Item> items;
    for (const auto& entry : group) items.push_back(entry->item);
    return items;
  }

  Task<void> write(Entries group) {
    auto answers = co_await actions_.write(items_of(group));
    const StatusCode code = answers.status().code();
    const bool refused = !answers.ok() && !is_retryable(code) && !is_outcome_unknown(code);
    if (refused && group.size() > 1) {  // the fault may lie in one of the items
      for (const auto& entry : group) co_await write(Entries{entry});
      co_return;
    }
    for (std::size_t i = 0; i < group.size(); ++i)
      group[i]->answer.set(answers.ok() ? std::move((*answers)[i]) : Result<Answer>(answers.status()));
  }

  Actions actions_;
  std::deque<std::shared_ptr<Entry>> queue_;
  bool writing_ = false;
  TaskScope scope_;  // last: its task uses everything above
};

}  // namespace reliant::store
