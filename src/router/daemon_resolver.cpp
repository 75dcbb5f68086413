#include "router/daemon_resolver.h"

#include <algorithm>
#include <utility>
#include <vector>

namespace reliant::router {
namespace {

DaemonSnapshot snapshot_of(std::vector<store::Daemon> daemons, bool has_control_plane, WallTime now) {
  DaemonSnapshot snapshot;
  if (has_control_plane) snapshot.control_plane = DaemonSnapshot::ControlPlane::kNotAsked;
  snapshot.candidates.reserve(daemons.size());
  for (store::Daemon& daemon : daemons) {
    snapshot.candidates.push_back({.id = daemon.id,
                                   .name = std::move(daemon.name),
                                   .type = daemon.kind == "cloud" ? model::DaemonType::kCloud : model::DaemonType::kLocal,
                                   .connection = daemon.connection,
                                   .gateway_lives = daemon.gateway_lives(now),
                                   .connected_at = daemon.connected_at,
                                   .labels = std::move(daemon.labels)});
  }
  return snapshot;
}

}  // namespace

Task<Result<DaemonSelection>> DaemonResolver::resolve(UserId user, SelectionRequest request, Instant deadline) {
  CO_TRY_ASSIGN(auto daemons, co_await store_.daemons().list(user, deadline));
  DaemonSnapshot snapshot = snapshot_of(std::move(daemons), control_plane_ != nullptr, clock_.wall_now());
  DaemonSelection selection = select_daemon(request, snapshot);
  while (selection.missing) {
    co_await find_out(user, *selection.missing, snapshot, deadline);
    selection = select_daemon(request, snapshot);
  }
  co_return selection;
}

Task<void> DaemonResolver::find_out(UserId user, MissingFact missing, DaemonSnapshot& snapshot, Instant deadline) {
  if (missing.kind == MissingFact::Kind::kPresence) {
    const Presence found = co_await presence(std::move(user), missing.daemon, deadline);
    snapshot.on_presence(missing.daemon, found);
    co_return;
  }
  const Instant call_deadline = std::min(deadline, after(clock_.now(), kControlPlaneTimeout));
  const auto managed = co_await control_plane_->list(std::move(user), call_deadline);
  if (managed.ok()) {
    snapshot.on_managed(*managed);
  } else {
    snapshot.on_managed_unknown(message_of(managed.status()));
  }
}

Task<Presence> DaemonResolver::presence(UserId user, DaemonId daemon, Instant deadline) {
  const Instant call_deadline = std::min(deadline, after(clock_.now(), kProbeTimeout));
  const auto online = co_await router_.online(std::move(user), std::move(daemon), call_deadline);
  if (!online.ok()) co_return Presence::kNoAnswer;
  co_return *online ? Presence::kHeld : Presence::kNotHeld;
}

}  // namespace reliant::router
