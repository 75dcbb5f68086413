#include "store/writable.h"

#include "base/disk_full.h"
#include "store_world.h"

namespace reliant::tests {
namespace {

using std::chrono::seconds;

// Counts transactions that write, and refuses them while it is full.
class SmallDatabase final : public ports::Database {
 public:
  explicit SmallDatabase(ports::Database& inner) : inner_(inner) {}
  Task<Result<std::unique_ptr<ports::Transaction>>> begin(ports::Access access, Instant deadline) override {
    if (access == ports::Access::kWrite) ++writes;
    if (access == ports::Access::kWrite && full) co_return with_reason(resource_exhausted("there is no room"), kReasonDiskFull);
    co_return co_await inner_.begin(access, deadline);
  }
  Task<Status> run_script(std::string_view sql, Instant deadline) override { return inner_.run_script(sql, deadline); }
  Task<Result<WallTime>> wall_now(Instant deadline) override { return inner_.wall_now(deadline); }

  bool full = false;
  int writes = 0;

 private:
  ports::Database& inner_;
};

class WritableTest : public StoreWorld {
 protected:
  Status check() { return get(store_.writable().check(soon())); }

  SmallDatabase small_{contents()};
  store::Store store_{small_, clock(), Random(3)};
};

TEST_F(WritableTest, ProbesTheDiskPeriodically) {
  EXPECT_TRUE(check().ok());
  small_.full = true;
  for (int i = 0; i < 1000; ++i) EXPECT_TRUE(check().ok());
  EXPECT_EQ(small_.writes, 1) << "one write for all callers";
  run_for(store::Writable::kLookEvery);
  EXPECT_EQ(reason_of(check()), kReasonDiskFull);
}

TEST_F(WritableTest, ProbesMoreOftenWhileTheDiskIsFull) {
  EXPECT_TRUE(check().ok());
  small_.full = true;
  store_.writable().suspect();
  run_for(store::Writable::kLookAgain);
  EXPECT_EQ(reason_of(check()), kReasonDiskFull);
  small_.full = false;
  EXPECT_EQ(reason_of(check()), kReasonDiskFull) << "not yet";
  run_for(store::Writable::kLookAgain);
  EXPECT_TRUE(check().ok());
  EXPECT_EQ(small_.writes, 3);
}

TEST_F(WritableTest, ProbesLeaveNoData) {
  const auto rows = [this] {
    auto transaction = value(contents().begin(ports::Access::kRead, soon()));
    return value(transaction->execute("SELECT COUNT(*) FROM commit_marks WHERE owner = 'room'", {}))[0].integer(0);
  };
  for (int i = 0; i < 100; ++i) {
    EXPECT_TRUE(check().ok());
    run_for(store::Writable::kLookEvery);
  }
  EXPECT_GT(rows(), 0);
  EXPECT_LE(rows(), store::Writable::kRows);
}

}  // namespace
}  // namespace reliant::tests
