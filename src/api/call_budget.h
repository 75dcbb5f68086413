// CallBudgets: how many bytes the calls of one user may hold on this server at a time: bodies and answers. A call takes its
// share before its body is read and waits while there is no room, so a user who sends much delays no other user.
//
// Owner: the ApiServer; it outlives the places. Executor: the logic thread.
#pragma once

#include <cstddef>
#include <map>

#include "base/ids.h"
#include "runtime/byte_budget.h"

namespace reliant::api {

class CallBudgets {
 public:
  explicit CallBudgets(std::size_t of_user) : of_user_(of_user) {}
  CallBudgets(const CallBudgets&) = delete;
  CallBudgets& operator=(const CallBudgets&) = delete;

 private:
  struct OfUser {
    explicit OfUser(std::size_t most) : bytes(most) {}
    std::size_t calls = 0;
    ByteBudget bytes;
  };

 public:
  // A call that holds a share, or waits for one.
  class Place {
   public:
    Place(CallBudgets& budgets, const UserId& user)
        : budgets_(budgets), at_(budgets.users_.try_emplace(user, budgets.of_user_).first) {
      ++at_->second.calls;
    }
    Place(const Place&) = delete;
    Place& operator=(const Place&) = delete;
    ~Place() {
      if (--at_->second.calls == 0) budgets_.users_.erase(at_);
    }
    ByteBudget& bytes() { return at_->second.bytes; }

   private:
    CallBudgets& budgets_;
    std::map<UserId, OfUser>::iterator at_;
  };

 private:
  std::size_t of_user_;
  std::map<UserId, OfUser> users_;
};

}  // namespace reliant::api
