// PostgresDatabaseSilence: finds out within two seconds that a server hangs: it accepts connections and answers nothing.
// Without it each call would wait for its own deadline.
//
// On the connection that waits, a server that hangs looks like one that has much to do, or like a statement that waits for a
// lock. What tells them apart is whether the server says anything on any other connection. So silence begins to count when
// calls wait and none of them is answered; after kSilence the server is probed: a new connection is opened, asked for its
// settings, and closed. A server that is merely slow answers that one, however long the others wait. The probe takes a new
// connection each time, since one that has been idle for hours may have been dropped by a firewall on the way, and would itself
// look like a server that hangs. A refusal is an answer, too: a server with no connection left serves the open ones, and
// a server that is down is detected by attempts to connect (PostgresDatabase::kDownAfter).
//
//   state       what happens                                                       next
//   idle        a call begins                                                      listening
//   listening   the server says something on any connection                        listening, kSilence from now
//   listening   it has said nothing for kSilence                                   probing
//   listening   no call waits any more                                             idle
//   probing     the server says something, or the probe ends: answered, refused    listening
//   probing     neither within kProbeTimeout                                           silent: `on_silent` is called
//   silent      the server says something, or a probe is answered                  listening
//   silent      a probe ends without an answer                                     silent; the next one after kProbeEvery
//
// A server to which a new connection takes longer than kProbeTimeout counts as silent while no other connection is answered.
//
// Not seen: a server that answers new connections while all that was asked before hangs, as on a disk that does not write.
// Those calls end at their deadlines.
//
// Owner: PostgresDatabase. Executor: the logic thread. Destructible at any time; `probe` tells nothing afterwards.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>

#include "base/status.h"
#include "runtime/event.h"
#include "runtime/executor.h"
#include "runtime/scope.h"
#include "runtime/task.h"
#include "runtime/time.h"

namespace reliant::adapters {

class PostgresDatabaseSilence final {
 public:
  static constexpr Duration kSilence = std::chrono::milliseconds(500);
  // With kSilence less than what clients are promised, 2 s. It is waited for in slices: of a time in which
  // this process itself did not run, only one counts.
  static constexpr Duration kProbeTimeout = std::chrono::seconds(1);
  static constexpr Duration kSlice = std::chrono::milliseconds(100);
  static constexpr Duration kProbeEvery = std::chrono::milliseconds(200);

  // Nothing breaks off an attempt to connect but its own timeout, and a program that ends waits for it. So the first probe, of a
  // server that may be slow, gives up soon; those after it also reach one that is far away, or the silence would never end.
  enum class Probe : std::uint8_t { kBrief, kPatient };
  struct Actions {
    std::function<void(Probe, std::function<void(Status)> told)> probe;  // one at a time
    std::function<void()> on_silent;
  };

  PostgresDatabaseSilence(Executor& executor, Actions actions);
  PostgresDatabaseSilence(const PostgresDatabaseSilence&) = delete;
  PostgresDatabaseSilence& operator=(const PostgresDatabaseSilence&) = delete;

  // Around each call to the server.
  void call_begins();
  void call_ends() { --calls_; }
  // The server has said something, whatever it was.
  void heard();

  bool is_silent() const { return silent_.is_set(); }
  Event& silent() { return silent_; }

 private:
  Task<void> listen();
  Task<bool> answers();
  Task<void> be_silent();
  void begin_probe();

  Executor& executor_;
  Actions actions_;
  std::size_t calls_ = 0;
  Instant heard_at_{};
  Event silent_;
  Event changed_;  // something was heard, or the probe has ended
  bool probing_ = false;
  bool listening_ = false;
  TaskScope scope_;  // last: its task uses everything above
};

}  // namespace reliant::adapters
