// The workflow task of a run, as its history tells it: when the code runs. Once for each task that was
// completed, with all that was known when the task started; a task that failed or timed out did not happen.
// While replaying, whether a task counts is seen at its end: the code runs when WorkflowTaskCompleted comes,
// before that event has an effect. The last task of a live run has no end yet: the code runs when the worker
// says so (kActivate).
#pragma once

#include <cstdint>

#include "temporal/transition.h"

namespace reliant::temporal {

enum class WorkflowTaskState : std::uint8_t {
  kIdle,
  kScheduled,
  kStarted,
  kActivated,  // the code has run, the answer is on its way, its event is not in the history yet
};

enum class WorkflowTaskInput : std::uint8_t { kScheduledEvent, kStartedEvent, kActivate, kCompletedEvent, kFailedEvent };

// An activated task that failed or timed out is not here: what the code did then never happened, and the run
// has to be built again from its history.
inline constexpr Transition<WorkflowTaskState, WorkflowTaskInput> kWorkflowTaskTransitions[] = {
    {WorkflowTaskState::kIdle, WorkflowTaskInput::kScheduledEvent, WorkflowTaskState::kScheduled},
    {WorkflowTaskState::kScheduled, WorkflowTaskInput::kStartedEvent, WorkflowTaskState::kStarted},
    {WorkflowTaskState::kScheduled, WorkflowTaskInput::kFailedEvent, WorkflowTaskState::kIdle},
    {WorkflowTaskState::kStarted, WorkflowTaskInput::kFailedEvent, WorkflowTaskState::kIdle},
    {WorkflowTaskState::kStarted, WorkflowTaskInput::kActivate, WorkflowTaskState::kActivated},
    {WorkflowTaskState::kActivated, WorkflowTaskInput::kCompletedEvent, WorkflowTaskState::kIdle},
};

}  // namespace reliant::temporal
