#include "api/updates.h"

#include <algorithm>
#include <set>
#include <utility>

#include "api/errors.h"
#include "base/cause.h"
#include "base/finally.h"
#include "base/text.h"
#include "base/utf8.h"
#include "runtime/race.h"
#include "runtime/sleep.h"

namespace reliant::api {
namespace {

constexpr std::size_t kChunk = 64 * 1024;  // bytes that are put together before they are sent
constexpr Duration kReadTimeout = std::chrono::seconds(10);
constexpr Duration kLastWord = std::chrono::seconds(1);  // for a client that reads slowly

std::size_t bytes_of(const std::vector<model::Update>& updates) {
  std::size_t bytes = 0;
  for (const model::Update& update : updates) bytes += update.payload.size();
  return bytes;
}

}  // namespace

struct Updates::Stream {
  const Call& call;
  ChatId chat;
  ports::HttpResponder& responder;
  ByteBudget& bytes;  // of its user
  std::unique_ptr<updates::UpdateSubscription> subscription;
  std::uint64_t delivered = 0;
  Instant last_write{};
  bool more = true;  // there may be another batch: none was read yet, or the last one was full
  Event refused{};   // its token is not valid any more
  Status why{};      // then
};

// What a look at the database needs.
struct Updates::Room {
  ByteBudget::Share share;
  std::optional<KeyedMutex<UserId>::Lock> turn;  // if the batch may be a large one
};

std::string sse_frame(const model::Update& update) {
  std::string frame = concat("id: ", update.sequence, "\nevent: ", model::to_string(update.kind), "\ndata: ");
  // Written as text; an older version may have stored bytes.
  const std::string repaired = is_valid_utf8(update.payload) ? std::string() : text_from_bytes(update.payload);
  std::string_view rest = repaired.empty() ? update.payload : repaired;
  for (;;) {
    const std::size_t end = rest.find_first_of("\r\n");
    frame += rest.substr(0, end);
    if (end == std::string_view::npos) break;
    if (rest[end] == '\n') frame += "\ndata: ";
    rest.remove_prefix(end + 1);
  }
  frame += "\n\n";
  return frame;
}

std::size_t Updates::streams() const {
  std::size_t count = 0;
  for (const auto& [user, streams] : places_) count += streams.count;
  return count;
}

Task<Status> Updates::follow(Call call, ports::HttpResponder& responder) {
  CO_TRY_ASSIGN(const ChatId chat, path_id<ChatId>(call, "chat"));
  CO_TRY_ASSIGN(const std::uint64_t start, co_await starting_point(call, chat));
  if (stopping_.is_set()) co_return with_reason(unavailable("the server is stopping; try again"), kReasonStopping);
  const auto place = places_.try_emplace(call.user, options_.user_bytes).first;
  ++place->second.count;
  const Finally leave([&] {
    if (--place->second.count == 0) places_.erase(place);
  });
  if (place->second.count > limits_.streams_per_user) {
    co_return with_retry_after(
        with_reason(resource_exhausted("you have ", limits_.streams_per_user, " streams open here; close one first"),
                    "LIMIT_STREAMS"),
        std::chrono::seconds(5));
  }
  Stream stream{call, chat, responder, place->second.bytes, nullptr, start, clock_.now()};
  const auto open = open_.emplace(call.token, &stream);
  const Finally close([&] { open_.erase(open); });
  // Before the first look: what comes after the look is then announced.
  CO_TRY_ASSIGN(stream.subscription, hub_.subscribe(call.user, chat));

  ports::HttpServerResponse head;
  head.headers["content-type"] = "text/event-stream";
  head.headers["cache-control"] = "no-store";
  head.headers["x-accel-buffering"] = "no";
  head.headers["x-request-id"] = call.request_id;
  if (const Status begun = co_await responder.start_stream(std::move(head)); !begun.ok()) co_return ok_status();
  for (;;) {
    if (const Status sent = co_await deliver(stream); !sent.ok()) {
      if (sent.code() == StatusCode::kDeadlineExceeded) co_await tell_slow_client(stream);
      if (stream.refused.is_set()) co_await tell_refused_client(stream);
      break;
    }
    if (stopping_.is_set()) {
      (void)co_await send(stream, concat(": the server is stopping; resume after ", stream.delivered, "\n\n"));
      break;
    }
    if (!stream.more) co_await wait(stream);
  }
  (void)co_await responder.finish();
  co_return ok_status();
}

Task<Result<std::uint64_t>> Updates::starting_point(const Call& call, ChatId chat) {
  QueryReader query(call.request);
  std::optional<std::uint64_t> start = query.number("after");
  CO_TRY_OK(query.finish());
  // A browser repeats its first URL and says in the header how far it has come since.
  if (const auto header = call.request.headers.find("last-event-id"); header != call.request.headers.end()) {
    ports::HttpServerRequest as_query;
    as_query.query.emplace_back("last-event-id", header->second);
    QueryReader reader(as_query);
    start = reader.number("last-event-id");
    CO_TRY_OK(reader.finish());
  }
  CO_TRY_ASSIGN(const store::Chat stored, co_await store_.chats().get(call.user, chat, call.deadline));
  if (start.value_or(0) > stored.last_sequence) {
    co_return invalid_field(
        "after", concat("the chat has ", stored.last_sequence, " updates, so none after ", *start, "; begin again after 0"));
  }
  co_return start.value_or(0);
}

// The bytes first: a client that does not read may hold them, and the permit of another stream must not wait for that.
Task<Updates::Room> Updates::make_room(Stream& stream) {
  ByteBudget::Share share = co_await stream.bytes.take(options_.batch.bytes);
  if (!stream.more) co_return Room{std::move(share), std::nullopt};
  co_return Room{std::move(share), co_await large_reads_.lock(stream.call.user)};
}

// Sends what the database has after the last one delivered. An error ends the stream.
Task<Status> Updates::deliver(Stream& stream) {
  auto made = co_await race(make_room(stream), stopping_.wait(), stream.refused.wait());
  stream.more = false;
  if (made.index() == 1) co_return ok_status();
  if (made.index() == 2) co_return stream.why;
  Room room = std::get<0>(std::move(made));
  const auto found = co_await store_.updates().slice(stream.call.user, stream.chat, stream.delivered, options_.batch,
                                                     after(clock_.now(), kReadTimeout));
  room.turn.reset();
  if (found.status().code() == StatusCode::kNotFound) {
    (void)co_await send(stream, ": the chat was deleted\n\n");
    co_return found.status();
  }
  if (!found.ok()) {  // the next look may have more luck: the client has lost nothing yet
    log_.warning("api.updates.unreadable", {{"chat", stream.chat.str()}, {"error", described(found.status())}});
    co_return stream.refused.is_set() ? stream.why : ok_status();
  }
  std::string text;
  std::uint64_t last = stream.delivered;
  room.share.shrink_to(bytes_of(found->items));
  for (const model::Update& update : found->items) {
    if (update.sequence != last + 1) {
      log_.error("api.update.gap", {{"chat", stream.chat.str()}, {"after", last}, {"found", update.sequence}});
      co_return data_loss("an update is missing");
    }
    last = update.sequence;
    text += sse_frame(update);
    if (text.size() < kChunk && last != found->items.back().sequence) continue;
    if (stream.refused.is_set()) co_return stream.why;
    CO_TRY_OK(co_await send(stream, std::exchange(text, {})));
    while (stream.delivered < last) {
      ++stream.delivered;
      log_.debug("api.update.delivered", {{"chat", stream.chat.str()},
                                          {"user", stream.call.user.str()},
                                          {"sequence", stream.delivered},
                                          {"stream", stream.call.request_id}});
    }
  }
  stream.more = found->more;
  co_return stream.refused.is_set() ? stream.why : ok_status();
}

// In pieces: the connection holds one of them at most, and a client that takes none within `slow_client` is too slow.
Task<Status> Updates::send(Stream& stream, std::string text) {
  Status sent;
  for (std::size_t at = 0; sent.ok() && at < text.size(); at += kChunk) {
    std::string piece = text.size() <= kChunk ? std::exchange(text, {}) : text.substr(at, kChunk);
    sent = co_await stream.responder.write(std::move(piece), after(clock_.now(), options_.slow_client));
  }
  stream.last_write = clock_.now();
  co_return sent;
}

// It has not taken what was sent to it. Nothing more is kept for it: it finds the rest in the store when it comes back.
Task<void> Updates::tell_slow_client(Stream& stream) {
  log_.info("api.stream.too_slow", {{"user", stream.call.user.str()},
                                    {"chat", stream.chat.str()},
                                    {"sequence", stream.delivered},
                                    {"stream", stream.call.request_id}});
  (void)co_await stream.responder.write(concat(": too slow; resume after ", stream.delivered, "\n\n"),
                                        after(clock_.now(), kLastWord));
}

Task<void> Updates::tell_refused_client(Stream& stream) {
  log_.info("api.stream.refused", {{"user", stream.call.user.str()},
                                   {"chat", stream.chat.str()},
                                   {"sequence", stream.delivered},
                                   {"stream", stream.call.request_id},
                                   {"reason", reason_of(stream.why)}});
  (void)co_await stream.responder.write(concat(": ", message_of(stream.why), "\n\n"), after(clock_.now(), kLastWord));
}

Task<void> Updates::look_tokens_up() {
  for (;;) {
    co_await sleep_for(kTokensLookedUpEvery);  // waits for no event: there is none (executor timer)
    std::set<TokenId> tokens;
    for (const auto& [token, stream] : open_)
      if (!token.empty()) tokens.insert(token);
    if (tokens.empty()) continue;
    const auto ended = co_await authenticator_.ended({tokens.begin(), tokens.end()}, after(clock_.now(), kReadTimeout));
    if (!ended.ok()) {
      log_.warning("api.tokens.not_looked_up", {{"error", described(ended.status())}});
      continue;
    }
    for (const auto& [token, why] : *ended) {
      const auto [first, last] = open_.equal_range(token);
      for (auto at = first; at != last; ++at) {
        at->second->why = why;
        at->second->refused.set();
      }
    }
  }
}

// Until there may be something new, the server stops, or the token is not valid any more.
Task<void> Updates::wait(Stream& stream) {
  const Instant poll = after(clock_.now(), options_.poll);
  const auto woken = co_await race(stream.subscription->next(poll), stopping_.wait(), stream.refused.wait());
  if (woken.index() == 0 && std::get<0>(woken).status().code() == StatusCode::kUnavailable) {
    // The hub was closed under us. A new subscription, or the polling alone: no update is lost either way.
    auto again = hub_.subscribe(stream.call.user, stream.chat);
    if (again.ok()) stream.subscription = *std::move(again);
    co_await race(sleep_until(poll), stopping_.wait(), stream.refused.wait());
  }
  if (after(stream.last_write, options_.keep_alive) <= clock_.now()) (void)co_await send(stream, ": keep-alive\n\n");
}

}  // namespace reliant::api
