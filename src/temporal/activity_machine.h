// One activity of a run, as its workflow sees it. Cancelling is asked for and may come too late: an activity
// whose cancellation was requested can still complete or fail. The server writes ActivityTaskStarted only
// when the activity closes, so starting is no state of its own.
#pragma once

#include <cstdint>
#include <string>

#include "base/status.h"
#include "runtime/one_shot.h"
#include "temporal/transition.h"

namespace reliant::temporal {

enum class ActivityState : std::uint8_t {
  kCreated,        // scheduled in the current activation; no command was sent yet
  kSent,           // the command has left
  kScheduled,      // its event is in the history
  kCancelCreated,  // the code let it go in the current activation
  kCancelSent,
  kCancelRequested,  // the event of that is in the history
  kClosed,
  kDropped,  // destroyed before it was sent: there will be no event of it
};

enum class ActivityInput : std::uint8_t {
  kCancel,  // by the code
  kSent,    // the activation ended
  kScheduledEvent,
  kStartedEvent,
  kCancelRequestedEvent,
  kCloseEvent,  // completed, failed or timed out
  kCanceledEvent,
};

inline constexpr Transition<ActivityState, ActivityInput> kActivityTransitions[] = {
    {ActivityState::kCreated, ActivityInput::kSent, ActivityState::kSent},
    {ActivityState::kCreated, ActivityInput::kCancel, ActivityState::kDropped},
    {ActivityState::kSent, ActivityInput::kScheduledEvent, ActivityState::kScheduled},
    {ActivityState::kScheduled, ActivityInput::kStartedEvent, ActivityState::kScheduled},
    {ActivityState::kScheduled, ActivityInput::kCloseEvent, ActivityState::kClosed},
    {ActivityState::kScheduled, ActivityInput::kCancel, ActivityState::kCancelCreated},
    {ActivityState::kCancelCreated, ActivityInput::kSent, ActivityState::kCancelSent},
    {ActivityState::kCancelSent, ActivityInput::kCancelRequestedEvent, ActivityState::kCancelRequested},
    {ActivityState::kCancelRequested, ActivityInput::kStartedEvent, ActivityState::kCancelRequested},
    {ActivityState::kCancelRequested, ActivityInput::kCloseEvent, ActivityState::kClosed},
    {ActivityState::kCancelRequested, ActivityInput::kCanceledEvent, ActivityState::kClosed},
};

struct ActivityMachine {
  std::string id;
  std::string type;
  std::int64_t scheduled_event_id = 0;
  ActivityState state = ActivityState::kCreated;
  OneShot<Result<std::string>> outcome;  // given to the code at its place in the activation

  // False: not possible in this state, and nothing has changed.
  bool take(ActivityInput input) {
    const auto to = next_state(kActivityTransitions, state, input);
    if (to) state = *to;
    return to.has_value();
  }
};

}  // namespace reliant::temporal
