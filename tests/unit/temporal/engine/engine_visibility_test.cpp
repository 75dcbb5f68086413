#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "base/text.h"
#include "temporal/engine/visibility_query.h"
#include "unit/temporal/engine/engine_world.h"

namespace reliant::tests {
namespace {

using temporal::engine::kNotClosed;
using temporal::engine::VisibilityQuery;
using temporal::engine::VisibleRun;

VisibleRun run_of(std::string id, std::int64_t start, std::int64_t closed_at, std::int64_t status) {
  return {.run_id = concat("run-", id),
          .workflow_id = std::move(id),
          .workflow_type = "Chat",
          .task_queue = "queue",
          .status = status,
          .start_time = start,
          .execution_time = start,
          .closed_at = closed_at};
}
bool matches(std::string_view query, const VisibleRun& run) {
  const auto parsed = VisibilityQuery::parse(query);
  EXPECT_TRUE(parsed.ok()) << parsed.status();
  return parsed.ok() && parsed->matches(run);
}
std::string complaint(std::string_view query) {
  const auto parsed = VisibilityQuery::parse(query);
  EXPECT_EQ(parsed.status().code(), StatusCode::kInvalidArgument) << query;
  return std::string(message_of(parsed.status()));
}
bool says(const std::string& text, std::string_view part) { return text.find(part) != std::string::npos; }

TEST(VisibilityQuery, ComparesByItsOperators) {
  const VisibleRun closed = run_of("it's", 1'000, 5'000, 2);
  const VisibleRun running = run_of("b", 2'000, kNotClosed, 1);
  EXPECT_TRUE(matches("", closed));
  EXPECT_TRUE(matches("WorkflowId = 'it\\'s'", closed));
  EXPECT_TRUE(matches("WorkflowId = 'it''s'", closed));
  EXPECT_TRUE(matches("`WorkflowId` = \"it's\" and ExecutionStatus = 2", closed));
  EXPECT_TRUE(matches("NOT WorkflowId = 'x' AND WorkflowType IN ('A', 'Chat')", closed));
  EXPECT_TRUE(matches("WorkflowId = 'x' OR WorkflowId = 'b' AND StartTime = 2000", running));
  EXPECT_FALSE(matches("(WorkflowId = 'x' OR WorkflowId = 'b') AND StartTime = 2001", running));
  EXPECT_TRUE(matches("StartTime BETWEEN 1000 AND 2000", closed));
  EXPECT_FALSE(matches("StartTime NOT BETWEEN 1000 AND 2000", closed));
  EXPECT_TRUE(matches("StartTime = '1970-01-01T00:00:00.000001Z'", closed));
  EXPECT_TRUE(matches("StartTime = '1970-01-01T01:00:00.000001+01:00'", closed));
  EXPECT_TRUE(matches("StartTime > '1970-01-01'", closed));
  EXPECT_TRUE(matches("ExecutionStatus = 'completed'", closed));
}

TEST(VisibilityQuery, UnknownAttributesNeitherMatchNorExclude) {
  const VisibleRun running = run_of("b", 2'000, kNotClosed, 1);
  EXPECT_FALSE(matches("CloseTime > 0", running));
  EXPECT_FALSE(matches("NOT CloseTime > 0", running));
  EXPECT_FALSE(matches("CloseTime != 5", running));
  EXPECT_TRUE(matches("CloseTime > 0 OR WorkflowId = 'b'", running));
  EXPECT_TRUE(matches("CloseTime IS NULL", running));
  EXPECT_FALSE(matches("CloseTime IS NOT NULL", running));
}

TEST(VisibilityQuery, ReportsPositionAndRemedyOfAnError) {
  EXPECT_TRUE(says(complaint("WorkflowId ="), "where a value in quotes is expected, at position 13"));
  EXPECT_TRUE(says(complaint("Nonsense = 'x'"), "the fields are WorkflowId, WorkflowType"));
  EXPECT_TRUE(says(complaint("WorkflowId = 'x' AND Nonsense = 1"), "at position 22"));
  EXPECT_TRUE(says(complaint("WorkflowId = 'open"), "at position 14"));
  EXPECT_TRUE(says(complaint("(WorkflowId = 'x'"), "\")\" is expected"));
  EXPECT_TRUE(says(complaint("ExecutionStatus = 'Sleeping'"), "there are Running, Completed"));
  EXPECT_TRUE(says(complaint("StartTime > 'yesterday'"), "write it as '2026-01-31T12:00:00Z'"));
  EXPECT_TRUE(says(complaint("StartTime > '2026-02-30'"), "is no point in time"));
  EXPECT_TRUE(says(complaint("WorkflowId = 5"), "write '5'"));
  EXPECT_TRUE(says(complaint("WorkflowId = 'a'; DROP TABLE engine_runs"), "the character ';'"));
  EXPECT_TRUE(says(complaint("GROUP BY WorkflowType"), "only supported for ExecutionStatus"));
  EXPECT_TRUE(says(complaint(std::string(20'000, 'x')), "16384 is the most"));
  EXPECT_TRUE(says(complaint(std::string(200, '(') + "WorkflowId = 'x'"), "nested too deep"));
  std::string nots;
  for (int i = 0; i < 200; ++i) nots += "NOT ";
  EXPECT_TRUE(says(complaint(nots + "WorkflowId = 'x'"), "nested too deep"));
}

TEST(VisibilityQuery, KnowsWhichRunsItCannotFind) {
  const auto parsed = [](std::string_view text) { return *VisibilityQuery::parse(text); };
  EXPECT_TRUE(parsed("WorkflowId = 'a' AND ExecutionStatus = 'Running'").only_running());
  EXPECT_TRUE(parsed("ExecutionStatus = 'Failed' AND WorkflowId = 'a'").only_closed());
  EXPECT_TRUE(parsed("ExecutionStatus != 'Running'").only_closed());
  EXPECT_TRUE(parsed("CloseTime > 5").only_closed());
  EXPECT_FALSE(parsed("ExecutionStatus != 'Failed'").only_closed());
  EXPECT_FALSE(parsed("ExecutionStatus = 'Running' OR WorkflowId = 'a'").only_running());
  EXPECT_FALSE(parsed("NOT (ExecutionStatus = 'Running' AND WorkflowId = 'a')").only_running());
}

TEST(VisibilityQuery, OrdersByTheQuery) {
  const VisibleRun a = run_of("a", 1, 9, 2);
  const VisibleRun b = run_of("b", 2, 8, 3);
  const VisibleRun c = run_of("c", 3, kNotClosed, 1);
  const auto order = [&](std::string_view query) {
    const auto parsed = VisibilityQuery::parse(query);
    std::vector<VisibleRun> runs = {a, b, c};
    std::ranges::sort(runs, [&](const VisibleRun& x, const VisibleRun& y) { return parsed->before(x, y); });
    return runs[0].workflow_id + runs[1].workflow_id + runs[2].workflow_id;
  };
  EXPECT_EQ(order(""), "cab");
  EXPECT_EQ(order("ORDER BY StartTime"), "abc");
  EXPECT_EQ(order("ORDER BY StartTime DESC"), "cba");
  EXPECT_EQ(order("ORDER BY CloseTime ASC"), "bac");
  EXPECT_EQ(order("WorkflowType = 'Chat' order by WorkflowType, WorkflowId desc"), "cba");
}

// --- the engine ------------------------------------------------------------------------------------------------------

class ListedWorld : public EngineWorld {
 public:
  std::string list(std::string_view query, int page = 0) {
    wf::ListWorkflowExecutionsRequest request;
    request.set_namespace_("default");
    request.set_query(std::string(query));
    request.set_page_size(page);
    std::string ids;
    for (;;) {
      const auto found = get(engine().list_workflow_executions(request, in(std::chrono::seconds(30))));
      EXPECT_TRUE(found.ok()) << found.status();
      if (!found.ok()) return ids;
      for (const auto& info : found->executions()) ids += concat(ids.empty() ? "" : " ", info.execution().workflow_id());
      if (found->next_page_token().empty()) return ids;
      request.set_next_page_token(found->next_page_token());
    }
  }
  void run_script(std::string_view sql) { ASSERT_TRUE(get(database().run_script(sql, kNever)).ok()); }
  void close(std::string_view id) {
    wf::TerminateWorkflowExecutionRequest request;
    request.set_namespace_("default");
    request.mutable_workflow_execution()->set_workflow_id(std::string(id));
    ASSERT_TRUE(get(engine().terminate_workflow_execution(request, in(std::chrono::seconds(30)))).ok());
  }
  Status remove(std::string_view id) {
    wf::DeleteWorkflowExecutionRequest request;
    request.set_namespace_("default");
    request.mutable_workflow_execution()->set_workflow_id(std::string(id));
    return get(engine().delete_workflow_execution(request, in(std::chrono::seconds(30)))).status();
  }
};

TEST(EngineVisibility, PagesInTheOrderOfTheQuery) {
  ListedWorld world;
  for (const char* const id : {"b", "d", "a", "c"}) {
    ASSERT_TRUE(world.send(id, id).ok());
    world.run_for(std::chrono::seconds(1));
  }
  world.close("a");
  for (const int page : {0, 1, 2, 3}) {
    EXPECT_EQ(world.list("", page), "c d b a") << page;
    EXPECT_EQ(world.list("ORDER BY WorkflowId", page), "a b c d") << page;
    EXPECT_EQ(world.list("ORDER BY StartTime", page), "b d a c") << page;
    EXPECT_EQ(world.list("ExecutionStatus = 'Running' ORDER BY WorkflowId DESC", page), "d c b") << page;
  }
}

TEST(EngineVisibility, GoesThroughManyRunsInPieces) {
  ListedWorld world;
  for (int i = 0; i < 450; ++i) {
    const std::string id = concat("w", i);
    ASSERT_TRUE(world.send(id, id).ok());
    if (i % 2 == 0) world.close(id);
  }
  wf::CountWorkflowExecutionsRequest request;
  request.set_namespace_("default");
  for (const auto& [query, count] : {std::pair{"", 450},
                                     {"ExecutionStatus = 'Running'", 225},
                                     {"ExecutionStatus = 'Terminated'", 225},
                                     {"WorkflowId STARTS_WITH 'w4'", 61},
                                     {"CloseTime > 0", 225}}) {
    request.set_query(query);
    EXPECT_EQ(world.get(world.engine().count_workflow_executions(request, world.in(std::chrono::seconds(30))))->count(), count)
        << query;
  }
  std::size_t words = 1;
  for (const char c : world.list("", 100)) words += c == ' ' ? 1u : 0u;
  EXPECT_EQ(words, 450u);
}

// A file of the version that had no lists.
TEST(EngineVisibility, ListsWhatAnOlderVersionHasWritten) {
  ListedWorld world;
  for (int i = 0; i < 45; ++i) {
    const std::string id = concat("w", i + 10);
    ASSERT_TRUE(world.send(id, id).ok());
    if (i < 40) world.close(id);
  }
  const std::string before = world.list("ORDER BY WorkflowId");
  world.run_script("DROP TABLE engine_visibility; DROP TABLE engine_schema;");
  world.restart();
  EXPECT_EQ(world.list("ORDER BY WorkflowId"), before);
  EXPECT_EQ(world.list("ExecutionStatus = 'Running' ORDER BY WorkflowId"), "w50 w51 w52 w53 w54");
  world.close("w50");
  EXPECT_EQ(world.list("ExecutionStatus = 'Running' ORDER BY WorkflowId"), "w51 w52 w53 w54");
  ASSERT_TRUE(world.remove("w10").ok());
  EXPECT_EQ(world.list("WorkflowId = 'w10'"), "");
  world.restart();
  EXPECT_EQ(world.list("ExecutionStatus = 'Running' ORDER BY WorkflowId"), "w51 w52 w53 w54");
}

TEST(EngineVisibility, ForgetsClosedRunsAfterTheRetention) {
  ListedWorld world;
  ASSERT_TRUE(world.send("old", "old").ok());
  world.close("old");
  world.run_for(std::chrono::hours(80));
  EXPECT_EQ(world.list(""), "old");
  ASSERT_TRUE(world.send("new", "new").ok());
  world.close("new");  // the closing of a run sweeps
  world.run_for(std::chrono::seconds(1));
  EXPECT_EQ(world.list(""), "new");
}

TEST(EngineVisibility, DeletionSurvivesACrash) {
  ListedWorld world;
  ASSERT_TRUE(world.send("gone", "gone").ok());
  world.database().fates = {CommitFate::kCommitted, CommitFate::kUnavailable};
  world.database().fates.resize(2000, CommitFate::kUnavailable);
  ASSERT_TRUE(world.remove("gone").ok());  // marked; the removal is not written yet
  world.database().fates.clear();
  world.restart();
  world.run_for(std::chrono::seconds(5));
  EXPECT_EQ(world.list(""), "");
  ASSERT_TRUE(world.send("gone", "again").ok());
  EXPECT_EQ(world.list(""), "gone");
}

TEST(EngineLimits, BoundsTheSignalsOfARun) {
  EngineWorld world;
  ASSERT_TRUE(world.send("chat", "first").ok());
  for (int i = 1; i < 10'000; ++i) ASSERT_TRUE(world.send("chat", "").ok());
  const Status refused = world.send("chat", "one more");
  EXPECT_EQ(refused.code(), StatusCode::kInvalidArgument);
  EXPECT_EQ(message_of(refused), "exceeded workflow execution limit for signal events");
  EXPECT_TRUE(world.send("chat", "first").ok()) << "one that was taken is taken again";
}

TEST(EngineLimits, BoundsTheStateOfARun) {
  EngineWorld world;
  ASSERT_TRUE(world.send("chat", "first").ok());
  wf::RespondWorkflowTaskCompletedRequest request;
  request.set_namespace_("default");
  request.set_task_token(world.next_task().task_token());
  for (int i = 0; i < 6; ++i) {
    auto& command = *request.add_commands();
    command.set_command_type(enums::COMMAND_TYPE_SCHEDULE_ACTIVITY_TASK);
    auto& activity = *command.mutable_schedule_activity_task_command_attributes();
    activity.set_activity_id(concat(i));
    activity.mutable_activity_type()->set_name("work");
    activity.mutable_task_queue()->set_name("queue");
    activity.mutable_start_to_close_timeout()->set_seconds(60);
  }
  const Instant deadline = world.in(std::chrono::seconds(30));
  ASSERT_TRUE(world.get(world.engine().respond_workflow_task_completed(request, deadline)).ok());
  for (int i = 0; i < 6; ++i) {
    wf::RecordActivityTaskHeartbeatRequest beat;
    beat.set_namespace_("default");
    beat.set_task_token(world.next_activity(std::chrono::seconds(5)).task_token());
    beat.mutable_details()->add_payloads()->set_data(std::string(1'900'000, 'x'));
    if (!world.get(world.engine().record_activity_task_heartbeat(beat, deadline)).ok()) break;
  }
  const auto history = world.history("chat");
  EXPECT_EQ(history.events().rbegin()->workflow_execution_terminated_event_attributes().reason(),
            "Workflow mutable state size exceeds limit.");
}

}  // namespace
}  // namespace reliant::tests
