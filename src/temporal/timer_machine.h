// One timer of a run. A timer that is cancelled does not fire: the server takes back a firing that it had not
// yet told.
#pragma once

#include <cstdint>
#include <string>

#include "runtime/event.h"
#include "temporal/transition.h"

namespace reliant::temporal {

enum class TimerState : std::uint8_t {
  kCreated,        // started in the current activation; no command was sent yet
  kSent,           // the command has left
  kStarted,        // its event is in the history
  kCancelCreated,  // the code let it go in the current activation
  kCancelSent,
  kClosed,   // fired or cancelled
  kDropped,  // destroyed before it was sent: there will be no event of it
};

enum class TimerInput : std::uint8_t { kCancel, kSent, kStartedEvent, kFiredEvent, kCanceledEvent };

inline constexpr Transition<TimerState, TimerInput> kTimerTransitions[] = {
    {TimerState::kCreated, TimerInput::kSent, TimerState::kSent},
    {TimerState::kCreated, TimerInput::kCancel, TimerState::kDropped},
    {TimerState::kSent, TimerInput::kStartedEvent, TimerState::kStarted},
    {TimerState::kStarted, TimerInput::kFiredEvent, TimerState::kClosed},
    {TimerState::kStarted, TimerInput::kCancel, TimerState::kCancelCreated},
    {TimerState::kCancelCreated, TimerInput::kSent, TimerState::kCancelSent},
    {TimerState::kCancelSent, TimerInput::kCanceledEvent, TimerState::kClosed},
};

struct TimerMachine {
  std::string id;
  TimerState state = TimerState::kCreated;
  Event fired;  // for the code, at its place in the activation

  bool take(TimerInput input) {
    const auto to = next_state(kTimerTransitions, state, input);
    if (to) state = *to;
    return to.has_value();
  }
};

}  // namespace reliant::temporal
