// POST and GET /chats/{id}/messages (R3, R19). A message is accepted when it is in the database: its answer
// does not depend on Temporal. The workflow is signalled at once if that is possible, by the sweeper of some
// replica otherwise.
#pragma once

#include "api/call.h"
#include "api/signaller.h"
#include "base/event_log.h"
#include "runtime/clock.h"
#include "runtime/rate_limiter.h"
#include "runtime/task.h"
#include "store/store.h"
#include "updates/update_hub.h"

namespace reliant::api {

class Messages {
 public:
  // How long an answer waits for Temporal before it leaves the signal to the sweeper.
  static constexpr Duration kSignalTimeout = std::chrono::seconds(2);

  Messages(store::Store& store, updates::UpdateHub& hub, Signaller& signaller, Clock& clock, EventLog& log,
           const Limits& limits)
      : store_(store),
        hub_(hub),
        signaller_(signaller),
        clock_(clock),
        log_(log),
        limits_(limits),
        rate_("messages", "LIMIT_MESSAGES_PER_MINUTE", limits.messages_per_minute, limits.messages_at_once) {}

  // {"text","client_message_id"?} -> 202 {"message_id","sequence"}; the same client_message_id again: the
  // same answer.
  Task<Answer> send(Call call);
  // ?after=SEQ&limit=, or ?cursor= with the next_cursor of the answer before.
  Task<Answer> list(Call call);

 private:
  store::Store& store_;
  updates::UpdateHub& hub_;
  Signaller& signaller_;
  Clock& clock_;
  EventLog& log_;
  const Limits& limits_;
  RateLimiter rate_;
};

}  // namespace reliant::api
