// call_model: one answer of the model, streamed to the chat while it is written, stored once.
#include <algorithm>
#include <utility>

#include "base/cause.h"
#include "base/json.h"
#include "base/text.h"
#include "base/utf8.h"
#include "runtime/this_context.h"
#include "worker/activities.h"
#include "worker/chat_writer.h"
#include "worker/conversation.h"

namespace reliant::worker {
namespace {

constexpr std::string_view kSystemPrompt =
    "You are a software engineer working in the user's project. Use the tools to look before you change something, and "
    "call several at once when they do not depend on each other. A tool result with the outcome \"unknown\" means that the "
    "tool may or may not have run: find out before you run it again.";

constexpr std::size_t kPageOfMessages = 500;
constexpr std::int64_t kDefaultToolTimeoutMs = 120'000;
constexpr std::int64_t kMaxToolTimeoutMs = 600'000;
constexpr std::size_t kLongestComplaint = 500;  // bytes of what a provider says

// Sends the text on as message_chunk updates. `offset` is where it stands in the message, in bytes: an answer that is
// restarted after a failure starts at 0 again, and a client that shows it starts over.
class ChunkSink final : public llm::TextSink {
 public:
  ChunkSink(ChatWriter& writer, MessageId message) : writer_(writer), message_(std::move(message)) {}

  // Behind all that was sent on, and before what comes next: an engine that was restored to an older state counts attempts again,
  // and the same attempt sends the rest.
  std::int64_t position() const { return static_cast<std::int64_t>(offset_) - 1; }

  Task<void> on_text(std::string delta) override {
    if (delta.empty()) co_return;  // it would take the place of the next one
    store::NewUpdate update;
    update.kind = model::UpdateKind::kMessageChunk;
    const std::size_t offset = std::exchange(offset_, offset_ + delta.size());
    update.payload = to_json(json::object{{"message_id", message_.str()}, {"offset", offset}, {"text", delta}});
    update.position = static_cast<std::int64_t>(offset);
    co_await writer_.write(std::move(update));
  }

