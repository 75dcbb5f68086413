// DaemonResolver: finds the daemon for a chat's tools, as router/daemon_selection.h decides (R90 to R95). It finds out the facts for
// that: from the store, the gateways (through the router, C18, C19) and the control plane.
//
// Stateless. Owner: the role that uses it; references outlive it. Executor: the logic thread. Failures: those of the store.
// A gateway or a control plane that does not answer is part of the answer, not an error.
#pragma once

#include "ports/control_plane.h"
#include "router/daemon_router.h"
#include "router/daemon_selection.h"
#include "runtime/clock.h"
#include "store/store.h"

namespace reliant::router {

class DaemonResolver {
 public:
  static constexpr Duration kProbeTimeout = std::chrono::seconds(2);
  static constexpr Duration kControlPlaneTimeout = std::chrono::seconds(5);

  // `control_plane` may be null: there is none.
  DaemonResolver(store::Store& store, DaemonRouter& router, ports::ControlPlane* control_plane, Clock& clock)
      : store_(store), router_(router), control_plane_(control_plane), clock_(clock) {}

  // Changes nothing. `missing` is not set.
  Task<Result<DaemonSelection>> resolve(UserId user, SelectionRequest request, Instant deadline);

 private:
  Task<void> find_out(UserId user, MissingFact missing, DaemonSnapshot& snapshot, Instant deadline);
  Task<Presence> presence(UserId user, DaemonId daemon, Instant deadline);

  store::Store& store_;
  DaemonRouter& router_;
  ports::ControlPlane* control_plane_;
  Clock& clock_;
};

}  // namespace reliant::router
