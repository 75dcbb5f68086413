// The inside of Engine, shared by its source files: what a call does is in engine_client.cpp (clients), engine_worker.cpp
// (polls and answers), engine_query.cpp and engine_history.cpp; what they share is in engine.cpp.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "runtime/event.h"
#include "runtime/keyed_mutex.h"
#include "runtime/one_shot.h"
#include "runtime/scope.h"
#include "temporal/engine/committer.h"
#include "temporal/engine/engine.h"
#include "temporal/engine/matching.h"
#include "temporal/engine/mutable_state.h"
#include "temporal/engine/run_store.h"
#include "temporal/engine/visibility_query.h"
#include "temporal/engine/visibility_store.h"

namespace reliant::temporal::engine {

// A query on its way to a worker and back. In memory only: its caller asks again when the engine has restarted.
struct Query {
  std::string id;
  api::query::v1::WorkflowQuery query;
  OneShot<Result<wf::QueryWorkflowResponse>> reply;
};

class Engine::Impl {
 public:
  Impl(Context& context, const Clock& clock, Random random, EventLog& log, ports::Database& database, EngineOptions options);

  Task<Status> start(Instant deadline);
#define RELIANT_ENGINE_METHOD(name, Name) Task<Result<wf::Name##Response>> name(wf::Name##Request request, Instant deadline);
  RELIANT_TEMPORAL_METHODS(RELIANT_ENGINE_METHOD)
#undef RELIANT_ENGINE_METHOD

 private:
  class PendingCommit;
  using WorkflowLocks = KeyedMutex<std::string>;  // by key_of()

  // The lock of a workflow id, and one of its runs as it is committed.
  struct Session {
    WorkflowLocks::Lock lock;
    std::string key;
    std::shared_ptr<Run> run;  // null: there is none (only from open_current)
  };
  using Reply = std::shared_ptr<OneShot<Status>>;

  struct CachedWorkflow {
    std::string current_run_id;  // empty: not known
    std::map<std::string, std::shared_ptr<Run>> runs;
    std::uint64_t used = 0;
  };
  struct Armed {
    std::int64_t at;
    std::string ns;
    std::string workflow_id;
  };
  struct Watch {
    Event changed;
    std::size_t watchers = 0;
  };
  // The answer to a workflow task's poller, taken when the task was started.
  struct TaskSnapshot {
    wf::PollWorkflowTaskQueueResponse response;
    std::shared_ptr<const Run> run;
    std::int64_t from = 0;
    std::int64_t to = 0;
    std::vector<HistoryEvent> transient;
  };

  // --- shared (engine.cpp)
  std::int64_t now();
  bool time_is_to_be_kept(std::int64_t time, Duration every);
  // Logs one that is allowed, and large enough to be a mistake.
  void note_large_payload(std::string_view what, const std::string& workflow_id, const google::protobuf::MessageLite& payload);
  Instant poll_end(Instant deadline) const;
  Instant poll_end(Instant deadline, Duration longest) const;
  Status check_namespace(const std::string& ns) const;
  Task<Status> ready(std::string ns, Instant deadline);
  // By run id, or the current run of a workflow id. NOT_FOUND when there is none.
  Task<Result<Session>> open(std::string ns, std::string workflow_id, std::string run_id, Instant deadline);
  // The current run, which may not exist.
  Task<Result<Session>> open_current(std::string ns, std::string workflow_id, Instant deadline);
  Task<Result<std::shared_ptr<Run>>> fetch(std::string key, std::string run_id, Instant deadline);
  void begin(Session& session) { session.run->begin(now(), random_); }
  // Ends the transaction and hands it over; the reply comes after the commit. `fresh` is a run started beside it.
  Reply submit(Session session, std::shared_ptr<Run> fresh = nullptr, bool run_changed = true);
  Reply submit_removal(Session session);
  static Task<Status> wait(Reply reply, Instant deadline);
  // The run's state may be half changed: the next one reads it again.
  void discard(const Session& session);
  void committed(PendingCommit& commit);
  void changed(const std::string& run_id);
  void not_committed(PendingCommit& commit);
  void publish(const Run& run, std::vector<Dispatch> dispatches);
  void arm(const Run& run);
  void arm(const std::string& run_id, Armed armed);
  void disarm(const std::string& run_id);
  void shrink_cache();
  CachedWorkflow& cached(const std::string& key);
  static std::string key_of(std::string_view ns, std::string_view workflow_id);
  Task<void> run_timers();
  Task<void> keep_time(std::int64_t time);
  Task<void> fire(std::string ns, std::string workflow_id, std::string run_id);
  // Removes what was closed longer ago than the retention. Started by the closing of a run, so that an idle engine
  // does nothing at all.
  Task<void> sweep();
  Task<void> recover(std::string ns, std::string workflow_id, std::string run_id);
  // Whether nothing but its deletion is left to be done with a run.
  static bool is_to_be_removed(const Run& run);
  Task<void> remove(std::string ns, std::string workflow_id, std::string run_id);

  // --- engine_client.cpp
  Task<Result<wf::StartWorkflowExecutionResponse>> start_run(wf::StartWorkflowExecutionRequest request,
                                                             std::optional<wf::SignalWorkflowExecutionRequest> signal,
                                                             std::optional<Run::Parent> parent, Instant deadline);

  Task<void> add_first_task(TaskSnapshot task, wf::StartWorkflowExecutionResponse& response, Instant deadline);

