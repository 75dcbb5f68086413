// Quotas: what a user may keep (C50): projects, chats, tokens, bytes. Asked before a call that adds to it. They are not exact:
// calls that come at once may all pass, and stored bytes are looked up now and then only.
//
// Owner: the ApiServer. Executor: the logic thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>

#include "api/call.h"
#include "runtime/clock.h"
#include "runtime/task.h"
#include "store/store.h"

namespace reliant::api {

// What a call adds to.
enum class Quota : std::uint8_t { kNone, kProjects, kChats, kTokens, kStoredBytes };

class Quotas {
 public:
  static constexpr Duration kBytesKnownFor = std::chrono::seconds(10);

  Quotas(store::Store& store, Clock& clock, const Limits& limits) : store_(store), clock_(clock), limits_(limits) {}

  // RESOURCE_EXHAUSTED + LIMIT_PROJECTS, LIMIT_CHATS, LIMIT_TOKENS or LIMIT_STORED_BYTES: says what there is, the limit and the
  // remedy. The store's errors.
  Task<Status> admit(Quota quota, UserId user, Instant deadline);

 private:
  static constexpr std::size_t kManyUsers = 10'000;  // then what is known of them is forgotten

  Status check(Quota quota, const store::Usage& usage) const;

  store::Store& store_;
  Clock& clock_;
  const Limits& limits_;
  std::map<UserId, Instant> had_room_;  // for messages, when it was looked up
};

}  // namespace reliant::api
