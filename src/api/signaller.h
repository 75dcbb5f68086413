// Signaller: tells a chat's workflow of what the database holds already (R19). The same message may be told
// any number of times: the signal's id is derived from the message's, and the workflow passes over a sequence
// that it has seen.
#pragma once

#include <string>

#include "base/status.h"
#include "runtime/task.h"
#include "runtime/time.h"
#include "store/store.h"
#include "temporal/workflow_client.h"

namespace reliant::api {

class Signaller {
 public:
  // References outlive it.
  Signaller(temporal::WorkflowClient& workflows, store::Store& store, std::string task_queue)
      : workflows_(workflows), store_(store), task_queue_(std::move(task_queue)) {}

  // Starts the chat's workflow if there is none, signals the message, and marks it as signalled. After an
  // error the message is still not marked, so the sweeper will find it.
  Task<Status> deliver(store::Unsignalled message, Instant deadline);
  // False: there is no running workflow to be cancelled.
  Task<Result<bool>> cancel(ChatId chat, Instant deadline);

 private:
  temporal::WorkflowClient& workflows_;
  store::Store& store_;
  std::string task_queue_;
};

}  // namespace reliant::api
