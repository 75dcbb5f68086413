// select_daemon: which daemon runs a tool (R90 to R95, C1, C18, C20). A pure function of what is known; where a fact is missing, it says
// which one, and the caller finds it out and asks again.
//
//   cascade    the first selector that is set decides: node, workflow, session (the chat's); without one, the default
//
//   step            candidates                                        asked
//   connected       their stream is fresh, their gateway lives        does a gateway hold it now?
//   control plane   managed ones: running before suspended            nothing: it is brought up when it is taken
//   database        recorded as connected by a gateway that is        does a gateway hold it now?
//                   silent: perhaps only its announcements are lost
//   stale           only those that a selector matches: a stale       nothing
//                   daemon is never taken by default (C1)
//
// Within a step: local before cloud, then the most recently connected, then by id (C18). The first one that a gateway holds is taken.
// Only daemons that match the selector are candidates: nothing falls through to others (C20). A selector with an id has nothing to
// choose between; so no gateway is asked, and that daemon is named even when it cannot be reached.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/ids.h"
#include "model/daemon_selector.h"
#include "model/daemon_status.h"
#include "ports/control_plane.h"
#include "runtime/time.h"

namespace reliant::router {

// nullopt: unset.
struct SelectionRequest {
  std::optional<model::DaemonSelector> node = std::nullopt;
  std::optional<model::DaemonSelector> workflow = std::nullopt;
  std::optional<model::DaemonSelector> session = std::nullopt;
};

enum class CascadeStep : std::uint8_t { kNode, kWorkflow, kSession, kDefault };
std::string_view to_string(CascadeStep step);  // "node", "workflow", "session", "default"

// Where the daemon was found, by default; or whose selector asked for it.
enum class DaemonSource : std::uint8_t { kNone, kNode, kWorkflow, kChat, kConnected, kControlPlane, kDatabase };
std::string_view to_string(
    DaemonSource source);  // "none", "node", "workflow", "chat", "connected", "control_plane", "database"

enum class Presence : std::uint8_t { kHeld, kNotHeld, kNoAnswer };

struct DaemonCandidate {
  DaemonId id;
  std::string name;
  model::DaemonType type = model::DaemonType::kLocal;
  model::DaemonConnection connection = model::DaemonConnection::kDisconnected;  // as recorded
  bool gateway_lives = true;                                                    // that recorded it
  WallTime connected_at;
  std::map<std::string, std::string> labels = {};
  std::optional<Presence> presence = std::nullopt;           // nullopt: no gateway was asked
  std::optional<ports::Lifecycle> lifecycle = std::nullopt;  // nullopt: the control plane has not named it

  // What the record is worth (C19).
  model::DaemonConnection worth() const { return model::under_lease(connection, gateway_lives); }
};

struct DaemonSnapshot {
  enum class ControlPlane : std::uint8_t { kNone, kNotAsked, kAnswered, kSilent };

  std::vector<DaemonCandidate> candidates;
  ControlPlane control_plane = ControlPlane::kNone;
  std::string control_plane_problem;  // of kSilent

  void on_presence(const DaemonId& daemon, Presence presence);
  void on_managed(const std::vector<ports::ManagedDaemon>& managed);
  void on_managed_unknown(std::string_view why);
};

// A candidate, and why it was taken or passed over, in words for people.
struct ConsideredDaemon {
  DaemonCandidate candidate;
  bool chosen = false;
  std::string why;
  std::vector<model::FailedTerm> failed;  // of the selector
  std::string remedy;                     // what would make it the one; "" of the chosen one
};

struct MissingFact {
  enum class Kind : std::uint8_t { kPresence, kControlPlane };
  Kind kind = Kind::kPresence;
  DaemonId daemon;  // of kPresence
};

struct DaemonSelection {
  std::optional<MissingFact> missing;  // set: not decided, the rest does not count

  CascadeStep step = CascadeStep::kDefault;
  std::optional<model::DaemonSelector> selector;  // of that step
  std::optional<DaemonId> daemon;                 // nullopt: none can be used
  DaemonSource source = DaemonSource::kNone;
  bool must_resume = false;                  // the call waits until the daemon is brought up (R88, C20)
  std::string problem;                       // why a tool call would not run now; "" when it would
  std::vector<ConsideredDaemon> considered;  // in the order of preference
};

DaemonSelection select_daemon(const SelectionRequest& request, const DaemonSnapshot& snapshot);

}  // namespace reliant::router
