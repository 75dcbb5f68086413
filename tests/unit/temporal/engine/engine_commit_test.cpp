#include "unit/temporal/engine/engine_world.h"

namespace reliant::tests {
namespace {

TEST(EngineCommit, RetriesAFailedCommit) {
  EngineWorld world;
  world.database().fates = {CommitFate::kUnavailable, CommitFate::kUnavailable};
  EXPECT_TRUE(world.send("chat", "1").ok());
  EXPECT_EQ(world.signals("chat"), 1);
}

TEST(EngineCommit, SettlesADoubtfulCommitThatWasWritten) {
  EngineWorld world;
  world.database().fates = {CommitFate::kDoubtfulWritten};
  EXPECT_TRUE(world.send("chat", "1").ok());
  world.database().fates = {CommitFate::kDoubtfulWritten};
  EXPECT_TRUE(world.send("chat", "2").ok());
  EXPECT_EQ(world.signals("chat"), 2);
  world.restart();
  EXPECT_EQ(world.signals("chat"), 2);
}

TEST(EngineCommit, SettlesADoubtfulCommitThatWasNotWritten) {
  EngineWorld world;
  world.database().fates = {CommitFate::kDoubtfulNotWritten};
  EXPECT_TRUE(world.send("chat", "1").ok());
  world.database().fates = {CommitFate::kDoubtfulNotWritten, CommitFate::kDoubtfulWritten};
  EXPECT_TRUE(world.send("chat", "2").ok());
  EXPECT_EQ(world.signals("chat"), 2);
}

TEST(EngineCommit, DropsUnwrittenStateAndRecovers) {
  EngineWorld world;
  ASSERT_TRUE(world.send("chat", "1").ok());
  world.database().down = true;
  EXPECT_EQ(world.send("chat", "2").code(), StatusCode::kUnavailable);
  EXPECT_EQ(world.send("other", "1").code(), StatusCode::kUnavailable);
  EXPECT_EQ(world.signals("chat"), 1);
  world.database().down = false;
  EXPECT_TRUE(world.send("chat", "2").ok());
  EXPECT_EQ(world.signals("chat"), 2);
  EXPECT_TRUE(world.send("other", "1").ok());
}

TEST(EngineCommit, GivesATaskWhoseStartWasNotWrittenToTheNextPoller) {
  EngineWorld world;
  ASSERT_TRUE(world.send("chat", "1").ok());
  world.database().down = true;
  const auto lost = world.get(world.engine().poll_workflow_task_queue(EngineWorld::poll(), world.in(std::chrono::minutes(1))));
  EXPECT_EQ(lost.status().code(), StatusCode::kUnavailable);
  world.database().down = false;
  const auto task = world.next_task();
  EXPECT_EQ(task.attempt(), 1);
  EXPECT_TRUE(world.complete(task).ok());
}

TEST(EngineCommit, FiresATimerThatCouldNotBeWritten) {
  EngineWorld world;
  ASSERT_TRUE(world.send("chat", "1").ok());
  const auto task = world.next_task();
  world.database().down = true;
  world.run_for(std::chrono::seconds(25));  // the workflow task's timeout falls into it
  world.database().down = false;
  world.run_for(std::chrono::seconds(25));
  EXPECT_EQ(world.complete(task).code(), StatusCode::kNotFound);
  EXPECT_EQ(world.next_task().attempt(), 2);
}

TEST(EngineCommit, ReportsWrongSqlAsADefect) {
  EngineWorld world;
  world.database().fates = {CommitFate::kWrongSql};
  EXPECT_EQ(world.send("chat", "1").code(), StatusCode::kUnavailable);
  EXPECT_EQ(world.errors(), 1);
}

TEST(EngineCommit, SharesACommitAmongCallsOfOneMoment) {
  EngineWorld world;
  const int before = world.database().commits;
  for (int i = 0; i < 50; ++i) {
    world.client().spawn([](temporal::engine::Engine& engine, std::string id) -> Task<void> {
      const auto sent = co_await engine.signal_with_start_workflow_execution(EngineWorld::message(id, "1"), kNever);
      EXPECT_TRUE(sent.ok());
    }(world.engine(), concat("chat-", i)));
  }
  world.run_for(std::chrono::seconds(1));
  EXPECT_LT(world.database().commits - before, 45);
  for (int i = 0; i < 50; ++i) EXPECT_EQ(world.signals(concat("chat-", i)), 1);
}

TEST(EngineCommit, KeepsWhatACallerHadSubmittedBeforeItWentAway) {
  EngineWorld world;
  ASSERT_TRUE(world.send("chat", "1").ok());
  // Destroyed after every possible number of steps: the signal is either there or not, and the workflow goes on.
  int written = 1;
  for (int steps = 0; steps < 12; ++steps) {
    {
      std::optional<Result<wf::SignalWithStartWorkflowExecutionResponse>> reply;
      TaskScope caller(world.client().context());
      caller.spawn(EngineWorld::keep(world.engine().signal_with_start_workflow_execution(
                                         EngineWorld::message("chat", concat("destroyed-", steps)), kNever),
                                     reply));
      for (int i = 0; i < steps; ++i) world.executor().step();
    }
    world.run_for(std::chrono::milliseconds(1));
    const int now = world.signals("chat");
    EXPECT_TRUE(now == written || now == written + 1) << steps;
    written = now;
  }
  EXPECT_GT(written, 1);
  EXPECT_TRUE(world.send("chat", "last").ok());
}

TEST(EngineRetention, RemovesRunsAfterTheRetention) {
  EngineWorld world;
  const auto close = [&](std::string_view id) {
    ASSERT_TRUE(world.send(id, "1").ok());
    auto task = world.next_task();
    wf::RespondWorkflowTaskCompletedRequest request;
    request.set_namespace_("default");
    request.set_task_token(task.task_token());
    auto& command = *request.add_commands();
    command.set_command_type(enums::COMMAND_TYPE_COMPLETE_WORKFLOW_EXECUTION);
    command.mutable_complete_workflow_execution_command_attributes();
    ASSERT_TRUE(world.get(world.engine().respond_workflow_task_completed(request, kNever)).ok());
  };
  const auto describe = [&](std::string id) {
    wf::DescribeWorkflowExecutionRequest request;
    request.set_namespace_("default");
    request.mutable_execution()->set_workflow_id(std::move(id));
    return world.get(world.engine().describe_workflow_execution(request, kNever)).status().code();
  };
  close("old");
  world.run_for(std::chrono::hours(73));
  EXPECT_EQ(describe("old"), StatusCode::kOk) << "an engine that does nothing removes nothing";
  close("new");
  world.run_for(std::chrono::seconds(1));
  EXPECT_EQ(describe("old"), StatusCode::kNotFound);
  EXPECT_EQ(describe("new"), StatusCode::kOk);
  EXPECT_TRUE(world.send("old", "1").ok()) << "the id is free again";
}

}  // namespace
}  // namespace reliant::tests
