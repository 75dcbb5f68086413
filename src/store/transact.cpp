#include "store/transact.h"

#include "base/text.h"
#include "runtime/sleep.h"
#include "runtime/this_context.h"
#include "store/wall_time.h"

namespace reliant::store {

namespace {
constexpr std::size_t kIdDigits = 24;
}

Transactor::Transactor(ports::Database& database, Clock& clock, Random random)
    : database_(database), clock_(clock), random_(random), name_(random_.hex(kIdDigits)) {}

std::string Transactor::new_id(std::string_view prefix) { return concat(prefix, "_", random_.hex(kIdDigits)); }

std::int64_t Transactor::wall_now() const { return microseconds_of(clock_.wall_now()); }

bool Transactor::may_run_again(const Status& status) {
  return is_retryable(status.code()) || reason_of(status) == kReasonCommitUnknown;
}

Task<bool> Transactor::wait(Backoff& backoff, Instant deadline) {
  const Context& context = co_await ThisContext{};
  const Instant again = after(context.executor->now(), backoff.next());
  if (again >= deadline) co_return false;
  co_await sleep_until(again);
  co_return true;
}

// Slots are few (as many as one process ever wrote at a time), and rows are overwritten: nothing has to clean
// up.
Transactor::MarkSlot::MarkSlot(Transactor& transactor) : transactor_(transactor), mark_(transactor.random_.hex(16)) {
  if (transactor_.free_slots_.empty()) {
    number_ = transactor_.slots_++;
  } else {
    number_ = *transactor_.free_slots_.begin();
    transactor_.free_slots_.erase(transactor_.free_slots_.begin());
  }
}

Task<Result<bool>> Transactor::MarkSlot::is_set(ports::Transaction& transaction) const {
  CO_TRY_ASSIGN(const ports::Rows rows,
                co_await transaction.execute("SELECT mark FROM commit_marks WHERE owner = $1 AND slot = $2",
                                             {transactor_.name_, static_cast<std::int64_t>(number_)}));
  co_return !rows.empty() && rows[0].text(0) == mark_;
}

Task<Status> Transactor::MarkSlot::set(ports::Transaction& transaction) const {
  co_return (co_await transaction.execute("INSERT INTO commit_marks (owner, slot, mark) VALUES ($1, $2, $3) "
                                          "ON CONFLICT (owner, slot) DO UPDATE SET mark = excluded.mark",
                                          {transactor_.name_, static_cast<std::int64_t>(number_), mark_}))
      .status();
}

}  // namespace reliant::store
