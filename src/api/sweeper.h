// Sweeper: finds messages that were accepted and whose workflow was not told (Temporal was away, a replica
// died in between) and tells it. Every replica runs one; that two find the same message does no harm.
#pragma once

#include "api/signaller.h"
#include "base/event_log.h"
#include "runtime/clock.h"
#include "runtime/random.h"
#include "runtime/task.h"
#include "store/store.h"

namespace reliant::api {

struct SweeperOptions {
  Duration interval = std::chrono::seconds(2);  // between two looks, with jitter
  Duration age = std::chrono::seconds(3);       // of a message that its own request no longer cares for
  std::size_t batch = 100;
};

class Sweeper {
 public:
  Sweeper(store::Store& store, Signaller& signaller, Clock& clock, Random random, EventLog& log, SweeperOptions options)
      : store_(store), signaller_(signaller), clock_(clock), random_(random), log_(log), options_(options) {}

  Task<void> run();  // until destroyed

 private:
  Task<Status> sweep();

  store::Store& store_;
  Signaller& signaller_;
  Clock& clock_;
  Random random_;
  EventLog& log_;
  SweeperOptions options_;
};

}  // namespace reliant::api
