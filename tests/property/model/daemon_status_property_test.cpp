// The status machine of a daemon against what R79 to R82 and C1 say in words.
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <vector>

#include "model/daemon_status.h"

namespace reliant::model {
namespace {

using namespace std::chrono_literals;
constexpr Duration kNanosecond{1};

// The rule, said again without a machine.
DaemonConnection expected(Duration silence) {
  if (silence >= 120s) return DaemonConnection::kDisconnected;
  if (silence >= 30s) return DaemonConnection::kStale;
  return DaemonConnection::kFresh;
}

DaemonStatus connected_at(Instant now) {
  DaemonStatus status;
  status.on_connected(now);
  return status;
}

TEST(DaemonStatus, IsExactAtBothBoundaries) {
  const Instant start{1h};
  for (const auto& [silence, connection] :
       std::vector<std::pair<Duration, DaemonConnection>>{{30s - kNanosecond, DaemonConnection::kFresh},
                                                          {30s, DaemonConnection::kStale},
                                                          {30s + kNanosecond, DaemonConnection::kStale},
                                                          {120s - kNanosecond, DaemonConnection::kStale},
                                                          {120s, DaemonConnection::kDisconnected},
                                                          {120s + kNanosecond, DaemonConnection::kDisconnected}}) {
    DaemonStatus status = connected_at(start);
    status.advance(start + silence);
    EXPECT_EQ(status.connection(), connection) << silence.count();
  }
}

TEST(DaemonStatus, ProjectsToTheThreePublicWords) {
  DaemonStatus status;
  EXPECT_EQ(status.public_status(), PublicStatus::kDisconnected);
  status.on_connected(Instant{});
  EXPECT_EQ(status.public_status(), PublicStatus::kActive);
  status.advance(Instant{30s});
  EXPECT_EQ(status.public_status(), PublicStatus::kIdle);
  status.on_frame(Instant{31s});
  EXPECT_EQ(status.public_status(), PublicStatus::kActive);
  status.on_closed();
  EXPECT_EQ(status.public_status(), PublicStatus::kDisconnected);
}

RC_GTEST_PROP(DaemonStatus, AgreesWithTheRuleAfterAnyFramesAndSilences, (std::vector<std::pair<bool, std::uint64_t>> steps)) {
  Instant now{};
  Instant last_frame = now;
  DaemonStatus status = connected_at(now);
  bool gone = false;
  for (const auto& [frame, gap] : steps) {
    // Gaps cluster around the boundaries, where the mistakes are.
    const Duration around[] = {Duration(gap % 5),        30s - Duration(gap % 3),  30s + Duration(gap % 3),
                               120s - Duration(gap % 3), 120s + Duration(gap % 3), Duration(gap % 200'000'000'000)};
    now += around[gap % 6];
    status.advance(now);
    gone = gone || expected(now - last_frame) == DaemonConnection::kDisconnected;
    if (frame && !gone) {
      status.on_frame(now);
      last_frame = now;
    } else if (frame) {
      RC_ASSERT(!status.on_frame(now));
    }
    RC_ASSERT(status.connection() == (gone ? DaemonConnection::kDisconnected : expected(now - last_frame)));
  }
}

RC_GTEST_PROP(DaemonStatus, SaysItselfWhenItWillChange, (std::uint64_t start)) {
  const Instant begin{Duration(start % 1'000'000'000'000)};
  DaemonStatus status = connected_at(begin);
  while (status.next_change() != kNever) {
    const Instant change = status.next_change();
    RC_ASSERT(!status.advance(change - kNanosecond));
    RC_ASSERT(status.advance(change));
  }
  RC_ASSERT(status.connection() == DaemonConnection::kDisconnected);
}

}  // namespace
}  // namespace reliant::model
