// Transactor: runs a unit of database work until it is known to have happened once, or the deadline comes.
// The one place where transactions are repeated, so that nothing is lost and nothing is done twice, whatever
// the connection does (R56).
//
// The work is an operation: a struct of inputs with `Task<Result<Value>> run(Transaction&)`, which may be run
// more than once, so it leaves its inputs as they are. An operation that reads executes one statement, unless
// it has a `static constexpr bool kReadsSeveral = true`. ABORTED and UNAVAILABLE wrote nothing: the operation
// is run again, with backoff, unless the database is known to be down (DATABASE_DOWN). After COMMIT_UNKNOWN,
// `kInDoubt` says how the doubt is settled:
//   kRunAgain  the operation finds its own earlier effect by a key and answers from it, or setting the same
//              again is harmless whatever others did in between
//   kMark      the transaction also writes a mark of its own; the next attempt looks for it first, and if it
//              is there, the first attempt's value is the answer
//
// Either look is made inside a writing transaction, which waits until the one in doubt has ended: a commit
// that is still on its way cannot arrive behind it.
//
// Operations with a `const std::string& contended() const` that answers the same write the same row: those of
// one process take turns, since a database that lets them run at once aborts all but one of them.
//
// Owner: the Store. Executor: the logic thread. Other errors pass through. At the deadline: DEADLINE_EXCEEDED
// or the last error, or UNKNOWN + COMMIT_UNKNOWN when a commit is still in doubt. Cancelled: as
// COMMIT_UNKNOWN.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>

#include "base/status.h"
#include "ports/database.h"
#include "runtime/backoff.h"
#include "runtime/clock.h"
#include "runtime/keyed_mutex.h"
#include "runtime/random.h"
#include "runtime/task.h"
#include "runtime/time.h"

namespace reliant::store {

enum class InDoubt : std::uint8_t { kRunAgain, kMark };

class Transactor {
 public:
  static constexpr BackoffPolicy kPolicy{.base = std::chrono::milliseconds(20), .cap = std::chrono::seconds(2)};

  // `random` is a stream of this process's life: it names its marks.
  Transactor(ports::Database& database, Clock& clock, Random random);
  Transactor(const Transactor&) = delete;
  Transactor& operator=(const Transactor&) = delete;

  template <class Operation>
  Task<Result<typename Operation::Value>> write(Operation operation, Instant deadline);
  template <class Operation>
  Task<Result<typename Operation::Value>> read(Operation operation, Instant deadline);

  ports::Database& database() { return database_; }
  Random& random() { return random_; }
  std::string new_id(std::string_view prefix);  // "chat_0a1b…"
  std::int64_t wall_now() const;                // microseconds, as the tables keep it

 private:
  // A row of commit_marks that one write at a time may use.
  class MarkSlot {
   public:
    explicit MarkSlot(Transactor& transactor);
    MarkSlot(const MarkSlot&) = delete;
    MarkSlot& operator=(const MarkSlot&) = delete;
    ~MarkSlot() { transactor_.free_slots_.insert(number_); }
    Task<Result<bool>> is_set(ports::Transaction& transaction) const;
    Task<Status> set(ports::Transaction& transaction) const;

   private:
    Transactor& transactor_;
    std::size_t number_;
    std::string mark_;
  };
  using Turn = std::optional<KeyedMutex<std::string>::Lock>;
  // What one write knows across its attempts.
  template <class Value>
  struct Attempts {
    std::optional<MarkSlot> slot;
    std::optional<Value> in_doubt;  // of a commit whose end is not known
    bool doubt = false;
  };

  template <class Operation>
  Task<Result<typename Operation::Value>> attempt(Operation& operation, Attempts<typename Operation::Value>& attempts,
                                                  Instant deadline);
  template <class Operation>
  Task<Result<typename Operation::Value>> attempt_read(Operation& operation, Instant deadline);
  static bool may_run_again(const Status& status);
  static bool is_down(const Status& status) { return reason_of(status) == ports::kReasonDatabaseDown; }
  // False: the deadline comes first.
  Task<bool> wait(Backoff& backoff, Instant deadline);

  ports::Database& database_;
  Clock& clock_;
  Random random_;
  std::string name_;
  std::size_t slots_ = 0;
  std::set<std::size_t> free_slots_;
  KeyedMutex<std::string> contended_;
};

template <class Operation>
Task<Result<typename Operation::Value>> Transactor::write(Operation operation, Instant deadline) {
  Turn turn;
  if constexpr (requires { operation.contended(); }) {
    Turn got = co_await contended_.lock(operation.contended(), deadline);
    if (!got) co_return deadline_exceeded("the turn to write did not come in time; nothing was written");
    turn.emplace(*std::move(got));
  }
  Attempts<typename Operation::Value> attempts;
  if constexpr (Operation::kInDoubt == InDoubt::kMark) attempts.slot.emplace(*this);
  Backoff backoff(kPolicy, random_);
  for (;;) {
    auto result = co_await attempt(operation, attempts, deadline);
    const bool late = result.status().code() == StatusCode::kDeadlineExceeded || is_down(result.status());
    if (result.ok() || !(late || may_run_again(result.status()))) co_return result;
    if (!late && co_await wait(backoff, deadline)) continue;
    if (!attempts.doubt) co_return result;
    co_return with_reason(unknown("whether it was written is not known: ", message_of(result.status())), kReasonCommitUnknown);
  }
}

template <class Operation>
Task<Result<typename Operation::Value>> Transactor::attempt(Operation& operation, Attempts<typename Operation::Value>& attempts,
                                                            Instant deadline) {
  CO_TRY_ASSIGN(const auto transaction, co_await database_.begin(ports::Access::kWrite, deadline));
  if (attempts.slot && attempts.in_doubt) {
    CO_TRY_ASSIGN(const bool written, co_await attempts.slot->is_set(*transaction));
    if (written) co_return *std::move(attempts.in_doubt);
    attempts.in_doubt.reset();
  }
  attempts.doubt = attempts.doubt && !attempts.slot;
  auto value = co_await operation.run(*transaction);
  if (!value.ok()) co_return value;
  if (attempts.slot) CO_TRY_OK(co_await attempts.slot->set(*transaction));
  const Status committed = co_await transaction->commit();
  if (committed.ok()) co_return value;
  if (reason_of(committed) == kReasonCommitUnknown) {
    attempts.doubt = true;
    if (attempts.slot) attempts.in_doubt = *std::move(value);
  }
  co_return committed;
}

template <class Operation>
Task<Result<typename Operation::Value>> Transactor::read(Operation operation, Instant deadline) {
  Backoff backoff(kPolicy, random_);
  for (;;) {
    auto result = co_await attempt_read(operation, deadline);
    if (result.ok() || is_down(result.status()) || !may_run_again(result.status())) co_return result;
    if (!co_await wait(backoff, deadline)) co_return result;
  }
}

template <class Operation>
Task<Result<typename Operation::Value>> Transactor::attempt_read(Operation& operation, Instant deadline) {
  constexpr ports::Access kAccess = requires { Operation::kReadsSeveral; } ? ports::Access::kRead : ports::Access::kReadOne;
  CO_TRY_ASSIGN(const auto transaction, co_await database_.begin(kAccess, deadline));
  auto value = co_await operation.run(*transaction);
  if (!value.ok()) co_return value;
  CO_TRY_OK(co_await transaction->commit());
  co_return value;
}

}  // namespace reliant::store
