#include "api/signaller.h"

#include "base/text.h"
#include "workflow/chat_activities.h"

namespace reliant::api {

Task<Status> Signaller::deliver(store::Unsignalled message, Instant deadline) {
  temporal::StartWorkflow start;
  start.workflow_id = workflow::chat_workflow_id(message.chat);
  start.type = workflow::kChatWorkflowType;
  start.task_queue = task_queue_;
  workflow::ChatInput input;
  input.user = message.user;
  input.chat = message.chat;
  start.input = workflow::to_json_text(input);
  temporal::SignalWorkflow signal;
  signal.name = workflow::kMessageSignal;
  signal.input = workflow::to_json_text(workflow::MessageSignal{message.message, message.sequence});
  signal.request_id = concat("message-", message.message.str());
  CO_TRY_OK((co_await workflows_.signal_with_start(std::move(start), std::move(signal), deadline)).status());
  co_return co_await store_.messages().mark_signalled(message.message, deadline);
}

Task<Result<bool>> Signaller::cancel(ChatId chat, Instant deadline) {
  temporal::SignalWorkflow signal;
  signal.name = workflow::kCancelSignal;
  signal.input = "{}";
  const Status sent =
      co_await workflows_.signal(workflow::chat_workflow_id(chat), "", std::move(signal), deadline);
  if (sent.code() == StatusCode::kNotFound) co_return false;
  CO_TRY_OK(sent);
  co_return true;
}

}  // namespace reliant::api
