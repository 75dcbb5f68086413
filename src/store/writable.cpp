#include "store/writable.h"

namespace reliant::store {
namespace {

// Its mark is all that is written.
struct WriteMark {
  using Value = bool;
  static constexpr InDoubt kInDoubt = InDoubt::kMark;
  Task<Result<Value>> run(ports::Transaction&) const { co_return true; }
};

}  // namespace

Task<Status> check_writable(Transactor& transactor, Instant deadline) {
  co_return (co_await transactor.write(WriteMark{}, deadline)).status();
}

}  // namespace reliant::store
