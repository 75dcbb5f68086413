// The endpoints under /chats that are not about messages (R3): the chats themselves, and cancelling one.
#pragma once

#include "api/call.h"
#include "api/signaller.h"
#include "runtime/clock.h"
#include "runtime/task.h"
#include "store/store.h"
#include "temporal/workflow_client.h"

namespace reliant::api {

class Chats {
 public:
  Chats(store::Store& store, Signaller& signaller, temporal::WorkflowClient& workflows, const Clock& clock,
        const Limits& limits)
      : store_(store), signaller_(signaller), workflows_(workflows), clock_(clock), limits_(limits) {}

  Task<Answer> create(Call call);  // {"project_id","title"?,"active_daemon_id"?,"id"?} -> 201; the same id
                                   // again: the same chat
  Task<Answer> list(Call call);    // ?project_id=&cursor=&limit=
  Task<Answer> get(Call call);
  Task<Answer> update(Call call);  // {"title"?,"active_daemon_id"?}; an empty daemon id: none chosen (R91)
  Task<Answer> remove(Call call);  // 204; FAILED_PRECONDITION while it runs
  Task<Answer> cancel(Call call);  // 202 {"cancelling"}: false when nothing was running
  // {"status","waiting_for_worker_ms"}: how long the engine has a task of the chat that no worker has taken up; 0: none waits.
  Task<Answer> work(Call call);

 private:
  store::Store& store_;
  Signaller& signaller_;
  temporal::WorkflowClient& workflows_;
  const Clock& clock_;
  const Limits& limits_;
};

}  // namespace reliant::api
