// ChatWorkflow: the agent loop of one chat (R19, R20), deterministic. A turn answers the user messages that
// came before it: the model is called, its tool calls are run side by side, and so on until it answers
// without any; then the turn is finished and the next one begins, if there is anything to answer. Without,
// the workflow completes, and the next message starts it again under the same id.
//
// Everything that happens is an activity (chat_activities.h), so the loop survives crashes of anything (R1,
// R5). Messages that come during a turn wait for the next one. A cancellation stops what was asked before it:
// the running turn and the messages that wait; the activities that run are asked to stop, and their ends
// awaited, so that what they did is in the chat. Failures: a turn that cannot go on is finished as failed,
// with the error, and the chat goes on with its next message. `run` itself fails only for an input that
// cannot be read.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "runtime/event.h"
#include "temporal/workflow.h"
#include "workflow/chat_activities.h"

namespace reliant::workflow {

struct ChatLimits {
  std::int64_t max_steps = 50;      // model answers a turn
  std::int64_t turns_per_run = 50;  // then the workflow continues as new, with a short history
};

class ChatWorkflow final : public temporal::Workflow {
 public:
  explicit ChatWorkflow(ChatLimits limits = {}) : limits_(limits) {}

  Task<Result<std::string>> run(temporal::WorkflowContext& context, std::string input) override;
  Result<std::string> query(std::string_view name, std::string_view arguments) override;

 private:
  struct Turn {
    MessageId id;
    std::uint64_t through_sequence = 0;
  };
  struct Ending {
    model::ChatStatus status = model::ChatStatus::kIdle;
    std::optional<TurnError> error;
    bool turn_is_over = false;
  };

  Task<Result<std::string>> loop(temporal::WorkflowContext& context);
  Task<void> listen(temporal::WorkflowContext& context);
  Task<void> heed_cancellation(temporal::WorkflowContext& context);
  // Takes what is in the inbox.
  void absorb(temporal::WorkflowContext& context);
  void on_signal(const temporal::Signal& signal);
  void on_message(const MessageSignal& message);
  void on_cancel();

  Task<void> run_turn(temporal::WorkflowContext& context);
  Task<Ending> take_steps(temporal::WorkflowContext& context);
  // Nullopt: the turn goes on.
  Task<std::optional<Ending>> run_tools(temporal::WorkflowContext& context, std::vector<PlannedToolCall> calls);
  Task<void> finish(temporal::WorkflowContext& context, Turn turn, Ending ending);
  Ending failed_or_cancelled(const Status& status) const;

  ChatLimits limits_;
  ChatInput state_;              // what the next run is given
  std::optional<Turn> turn_;     // running
  std::optional<Turn> dropped_;  // cancelled before it began
  std::int64_t step_ = 0;
  std::int64_t turns_ = 0;
  Event cancel_;
};

}  // namespace reliant::workflow
