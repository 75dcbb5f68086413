// Recoveries: chats at work whose workflow run the engine has lost (an engine database that was removed or restored to an
// older state, a run terminated by hand). The reconciler of the api finds them, and counts here how often it began the
// unanswered messages of a chat again, so that any number of replicas begin them once an interval, and not for ever.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "base/ids.h"
#include "base/status.h"
#include "runtime/task.h"
#include "runtime/time.h"
#include "store/messages.h"
#include "store/transact.h"

namespace reliant::store {

struct ChatAtWork {
  UserId user;
  ChatId chat;
  bool user_disabled = false;
};

struct Recovery {
  std::int64_t times = 0;             // with this one, since the chat's last turn ended
  std::vector<Unsignalled> messages;  // unanswered and signalled, in order; none: there is nothing to be done
};

// Every method may fail as Transactor does.
class Recoveries {
 public:
  explicit Recoveries(Transactor& transactor) : transactor_(transactor) {}

  // Running chats of all users, in order of their ids after `after`, that have an unanswered message which was signalled and
  // accepted at least `age` ago, or so far in the future (clocks of replicas differ); those of disabled users whatever its age.
  Task<Result<std::vector<ChatAtWork>>> at_work(Duration age, ChatId after, std::size_t limit, Instant deadline);
  // Takes the right to begin the chat's unanswered messages again, unless a replica took it within `pause`, or the chat is
  // at rest by now.
  Task<Result<Recovery>> begin(UserId user, ChatId chat, Duration pause, Instant deadline);
  // The user's messages that no turn has answered, in order, signalled or not. A chat of somebody else is NOT_FOUND.
  Task<Result<std::vector<Unsignalled>>> unanswered(UserId user, ChatId chat, Instant deadline);

 private:
  Transactor& transactor_;
};

}  // namespace reliant::store
