// RpcCaller: unary calls of ports::Temporal, repeated as the real clients do.
//
// Repeated: DATA_LOSS, INTERNAL, UNKNOWN, RESOURCE_EXHAUSTED, ABORTED, OUT_OF_RANGE, UNAVAILABLE; the last of
// them is also what a connection gives that broke (adapters/grpc_temporal.h). The waits are kCallWaits. All
// requests that change something carry a request id or a task token, so repeating is safe.
#pragma once

#include <algorithm>
#include <utility>

#include "base/status.h"
#include "ports/temporal.h"
#include "runtime/clock.h"
#include "runtime/random.h"
#include "runtime/sleep.h"
#include "runtime/task.h"
#include "runtime/time.h"
#include "temporal/rpc_backoff.h"

namespace reliant::temporal {

bool may_repeat(const Status& status);
// Of a long poll: the server is there, and will not give tasks to this worker (NOT_FOUND, PERMISSION_DENIED,
// …). Not when it is away or busy, nor when the poll was cut short or one task was too large: others may come.
bool is_refusal(const Status& status);

// How long a call is repeated. The deadline of the call may be sooner.
struct RpcRetries {
  Duration time;  // from the first try on: what would begin later is not begun
  int tries = 0;  // 0: as many as the time allows
};

// What the SDKs allow a call that somebody waits for.
inline constexpr RpcRetries kCallRetries = {.time = std::chrono::seconds(10), .tries = 10};

class RpcCaller {
 public:
  // `temporal` and `clock` outlive it, and it outlives its calls.
  RpcCaller(ports::Temporal& temporal, const Clock& clock, Random random, RpcRetries retries)
      : temporal_(temporal), clock_(clock), random_(random), retries_(retries) {}

  ports::Temporal& temporal() const { return temporal_; }

  // call(&ports::Temporal::start_workflow_execution, request, deadline)
  template <class Request, class Response>
  Task<Result<Response>> call(Task<Result<Response>> (ports::Temporal::*method)(Request, Instant), Request request,
                              Instant deadline) {
    const Instant give_up = std::min(deadline, after(clock_.now(), retries_.time));
    RpcBackoff backoff(kCallWaits, random_);
    for (int tries = 1;; ++tries) {
      const Instant attempt_deadline = std::min(deadline, after(clock_.now(), kAttemptTimeout));
      Result<Response> response = co_await (temporal_.*method)(request, attempt_deadline);
      if (response.ok() || !may_repeat(response.status()) || tries == retries_.tries) co_return response;
      const Duration pause = backoff.next(response.status().code());
      if (after(clock_.now(), pause) >= give_up) co_return response;
      co_await sleep_for(pause);
    }
  }

 private:
  static constexpr Duration kAttemptTimeout = std::chrono::seconds(30);

  ports::Temporal& temporal_;
  const Clock& clock_;
  Random random_;
  RpcRetries retries_;
};

}  // namespace reliant::temporal
