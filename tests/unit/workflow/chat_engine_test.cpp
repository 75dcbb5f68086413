// The chat's workflow on a worker and the embedded engine, with activities that have scripted answers.

#include <gtest/gtest.h>

#include <memory>
#include <string>

#include "runtime/sleep.h"
#include "unit/temporal/temporal_world.h"
#include "workflow/chat_workflow.h"

namespace reliant::tests {
namespace {

namespace chat = ::reliant::workflow;
using std::chrono::seconds;
using temporal::ActivityContext;
using temporal::Worker;

struct ChatScript {
  int model_calls = 0;
  int tools_run = 0;
  int finished = 0;
  int tool_rounds = 2;  // of the first turn
};

Task<Result<std::string>> scripted_model(ChatScript& script, ActivityContext&, std::string input) {
  CO_TRY_ASSIGN(const auto asked, chat::from_json_text<chat::CallModelInput>(input));
  ++script.model_calls;
  co_await sleep_for(seconds(2));
  chat::CallModelOutput answer;
  answer.message = MessageId("a");
  if (asked.step <= script.tool_rounds) {
    for (const char* id : {"t1", "t2"}) {
      chat::PlannedToolCall planned;
      planned.call = model::ToolCall{ToolCallId(id), "bash", "{}"};
      answer.tool_calls.push_back(planned);
    }
  }
  co_return chat::to_json_text(answer);
}
Task<Result<std::string>> scripted_tool(ChatScript& script, ActivityContext& context, std::string) {
  if (context.info().attempt == 1) co_return with_reason(unavailable("no daemon"), kReasonDaemonOffline);
  co_await sleep_for(seconds(3));
  ++script.tools_run;
  co_return chat::to_json_text(chat::RunToolOutput{});
}
Task<Result<std::string>> scripted_finish(ChatScript& script, ActivityContext&, std::string) {
  ++script.finished;
  co_return "{}";
}

TEST(ChatOnEngine, RunsItsTurnsThroughCrashesOfItsWorker) {
  ChatScript script;
  TemporalWorld world;
  WorkerNode& worker = world.add_worker("w1", [&script](Worker& w, sim::Node&) {
    w.register_workflow(std::string(chat::kChatWorkflowType), [] { return std::make_unique<chat::ChatWorkflow>(); });
    w.register_activity(std::string(chat::kCallModel), [&script](ActivityContext& context, std::string input) {
      return scripted_model(script, context, std::move(input));
    });
    w.register_activity(std::string(chat::kRunTool), [&script](ActivityContext& context, std::string input) {
      return scripted_tool(script, context, std::move(input));
    });
    w.register_activity(std::string(chat::kFinishTurn), [&script](ActivityContext& context, std::string input) {
      return scripted_finish(script, context, std::move(input));
    });
  });
  chat::ChatInput input;
  input.user = UserId("u");
  input.chat = ChatId("c");
  for (int i = 1; i <= 2; ++i) {
    temporal::SignalWorkflow signal;
    signal.name = std::string(chat::kMessageSignal);
    signal.input = chat::to_json_text(chat::MessageSignal{MessageId(concat("m", i)), static_cast<std::uint64_t>(i)});
    auto start = world.start_of("workflow", std::string(chat::kChatWorkflowType), chat::to_json_text(input));
    ASSERT_TRUE(world.ask(world.client.signal_with_start(start, signal, world.soon())).ok());
    world.simulation.run_for(seconds(4));
    worker.node->restart();
  }
  EXPECT_EQ(world.result().value_or("?"), "{}");
  EXPECT_EQ(script.finished, 2);
  EXPECT_GE(script.tools_run, 8);
  EXPECT_GE(script.model_calls, 6);
}

}  // namespace
}  // namespace reliant::tests
