// The state of a node, as users see it (README.md of format/):
//
//   state      input      next         meaning
//   PENDING    begin      RUNNING      the edges that lead to it are decided
//   PENDING    skip       SKIPPED      its condition is false, or no edge leads to it
//   PENDING    cancel     CANCELLED    the run ended before it began
//   RUNNING    wait       WAITING      for a person, or for a daemon
//   WAITING    resume     RUNNING
//   RUNNING    retry      RUNNING      an attempt failed, and after a pause the next one begins
//   RUNNING    complete   COMPLETED
//   RUNNING    fail       FAILED       after its last attempt
//   RUNNING    cancel     CANCELLED
//   WAITING    fail       FAILED       its timeout came
//   WAITING    cancel     CANCELLED
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace reliant::workflow {

enum class NodeState : std::uint8_t { kPending, kRunning, kWaiting, kCompleted, kFailed, kCancelled, kSkipped };
enum class NodeInput : std::uint8_t { kBegin, kSkip, kWait, kResume, kRetry, kComplete, kFail, kCancel };

struct NodeTransition {
  NodeState from;
  NodeInput input;
  NodeState to;
};

inline constexpr NodeTransition kNodeTransitions[] = {
    {NodeState::kPending, NodeInput::kBegin, NodeState::kRunning},
    {NodeState::kPending, NodeInput::kSkip, NodeState::kSkipped},
    {NodeState::kPending, NodeInput::kCancel, NodeState::kCancelled},
    {NodeState::kRunning, NodeInput::kWait, NodeState::kWaiting},
    {NodeState::kWaiting, NodeInput::kResume, NodeState::kRunning},
    {NodeState::kRunning, NodeInput::kRetry, NodeState::kRunning},
    {NodeState::kRunning, NodeInput::kComplete, NodeState::kCompleted},
    {NodeState::kRunning, NodeInput::kFail, NodeState::kFailed},
    {NodeState::kRunning, NodeInput::kCancel, NodeState::kCancelled},
    {NodeState::kWaiting, NodeInput::kFail, NodeState::kFailed},
    {NodeState::kWaiting, NodeInput::kCancel, NodeState::kCancelled},
};

// Nullopt: this input cannot come in this state.
constexpr std::optional<NodeState> next_state(NodeState from, NodeInput input) {
  for (const NodeTransition& row : kNodeTransitions) {
    if (row.from == from && row.input == input) return row.to;
  }
  return std::nullopt;
}

constexpr bool is_end(NodeState state) {
  return state == NodeState::kCompleted || state == NodeState::kFailed || state == NodeState::kCancelled ||
         state == NodeState::kSkipped;
}

std::string_view to_string(NodeState state);  // "COMPLETED"

}  // namespace reliant::workflow
