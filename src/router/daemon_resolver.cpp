#include "router/daemon_resolver.h"

#include <algorithm>
#include <utility>

#include "base/text.h"

namespace reliant::router {
namespace {

using model::DaemonConnection;

std::vector<DaemonCandidate> candidates_of(const std::vector<store::Daemon>& daemons, WallTime now) {
  std::vector<DaemonCandidate> candidates;
  candidates.reserve(daemons.size());
  for (const store::Daemon& daemon : daemons) {
    candidates.push_back(
        {daemon.id, daemon.name, daemon.kind != "cloud", daemon.connection, daemon.gateway_lives(now), daemon.connected_at});
  }
  return candidates;
}

// The chat's own choice stands, whatever is the matter with it (C20).
ResolvedDaemon chosen_by_chat(std::vector<DaemonCandidate> candidates, const DaemonId& chosen) {
  ResolvedDaemon resolved;
  resolved.daemon = chosen;
  resolved.source = DaemonSource::kChat;
  resolved.problem =
      concat("the chat has chosen daemon ", chosen.str(), ", which has never been connected; start it, or choose another one");
  for (DaemonCandidate& candidate : candidates) {
    const bool is_it = candidate.id == chosen;
    std::string why = is_it ? "chosen for this chat" : concat("passed over: the chat has chosen ", chosen.str());
    if (is_it) {
      const DaemonConnection connection = model::under_lease(candidate.connection, candidate.gateway_lives);
      resolved.problem.clear();
      if (connection == DaemonConnection::kDisconnected) {
        resolved.problem = concat("daemon ", chosen.str(), " is not connected; start it, or choose another one");
      } else if (connection == DaemonConnection::kStale) {
        resolved.problem = concat("nothing was heard from daemon ", chosen.str(), " for 30 s");
      }
    }
    resolved.considered.push_back({std::move(candidate), is_it, std::move(why)});
  }
  return resolved;
}

}  // namespace

Task<Result<ResolvedDaemon>> DaemonResolver::resolve(UserId user, DaemonId chosen, Instant deadline) {
  CO_TRY_ASSIGN(const auto daemons, co_await store_.daemons().list(user, deadline));
  std::vector<DaemonCandidate> candidates = candidates_of(daemons, clock_.wall_now());
  if (!chosen.empty()) {
    ResolvedDaemon resolved = chosen_by_chat(std::move(candidates), chosen);
    if (!resolved.problem.empty()) co_await look_for_managed(std::move(user), resolved, deadline);
    co_return resolved;
  }

  DefaultDaemon decision(std::move(candidates), control_plane_ != nullptr);
  co_await decide(std::move(user), decision, deadline);
  ResolvedDaemon resolved;
  resolved.daemon = decision.chosen();
  resolved.source = decision.source();
  resolved.must_resume = decision.must_resume();
  if (!resolved.daemon) resolved.problem = "no daemon of the user is connected; start one: reliant daemon start";
  resolved.considered = std::move(decision).considered();
  co_return resolved;
}

// R88: a suspended daemon that was chosen is brought up.
Task<void> DaemonResolver::look_for_managed(UserId user, ResolvedDaemon& resolved, Instant deadline) {
  if (control_plane_ == nullptr) co_return;
  const Instant call_deadline = std::min(deadline, after(clock_.now(), kControlPlaneTimeout));
  const auto managed = co_await control_plane_->list(std::move(user), call_deadline);
  if (!managed.ok()) co_return;  // resolved.problem keeps what is already set
  for (const ports::ManagedDaemon& each : *managed) {
    if (each.id != *resolved.daemon) continue;
    const bool suspended = each.lifecycle == ports::Lifecycle::kSuspended || each.lifecycle == ports::Lifecycle::kResuming;
    resolved.must_resume = suspended;
    resolved.problem = suspended
                           ? concat("it is ", ports::to_string(each.lifecycle), " and is brought up with the next tool call")
                           : concat(resolved.problem, "; the control plane says that it is ", ports::to_string(each.lifecycle));
  }
}

Task<void> DaemonResolver::decide(UserId user, DefaultDaemon& decision, Instant deadline) {
  while (const auto ask = decision.next()) {
    if (ask->question == DefaultDaemon::Question::kPresence) {
      decision.on_presence(co_await presence(user, ask->daemon, deadline));
      continue;
    }
    const Instant call_deadline = std::min(deadline, after(clock_.now(), kControlPlaneTimeout));
    const auto managed = co_await control_plane_->list(user, call_deadline);
    if (managed.ok()) {
      decision.on_managed(*managed);
    } else {
      decision.on_managed_unknown(message_of(managed.status()));
    }
  }
}

Task<Presence> DaemonResolver::presence(UserId user, DaemonId daemon, Instant deadline) {
  const Instant call_deadline = std::min(deadline, after(clock_.now(), kProbeTimeout));
  const auto online = co_await router_.online(std::move(user), std::move(daemon), call_deadline);
  if (!online.ok()) co_return Presence::kNoAnswer;
  co_return *online ? Presence::kHeld : Presence::kNotHeld;
}

}  // namespace reliant::router
