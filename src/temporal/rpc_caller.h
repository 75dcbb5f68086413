// RpcCaller: unary calls of ports::Temporal, repeated as the real clients do.
//
// Repeated: DATA_LOSS, INTERNAL, UNKNOWN, RESOURCE_EXHAUSTED (more slowly), ABORTED, OUT_OF_RANGE,
// UNAVAILABLE. From 100 ms, times 1.7, at most 5 s, full jitter, until `patience` or the deadline is over.
// All requests that change something carry a request id or a task token, so repeating is safe.
#pragma once

#include <algorithm>
#include <utility>

#include "base/status.h"
#include "ports/temporal.h"
#include "runtime/backoff.h"
#include "runtime/clock.h"
#include "runtime/random.h"
#include "runtime/sleep.h"
#include "runtime/task.h"
#include "runtime/time.h"

namespace reliant::temporal {

bool may_repeat(const Status& status);

class RpcCaller {
 public:
  // `temporal` and `clock` outlive it, and it outlives its calls.
  RpcCaller(ports::Temporal& temporal, const Clock& clock, Random random, Duration patience)
      : temporal_(temporal), clock_(clock), random_(random), patience_(patience) {}

  ports::Temporal& temporal() const { return temporal_; }

  // call(&ports::Temporal::start_workflow_execution, request, deadline)
  template <class Request, class Response>
  Task<Result<Response>> call(Task<Result<Response>> (ports::Temporal::*method)(Request, Instant),
                              Request request, Instant deadline) {
    const Instant give_up = std::min(deadline, after(clock_.now(), patience_));
    Backoff backoff(kPolicy, random_);
    for (;;) {
      const Instant attempt_deadline = std::min(deadline, after(clock_.now(), kAttemptTimeout));
      Result<Response> response = co_await (temporal_.*method)(request, attempt_deadline);
      if (response.ok() || !may_repeat(response.status())) co_return response;
      const bool exhausted = response.status().code() == StatusCode::kResourceExhausted;
      const Duration pause = backoff.next(exhausted ? std::chrono::seconds(1) : std::chrono::seconds(0));
      if (after(clock_.now(), pause) >= give_up) co_return response;
      co_await sleep_for(pause);
    }
  }

 private:
  static constexpr BackoffPolicy kPolicy = {
      .base = std::chrono::milliseconds(100), .cap = std::chrono::seconds(5), .factor = {17, 10}};
  static constexpr Duration kAttemptTimeout = std::chrono::seconds(30);

  ports::Temporal& temporal_;
  const Clock& clock_;
  Random random_;
  Duration patience_;
};

}  // namespace reliant::temporal
