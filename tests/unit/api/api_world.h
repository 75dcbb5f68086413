// One api server on an in-memory database, in virtual time, with a Temporal that answers by hand: for tests
// of what clients see.
#pragma once

#include <algorithm>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "adapters/sqlite/sqlite_database.h"
#include "api/server.h"
#include "auth/authenticator.h"
#include "auth/token.h"
#include "base/json.h"
#include "ports/http_server.h"
#include "ports/temporal.h"
#include "runtime/executor.h"
#include "runtime/scope.h"
#include "runtime/sleep.h"
#include "store/store.h"
#include "support/hand_router.h"
#include "updates/memory_update_hub.h"

namespace reliant::api {

using tests::HandRouter;

class ExecutorClock final : public Clock {
 public:
  explicit ExecutorClock(const Executor& executor) : executor_(executor) {}
  Instant now() const override { return executor_.now(); }
  WallTime wall_now() const override { return WallTime(std::chrono::hours(480'000)) + executor_.now().time_since_epoch(); }

 private:
  const Executor& executor_;
};

class RememberingLog final : public EventLog {
 public:
  void record(Level level, std::string_view name, std::initializer_list<Field> fields) override {
    names.emplace_back(name);
    for (const Field& field : fields)
      if (const auto* text = std::get_if<std::string_view>(&field.value)) texts.emplace_back(*text);
    if (level == Level::kError) errors.emplace_back(name);
  }
  std::vector<std::string> names;
  std::vector<std::string> texts;   // of all fields
  std::vector<std::string> errors;  // defects of ours
};

// Remembers its calls. `away`: it does not answer.
class HandTemporal final : public ports::Temporal {
 public:
  Task<Result<ports::wf::SignalWithStartWorkflowExecutionResponse>> signal_with_start_workflow_execution(
      ports::wf::SignalWithStartWorkflowExecutionRequest request, Instant) override {
    co_await yield();
    if (away) co_return unavailable("Temporal is away");
    started.push_back(std::move(request));
    co_return ports::wf::SignalWithStartWorkflowExecutionResponse();
  }
  Task<Result<ports::wf::SignalWorkflowExecutionResponse>> signal_workflow_execution(
      ports::wf::SignalWorkflowExecutionRequest request, Instant) override {
    co_await yield();
    if (away) co_return unavailable("Temporal is away");
    if (!running) co_return not_found("no such workflow");
    signalled.push_back(std::move(request));
    co_return ports::wf::SignalWorkflowExecutionResponse();
  }
  Task<Result<ports::wf::DescribeWorkflowExecutionResponse>> describe_workflow_execution(
      ports::wf::DescribeWorkflowExecutionRequest request, Instant) override {
    co_await yield();
    if (away) co_return unavailable("Temporal is away");
    ++described;
    const bool known = std::ranges::any_of(
        started, [&](const auto& start) { return start.workflow_id() == request.execution().workflow_id(); });
    if (!running || !known) co_return not_found("no such workflow");
    ports::wf::DescribeWorkflowExecutionResponse response = pending;
    response.mutable_workflow_execution_info()->set_status(status);
    co_return response;
  }

#define RELIANT_NOT_CALLED(name, Name) \
  Task<Result<ports::wf::Name##Response>> name(ports::wf::Name##Request, Instant) override { co_return unimplemented(#name); }
  RELIANT_NOT_CALLED(get_system_info, GetSystemInfo)
  RELIANT_NOT_CALLED(describe_namespace, DescribeNamespace)
  RELIANT_NOT_CALLED(start_workflow_execution, StartWorkflowExecution)
  RELIANT_NOT_CALLED(request_cancel_workflow_execution, RequestCancelWorkflowExecution)
  RELIANT_NOT_CALLED(terminate_workflow_execution, TerminateWorkflowExecution)
  RELIANT_NOT_CALLED(query_workflow, QueryWorkflow)
  RELIANT_NOT_CALLED(get_workflow_execution_history, GetWorkflowExecutionHistory)
  RELIANT_NOT_CALLED(poll_workflow_task_queue, PollWorkflowTaskQueue)
  RELIANT_NOT_CALLED(respond_workflow_task_completed, RespondWorkflowTaskCompleted)
  RELIANT_NOT_CALLED(respond_workflow_task_failed, RespondWorkflowTaskFailed)
  RELIANT_NOT_CALLED(respond_query_task_completed, RespondQueryTaskCompleted)
  RELIANT_NOT_CALLED(poll_activity_task_queue, PollActivityTaskQueue)
  RELIANT_NOT_CALLED(record_activity_task_heartbeat, RecordActivityTaskHeartbeat)
  RELIANT_NOT_CALLED(respond_activity_task_completed, RespondActivityTaskCompleted)
  RELIANT_NOT_CALLED(respond_activity_task_failed, RespondActivityTaskFailed)
  RELIANT_NOT_CALLED(respond_activity_task_canceled, RespondActivityTaskCanceled)
  RELIANT_NOT_CALLED(shutdown_worker, ShutdownWorker)
  RELIANT_NOT_CALLED(record_activity_task_heartbeat_by_id, RecordActivityTaskHeartbeatById)
  RELIANT_NOT_CALLED(respond_activity_task_completed_by_id, RespondActivityTaskCompletedById)
  RELIANT_NOT_CALLED(respond_activity_task_failed_by_id, RespondActivityTaskFailedById)
  RELIANT_NOT_CALLED(respond_activity_task_canceled_by_id, RespondActivityTaskCanceledById)
  RELIANT_NOT_CALLED(get_workflow_execution_history_reverse, GetWorkflowExecutionHistoryReverse)
  RELIANT_NOT_CALLED(list_workflow_executions, ListWorkflowExecutions)
  RELIANT_NOT_CALLED(scan_workflow_executions, ScanWorkflowExecutions)
  RELIANT_NOT_CALLED(list_open_workflow_executions, ListOpenWorkflowExecutions)
  RELIANT_NOT_CALLED(list_closed_workflow_executions, ListClosedWorkflowExecutions)
  RELIANT_NOT_CALLED(count_workflow_executions, CountWorkflowExecutions)
  RELIANT_NOT_CALLED(delete_workflow_execution, DeleteWorkflowExecution)
  RELIANT_NOT_CALLED(describe_task_queue, DescribeTaskQueue)
  RELIANT_NOT_CALLED(reset_sticky_task_queue, ResetStickyTaskQueue)
#undef RELIANT_NOT_CALLED

  bool away = false;
  bool running = true;
  ::temporal::api::enums::v1::WorkflowExecutionStatus status =
      ::temporal::api::enums::v1::WORKFLOW_EXECUTION_STATUS_RUNNING;  // of what was started
  ports::wf::DescribeWorkflowExecutionResponse pending;               // tasks of what was started
  int described = 0;
  std::vector<ports::wf::SignalWithStartWorkflowExecutionRequest> started;
  std::vector<ports::wf::SignalWorkflowExecutionRequest> signalled;
};

class HandResponder final : public ports::HttpResponder {
 public:
  Task<Status> reply(ports::HttpServerResponse answer) override {
    co_await yield();
    if (stuck) co_await never();
    response = std::move(answer);
    co_return ok_status();
  }
  Task<Status> start_stream(ports::HttpServerResponse head) override {
    response = std::move(head);
    streaming = true;
    co_return ok_status();
  }
  Task<Status> write(std::string chunk, Instant) override {
    co_await yield();  // where a client that goes destroys the handler
    largest = std::max(largest, chunk.size());
    waiting = stuck;
    if (stuck) co_await never();
    if (slow) co_return deadline_exceeded("the client does not read");
    if (gone) co_return unavailable("the client has gone");
    text += chunk;
    co_return ok_status();
  }
  Task<Status> finish() override {
    finished = true;
    co_return ok_status();
  }

  std::optional<ports::HttpServerResponse> response;
  bool streaming = false;
  bool finished = false;
  bool gone = false;
  bool slow = false;
  bool stuck = false;       // what is written does not go, until the test ends
  bool waiting = false;     // a write of it
  std::size_t largest = 0;  // bytes of what was written at once
  std::string text;         // streamed so far
};

// A server whose only client is the test.
class HandHttpServer final : public ports::HttpServer {
 public:
  Result<std::unique_ptr<ports::HttpListener>> listen(std::string address, ports::HttpHandler& handler,
                                                      ports::HttpServerLimits) override {
    handler_ = &handler;
    return std::unique_ptr<ports::HttpListener>(std::make_unique<Listener>(std::move(address)));
  }
  int bodies = 0;  // that were read
  // As a listener does: the head first.
  Task<void> serve(ports::HttpServerRequest request, HandResponder& responder) {
    std::string body = std::exchange(request.body, {});
    if (!body.empty()) request.headers.try_emplace("content-length", std::to_string(body.size()));
    auto refused = co_await handler_->admit(request);
    if (refused) {
      (void)co_await responder.reply(*std::move(refused));
      co_return;
    }
    bodies += body.empty() ? 0 : 1;
    request.body = std::move(body);
    co_await handler_->handle(std::move(request), responder);
  }

 private:
  class Listener final : public ports::HttpListener {
   public:
    explicit Listener(std::string address) : address_(std::move(address)) {}
    const std::string& address() const override { return address_; }
    Task<void> drain(Instant) override { co_await yield(); }

   private:
    std::string address_;
  };
  ports::HttpHandler* handler_ = nullptr;
};

// The database, unless the test says what is wrong with it.
class BreakableDatabase final : public ports::Database {
 public:
  explicit BreakableDatabase(ports::Database& inner) : inner_(inner) {}
  Task<Result<std::unique_ptr<ports::Transaction>>> begin(ports::Access access, Instant deadline) override {
    if (silent) {
      co_await sleep_until(deadline);
      co_return deadline_exceeded("nothing was heard of the database");
    }
    if (!down.ok()) co_return down;
    if (delay > Duration::zero()) co_await sleep_for(delay);
    if (access == ports::Access::kWrite && !writes.ok()) co_return writes;
    co_return co_await inner_.begin(access, deadline);
  }
  Task<Status> run_script(std::string_view sql, Instant deadline) override { return inner_.run_script(sql, deadline); }
  Task<Result<WallTime>> wall_now(Instant deadline) override { return inner_.wall_now(deadline); }

  bool silent = false;
  Duration delay{};  // before a transaction begins
  Status down;       // what everything is answered
  Status writes;     // what all writing transactions are answered

 private:
  ports::Database& inner_;
};

class CountedSecrets final : public auth::SecretSource {
 public:
  std::array<std::byte, auth::kTokenBytes> next() override {
    std::array<std::byte, auth::kTokenBytes> secret{};
    secret[0] = std::byte(++count_ + 100);
    return secret;
  }

 private:
  int count_ = 0;
};

struct Reply {
  int status = 0;
  ports::HttpHeaders headers;
  json::value body;
  std::string text(std::string_view key) const {
    const json::value* value = body.as_object().if_contains(json::string_view(key.data(), key.size()));
    return value != nullptr && value->is_string() ? std::string(value->as_string().c_str()) : "";
  }
  std::int64_t number(std::string_view key) const {
    return body.as_object().at(json::string_view(key.data(), key.size())).to_number<std::int64_t>();
  }
};

// Plain values that the api's body does not depend on; each test changes what it is about.
class ApiWorld {
 public:
  explicit ApiWorld(std::uint64_t seed = 1, ApiOptions options = {}) : executor(seed), clock(executor), root(executor, 0) {
    database = *adapters::SqliteDatabase::open(":memory:");
    breakable.emplace(*database);
    store.emplace(*breakable, clock, Random(seed));
    validator.emplace(store->tokens());
    workflows.emplace(temporal, clock, Random(seed + 1), temporal::WorkflowClientOptions{.identity = "api"});
    run(prepare());
    options.listen_address = "api:8080";
    server.emplace(root.context(), RandomStreams(seed), ports(), std::move(options));
    EXPECT_TRUE(server->start().ok());
  }

  ApiPorts ports() { return {clock, log, http_server, *store, *validator, hub, *workflows, router, secrets}; }

  // Runs until the task has ended.
  void run(Task<void> task) {
    bool done = false;
    TaskScope scope(root.context());
    scope.spawn(finish(std::move(task), done));
    while (!done && executor.step()) {}
  }
  void pass(Duration time) { executor.run_until(executor.now() + time); }

  ports::HttpServerRequest request(std::string method, std::string path, std::string body = "") const {
    ports::HttpServerRequest out;
    out.method = std::move(method);
    const std::size_t mark = path.find('?');
    out.path = path.substr(0, mark);
    std::string rest = mark == std::string::npos ? "" : path.substr(mark + 1);
    while (!rest.empty()) {
      const std::string pair = rest.substr(0, rest.find('&'));
      rest.erase(0, std::min(rest.size(), pair.size() + 1));
      out.query.emplace_back(pair.substr(0, pair.find('=')), pair.substr(pair.find('=') + 1));
    }
    out.headers["authorization"] = "Bearer " + token;
    out.body = std::move(body);
    return out;
  }
  Reply send(ports::HttpServerRequest what) {
    HandResponder responder;
    run(http_server.serve(std::move(what), responder));
    EXPECT_TRUE(responder.response.has_value());
    if (!responder.response) return {};
    Reply reply{responder.response->status, responder.response->headers, json::value()};
    if (!responder.response->body.empty()) reply.body = *parse_json(responder.response->body);
    return reply;
  }
  Reply call(std::string method, std::string path, std::string body = "") {
    return send(request(std::move(method), "/api/v2" + path, std::move(body)));
  }

  std::string new_project() { return call("POST", "/projects", R"({"name":"p","path":"/p"})").text("id"); }
  std::string new_chat() {
    const std::string project = new_project();
    return call("POST", "/chats", "{\"project_id\":\"" + project + "\"}").text("id");
  }

  Executor executor;
  ExecutorClock clock;
  RememberingLog log;
  TaskScope root;
  std::unique_ptr<adapters::SqliteDatabase> database;
  std::optional<BreakableDatabase> breakable;
  std::optional<store::Store> store;
  std::optional<auth::DbPatValidator> validator;
  updates::MemoryUpdateHub hub;
  HandTemporal temporal;
  std::optional<temporal::WorkflowClient> workflows;
  HandHttpServer http_server;
  HandRouter router;
  CountedSecrets secrets;
  std::string token = auth::make_token({});
  std::string foreign_token;
  UserId user{"alice"};
  UserId foreigner{"mallory"};
  std::optional<ApiServer> server;

 private:
  static Task<void> finish(Task<void> task, bool& done) {
    co_await std::move(task);
    done = true;
  }
  Task<void> prepare() {
    EXPECT_TRUE((co_await store->migrate(kNever)).ok());
    std::array<std::byte, auth::kTokenBytes> other{};
    other[0] = std::byte(1);
    foreign_token = auth::make_token(other);
    EXPECT_TRUE((co_await store->users().create(user, "Alice", kNever)).ok());
    EXPECT_TRUE((co_await store->users().create(foreigner, "Mallory", kNever)).ok());
    EXPECT_TRUE((co_await store->tokens().create(user, "t", token, kNever)).ok());
    EXPECT_TRUE((co_await store->tokens().create(foreigner, "t", foreign_token, kNever)).ok());
  }
};

}  // namespace reliant::api
