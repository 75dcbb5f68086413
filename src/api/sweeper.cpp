#include "api/sweeper.h"

#include "base/cause.h"
#include "runtime/sleep.h"

namespace reliant::api {
namespace {

constexpr Duration kStepTimeout = std::chrono::seconds(10);

}  // namespace

Task<void> Sweeper::run() {
  for (;;) {
    const Status swept = co_await sweep();
    if (!swept.ok()) log_.warning("api.sweep.failed", {{"error", described(swept)}});
    const Duration pause = random_.duration(options_.interval / 2, options_.interval * 3 / 2);
    co_await sleep_for(pause);
  }
}

Task<Status> Sweeper::sweep() {
  CO_TRY_ASSIGN(const auto messages,
                co_await store_.messages().unsignalled(options_.age, options_.batch, after(clock_.now(), kStepTimeout)));
  Status first;
  for (const store::Unsignalled& message : messages) {
    // One chat's trouble is not the next one's; only a Temporal that is away ends the round.
    const Status told = co_await signaller_.deliver(message, after(clock_.now(), kStepTimeout));
    if (told.ok()) {
      log_.info("api.message.swept", {{"chat", message.chat.str()}, {"message", message.message.str()}});
      continue;
    }
    first.Update(told);
    if (told.code() == StatusCode::kUnavailable || told.code() == StatusCode::kDeadlineExceeded) break;
  }
  co_return first;
}

}  // namespace reliant::api
