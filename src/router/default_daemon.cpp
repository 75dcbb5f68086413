#include "router/default_daemon.h"

#include <algorithm>
#include <tuple>
#include <utility>

#include "base/assert.h"
#include "base/text.h"

namespace reliant::router {
namespace {

using model::DaemonConnection;

bool goes_before(const ConsideredDaemon& a, const ConsideredDaemon& b) {
  const auto rank = [](const DaemonCandidate& c) { return std::tuple(!c.local, -c.connected_at.time_since_epoch()); };
  const auto of_a = rank(a.candidate);
  const auto of_b = rank(b.candidate);
  return of_a != of_b ? of_a < of_b : a.candidate.id < b.candidate.id;
}

// Lower goes first; nullopt: cannot be used.
std::optional<int> rank_of(ports::Lifecycle lifecycle) {
  switch (lifecycle) {
    case ports::Lifecycle::kRunning:
      return 0;
    case ports::Lifecycle::kResuming:
      return 1;
    case ports::Lifecycle::kSuspended:
      return 2;
    case ports::Lifecycle::kFailed:
      return std::nullopt;
  }
  return std::nullopt;
}

// Of two that could both be taken: why not this one?
std::string why_second(const DaemonCandidate& first, const DaemonCandidate& second) {
  if (first.local && !second.local) return concat("passed over: ", first.id.str(), " is local, and local daemons come first");
  if (first.connected_at > second.connected_at) return concat("passed over: ", first.id.str(), " has connected more recently");
  return concat("passed over: ", first.id.str(), " comes first");
}

}  // namespace

std::string_view to_string(DaemonSource source) {
  switch (source) {
    case DaemonSource::kNone:
      return "none";
    case DaemonSource::kChat:
      return "chat";
    case DaemonSource::kConnected:
      return "connected";
    case DaemonSource::kControlPlane:
      return "control_plane";
    case DaemonSource::kDatabase:
      return "database";
  }
  return "none";
}

DefaultDaemon::DefaultDaemon(std::vector<DaemonCandidate> candidates, bool has_control_plane)
    : has_control_plane_(has_control_plane) {
  for (DaemonCandidate& candidate : candidates) considered_.push_back({std::move(candidate), false, {}});
  std::ranges::sort(considered_, goes_before);
  advance();
}

bool DefaultDaemon::stands_in(const DaemonCandidate& candidate, State state) const {
  if (candidate.connection != DaemonConnection::kFresh) return false;
  return candidate.gateway_lives == (state == State::kConnected);
}

// To the next candidate that must be asked for, or the next step.
void DefaultDaemon::advance() {
  while (state_ == State::kConnected || state_ == State::kRecorded) {
    while (asking_ < considered_.size() && !stands_in(considered_[asking_].candidate, state_)) ++asking_;
    if (asking_ < considered_.size()) return;
    asking_ = 0;
    if (state_ == State::kRecorded) {
      state_ = State::kDecided;
      say_why_not();
    } else {
      state_ = has_control_plane_ ? State::kManaged : State::kRecorded;
    }
  }
}

std::optional<DefaultDaemon::Ask> DefaultDaemon::next() const {
  switch (state_) {
    case State::kConnected:
    case State::kRecorded:
      return Ask{Question::kPresence, considered_[asking_].candidate.id};
    case State::kManaged:
      return Ask{Question::kControlPlane, {}};
    case State::kDecided:
      return std::nullopt;
  }
  return std::nullopt;
}

void DefaultDaemon::on_presence(Presence presence) {
  RELIANT_ASSERT(state_ == State::kConnected || state_ == State::kRecorded, "a presence was asked for");
  const DaemonCandidate& candidate = considered_[asking_].candidate;
  if (presence == Presence::kHeld) {
    const std::string kind = candidate.local ? "local" : "cloud";
    if (state_ == State::kConnected)
      return choose(asking_, DaemonSource::kConnected, concat("connected; the first ", kind, " one"));
    return choose(asking_, DaemonSource::kDatabase,
                  "a gateway holds it, though none that announces itself; no other daemon is connected");
  }
  considered_[asking_].why = presence == Presence::kNotHeld
                                 ? "passed over: it is recorded as connected, but no gateway holds it"
                                 : "passed over: whether a gateway holds it could not be learned in time";
  ++asking_;
  advance();
}

void DefaultDaemon::on_managed_unknown(std::string_view why) {
  for (ConsideredDaemon& each : considered_) {
    if (!each.candidate.local && each.candidate.connection == DaemonConnection::kDisconnected)
      each.why = concat("passed over: it is not connected, and the control plane did not answer: ", why);
  }
  state_ = State::kRecorded;
  advance();
}

void DefaultDaemon::on_managed(const std::vector<ports::ManagedDaemon>& managed) {
  RELIANT_ASSERT(state_ == State::kManaged, "the control plane was asked");
  const auto stale = [&](const DaemonId& id) {  // C1
    return std::ranges::any_of(considered_, [&](const ConsideredDaemon& each) {
      const DaemonCandidate& c = each.candidate;
      return c.id == id && model::under_lease(c.connection, c.gateway_lives) == DaemonConnection::kStale;
    });
  };
  const ports::ManagedDaemon* best = nullptr;
  for (const ports::ManagedDaemon& each : managed) {
    const auto rank = rank_of(each.lifecycle);
    if (!rank || stale(each.id)) continue;
    if (best == nullptr || *rank < *rank_of(best->lifecycle)) best = &each;
  }
  for (const ports::ManagedDaemon& each : managed) {
    const auto found = std::ranges::find(considered_, each.id, [](const auto& c) { return c.candidate.id; });
    const auto at = static_cast<std::size_t>(found - considered_.begin());
    if (found == considered_.end()) {  // it has never been connected
      considered_.push_back({{each.id, each.name, false, DaemonConnection::kDisconnected, true, {}}, false, {}});
    }
    const std::string_view lifecycle = ports::to_string(each.lifecycle);
    if (&each != best && !stale(each.id)) {
      considered_[at].why = best == nullptr ? concat("passed over: the control plane says that it is ", lifecycle)
                                            : concat("passed over: it is ", lifecycle, ", ", best->id.str(), " comes first");
    }
  }
  if (best != nullptr) {
    const auto found = std::ranges::find(considered_, best->id, [](const auto& c) { return c.candidate.id; });
    must_resume_ = best->lifecycle != ports::Lifecycle::kRunning;
    return choose(static_cast<std::size_t>(found - considered_.begin()), DaemonSource::kControlPlane,
                  must_resume_ ? concat("no daemon is connected; this managed one is ", ports::to_string(best->lifecycle),
                                        " and is brought up with the next tool call")
                               : std::string("no daemon is connected; the control plane says that this managed one runs"));
  }
  state_ = State::kRecorded;
  advance();
}

void DefaultDaemon::choose(std::size_t index, DaemonSource source, std::string why) {
  source_ = source;
  chosen_ = considered_[index].candidate.id;
  considered_[index].chosen = true;
  considered_[index].why = std::move(why);
  state_ = State::kDecided;
  say_why_not();
}

// Of all that nothing was said of yet.
void DefaultDaemon::say_why_not() {
  const auto taken = std::ranges::find_if(considered_, &ConsideredDaemon::chosen);
  for (ConsideredDaemon& each : considered_) {
    if (!each.why.empty()) continue;
    const DaemonCandidate& candidate = each.candidate;
    if (candidate.connection == DaemonConnection::kDisconnected) {
      each.why = "passed over: it is not connected";
    } else if (candidate.connection == DaemonConnection::kStale) {
      each.why = "passed over: nothing was heard from it for 30 s";
    } else if (!candidate.gateway_lives) {
      each.why = "passed over: the gateway that recorded it as connected is silent";
    } else if (taken != considered_.end()) {
      each.why = why_second(taken->candidate, candidate);
    }
  }
}

std::vector<ConsideredDaemon> DefaultDaemon::considered() && { return std::move(considered_); }

}  // namespace reliant::router
