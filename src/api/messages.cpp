#include "api/messages.h"

#include <algorithm>

#include "base/cause.h"
#include "base/text.h"

namespace reliant::api {

Task<Answer> Messages::send(Call call) {
  CO_TRY_ASSIGN(const ChatId chat, path_id<ChatId>(call, "chat"));
  CO_TRY_ASSIGN(const json::value body, parse_json(call.request.body));
  JsonReader reader(body);
  store::UserMessage message;
  message.user = call.user;
  message.chat = chat;
  message.text = reader.required_string("text");
  const std::optional<std::string> client_id = reader.optional_string("client_message_id");
  CO_TRY_OK(reader.finish());
  CO_TRY_OK(check_text("text", message.text, limits_.text, Empty::kRefused));
  if (client_id) CO_TRY_OK(check_id("client_message_id", *client_id));
  message.client_message_id = client_id.value_or("");
  message.most_running = limits_.running_chats;
  CO_TRY_OK(rate_.admit(call.user, clock_.now()));

  CO_TRY_ASSIGN(const store::Appended stored,
                co_await store_.messages().append_user_message(std::move(message), call.deadline));
  const MessageId id = stored.message.id;
  const std::uint64_t sequence = stored.message.sequence;
  log_.info("api.message.accepted",
            {{"user", call.user.str()}, {"chat", chat.str()}, {"message", id.str()}, {"sequence", sequence}});
  // A repeated message has been published and signalled, or is the sweeper's.
  if (!stored.duplicate) {
    hub_.publish(call.user, chat, stored.last_sequence);
    const Instant signal_deadline = std::min(call.deadline, after(clock_.now(), kSignalTimeout));
    const Status told = co_await signaller_.deliver({call.user, chat, id, sequence}, signal_deadline);
    if (!told.ok()) {
      log_.warning("api.message.not_signalled", {{"message", id.str()}, {"error", described(told)}});
    }
  }
  co_return json_response(202, {{"message_id", id.str()}, {"sequence", sequence}});
}

Task<Answer> Messages::list(Call call) {
  CO_TRY_ASSIGN(const ChatId chat, path_id<ChatId>(call, "chat"));
  QueryReader query(call.request);
  const std::optional<std::uint64_t> after_sequence = query.number("after");
  const std::optional<std::uint64_t> cursor = query.number("cursor");
  const std::uint64_t limit = query.number("limit").value_or(50);
  CO_TRY_OK(query.finish());
  if (after_sequence && cursor) co_return invalid_field("cursor", "give either \"after\" or \"cursor\"");
  if (limit == 0 || limit > store::kMaxPage) {
    co_return invalid_field("limit", concat("parameter \"limit\" must be 1 to ", store::kMaxPage));
  }
  const std::uint64_t from = cursor ? *cursor : after_sequence.value_or(0);
  CO_TRY_ASSIGN(const auto page, co_await store_.messages().slice(call.user, chat, from, {.items = limit}, call.deadline));
  const std::string next = page.more ? concat(page.items.back().sequence) : "";
  json::array items;
  for (const store::Message& message : page.items) items.push_back(store::json_of(message));
  co_return json_response(200, {{"items", std::move(items)}, {"next_cursor", next}});
}

}  // namespace reliant::api
