// Histories of chats as a Temporal server may send them: each frame of the input is an event. Checks of a run: any history is
// replayed or refused, for a reason that the worker knows; the same events give the same commands, in any portions.
#include <temporal/api/history/v1/message.pb.h>

#include <memory>
#include <string>
#include <vector>

#include "frames.h"
#include "fuzz_input.h"
#include "temporal/command_queue.h"
#include "temporal/workflow_run.h"
#include "workflow/chat_workflow.h"

namespace reliant::temporal {
namespace {

using Event = ::temporal::api::history::v1::HistoryEvent;

constexpr std::size_t kMostEvents = 200;

// The outcome of a history: its commands, or the reason of its refusal.
struct Replayed {
  std::string commands;
  Status status;
};

void check_refusal(const Status& status) {
  const std::string reason = reason_of(status);
  RELIANT_ASSERT(reason == kReasonBadHistory || reason == kReasonNondeterminism || reason == kReasonStale ||
                     reason == kReasonWorkflowFault,
                 "a run is refused for a reason that the worker knows");
  RELIANT_ASSERT(!message_of(status).empty(), "an error says what is wrong");
}

// `portion`: the number of events that are sent again before each next one, as with overlapping pages.
Replayed replay(const std::vector<Event>& events, std::size_t portion) {
  WorkflowRun run("chat-c", "run_1", std::make_unique<workflow::ChatWorkflow>(workflow::ChatLimits{3, 3}));
  for (std::size_t i = 0; i < events.size(); ++i) {
    for (std::size_t j = i - std::min(i, portion); j <= i; ++j) {
      const Status status = run.apply(events[j]);
      if (status.ok()) continue;
      check_refusal(status);
      RELIANT_ASSERT(run.broken() && !run.apply(events[j]).ok() && !run.activate().ok(), "a broken run stays broken");
      return {"", status};
    }
    RELIANT_ASSERT(run.last_event_id() == static_cast<std::int64_t>(i) + 1, "every event counts");
  }
  (void)run.query(workflow::kStateQuery, "");
  if (!run.task_started()) return {};
  const auto commands = run.activate();
  if (!commands.ok()) {
    check_refusal(commands.status());
    return {"", commands.status()};
  }
  Replayed out;
  for (const Command& command : *commands) out.commands += command.SerializeAsString() + "\n";
  return out;
}

void check_history(const std::vector<std::string>& frames) {
  std::vector<Event> events;
  for (const std::string& frame : frames) {
    Event event;
    if (events.size() == kMostEvents || !event.ParseFromString(frame)) break;
    event.set_event_id(static_cast<std::int64_t>(events.size()) + 1);
    events.push_back(std::move(event));
  }
  const Replayed once = replay(events, 0);
  for (const std::size_t portion : {std::size_t{0}, std::size_t{3}}) {
    const Replayed again = replay(events, portion);
    RELIANT_ASSERT(again.commands == once.commands, "the same history gives the same commands");
    RELIANT_ASSERT(again.status == once.status, "it is refused for the same reason");
  }
}

}  // namespace
}  // namespace reliant::temporal

extern "C" std::size_t LLVMFuzzerCustomMutator(std::uint8_t* data, std::size_t size, std::size_t max_size, unsigned seed) {
  return reliant::fuzz::mutate_frames(data, size, max_size, seed, temporal::api::history::v1::HistoryEvent::default_instance());
}

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  reliant::temporal::check_history(reliant::fuzz::frames_of(reliant::fuzz::text_of(data, size)));
  return 0;
}
