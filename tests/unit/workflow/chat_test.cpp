// The agent loop of a chat, over built histories: which activities it asks for, in which order, and how turns
// end.

#include "workflow/chat_workflow.h"

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "support/run_driver.h"
#include "workflow/chat_activities.h"

namespace reliant::workflow {
namespace {

using tests::MakeWorkflow;
using tests::RunDriver;
using Commands = std::vector<std::string>;

std::string chat_input() {
  ChatInput input;
  input.user = UserId("u");
  input.chat = ChatId("c");
  return to_json_text(input);
}

MakeWorkflow chat(ChatLimits limits = {}) {
  return [limits] { return std::make_unique<ChatWorkflow>(limits); };
}

std::string call_model(const std::string& turn, int step, int through) {
  CallModelInput input;
  input.user = UserId("u");
  input.chat = ChatId("c");
  input.turn = MessageId(turn);
  input.step = step;
  input.through_sequence = static_cast<std::uint64_t>(through);
  return concat("call_model ", to_json_text(input));
}

PlannedToolCall planned(const std::string& id, const std::string& tool) {
  PlannedToolCall call;
  call.call = model::ToolCall{ToolCallId(id), tool, "{}"};
  return call;
}

std::string run_tool(const std::string& turn, int step, int index, const PlannedToolCall& call) {
  RunToolInput input;
  input.user = UserId("u");
  input.chat = ChatId("c");
  input.turn = MessageId(turn);
  input.step = step;
  input.index = index;
  input.planned = call;
  return concat("run_tool ", to_json_text(input));
}

std::string finish_turn(const std::string& turn, model::ChatStatus status, int through,
                        std::optional<TurnError> error = std::nullopt) {
  FinishTurnInput input;
  input.user = UserId("u");
  input.chat = ChatId("c");
  input.turn = MessageId(turn);
  input.status = status;
  input.error = std::move(error);
  input.through_sequence = static_cast<std::uint64_t>(through);
  return concat("finish_turn ", to_json_text(input));
}

std::string activity(int id, const std::string& what) { return concat("activity ", id, " ", what); }

std::string answer(std::vector<PlannedToolCall> calls) {
  CallModelOutput output;
  output.message = MessageId("a");
  output.tool_calls = std::move(calls);
  return to_json_text(output);
}

class Chat : public testing::Test {
 protected:
  void message(const std::string& id, int sequence, bool again = false) {
    MessageSignal signal;
    signal.again = again;
    signal.message = MessageId(id);
    signal.sequence = static_cast<std::uint64_t>(sequence);
    driver().history().signalled(std::string(kMessageSignal), to_json_text(signal));
  }
  void cancel() { driver().history().signalled(std::string(kCancelSignal), "{}"); }
  void completed(const std::string& id, const std::string& result) { driver().history().activity_completed(id, result); }
  RunDriver& driver() {
    if (!driver_) driver_.emplace(chat(limits_), chat_input());
    return *driver_;
  }
  Commands task() { return driver().task(suggest_continue_as_new_); }
  ChatState state() { return from_json_text<ChatState>(*driver().run().query(kStateQuery, "")).value_or(ChatState{}); }
  void TearDown() override {
    for (std::size_t index = 0; index < driver().tasks().size(); ++index) {
      const auto again = driver().replay_to(index, chat(limits_));
      ASSERT_TRUE(again.ok()) << again.status();
      EXPECT_EQ(*again, driver().tasks()[index].commands) << "replay to task " << index;
    }
  }

  ChatLimits limits_;
  bool suggest_continue_as_new_ = false;

