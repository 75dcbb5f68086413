// CommandQueue: what the code of a run asked for and no event has confirmed yet, in order. The next events of
// the history must be those of these commands, one for one: that is what makes a replay a replay.
#pragma once

#include <temporal/api/command/v1/message.pb.h>
#include <temporal/api/history/v1/message.pb.h>

#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"

namespace reliant::temporal {

using HistoryEvent = ::temporal::api::history::v1::HistoryEvent;
using Command = ::temporal::api::command::v1::Command;

// The status's reason when code and history do not fit.
inline constexpr std::string_view kReasonNondeterminism = "NON_DETERMINISTIC";

// What a command and its event have in common. `id` is the activity's, the timer's or the patch's; `type` the activity's.
struct CommandKey {
  ::temporal::api::enums::v1::CommandType kind = ::temporal::api::enums::v1::COMMAND_TYPE_UNSPECIFIED;
  std::string id;
  std::string type;

  friend bool operator==(const CommandKey&, const CommandKey&) = default;
};

// "ScheduleActivityTask 3 of type call_model"
std::string describe(const CommandKey& key);

// The marker that other SDKs of Temporal, too, write for a patch: the name of it, and the key of its details.
inline constexpr std::string_view kPatchMarker = "core_patch";
inline constexpr std::string_view kPatchDetail = "patch-data";

// The patch that a MarkerRecorded event is about; nullopt: it is another event, or a marker of other code.
std::optional<std::string> patch_of(const HistoryEvent& event);
Command patch_command(std::string_view id);

// Of an event that a command caused; the id of a requested cancellation is the scheduled event's number, as a
// key has no way to know more. Nullopt: any other event. An event of a command that this worker never sends
// has kind UNSPECIFIED and the event's name as its type.
std::optional<CommandKey> key_of(const HistoryEvent& event);
bool is_close_event(const HistoryEvent& event);
std::string name_of(const HistoryEvent& event);

class CommandQueue {
 public:
  void push(CommandKey key, Command command) { entries_.push_back(Entry{std::move(key), std::move(command)}); }
  // Takes out one that has not been sent.
  void drop(const CommandKey& key);
  bool empty() const { return entries_.empty(); }

  // In the order asked for.
  std::vector<Command> commands() const;

  // The event of the oldest command: takes it. FAILED_PRECONDITION with kReasonNondeterminism otherwise.
  Status match(const CommandKey& key, const HistoryEvent& event);
  // An event that no command causes: nothing may be outstanding.
  Status expect_empty(const HistoryEvent& event) const;

 private:
  struct Entry {
    CommandKey key;
    Command command;
  };
  std::deque<Entry> entries_;
};

}  // namespace reliant::temporal
