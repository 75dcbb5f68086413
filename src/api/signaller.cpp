#include "api/signaller.h"

#include <utility>

#include "base/text.h"

namespace reliant::api {

temporal::StartWorkflow Signaller::start_of(const UserId& user, const ChatId& chat,
                                            std::vector<workflow::MessageSignal> pending) const {
  temporal::StartWorkflow start;
  start.workflow_id = workflow::chat_workflow_id(chat);
  start.type = workflow::kChatWorkflowType;
  start.task_queue = task_queue_;
  workflow::ChatInput input;
  input.user = user;
  input.chat = chat;
  if (!pending.empty()) input.last_sequence = pending.back().sequence;
  input.pending = std::move(pending);
  start.input = workflow::to_json_text(input);
  return start;
}

Task<Status> Signaller::signal(store::Unsignalled message, bool again, std::string request_id, Instant deadline) {
  temporal::SignalWorkflow signal;
  signal.name = workflow::kMessageSignal;
  signal.input = workflow::to_json_text(workflow::MessageSignal{message.message, message.sequence, again});
  signal.request_id = std::move(request_id);
  co_return (co_await workflows_.signal_with_start(start_of(message.user, message.chat, {}), std::move(signal), deadline))
      .status();
}

Task<Status> Signaller::deliver(store::Unsignalled message, Instant deadline) {
  CO_TRY_OK(co_await signal(message, false, concat("message-", message.message.str()), deadline));
  co_return co_await store_.messages().mark_signalled(message.message, deadline);
}

Task<Status> Signaller::deliver_again(store::Unsignalled message, std::int64_t times, Instant deadline) {
  std::string request_id = concat("message-", message.message.str(), "-again-", times);
  return signal(std::move(message), true, std::move(request_id), deadline);
}

Task<Result<bool>> Signaller::cancel(UserId user, ChatId chat, std::string request_id, Instant deadline) {
  temporal::SignalWorkflow signal;
  signal.name = workflow::kCancelSignal;
  signal.input = "{}";
  signal.request_id = std::move(request_id);
  const Status sent = co_await workflows_.signal(workflow::chat_workflow_id(chat), "", signal, deadline);
  if (sent.ok()) co_return true;
  if (sent.code() != StatusCode::kNotFound) co_return sent;
  CO_TRY_ASSIGN(const auto unanswered, co_await store_.recoveries().unanswered(user, chat, deadline));
  if (unanswered.empty()) co_return false;
  std::vector<workflow::MessageSignal> pending;
  for (const store::Unsignalled& message : unanswered) pending.push_back({message.message, message.sequence, true});
  CO_TRY_OK(
      (co_await workflows_.signal_with_start(start_of(user, chat, std::move(pending)), std::move(signal), deadline)).status());
  co_return true;
}

}  // namespace reliant::api
