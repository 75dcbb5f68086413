#include "store/database_clock.h"

#include "base/cause.h"
#include "runtime/sleep.h"

namespace reliant::store {
namespace {

constexpr Duration kMeasureTimeout = std::chrono::seconds(5);
constexpr Duration kRetry = std::chrono::seconds(1);

}  // namespace

WallTime DatabaseClock::wall_now() const {
  if (!measured_) return local_.wall_now();
  return measured_->wall + (local_.now() - measured_->at);
}

Task<Status> DatabaseClock::measure(Instant deadline) {
  const Instant asked = local_.now();
  CO_TRY_ASSIGN(const WallTime wall, co_await database_.wall_now(deadline));
  const Duration trip = local_.now() - asked;
  if (measured_ && trip > kLongestTrip) co_return deadline_exceeded("the database took too long to tell its time");
  measured_ = Measured{wall, asked + trip / 2};
  co_return ok_status();
}

Task<void> DatabaseClock::keep_measured(EventLog& log) {
  while (true) {
    co_await sleep_for(kMeasureEvery);  // waits for no event: offsets change without one (executor timer)
    Status measured = co_await measure(after(local_.now(), kMeasureTimeout));
    while (!measured.ok()) {
      log.warning("store.clock.not_measured", {{"error", described(measured)}});
      co_await sleep_for(kRetry);
      measured = co_await measure(after(local_.now(), kMeasureTimeout));
    }
  }
}

}  // namespace reliant::store
