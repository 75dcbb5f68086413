// finish_turn: the chat's status after a turn, however it ended.
#include <set>
#include <utility>
#include <variant>

#include "base/cause.h"

#include "worker/activities.h"

namespace reliant::worker {
namespace {

constexpr Duration kPassOnCancel = std::chrono::seconds(2);
constexpr std::string_view kNotRunText = "The turn ended before this tool call was answered.";

}  // namespace

ChatActivities::OpenCalls ChatActivities::open_calls(const std::vector<store::Message>& stored,
                                                     std::uint64_t through_sequence) {
  std::set<MessageId> turns;
  std::set<TurnKey> answered;
  for (const store::Message& message : stored) {
    if (message.role == model::Role::kUser && message.sequence <= through_sequence) turns.insert(message.id);
    const auto key = turn_key_from(message.key);
    if (key && key->index >= 0) answered.insert(*key);
  }
  OpenCalls open;
  for (const store::Message& message : stored) {
    const auto key = turn_key_from(message.key);
    if (!key || key->index >= 0 || !turns.contains(key->turn)) continue;
    std::int64_t index = 0;
    for (const model::ContentBlock& block : message.content) {
      const auto* call = std::get_if<model::ToolCallBlock>(&block);
      if (call == nullptr) continue;
      const TurnKey of_call{key->turn, key->step, index++};
      if (!answered.contains(of_call)) open.emplace_back(of_call, call->call);
    }
  }
  return open;
}

Task<Status> ChatActivities::close_calls(UserId user, ChatId chat, OpenCalls open) {
  for (auto& [key, call] : open) {
    co_await cancel_open_executions(chat, call.id);
    store::ToolResultMessage message;
    message.user = user;
    message.chat = chat;
    message.key = to_text(key);
    message.call = call.id;
    message.tool = call.tool;
    // Whether it had begun is not known here: the daemon may still be at it.
    message.result = model::error_result(model::Outcome::kUnknown, std::string(kNotRunText));
    CO_TRY_ASSIGN(const auto appended,
                  co_await ports_.store.messages().append_tool_result(std::move(message), store_deadline()));
    ports_.hub.publish(user, chat, appended.last_sequence);
  }
  co_return ok_status();
}

// What the daemon may still be at: a cancel that its own activity could not pass on, having died, is passed on here.
Task<void> ChatActivities::cancel_open_executions(ChatId chat, ToolCallId call) {
  const auto open = co_await ports_.store.executions().open_of_call(std::move(chat), std::move(call), store_deadline());
  if (!open.ok()) co_return;
  for (const store::Execution& execution : *open) {
    const RequestId id = execution.request.id;
    const auto asked = co_await ports_.store.executions().ask_cancel(id, std::nullopt, store_deadline());
    if (!asked.ok() || asked->result) continue;
    const Status passed_on =
        co_await ports_.router.cancel(execution.request.user, execution.request.daemon, id, ports_.clock.now() + kPassOnCancel);
    // The daemon hears of it when it connects next.
    if (!passed_on.ok())
      ports_.log.info("worker.tool.cancel_left", {{"request_id", id.str()}, {"error", described(passed_on)}});
  }
}

Task<Result<std::string>> ChatActivities::finish_turn(temporal::ActivityContext&, std::string text) {
  CO_TRY_ASSIGN(auto input, workflow::from_json_text<workflow::FinishTurnInput>(text));
  if (input.minimal)
    ports_.log.warning("worker.turn.end_refused", {{"user", input.user.str()},
                                                   {"chat", input.chat.str()},
                                                   {"turn", input.turn.str()},
                                                   {"error", input.error ? input.error->message : std::string()}});
  if (input.status != model::ChatStatus::kIdle) {
    const auto stored = co_await load_messages(input.user, input.chat);
    const Status closed = !stored.ok()
                              ? stored.status()
                              : co_await close_calls(input.user, input.chat, open_calls(*stored, input.through_sequence));
    if (!closed.ok() && !input.minimal) co_return closed;
  }
  store::StatusChange change;
  change.user = input.user;
  change.chat = input.chat;
  change.status = input.status;
  change.answered_up_to = input.through_sequence;
  if (input.error) change.error = make_status(code_from_name(input.error->code), input.error->message);
  CO_TRY_ASSIGN(const auto sequence, co_await ports_.store.chats().set_status(std::move(change), store_deadline()));
  ports_.hub.publish(input.user, input.chat, sequence);
  log_turn_finished(input.user, input.chat, input.turn, input.status);
  co_return "{}";
}

void ChatActivities::log_turn_finished(const UserId& user, const ChatId& chat, const MessageId& turn,
                                       model::ChatStatus status) {
  ports_.log.info("worker.turn.finished",
                  {{"user", user.str()}, {"chat", chat.str()}, {"turn", turn.str()}, {"status", model::to_string(status)}});
}

}  // namespace reliant::worker
