// GET /chats/{id}/updates: a chat as it happens, as server-sent events (R24, R40). `id:` is the sequence,
// `event:` the kind, `data:` the payload. A client goes on with ?after=SEQ or the header Last-Event-ID, and
// gets every update after that exactly once and in order.
//
// A batch is bounded by bytes, and so is what all streams of a user hold at a time: clients that do not read must not fill the
// server.
//
// What is sent comes from the database, from the last sequence delivered on; the hub only says when to look,
// and a look is taken now and then without being told, so that a lost notice costs time only. Owner: the
// ApiServer. Executor: the logic thread. Ended: by the client (the task is destroyed), by stop(), when the
// chat is gone, when the client does not read, or when its token is not valid any more (C10).
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "api/call.h"
#include "auth/authenticator.h"
#include "base/event_log.h"
#include "model/update.h"
#include "ports/http_server.h"
#include "runtime/byte_budget.h"
#include "runtime/clock.h"
#include "runtime/event.h"
#include "runtime/keyed_mutex.h"
#include "runtime/task.h"
#include "store/page.h"
#include "store/store.h"
#include "updates/update_hub.h"

namespace reliant::api {

struct StreamOptions {
  Duration poll = std::chrono::seconds(5);         // a look without a notice
  Duration keep_alive = std::chrono::seconds(15);  // a comment after that much silence
  Duration slow_client = std::chrono::seconds(30);
  store::SliceLimits batch;                       // what is read at a time
  std::size_t user_bytes = std::size_t{8} << 20;  // of batches that a user's streams hold at a time
};

class Updates {
 public:
  // A database sends no notice of a revocation: the tokens of all open streams are looked up again at this interval, in one query.
  // Within twice this time a stream whose token was revoked has ended, as long as the database answers.
  static constexpr Duration kTokensLookedUpEvery = std::chrono::seconds(5);

  Updates(store::Store& store, auth::Authenticator& authenticator, updates::UpdateHub& hub, Clock& clock, EventLog& log,
          KeyedMutex<UserId>& large_reads, const Limits& limits, StreamOptions options)
      : store_(store),
        authenticator_(authenticator),
        hub_(hub),
        clock_(clock),
        log_(log),
        large_reads_(large_reads),
        limits_(limits),
        options_(options) {}

  // Answers with the stream; returns when it has ended. An error: nothing was answered yet.
  Task<Status> follow(Call call, ports::HttpResponder& responder);
  // Never ends by itself; the owner runs it beside the streams.
  Task<void> look_tokens_up();
  // Ends every stream, telling its client to come back.
  void stop() { stopping_.set(); }
  std::size_t streams() const;

 private:
  struct UserStreams {
    explicit UserStreams(std::size_t most) : bytes(most) {}
    std::size_t count = 0;
    ByteBudget bytes;
  };
  struct Stream;
  struct Room;

  Task<Result<std::uint64_t>> starting_point(const Call& call, ChatId chat);
  Task<Room> make_room(Stream& stream);
  Task<Status> deliver(Stream& stream);
  Task<Status> send(Stream& stream, std::string text);
  Task<void> tell_slow_client(Stream& stream);
  Task<void> tell_refused_client(Stream& stream);
  Task<void> wait(Stream& stream);

  store::Store& store_;
  auth::Authenticator& authenticator_;
  updates::UpdateHub& hub_;
  Clock& clock_;
  EventLog& log_;
  KeyedMutex<UserId>& large_reads_;
  const Limits& limits_;
  StreamOptions options_;
  Event stopping_;
  std::map<UserId, UserStreams> places_;  // of users who have a stream open
  std::multimap<TokenId, Stream*> open_;
};

// One event of a stream, as it goes over the wire.
std::string sse_frame(const model::Update& update);

}  // namespace reliant::api