 private:
  std::optional<RunDriver> driver_;
};

const model::ChatStatus kIdle = model::ChatStatus::kIdle;
const model::ChatStatus kFailed = model::ChatStatus::kFailed;
const model::ChatStatus kCancelled = model::ChatStatus::kCancelled;
const std::string kToolOk = R"({"outcome":"executed","is_error":false})";

// The runs that had them were lost, and each may have begun a turn with its message: whatever these turns
// have written stays theirs.
TEST_F(Chat, MessagesSignalledAgainHaveTurnsOfTheirOwn) {
  message("m1", 1, true);
  message("m2", 2, true);
  message("m3", 3);
  message("m4", 4);
  EXPECT_EQ(task(), (Commands{activity(1, call_model("m1", 1, 1))}));
  completed("1", answer({}));
  EXPECT_EQ(task(), (Commands{activity(2, finish_turn("m1", kIdle, 1))}));
  completed("2", "{}");
  EXPECT_EQ(task(), (Commands{activity(3, call_model("m2", 1, 2))}));
  completed("3", answer({}));
  EXPECT_EQ(task(), (Commands{activity(4, finish_turn("m2", kIdle, 2))}));
  completed("4", "{}");
  EXPECT_EQ(task(), (Commands{activity(5, call_model("m3", 1, 4))}));
}

TEST_F(Chat, AnswersAMessageWithoutToolsAndCompletes) {
  message("m1", 1);
  EXPECT_EQ(task(), (Commands{activity(1, call_model("m1", 1, 1))}));
  completed("1", answer({}));
  EXPECT_EQ(task(), (Commands{activity(2, finish_turn("m1", kIdle, 1))}));
  completed("2", "{}");
  EXPECT_EQ(task(), (Commands{"complete {}"}));
}

TEST_F(Chat, RunsTheToolCallsOfAnAnswerSideBySideAndAsksTheModelAgain) {
  const auto a = planned("t1", "bash");
  const auto b = planned("t2", "view");
  message("m1", 1);
  task();
  completed("1", answer({a, b}));
  EXPECT_EQ(task(), (Commands{activity(2, run_tool("m1", 1, 0, a)), activity(3, run_tool("m1", 1, 1, b))}));
  completed("3", kToolOk);
  EXPECT_EQ(task(), (Commands{}));
  EXPECT_EQ(state().step, 1);
  completed("2", kToolOk);
  EXPECT_EQ(task(), (Commands{activity(4, call_model("m1", 2, 1))}));
  completed("4", answer({}));
  EXPECT_EQ(task(), (Commands{activity(5, finish_turn("m1", kIdle, 1))}));
}

TEST_F(Chat, AnswersMessagesThatCameTogetherInOneTurnAndLaterOnesInTheNext) {
  message("m1", 1);
  message("m2", 2);
  EXPECT_EQ(task(), (Commands{activity(1, call_model("m1", 1, 2))}));
  message("m3", 3);
  EXPECT_EQ(task(), (Commands{}));
  EXPECT_EQ(state().pending, 1);
  completed("1", answer({}));
  EXPECT_EQ(task(), (Commands{activity(2, finish_turn("m1", kIdle, 2))}));
  completed("2", "{}");
  EXPECT_EQ(task(), (Commands{activity(3, call_model("m3", 1, 3))}));
}

TEST_F(Chat, IgnoresARepeatedSignal) {
  message("m1", 1);
  message("m1", 1);
  task();
  message("m1", 1);
  driver().history().signalled("message", "nonsense");
  driver().history().signalled("unheard of", "");
  completed("1", answer({}));
  task();
  completed("2", "{}");
  EXPECT_EQ(task(), (Commands{"complete {}"}));
}

TEST_F(Chat, FinishesATurnAsFailedWhenTheModelCannotAnswer) {
  message("m1", 1);
  task();
  driver().history().activity_failed("1", unauthenticated("the model's key is not valid"));
  EXPECT_EQ(
      task(),
      (Commands{activity(2, finish_turn("m1", kFailed, 1, TurnError{"UNAUTHENTICATED", "the model's key is not valid"}))}));
  completed("2", "{}");
  EXPECT_EQ(task(), (Commands{"complete {}"}));
}

TEST_F(Chat, WritesAMinimalEndWhenTheEndIsRefused) {
  message("m1", 1);
  task();
  completed("1", answer({}));
  task();
  driver().history().activity_failed("2", invalid_argument("no JSON"));
  FinishTurnInput minimal;
  minimal.user = UserId("u");
  minimal.chat = ChatId("c");
  minimal.turn = MessageId("m1");
  minimal.status = kFailed;
  minimal.error = TurnError{"INTERNAL",
                            "The turn ended, and how it ended could not be written (INVALID_ARGUMENT). "
                            "Send a message to go on."};
  minimal.through_sequence = 1;
  minimal.minimal = true;
  EXPECT_EQ(task(), (Commands{activity(3, concat("finish_turn ", to_json_text(minimal)))}));
  driver().history().activity_failed("3", data_loss("still not"));
  EXPECT_EQ(task(), (Commands{"complete {}"}));
}

TEST_F(Chat, EndsQuietlyWhenItsChatIsGone) {
  message("m1", 1);
  task();
  completed("1", answer({}));
  task();
  driver().history().activity_failed("2", not_found("no such chat"));
  EXPECT_EQ(task(), (Commands{"complete {}"}));
}

TEST_F(Chat, FinishesATurnAsFailedWhenAToolCannotBeRun) {
  const auto a = planned("t1", "bash");
  message("m1", 1);
  task();
  completed("1", answer({a, a}));
  task();
  driver().history().activity_timed_out("2");
  EXPECT_EQ(task(), (Commands{}));  // the other one is still awaited
  completed("3", kToolOk);
  EXPECT_EQ(task(),
            (Commands{activity(4, finish_turn("m1", kFailed, 1,
                                              TurnError{"DEADLINE_EXCEEDED", "tool bash: activity StartToClose timeout"}))}));
}

TEST_F(Chat, CancelsTheRunningToolsAndAwaitsTheirEnds) {
  const auto a = planned("t1", "bash");
  message("m1", 1);
  task();
  completed("1", answer({a, a}));
  task();
  const auto open = driver().history().open_activities();
  ASSERT_EQ(open.size(), 2u);
  cancel();
  const Commands commands = task();
  ASSERT_EQ(commands.size(), 2u);
  EXPECT_TRUE(commands[0].starts_with("cancel activity")) << commands[0];
  driver().history().activity_cancelled("3");
  EXPECT_EQ(task(), (Commands{}));
  completed("2", kToolOk);
  EXPECT_EQ(task(), (Commands{activity(4, finish_turn("m1", kCancelled, 1))}));
  completed("4", "{}");
  EXPECT_EQ(task(), (Commands{"complete {}"}));
}

TEST_F(Chat, CancelsEarlierMessagesOnly) {
  message("m1", 1);
  task();
  message("m2", 2);
  cancel();
  message("m3", 3);
  ASSERT_EQ(task().size(), 1u);
  driver().history().activity_cancelled("1");
  EXPECT_EQ(task(), (Commands{activity(2, finish_turn("m1", kCancelled, 2))}));
  completed("2", "{}");
  EXPECT_EQ(task(), (Commands{activity(3, call_model("m3", 1, 3))}));
}

TEST_F(Chat, FinishesAMessageThatWasCancelledBeforeItsTurnBegan) {
  message("m1", 1);
  message("m2", 2);
  cancel();
  EXPECT_EQ(task(), (Commands{activity(1, finish_turn("m1", kCancelled, 2))}));
  completed("1", "{}");
  EXPECT_EQ(task(), (Commands{"complete {}"}));
}

TEST_F(Chat, IgnoresACancellationWhenNothingRuns) {
  message("m1", 1);
  task();
  completed("1", answer({}));
  task();
  cancel();
  completed("2", "{}");
  EXPECT_EQ(task(), (Commands{"complete {}"}));
}

TEST_F(Chat, EndsATurnThatTakesTooManySteps) {
  limits_.max_steps = 2;
  const auto a = planned("t", "bash");
  message("m1", 1);
  task();
  completed("1", answer({a}));
  task();
  completed("2", kToolOk);
  EXPECT_EQ(task(), (Commands{activity(3, call_model("m1", 2, 1))}));
  completed("3", answer({a}));
  task();
  completed("4", kToolOk);
  EXPECT_EQ(task(), (Commands{activity(5, finish_turn("m1", kFailed, 1,
                                                      TurnError{"RESOURCE_EXHAUSTED",
                                                                "the turn took 2 steps without an answer; send a "
                                                                "message to go on"}))}));
}

TEST_F(Chat, ContinuesAsNewWithPendingMessages) {
  limits_.turns_per_run = 1;
  message("m1", 1);
  task();
  message("m2", 2);
  completed("1", answer({}));
  task();
  completed("2", "{}");
  ChatInput next;
  next.user = UserId("u");
  next.chat = ChatId("c");
  next.last_sequence = 2;
  next.pending.push_back(MessageSignal{MessageId("m2"), 2});
  EXPECT_EQ(task(), (Commands{concat("continue as new ", to_json_text(next))}));
}

TEST_F(Chat, ContinuesAsNewWhenItsHistoryIsLong) {
  message("m1", 1);
  task();
  message("m2", 2);
  completed("1", answer({}));
  task();
  completed("2", "{}");
  suggest_continue_as_new_ = true;
  ASSERT_EQ(task().at(0).substr(0, 15), "continue as new");
}

TEST_F(Chat, ResumesFromTheInputOfAnEarlierRun) {
  ChatInput input;
  input.user = UserId("u");
  input.chat = ChatId("c");
  input.last_sequence = 4;
  input.pending.push_back(MessageSignal{MessageId("m4"), 4});
  RunDriver again(chat(), to_json_text(input));
  MessageSignal seen;
  seen.message = MessageId("m3");
  seen.sequence = 3;
  again.history().signalled(std::string(kMessageSignal), to_json_text(seen));
  EXPECT_EQ(again.task(), (Commands{activity(1, call_model("m4", 1, 4))}));
}

// How a chat is cancelled whose run the engine has lost.
TEST_F(Chat, CancelsTheMessagesThatItsInputBrings) {
  ChatInput input;
  input.user = UserId("u");
  input.chat = ChatId("c");
  input.last_sequence = 5;
  input.pending = {MessageSignal{MessageId("m4"), 4}, MessageSignal{MessageId("m5"), 5}};
  RunDriver again(chat(), to_json_text(input));
  again.history().signalled(std::string(kCancelSignal), "{}");
  EXPECT_EQ(again.task(), (Commands{activity(1, finish_turn("m4", kCancelled, 5))}));
  again.history().activity_completed("1", "{}");
  EXPECT_EQ(again.task(), (Commands{"complete {}"}));
}

TEST_F(Chat, FinishesItsTurnAndEndsWhenItsWorkflowIsCancelled) {
  message("m1", 1);
  task();
  driver().history().cancel_requested();
  ASSERT_EQ(task().size(), 1u);
  driver().history().activity_cancelled("1");
  EXPECT_EQ(task(), (Commands{activity(2, finish_turn("m1", kCancelled, 1))}));
  completed("2", "{}");
  EXPECT_EQ(task(), (Commands{"cancel workflow"}));
}

TEST_F(Chat, SkipsATurnThatAnEarlierRunHasFinished) {
  message("m1", 1);
  task();
  CallModelOutput output;
  output.finished = true;
  completed("1", to_json_text(output));
  EXPECT_EQ(task(), (Commands{"complete {}"}));
}

TEST_F(Chat, CancelsTheMessagesThatCameWhileTheLastAnswerEndedTheTurn) {
  message("m1", 1);
  task();
  message("m2", 2);
  cancel();
  task();
  CallModelOutput output;
  output.finished = true;
  completed("1", to_json_text(output));
  EXPECT_EQ(task(), (Commands{activity(2, finish_turn("m1", kCancelled, 2))}));
  completed("2", "{}");
  EXPECT_EQ(task(), (Commands{"complete {}"}));
}

TEST(ChatInput, UnreadableInputFailsTheWorkflow) {
  RunDriver driver(chat(), "{\"user\":\"u\"}");
  EXPECT_EQ(driver.task(), (Commands{"fail INVALID_ARGUMENT field \"chat\" is missing; send a string"}));
}

// --- JSON -------------------------------------------------------------------------------------------------

template <class T>
void expect_round_trip(const T& value) {
  const auto back = from_json_text<T>(to_json_text(value));
  ASSERT_TRUE(back.ok()) << back.status();
  EXPECT_EQ(*back, value) << to_json_text(value);
}

TEST(ChatActivities, RoundTripThroughJson) {
  expect_round_trip(MessageSignal{MessageId("m"), 7});
  expect_round_trip(MessageSignal{MessageId("m"), 7, true});
  expect_round_trip(ChatInput{UserId("u"), ChatId("c"), 9, {MessageSignal{MessageId("m"), 9}}});
  expect_round_trip(CallModelInput{UserId("u"), ChatId("c"), MessageId("m"), 3, 12});
  CallModelOutput output{MessageId("a"), {planned("t1", "bash"), planned("t2", "\"quoted\"")}, true};
  expect_round_trip(output);
  expect_round_trip(RunToolInput{UserId("u"), ChatId("c"), MessageId("m"), 2, 1, planned("t", "x")});
  expect_round_trip(RunToolOutput{model::Outcome::kUnknown, true});
  expect_round_trip(FinishTurnInput{UserId("u"), ChatId("c"), MessageId("m"), kFailed, TurnError{"INTERNAL", "no \n way"}, 3});
  expect_round_trip(ChatState{1, 2, 3, 4});
}

TEST(ChatActivities, NameTheFieldThatIsWrong) {
  const auto missing = from_json_text<RunToolInput>(R"({"user":"u","chat":"c","turn":"t","step":1,"index":0})");
  EXPECT_EQ(field_of(missing.status()), "call");
  const auto negative = from_json_text<MessageSignal>(R"({"message_id":"m","sequence":-1})");
  EXPECT_EQ(field_of(negative.status()), "sequence");
  const auto unknown = from_json_text<ChatInput>(R"({"user":"u","chat":"c","pending":[{"message_id":1}]})");
  EXPECT_EQ(field_of(unknown.status()), "pending[0].message_id");
}

}  // namespace
}  // namespace reliant::workflow
