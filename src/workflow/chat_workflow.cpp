#include "workflow/chat_workflow.h"

#include <algorithm>
#include <functional>
#include <iterator>
#include <utility>

#include "runtime/all.h"
#include "runtime/scope.h"
#include "runtime/this_context.h"

namespace reliant::workflow {
namespace {

using std::chrono::minutes;
using std::chrono::seconds;
using temporal::ActivityOptions;
using temporal::WorkflowContext;

// What a tool call may take beside the run itself: routing, a daemon that reconnects.
constexpr Duration kRoutingSlack = seconds(60);
constexpr Duration kDaemonAway = minutes(15);
constexpr std::int64_t kLongestToolMs = 24LL * 60 * 60 * 1000;

ActivityOptions call_model_options(Event& cancel) {
  ActivityOptions options;
  options.start_to_close = minutes(5);
  options.schedule_to_close = minutes(30);
  options.heartbeat = seconds(30);
  options.retry.initial = seconds(1);
  options.retry.maximum = seconds(30);
  options.cancel_when = &cancel;
  return options;
}

ActivityOptions run_tool_options(const PlannedToolCall& planned, Event& cancel) {
  const Duration timeout = std::chrono::milliseconds(std::clamp<std::int64_t>(planned.timeout_ms, 0, kLongestToolMs));
  ActivityOptions options;
  options.start_to_close = timeout + kRoutingSlack;
  options.schedule_to_close = 2 * timeout + kDaemonAway;
  options.heartbeat = seconds(10);
  options.retry.initial = std::chrono::milliseconds(500);
  options.retry.maximum = seconds(10);
  options.cancel_when = &cancel;
  return options;
}

// Repeated until it succeeds, or is refused for good.
ActivityOptions finish_turn_options() {
  ActivityOptions options;
  options.start_to_close = seconds(30);
  options.retry.initial = seconds(1);
  options.retry.maximum = seconds(60);
  return options;
}

}  // namespace

Task<Result<std::string>> ChatWorkflow::run(WorkflowContext& context, std::string input) {
  CO_TRY_ASSIGN(state_, from_json_text<ChatInput>(input));
  TaskScope listeners(co_await ThisContext{});
  listeners.spawn(listen(context));
  listeners.spawn(heed_cancellation(context));
  co_return co_await loop(context);
}

Task<Result<std::string>> ChatWorkflow::loop(WorkflowContext& context) {
  for (;;) {
    absorb(context);
    if (context.cancel_requested().is_set()) on_cancel();
    if (dropped_) {
      Turn turn = *std::exchange(dropped_, std::nullopt);
      Ending ending;
      ending.status = model::ChatStatus::kCancelled;
      co_await finish(context, std::move(turn), std::move(ending));
      continue;
    }
    if (context.cancel_requested().is_set()) co_return cancelled("the chat's workflow was cancelled");
    if (state_.pending.empty()) co_return "{}";
    const bool history_is_long = turns_ > 0 && context.continue_as_new_suggested();
    if (turns_ >= limits_.turns_per_run || history_is_long) co_return context.continue_as_new(to_json_text(state_));
    co_await run_turn(context);
  }
}

Task<void> ChatWorkflow::listen(WorkflowContext& context) {
  for (;;) {
    const temporal::Signal signal = co_await context.next_signal();
    on_signal(signal);
  }
}

Task<void> ChatWorkflow::heed_cancellation(WorkflowContext& context) {
  co_await context.cancel_requested().wait();
  on_cancel();
}

void ChatWorkflow::absorb(WorkflowContext& context) {
  while (const auto signal = context.try_next_signal()) on_signal(*signal);
}

// A signal that cannot be read, or has another name, is from a newer or a foreign sender; it cannot be
// answered.
void ChatWorkflow::on_signal(const temporal::Signal& signal) {
  if (signal.name == kCancelSignal) on_cancel();
  if (signal.name != kMessageSignal) return;
  const auto message = from_json_text<MessageSignal>(signal.input);
  if (message.ok()) on_message(*message);
}

// Messages are stored before they are signalled, so a turn that reaches a sequence has seen all before it,
// also those whose signals come late.
void ChatWorkflow::on_message(const MessageSignal& message) {
  if (message.sequence <= state_.last_sequence) return;
  state_.last_sequence = message.sequence;
  state_.pending.push_back(message);
}

void ChatWorkflow::on_cancel() {
  if (turn_) cancel_.set();
  if (state_.pending.empty()) return;
  std::optional<Turn>& stopped = turn_ ? turn_ : dropped_;
  if (!stopped) stopped = Turn{state_.pending.front().message, 0};
  stopped->through_sequence = state_.pending.back().sequence;
  state_.pending.clear();
}

Task<void> ChatWorkflow::run_turn(WorkflowContext& context) {
  const auto first = state_.pending.begin();
  const auto next = first->again ? first + 1 : std::find_if(first, state_.pending.end(), std::mem_fn(&MessageSignal::again));
  turn_ = Turn{first->message, std::prev(next)->sequence};
  state_.pending.erase(first, next);
  cancel_.reset();
  const std::uint64_t through = turn_->through_sequence;
  Ending ending = co_await take_steps(context);
  Turn turn = *std::exchange(turn_, std::nullopt);
  // Its last answer ended it, but a cancellation has added messages since, which nothing else answers.
  if (ending.turn_is_over && turn.through_sequence > through) {
    ending = {};
    ending.status = model::ChatStatus::kCancelled;
  }
  step_ = 0;
  ++turns_;
  if (!ending.turn_is_over) co_await finish(context, std::move(turn), std::move(ending));
}

Task<ChatWorkflow::Ending> ChatWorkflow::take_steps(WorkflowContext& context) {
  // A cancellation may add messages to the turn that it stops; the model is asked about those it began with.
  const std::uint64_t through = turn_->through_sequence;
  for (step_ = 1; step_ <= limits_.max_steps; ++step_) {
    CallModelInput input;
    input.user = state_.user;
    input.chat = state_.chat;
    input.turn = turn_->id;
    input.step = step_;
    input.through_sequence = through;
    auto answer = co_await context.execute_activity(std::string(kCallModel), to_json_text(input), call_model_options(cancel_));
    if (!answer.ok()) co_return failed_or_cancelled(answer.status());
    auto output = from_json_text<CallModelOutput>(*answer);
    if (!output.ok()) co_return failed_or_cancelled(output.status());
    Ending done;
    done.turn_is_over = output->finished;
    if (output->finished) co_return done;
    if (output->tool_calls.empty()) co_return done;
    auto ended = co_await run_tools(context, std::move(output->tool_calls));
    if (ended) co_return *std::move(ended);
  }
  co_return failed_or_cancelled(
      resource_exhausted("the turn took ", limits_.max_steps, " steps without an answer; send a message to go on"));
}

Task<std::optional<ChatWorkflow::Ending>> ChatWorkflow::run_tools(WorkflowContext& context,
                                                                  std::vector<PlannedToolCall> calls) {
  if (cancel_.is_set()) co_return failed_or_cancelled(cancelled("cancelled before its tools were run"));
  std::vector<Task<Result<std::string>>> tasks;
  for (std::size_t index = 0; index < calls.size(); ++index) {
    RunToolInput input;
    input.user = state_.user;
    input.chat = state_.chat;
    input.turn = turn_->id;
    input.step = step_;
    input.index = static_cast<std::int64_t>(index);
    input.planned = calls[index];
    tasks.push_back(
        context.execute_activity(std::string(kRunTool), to_json_text(input), run_tool_options(calls[index], cancel_)));
  }
  const std::vector<Result<std::string>> results = co_await all(std::move(tasks));
  if (cancel_.is_set()) co_return failed_or_cancelled(cancelled("cancelled while its tools were running"));
  for (std::size_t index = 0; index < results.size(); ++index) {
    if (results[index].ok()) continue;
    const Status& status = results[index].status();
    co_return failed_or_cancelled(make_status(status.code(), "tool ", calls[index].call.tool, ": ", message_of(status)));
  }
  co_return std::nullopt;
}

ChatWorkflow::Ending ChatWorkflow::failed_or_cancelled(const Status& status) const {
  Ending ending;
  if (cancel_.is_set()) {
    ending.status = model::ChatStatus::kCancelled;
    return ending;
  }
  ending.status = model::ChatStatus::kFailed;
  ending.error.emplace();
  ending.error->code = std::string(code_name(status.code()));
  ending.error->message = std::string(message_of(status));
  return ending;
}

Task<void> ChatWorkflow::finish(WorkflowContext& context, Turn turn, Ending ending) {
  FinishTurnInput input;
  input.user = state_.user;
  input.chat = state_.chat;
  input.turn = turn.id;
  input.status = ending.status;
  input.error = std::move(ending.error);
  input.through_sequence = turn.through_sequence;
  const auto written = co_await context.execute_activity(std::string(kFinishTurn), to_json_text(input), finish_turn_options());
  // A chat that no longer exists has no status to write.
  if (written.ok() || written.status().code() == StatusCode::kNotFound) co_return;
  // Any other refusal would leave the chat running for ever. Deterministic: a history without this activity is one whose
  // first finish_turn was accepted, or was refused by a version that completed then and there.
  input.minimal = true;
  input.error.emplace();
  input.error->code = std::string(code_name(StatusCode::kInternal));
  input.error->message = concat("The turn ended, and how it ended could not be written (", code_name(written.status().code()),
                                "). Send a message to go on.");
  if (input.status == model::ChatStatus::kIdle) input.status = model::ChatStatus::kFailed;
  (void)co_await context.execute_activity(std::string(kFinishTurn), to_json_text(input), finish_turn_options());
}

Result<std::string> ChatWorkflow::query(std::string_view name, std::string_view arguments) {
  if (name != kStateQuery) return Workflow::query(name, arguments);
  ChatState state;
  state.turns = turns_;
  state.step = step_;
  state.pending = static_cast<std::int64_t>(state_.pending.size());
  state.last_sequence = state_.last_sequence;
  return to_json_text(state);
}

}  // namespace reliant::workflow
