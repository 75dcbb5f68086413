// What every ControlPlane must do (ports/control_plane.h). A world has three managed daemons of user "ann": "cloud-a", which
// is suspended, "cloud-b", which runs, and "cloud-c", which cannot be brought up; user "bob" has none.
#pragma once

#include <gtest/gtest.h>

#include <optional>

#include "ports/control_plane.h"
#include "runtime/all.h"
#include "runtime/sleep.h"

namespace reliant::contract {

using namespace std::chrono_literals;

// A world offers: plane(), run(Task<void>), now(), boots() (machines that have come up so far).
template <class World>
class ControlPlaneContract : public testing::Test {
 protected:
  World world_;
  static UserId ann() { return UserId("ann"); }
  static DaemonId suspended() { return DaemonId("cloud-a"); }
  Instant soon() { return world_.now() + 5min; }

  ports::Lifecycle lifecycle_of(DaemonId id) {
    ports::Lifecycle found = ports::Lifecycle::kFailed;
    world_.run(look(world_.plane(), id, soon(), found));
    return found;
  }
  Status resume(UserId user, DaemonId daemon, Instant deadline) {
    Status status;
    world_.run(resume_into(world_.plane(), std::move(user), std::move(daemon), deadline, status));
    return status;
  }
  static Task<void> look(ports::ControlPlane& plane, DaemonId id, Instant deadline, ports::Lifecycle& found) {
    const auto daemons = co_await plane.list(UserId("ann"), deadline);
    EXPECT_TRUE(daemons.ok()) << daemons.status();
    if (!daemons.ok()) co_return;
    for (const ports::ManagedDaemon& daemon : *daemons) {
      if (daemon.id == id) found = daemon.lifecycle;
    }
  }
  static Task<void> resume_into(ports::ControlPlane& plane, UserId user, DaemonId daemon, Instant deadline, Status& status) {
    status = co_await plane.resume(std::move(user), std::move(daemon), deadline);
  }
  static Task<void> list_into(ports::ControlPlane& plane, UserId user, Instant deadline,
                              std::vector<ports::ManagedDaemon>& daemons) {
    auto listed = co_await plane.list(std::move(user), deadline);
    EXPECT_TRUE(listed.ok()) << listed.status();
    if (listed.ok()) daemons = *std::move(listed);
  }
  static Task<void> both(Task<void> a, Task<void> b) { co_await all(std::move(a), std::move(b)); }
};

TYPED_TEST_SUITE_P(ControlPlaneContract);

TYPED_TEST_P(ControlPlaneContract, ListsAUsersOwnManagedDaemonsById) {
  std::vector<ports::ManagedDaemon> daemons;
  this->world_.run(this->list_into(this->world_.plane(), this->ann(), this->soon(), daemons));
  ASSERT_EQ(daemons.size(), 3u);
  EXPECT_EQ(daemons[0].id, DaemonId("cloud-a"));
  EXPECT_EQ(daemons[0].lifecycle, ports::Lifecycle::kSuspended);
  EXPECT_EQ(daemons[1].id, DaemonId("cloud-b"));
  EXPECT_EQ(daemons[1].lifecycle, ports::Lifecycle::kRunning);
  daemons.clear();
  this->world_.run(this->list_into(this->world_.plane(), UserId("bob"), this->soon(), daemons));
  EXPECT_TRUE(daemons.empty());
}

TYPED_TEST_P(ControlPlaneContract, ListingChangesNothing) {
  EXPECT_EQ(this->lifecycle_of(this->suspended()), ports::Lifecycle::kSuspended);
  EXPECT_EQ(this->lifecycle_of(this->suspended()), ports::Lifecycle::kSuspended);
  EXPECT_EQ(this->world_.boots(), 0u);
}

TYPED_TEST_P(ControlPlaneContract, ASuspendedDaemonRunsWhenResumeHasReturned) {
  EXPECT_TRUE(this->resume(this->ann(), this->suspended(), this->soon()).ok());
  EXPECT_EQ(this->lifecycle_of(this->suspended()), ports::Lifecycle::kRunning);
  EXPECT_EQ(this->world_.boots(), 1u);
}

TYPED_TEST_P(ControlPlaneContract, ARunningDaemonIsNotBootedAgain) {
  EXPECT_TRUE(this->resume(this->ann(), DaemonId("cloud-b"), this->soon()).ok());
  EXPECT_EQ(this->world_.boots(), 0u);
}

TYPED_TEST_P(ControlPlaneContract, TwoWhoResumeAtOnceShareOneBoot) {
  Status first = internal_error("no answer");
  Status second = internal_error("no answer");
  this->world_.run(this->both(this->resume_into(this->world_.plane(), this->ann(), this->suspended(), this->soon(), first),
                              this->resume_into(this->world_.plane(), this->ann(), this->suspended(), this->soon(), second)));
  EXPECT_TRUE(first.ok()) << first;
  EXPECT_TRUE(second.ok()) << second;
  EXPECT_EQ(this->world_.boots(), 1u);
}

TYPED_TEST_P(ControlPlaneContract, ABootGoesOnWhenItsCallerStopsWaiting) {
  EXPECT_EQ(this->resume(this->ann(), this->suspended(), this->world_.now() + 500ms).code(), StatusCode::kDeadlineExceeded);
  EXPECT_EQ(this->lifecycle_of(this->suspended()), ports::Lifecycle::kResuming);
  EXPECT_TRUE(this->resume(this->ann(), this->suspended(), this->soon()).ok());
  EXPECT_EQ(this->world_.boots(), 1u);
}

TYPED_TEST_P(ControlPlaneContract, WhatCannotBeResumedIsAnErrorThatStays) {
  EXPECT_EQ(this->resume(this->ann(), DaemonId("cloud-c"), this->soon()).code(), StatusCode::kFailedPrecondition);
  EXPECT_EQ(this->resume(this->ann(), DaemonId("absent"), this->soon()).code(), StatusCode::kNotFound);
  EXPECT_EQ(this->resume(UserId("bob"), this->suspended(), this->soon()).code(), StatusCode::kNotFound);
}

REGISTER_TYPED_TEST_SUITE_P(ControlPlaneContract, ListsAUsersOwnManagedDaemonsById, ListingChangesNothing,
                            ASuspendedDaemonRunsWhenResumeHasReturned, ARunningDaemonIsNotBootedAgain,
                            TwoWhoResumeAtOnceShareOneBoot, ABootGoesOnWhenItsCallerStopsWaiting,
                            WhatCannotBeResumedIsAnErrorThatStays);

}  // namespace reliant::contract
