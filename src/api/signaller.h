// Signaller: signals a chat's workflow that the database has a message (R19). The same message may be signalled
// any number of times: the signal's id is derived from the message's, and the workflow passes over a sequence
// that it has seen.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/status.h"
#include "runtime/task.h"
#include "runtime/time.h"
#include "store/store.h"
#include "temporal/workflow_client.h"
#include "workflow/chat_activities.h"

namespace reliant::api {

class Signaller {
 public:
  // References outlive it.
  Signaller(temporal::WorkflowClient& workflows, store::Store& store, std::string task_queue)
      : workflows_(workflows), store_(store), task_queue_(std::move(task_queue)) {}

  // Starts the chat's workflow if there is none, signals the message, and marks it as signalled. After an
  // error the message is still not marked, so the sweeper will find it.
  Task<Status> deliver(store::Unsignalled message, Instant deadline);
  // The same for a message whose run the engine has lost; the engine takes each of the `times` for another signal.
  Task<Status> deliver_again(store::Unsignalled message, std::int64_t times, Instant deadline);
  // Also of a chat at work whose run the engine has lost: a run is started that takes the unanswered messages and the
  // cancellation at once, and ends them like any other. False: there is nothing to be cancelled. The engine takes the same
  // `request_id` for the same signal; empty: one of its own.
  Task<Result<bool>> cancel(UserId user, ChatId chat, std::string request_id, Instant deadline);

 private:
  temporal::StartWorkflow start_of(const UserId& user, const ChatId& chat, std::vector<workflow::MessageSignal> pending) const;
  Task<Status> signal(store::Unsignalled message, bool again, std::string request_id, Instant deadline);

  temporal::WorkflowClient& workflows_;
  store::Store& store_;
  std::string task_queue_;
};

}  // namespace reliant::api