 private:
  ChatWriter& writer_;
  MessageId message_;
  std::size_t offset_ = 0;
};

// What the model asked for, bounded.
std::int64_t timeout_of(const model::ToolCall& call) {
  auto arguments = parse_json(call.arguments);
  const json::object* object = arguments.ok() ? arguments->if_object() : nullptr;
  const json::value* asked = object ? object->if_contains("timeout_ms") : nullptr;
  const std::int64_t* wanted = asked ? asked->if_int64() : nullptr;
  return wanted ? std::clamp<std::int64_t>(*wanted, 1, kMaxToolTimeoutMs) : kDefaultToolTimeoutMs;
}

}  // namespace

workflow::CallModelOutput ChatActivities::planned(const store::Message& answer) const {
  workflow::CallModelOutput output;
  output.message = answer.id;
  std::size_t carried = 0;
  for (model::ToolCall& call : model::tool_calls_of(answer.content)) {
    workflow::PlannedToolCall planned;
    planned.timeout_ms = timeout_of(call);
    planned.stored = call.arguments.size() > workflow::kInlineArguments - carried;
    if (planned.stored) call.arguments.clear();
    carried += call.arguments.size();
    planned.call = std::move(call);
    output.tool_calls.push_back(std::move(planned));
  }
  return output;
}

Task<Result<std::vector<store::Message>>> ChatActivities::load_messages(UserId user, ChatId chat) {
  std::vector<store::Message> all;
  while (true) {
    const std::uint64_t after = all.empty() ? 0 : all.back().sequence;
    CO_TRY_ASSIGN(auto page, co_await ports_.store.messages().list(user, chat, after, kPageOfMessages, store_deadline()));
    const bool last = page.size() < kPageOfMessages;
    std::ranges::move(page, std::back_inserter(all));
    if (last) co_return all;
  }
}

llm::ModelRequest ChatActivities::model_request(const workflow::CallModelInput& input, std::vector<store::Message> stored) {
  llm::ModelRequest request;
  request.conversation = input.chat.str();
  request.system_prompt = kSystemPrompt;
  request.messages = arrange(std::move(stored), input.turn, input.through_sequence);
  for (const tools::ToolDescriptor* tool : ports_.tools.descriptors())
    request.tools.push_back({tool->name, tool->description, tool->parameters});
  return request;
}

// Shows a waiting client why the answer is delayed. If this write fails, the activity fails all the same.
Task<void> ChatActivities::tell_of_retry(ChatWriter& writer, const workflow::CallModelInput& input,
                                         const temporal::ActivityInfo& attempt, Status failure, std::int64_t position) {
  const std::optional<Duration> delay = temporal::retry_delay(attempt, failure);
  if (!delay) co_return;  // the chat's status says so
  const auto milliseconds = std::chrono::ceil<std::chrono::milliseconds>(*delay).count();
  ports_.log.warning("worker.model.failed", {{"user", input.user.str()},
                                             {"chat", input.chat.str()},
                                             {"attempt", attempt.attempt},
                                             {"next_in_us", milliseconds * 1000},
                                             {"error", described(failure)}});
  store::NewUpdate update;
  update.kind = model::UpdateKind::kModelRetry;
  update.payload = to_json(json::object{{"attempt", attempt.attempt},
                                        {"code", code_name(failure.code())},
                                        {"message", text_from_bytes(message_of(failure), kLongestComplaint)},
                                        {"next_in_ms", milliseconds}});
  update.position = position;
  co_await writer.write(std::move(update));
  (void)co_await writer.flush();
}

Task<Result<workflow::CallModelOutput>> ChatActivities::ask_model(workflow::CallModelInput input, TurnKey key,
                                                                  temporal::ActivityInfo attempt) {
  CO_TRY_ASSIGN(auto stored, co_await load_messages(input.user, input.chat));
  // An attempt that was given up may have stored the answer just now: a model that is shown it would be asked for one more.
  const auto answered = std::ranges::find(stored, to_text(key), &store::Message::key);
  if (answered != stored.end()) co_return planned(*answered);
  // Power loss took the message with the last commits of the store, and left the engine's: there is nothing
  // to be answered.
  if (std::ranges::find(stored, input.turn, &store::Message::id) == stored.end())
    co_return with_reason(not_found("message ", input.turn.str(), " of chat ", input.chat.str(), " is not in the store"),
                          store::kReasonTurnOver);
  CO_TRY_OK(co_await close_calls(input.user, input.chat, open_calls(stored, input.through_sequence)));
  llm::ModelRequest request = model_request(input, std::move(stored));
  Context& context = co_await ThisContext{};
  ChatWriter writer(context, ports_.store, ports_.hub, ports_.clock, input.user, input.chat, {to_text(key), attempt.attempt});
  ChunkSink sink(writer, answer_id(key));
  auto answer = co_await ports_.model.complete(std::move(request), sink, attempt.deadline);
  if (!answer.ok()) {
    co_await tell_of_retry(writer, input, attempt, answer.status(), sink.position());
    co_return answer.status();
  }
  CO_TRY_OK(co_await writer.flush());

  store::AssistantMessage message;
  message.user = input.user;
  message.chat = input.chat;
  message.key = to_text(key);
  message.id = answer_id(key);
  message.content = std::move(answer->content);
  message.answers = input.through_sequence;
  message.ends_turn = model::tool_calls_of(message.content).empty();
  const bool ends_turn = message.ends_turn;
  CO_TRY_ASSIGN(auto appended, co_await ports_.store.messages().append_assistant_message(std::move(message), store_deadline()));
  ports_.hub.publish(input.user, input.chat, appended.last_sequence);
  workflow::CallModelOutput output = planned(appended.message);
  // Of an answer that another attempt has stored, only the store knows; finish_turn changes nothing then.
  output.finished = ends_turn && !appended.duplicate;
  if (output.finished) log_turn_finished(input.user, input.chat, input.turn, model::ChatStatus::kIdle);
  co_return output;
}

Task<Result<std::string>> ChatActivities::call_model(temporal::ActivityContext& activity, std::string text) {
  CO_TRY_ASSIGN(auto input, workflow::from_json_text<workflow::CallModelInput>(text));
  const TurnKey key{input.turn, input.step, -1};
  workflow::CallModelOutput over;
  over.finished = true;
  CO_TRY_ASSIGN(const auto chat, co_await ports_.store.chats().get(input.user, input.chat, store_deadline()));
  if (chat.answered_up_to >= input.through_sequence) co_return workflow::to_json_text(over);
  const auto output = co_await ask_model(std::move(input), key, activity.info());
  if (reason_of(output.status()) == store::kReasonTurnOver) co_return workflow::to_json_text(over);
  if (!output.ok()) co_return output.status();
  co_return workflow::to_json_text(*output);
}

}  // namespace reliant::worker
