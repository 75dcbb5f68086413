// DaemonResolver: finds the daemon for a chat's tools: the one that the chat has chosen (R90), or the default one
// (router/default_daemon.h). It asks the store, the gateways (through the router, C18, C19) and the control plane.
//
// Stateless. Owner: the role that uses it; references outlive it. Executor: the logic thread. Failures: those of the store.
// A gateway or a control plane that does not answer is part of the answer, not an error.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "ports/control_plane.h"
#include "router/daemon_router.h"
#include "router/default_daemon.h"
#include "runtime/clock.h"
#include "store/store.h"

namespace reliant::router {

struct ResolvedDaemon {
  std::optional<DaemonId> daemon;  // nullopt: none can be used
  DaemonSource source = DaemonSource::kNone;
  bool must_resume = false;  // before it can be reached (R88)
  std::string problem;       // why a tool call would not run now; "" when it would
  std::vector<ConsideredDaemon> considered;
};

class DaemonResolver {
 public:
  static constexpr Duration kProbeTimeout = std::chrono::seconds(2);
  static constexpr Duration kControlPlaneTimeout = std::chrono::seconds(5);

  // `control_plane` may be null: there is none.
  DaemonResolver(store::Store& store, DaemonRouter& router, ports::ControlPlane* control_plane, Clock& clock)
      : store_(store), router_(router), control_plane_(control_plane), clock_(clock) {}

  // `chosen` is the chat's; empty: none. Changes nothing.
  Task<Result<ResolvedDaemon>> resolve(UserId user, DaemonId chosen, Instant deadline);

 private:
  Task<void> decide(UserId user, DefaultDaemon& decision, Instant deadline);
  Task<void> look_for_managed(UserId user, ResolvedDaemon& resolved, Instant deadline);
  Task<Presence> presence(UserId user, DaemonId daemon, Instant deadline);

  store::Store& store_;
  DaemonRouter& router_;
  ports::ControlPlane* control_plane_;
  Clock& clock_;
};

}  // namespace reliant::router
