// What a tools daemon's process says of itself, for `reliant daemon status` and its sisters (R74, R84, C45): a file in its
// data directory, written when something has changed. It counts as long as the process of that number has the directory
// open (Holder).
//
// DaemonStateKeeper takes it from the daemon's own events on their way to the log. Owner: the daemon's life. Executor: the
// logic thread. A state that cannot be written is dropped: a full disk is no reason to stop.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "app/data_directory.h"
#include "base/event_log.h"
#include "base/json.h"
#include "base/status.h"
#include "runtime/clock.h"
#include "runtime/event.h"

namespace reliant::app {

struct DaemonState {
  int process = 0;
  std::string version;
  std::string daemon;
  std::string name;
  std::string log;  // a file; "-": the standard error
  std::int64_t grace_seconds = 0;
  std::string started_at;  // RFC 3339
  bool connected = false;
  std::string since;    // when it became so, or not
  std::string user;     // this and the next two as of its last connection; "": it had none
  std::string gateway;  // id
  std::string address;  // of the gateway
  std::string problem;  // why it is not connected; "": nothing that it knows
  bool ended = false;   // in order; the problem says why, unless it was asked to
};

json::object to_object(const DaemonState& state);
// nullopt: there is none, or none that this version reads.
std::optional<DaemonState> read_daemon_state(const std::string& directory);

class DaemonStateKeeper final : public EventLog {
 public:
  // References outlive it. Writes what it is given at once.
  DaemonStateKeeper(EventLog& log, const Clock& clock, const DataDirectory& directory, DaemonState state);

  void record(Level level, std::string_view name, std::initializer_list<Field> fields) override;
  void ended(const Status& why);

  const DaemonState& state() const { return state_; }
  Event& connected_once() { return connected_once_; }

 private:
  bool learn(std::string_view name, std::initializer_list<Field> fields);
  void write();

  EventLog& log_;
  const Clock& clock_;
  const DataDirectory& directory_;
  DaemonState state_;
  std::int64_t epoch_ = 0;  // of the connection that `state_` is about
  Event connected_once_;
};

}  // namespace reliant::app
