// A run from its first event to its last, as the worker that replays it sees it.
#pragma once

#include <cstdint>

#include "temporal/transition.h"

namespace reliant::temporal {

enum class RunState : std::uint8_t {
  kNew,      // no event applied yet
  kStarted,  // the first event is applied, the code has not run
  kRunning,
  kEnding,  // the code has ended, and the command that says so is on its way
  kClosed,  // by its own end, or by others (terminated, timed out)
  kBroken,  // history and code do not fit, or the code failed: nothing but its destruction may follow
};

enum class RunInput : std::uint8_t { kStartedEvent, kCodeStarted, kCodeEnded, kCloseEvent, kFault };

inline constexpr Transition<RunState, RunInput> kRunTransitions[] = {
    {RunState::kNew, RunInput::kStartedEvent, RunState::kStarted},
    {RunState::kNew, RunInput::kFault, RunState::kBroken},
    {RunState::kStarted, RunInput::kCodeStarted, RunState::kRunning},
    {RunState::kStarted, RunInput::kCloseEvent, RunState::kClosed},
    {RunState::kStarted, RunInput::kFault, RunState::kBroken},
    {RunState::kRunning, RunInput::kCodeEnded, RunState::kEnding},
    {RunState::kRunning, RunInput::kCloseEvent, RunState::kClosed},
    {RunState::kRunning, RunInput::kFault, RunState::kBroken},
    {RunState::kEnding, RunInput::kCloseEvent, RunState::kClosed},
    {RunState::kEnding, RunInput::kFault, RunState::kBroken},
    {RunState::kClosed, RunInput::kFault, RunState::kBroken},
    {RunState::kBroken, RunInput::kFault, RunState::kBroken},
};

}  // namespace reliant::temporal
