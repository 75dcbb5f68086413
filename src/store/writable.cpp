#include "store/writable.h"

#include <string>
#include <utility>

#include "base/finally.h"

namespace reliant::store {
namespace {

// In rows that no Transactor marks: its owners are random.
struct WriteBallast {
  using Value = bool;
  static constexpr InDoubt kInDoubt = InDoubt::kRunAgain;
  std::int64_t row;
  std::string ballast;
  Task<Result<Value>> run(ports::Transaction& transaction) const {
    CO_TRY_OK((co_await transaction.execute("INSERT INTO commit_marks (owner, slot, mark) VALUES ('room', $1, $2) "
                                            "ON CONFLICT (owner, slot) DO UPDATE SET mark = excluded.mark",
                                            {row, ballast}))
                  .status());
    co_return true;
  }
};

}  // namespace

bool Writable::is_due() const {
  if (looking_) return false;
  if (!looked_) return true;
  const Duration ago = clock_.now() - looked_at_;
  return ago >= (suspected_ || !last_.ok() ? kLookAgain : kLookEvery);
}

Task<Status> Writable::check(Instant deadline) {
  if (!is_due()) co_return last_;
  looking_ = true;
  const Finally looked([this] { looking_ = false; });
  suspected_ = false;
  Random& random = transactor_.random();
  WriteBallast ballast{static_cast<std::int64_t>(random.below(kRows)), random.hex(kBytes)};
  const auto written = co_await transactor_.write(std::move(ballast), deadline);
  last_ = written.status();
  looked_at_ = clock_.now();
  looked_ = true;
  co_return last_;
}

}  // namespace reliant::store
