// DefaultDaemon: which daemon runs a tool when the user has not chosen one (R92 to R95, C1, C18). Pure: it takes the known
// facts, returns the next question, and takes the answers.
//
//   step            candidates                                        asked
//   connected       their stream is fresh, their gateway lives        does a gateway hold it now?
//   control plane   managed ones: running before suspended            nothing: it is brought up when it is taken
//   database        recorded as connected by a gateway that is        does a gateway hold it now?
//                   silent: perhaps only its announcements are lost
//
// Within a step: local before cloud, then the most recently connected, then by id. The first one that a gateway holds is
// taken. A stale daemon is never taken by default (C1).
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/ids.h"
#include "model/daemon_status.h"
#include "ports/control_plane.h"
#include "runtime/time.h"

namespace reliant::router {

enum class DaemonSource : std::uint8_t { kNone, kChat, kConnected, kControlPlane, kDatabase };
std::string_view to_string(DaemonSource source);  // "none", "chat", "connected", "control_plane", "database"

struct DaemonCandidate {
  DaemonId id;
  std::string name;
  bool local = true;
  model::DaemonConnection connection = model::DaemonConnection::kDisconnected;  // as recorded
  bool gateway_lives = true;                                                    // that recorded it
  WallTime connected_at;
};

// A candidate, and why it was taken or passed over, in words for people.
struct ConsideredDaemon {
  DaemonCandidate candidate;
  bool chosen = false;
  std::string why;
};

enum class Presence : std::uint8_t { kHeld, kNotHeld, kNoAnswer };

class DefaultDaemon {
 public:
  enum class Question : std::uint8_t { kPresence, kControlPlane };
  struct Ask {
    Question question = Question::kPresence;
    DaemonId daemon;  // of kPresence
  };

  DefaultDaemon(std::vector<DaemonCandidate> candidates, bool has_control_plane);

  // What must be known to go on; nullopt: decided.
  std::optional<Ask> next() const;
  // The answer to next().
  void on_presence(Presence presence);
  void on_managed(const std::vector<ports::ManagedDaemon>& managed);
  void on_managed_unknown(std::string_view why);  // the control plane did not answer

  // After the decision.
  DaemonSource source() const { return source_; }
  const std::optional<DaemonId>& chosen() const { return chosen_; }
  bool must_resume() const { return must_resume_; }  // before it can be reached
  // In the order of preference.
  std::vector<ConsideredDaemon> considered() &&;

 private:
  enum class State : std::uint8_t { kConnected, kManaged, kRecorded, kDecided };

  void advance();
  void choose(std::size_t index, DaemonSource source, std::string why);
  bool stands_in(const DaemonCandidate& candidate, State state) const;
  void say_why_not();

  std::vector<ConsideredDaemon> considered_;
  bool has_control_plane_;
  State state_ = State::kConnected;
  std::size_t asking_ = 0;  // which candidate
  DaemonSource source_ = DaemonSource::kNone;
  std::optional<DaemonId> chosen_;
  bool must_resume_ = false;
};

}  // namespace reliant::router
