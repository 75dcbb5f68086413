// ControlPlane: the service that provisions a user's managed cloud daemons (R85, R88, R93). It knows which there
// are and how they stand, and brings a suspended one up; that daemon then connects as any other one does. It does not know
// the user's own machines.
//
// Owner: the composition root; where no control plane is configured, roles are given none (a null pointer). Executor: the
// logic thread. Failures: UNAVAILABLE and DEADLINE_EXCEEDED may be tried again. Cancelled: what was begun goes on there.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/ids.h"
#include "base/status.h"
#include "runtime/task.h"
#include "runtime/time.h"

namespace reliant::ports {

enum class Lifecycle : std::uint8_t { kRunning, kSuspended, kResuming, kFailed };

struct ManagedDaemon {
  DaemonId id;
  std::string name;
  Lifecycle lifecycle = Lifecycle::kRunning;
};

class ControlPlane {
 public:
  virtual ~ControlPlane() = default;
  // The user's managed daemons by id; none is an empty list. Changes nothing.
  virtual Task<Result<std::vector<ManagedDaemon>>> list(UserId user, Instant deadline) = 0;
  // Brings the daemon up; returns when its machine runs. One resume a daemon at a time, which all callers share (C31). OK
  // at once when it runs already. NOT_FOUND: the user has no such daemon. FAILED_PRECONDITION: it cannot be brought up, and
  // trying again would not help. DEADLINE_EXCEEDED: not up yet; it goes on, call again.
  virtual Task<Status> resume(UserId user, DaemonId daemon, Instant deadline) = 0;
};

constexpr std::string_view to_string(Lifecycle lifecycle) {
  switch (lifecycle) {
    case Lifecycle::kRunning:
      return "running";
    case Lifecycle::kSuspended:
      return "suspended";
    case Lifecycle::kResuming:
      return "resuming";
    case Lifecycle::kFailed:
      return "failed";
  }
  return "failed";
}

}  // namespace reliant::ports
