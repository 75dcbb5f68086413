// The activity side of Temporal: code that touches the world, called by name with JSON, any number of times.
//
// An activity is a task on the worker's executor, with a context that outlives it. The worker heartbeats for
// it in the background, so that a dead worker is noticed; that is also how a cancellation arrives. Then
// `cancelled()` is set, the activity may end by itself within a grace (telling others takes time), and what
// has not ended is destroyed.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>

#include "base/status.h"
#include "runtime/event.h"
#include "runtime/task.h"
#include "runtime/time.h"

namespace reliant::temporal {

struct ActivityInfo {
  std::string workflow_id;
  std::string run_id;
  std::string workflow_type;
  std::string activity_id;  // unique in the run, the same for every attempt
  std::string type;
  std::int32_t attempt = 1;
  std::string heartbeat_details;  // JSON, of the attempt before; "" when there are none
  Instant deadline = kNever;      // of this attempt (start to close)
  // The server's wait between this attempt and the next one; nothing: this is the last.
  std::optional<Duration> backoff = {};
};

// The wait before the next attempt of an activity that ends with `failure`; nothing: it is not attempted again. An activity whose
// time is up (schedule to close) by then is not attempted again, either.
std::optional<Duration> retry_delay(const ActivityInfo& attempt, const Status& failure);

enum class CancelReason : std::uint8_t {
  kNone,
  kRequested,  // the workflow asked for it: undo or stop what can be stopped; the answer still counts
  // The server no longer knows this attempt: the workflow is gone, or the attempt timed out and another one
  // may be running: end, and stop nothing that an attempt with the same ids would go on with.
  kLost,
  kShutdown,  // this worker stops: end, another worker will take it up
};

class ActivityContext {
 public:
  virtual ~ActivityContext() = default;
  virtual const ActivityInfo& info() const = 0;
  // Sends details (JSON) with the next heartbeat; the last ones win, and the next attempt is given them.
  virtual void heartbeat(std::string details) = 0;
  virtual Event& cancelled() = 0;
  virtual CancelReason cancel_reason() const = 0;
};

// JSON in, JSON out. A status that may be retried (see failure.h) makes the server try again, by the options
// that the workflow gave. To say that a cancellation took effect, return CANCELLED.
using ActivityFunction = std::function<Task<Result<std::string>>(ActivityContext& context, std::string input)>;

}  // namespace reliant::temporal
