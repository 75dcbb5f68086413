// Reconciler: compares the chats at work with the workflow engine. A chat whose run the engine does not know, or has closed,
// while the chat still has unanswered messages, would stay running for ever: an engine database that was removed or restored
// to an older state, a run that was terminated by hand. Its messages are signalled again, which starts its workflow; what the
// lost run had written already is found by its keys and not done twice. After `most_recoveries` without an end, the chat is
// marked failed. A running chat of a disabled user is cancelled.
//
// Safe with any number of replicas, at any time: a message that counts as signalled was received by the engine before the
// engine is asked here, and a run that answered it has written so before it closed; so what is still unanswered after the
// engine's answer (store/recoveries.h looks again, in the transaction that takes the right to begin it) was lost.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

#include "api/signaller.h"
#include "base/event_log.h"
#include "runtime/clock.h"
#include "runtime/random.h"
#include "runtime/task.h"
#include "store/store.h"
#include "temporal/workflow_client.h"
#include "updates/update_hub.h"

namespace reliant::api {

struct ReconcilerOptions {
  Duration interval = std::chrono::seconds(30);  // between two rounds, with jitter
  // Of the oldest message that the engine is asked about. The first round asks about all: the process may have begun again
  // because its machine did, with the engine's database.
  Duration age = std::chrono::seconds(60);
  std::size_t batch = 100;
  std::int64_t most_recoveries = 5;
};

class Reconciler {
 public:
  // References outlive it.
  Reconciler(store::Store& store, Signaller& signaller, temporal::WorkflowClient& workflows, updates::UpdateHub& hub,
             Clock& clock, Random random, EventLog& log, ReconcilerOptions options)
      : store_(store),
        signaller_(signaller),
        workflows_(workflows),
        hub_(hub),
        clock_(clock),
        random_(random),
        log_(log),
        options_(options) {}

  Task<void> run();  // until destroyed

 private:
  Task<Status> round(Duration age);
  Task<Status> check(store::ChatAtWork chat);
  Task<Status> cancel(store::ChatAtWork chat);
  Task<Status> recover(store::ChatAtWork chat, std::string found);
  Task<Status> give_up(store::ChatAtWork chat, store::Recovery recovery);

  store::Store& store_;
  Signaller& signaller_;
  temporal::WorkflowClient& workflows_;
  updates::UpdateHub& hub_;
  Clock& clock_;
  Random random_;
  EventLog& log_;
  ReconcilerOptions options_;
};

}  // namespace reliant::api