  // --- engine_deliveries.cpp
  struct Outcome {
    Status status;       // of the delivery; UNAVAILABLE and its like: once more
    std::string run_id;  // of a child that was started
  };
  void deliver(const Run& run);
  // One after the other, until the run has none left.
  Task<void> run_deliveries(std::string ns, std::string workflow_id, std::string run_id);
  Task<Outcome> carry_out(std::shared_ptr<const Run> sender, pb::Delivery delivery);
  Task<Outcome> start_child(std::shared_ptr<const Run> sender, pb::Delivery delivery, Instant deadline);
  Task<Status> change_target(std::shared_ptr<const Run> sender, pb::Delivery delivery, Instant deadline);

  // --- engine_worker.cpp
  Task<Result<std::optional<Session>>> open_task(const MatchTask& task, Instant deadline);
  TaskSnapshot snapshot(std::shared_ptr<const Run> run, bool partial);
  Task<Result<wf::PollWorkflowTaskQueueResponse>> respond(TaskSnapshot snapshot, Instant deadline);
  Task<Result<std::optional<wf::PollWorkflowTaskQueueResponse>>> start_polled(Matching::Taken& taken, std::string identity,
                                                                              Instant deadline);
  Task<Result<std::optional<wf::PollActivityTaskQueueResponse>>> start_activity(Matching::Taken& taken, std::string identity,
                                                                                Instant deadline);
  Task<Result<Session>> open_token(std::string ns, std::optional<pb::TaskToken> token, Instant deadline);
  // `change` is applied to the activity's run, which is then committed. Await it at once: it refers to its arguments.
  template <class Request, class Change>
  Task<Status> change_activity(const Request& request, Instant deadline, Change change);
  template <class Request, class Change>
  Task<Status> change_activity_by_id(const Request& request, Instant deadline, Change change);
  // What the two have in common.
  Status complete_activity(Run& run, const pb::TaskToken& token, const wf::RespondActivityTaskCompletedRequest& request);
  static Status fail_activity(Run& run, const pb::TaskToken& token, wf::RespondActivityTaskFailedRequest request);
  static Status cancel_activity(Run& run, const pb::TaskToken& token, const wf::RespondActivityTaskCanceledRequest& request);
  static Result<bool> heartbeat(Run& run, const pb::TaskToken& token, const wf::RecordActivityTaskHeartbeatRequest& request);
  // The input of an activity whose state has none.
  Task<Status> add_input(std::shared_ptr<const Run> run, std::int64_t scheduled_event_id,
                         wf::PollActivityTaskQueueResponse& response, Instant deadline);

  // --- engine_query.cpp
  Task<Result<std::optional<wf::PollWorkflowTaskQueueResponse>>> start_query(Matching::Taken& taken, Instant deadline);
  void dispatch_query(const Run& run, const std::shared_ptr<Query>& query, bool sticky);
  void ask_worker(const Run& run, const std::shared_ptr<Query>& query);
  Task<void> ask_another(std::shared_ptr<Query> query, std::string ns, std::string workflow_id, std::string run_id,
                         Duration wait);
  void attach_queries(const Run& run, wf::PollWorkflowTaskQueueResponse& response);
  void settle_queries(const Run& run, const wf::RespondWorkflowTaskCompletedRequest& request);
  void release_queries(const Run& run);
  void forget_query(const std::string& run_id, const std::shared_ptr<Query>& query);

  // --- engine_history.cpp
  Task<bool> watch(std::string run_id, Instant deadline);

  // --- engine_visibility.cpp
  struct Listed {
    std::vector<api::workflow::v1::WorkflowExecutionInfo> executions;
    std::string next_page_token;
  };
  Task<Result<Listed>> list(std::string ns, std::string query, std::int32_t page_size, std::string page_token,
                            Instant deadline);
  // Gives `use` each run that the query finds, in the order of lists, until it returns false.
  template <class Use>
  Task<Status> each_visible(std::string ns, const VisibilityQuery& query, VisibleRun after, Instant deadline, Use use);

  const Clock& clock_;
  Random random_;
  EventLog& log_;
  const EngineOptions options_;
  Executor& executor_;
  RunStore store_;
  VisibilityStore visibility_;
  WorkflowLocks locks_;  // RPCs and timers on one workflow follow each other
  Matching matching_;
  Committer committer_;
  std::int64_t clock_offset_ = 0;
  std::int64_t time_kept_ = 0;
  Event started_;
  bool starting_ = false;
  std::map<std::string, CachedWorkflow> cache_;
  std::map<std::uint64_t, std::string> cache_by_use_;
  std::uint64_t uses_ = 0;
  std::map<std::string, Armed> armed_;  // by run id
  std::set<std::pair<std::int64_t, std::string>> timers_;
  Event timers_changed_;
  Instant next_sweep_{};
  std::set<std::string> delivering_;  // by run id
  std::map<std::string, Watch> watches_;
  std::map<std::string, std::shared_ptr<Query>> queries_;                        // asked, by id
  std::map<std::string, std::vector<std::shared_ptr<Query>>> buffered_queries_;  // for the next workflow task, by run
  TaskScope scope_;
};

// A status with one of temporal.api.errordetails.v1, as the real server adds to it.
Status with_detail(Status status, const google::protobuf::Message& detail);

}  // namespace reliant::temporal::engine
