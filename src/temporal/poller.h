// What all pollers of a worker share: who it is, whom it asks, and how polling goes.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

#include "base/event_log.h"
#include "base/finally.h"
#include "base/status.h"
#include "ports/temporal.h"
#include "runtime/clock.h"
#include "runtime/event.h"
#include "runtime/random.h"
#include "runtime/semaphore.h"
#include "runtime/sleep.h"
#include "runtime/task.h"
#include "temporal/rpc_caller.h"
#include "temporal/worker.h"

namespace reliant::temporal {

struct WorkerCore {
  WorkerCore(ports::Temporal& port, const Clock& port_clock, Random seed, EventLog& events, WorkerOptions chosen);

  ports::Temporal& temporal;
  const Clock& clock;
  Random random;
  EventLog& log;
  WorkerOptions options;
  std::string instance_key;
  std::string sticky_queue;
  // Longer than the SDKs take (kCallRetries): a lost answer is work that would have to be done again, and a
  // server that restarts may need more than 10 s.
  RpcCaller answers;
  bool stopping = false;
  Status refusal;  // not OK: the worker has given up
  Event gave_up;

  bool polling() const { return !stopping && refusal.ok(); }
  void give_up(const Status& status);

  // How polling goes.
  std::size_t polls = 0;  // waiting for the server now
  Event polls_changed;
  std::optional<Instant> failing_since;
  Instant last_failure{};
  Status poll_error;

  void poll_succeeded() { failing_since.reset(); }
  void poll_failed(std::string_view what, const Status& status);
  // OK, or the error that polls have met for a while.
  Status poll_health() const;
};

// What a task occupies, from the poll for it to its end. A poller takes it before it polls: then nothing is taken from the
// server that could not run.
struct Slot {
  std::optional<Semaphore::Permit> share;  // of a part of the slots
  std::optional<Semaphore::Permit> permit;
};

// For how long a poller has been refused without a break. Some proxies refuse while their servers get ready,
// so it is tolerated for a while; a server that is away (UNAVAILABLE) has refused nothing.
class Refusals {
 public:
  // Whether it is enough.
  bool add(const Status& status, Instant now) {
    if (!is_refusal(status)) since_.reset();
    if (is_refusal(status) && !since_) since_ = now;
    return since_ && now - *since_ >= kGrace;
  }

 private:
  static constexpr Duration kGrace = std::chrono::seconds(60);

  std::optional<Instant> since_;
};

// Polls until the worker stops or gives up: takes a slot, polls, and hands what came, with its slot, to
// `take(response, slot)`. With a `share`, the pollers that name it and their tasks have no more than its permits. An error is followed by a pause (kPollWaits), and so is an empty answer that came
// at once: it is no long poll that ended. Errors are tolerated for ever, refusals for a minute.
template <class Request, class Response, class Taker>
Task<void> poll_until_stopped(WorkerCore& core, Semaphore& slots, Semaphore* share, std::string_view what,
                              Task<Result<Response>> (ports::Temporal::*method)(Request, Instant), Request request,
                              Taker& taker) {
  Random random(core.random.next());
  RpcBackoff backoff(kPollWaits, random);
  Refusals refusals;
  while (core.polling()) {
    Slot slot;
    if (share != nullptr) slot.share = co_await share->acquire();
    slot.permit = co_await slots.acquire();
    if (!core.polling()) co_return;
    const Instant begin = core.clock.now();
    std::optional<Result<Response>> response;
    {
      ++core.polls;
      const Finally ended([&core] {
        --core.polls;
        core.polls_changed.set();
      });
      response = co_await (core.temporal.*method)(request, after(begin, core.options.poll_timeout));
    }
    const Status status = response->status();
    if (refusals.add(status, core.clock.now())) core.give_up(status);
    if (!status.ok()) {
      core.poll_failed(what, status);
    } else {
      core.poll_succeeded();
      if (!(*response)->task_token().empty()) {
        backoff.reset();
        taker.take(*std::move(*response), std::move(slot));
        continue;
      }
      if (core.clock.now() - begin >= std::chrono::seconds(1)) {
        backoff.reset();
        continue;
      }
    }
    slot = {};
    co_await sleep_for(backoff.next(status.code()));  // or a server that fails at once would be asked without end
  }
}

}  // namespace reliant::temporal
