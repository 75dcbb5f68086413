// An engine over SQLite in memory, with a database in between whose commits can be made to fail, and virtual time.
#pragma once

#include <gtest/gtest.h>

#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "adapters/sqlite/sqlite_database.h"
#include "base/text.h"
#include "runtime/clock.h"
#include "runtime/executor.h"
#include "runtime/scope.h"
#include "temporal/engine/engine.h"

namespace reliant::tests {

namespace wf = ports::wf;
namespace enums = ::temporal::api::enums::v1;

enum class CommitFate { kCommitted, kUnavailable, kDoubtfulWritten, kDoubtfulNotWritten, kWrongSql };

// Passes everything on, and lets commits meet the fates that were planned.
class FatefulDatabase final : public ports::Database {
 public:
  explicit FatefulDatabase(ports::Database& inner) : inner_(inner) {}
  Task<Result<std::unique_ptr<ports::Transaction>>> begin(ports::Access access, Instant deadline) override {
    auto inner = co_await inner_.begin(access, deadline);
    if (!inner.ok()) co_return inner.status();
    std::unique_ptr<ports::Transaction> outer = std::make_unique<FatefulTransaction>(*this, *std::move(inner));
    co_return outer;
  }
  Task<Status> run_script(std::string_view sql, Instant deadline) override { return inner_.run_script(sql, deadline); }
  Task<Result<WallTime>> wall_now(Instant deadline) override { return inner_.wall_now(deadline); }

  std::deque<CommitFate> fates;
  bool down = false;  // every commit is UNAVAILABLE
  int commits = 0;

 private:
  class FatefulTransaction final : public ports::Transaction {
   public:
    FatefulTransaction(FatefulDatabase& owner, std::unique_ptr<ports::Transaction> inner)
        : owner_(owner), inner_(std::move(inner)) {}
    Task<Result<ports::Rows>> execute(std::string_view sql, ports::Values parameters) override {
      return inner_->execute(sql, std::move(parameters));
    }
    Task<Status> commit() override {
      ++owner_.commits;
      CommitFate fate = owner_.down ? CommitFate::kUnavailable : CommitFate::kCommitted;
      if (!owner_.fates.empty()) {
        fate = owner_.fates.front();
        owner_.fates.pop_front();
      }
      if (fate == CommitFate::kUnavailable) co_return unavailable("no connection");
      if (fate == CommitFate::kWrongSql) co_return internal_error("no such table");
      if (fate != CommitFate::kDoubtfulNotWritten) {
        const Status status = co_await inner_->commit();
        if (!status.ok() || fate == CommitFate::kCommitted) co_return status;
      }
      co_return with_reason(unknown("the connection was lost"), kReasonCommitUnknown);
    }

   private:
    FatefulDatabase& owner_;
    std::unique_ptr<ports::Transaction> inner_;
  };

  ports::Database& inner_;
};

class EngineWorld {
 public:
  EngineWorld() { restart(); }

  void restart() {
    engine_.reset();
    engine_.emplace(server_.context(), clock_, Random(++lives_), log_, database_);
    EXPECT_TRUE(get(engine_->start(kNever)).ok());
  }
  temporal::engine::Engine& engine() { return *engine_; }
  FatefulDatabase& database() { return database_; }
  Executor& executor() { return executor_; }
  TaskScope& client() { return client_; }
  int errors() const { return log_.errors; }
  // How far the calendar is ahead of the truth.
  void set_calendar(Duration wrong) { clock_.wrong = wrong; }
  void run_for(Duration duration) { executor_.run_until(executor_.now() + duration); }
  Instant in(Duration duration) { return executor_.now() + duration; }

  template <class T>
  T get(Task<T> task) {
    std::optional<T> value;
    TaskScope scope(client_.context());
    scope.spawn(keep(std::move(task), value));
    const Instant limit = in(std::chrono::minutes(10));
    while (!value && executor_.next_event() <= limit && executor_.step()) {}
    RELIANT_ASSERT(value.has_value(), "a call of the test did not end");
    return *std::move(value);
  }
  template <class T>
  static Task<void> keep(Task<T> task, std::optional<T>& value) {
    value.emplace(co_await std::move(task));
  }

  // --- calls
  static wf::SignalWithStartWorkflowExecutionRequest message(std::string_view id, std::string_view request_id) {
    wf::SignalWithStartWorkflowExecutionRequest request;
    request.set_namespace_("default");
    request.set_workflow_id(std::string(id));
    request.mutable_workflow_type()->set_name("Chat");
    request.mutable_task_queue()->set_name("queue");
    request.set_signal_name("message");
    request.set_request_id(std::string(request_id));
    return request;
  }
  Status send(std::string_view id, std::string_view request_id) {
    return get(engine().signal_with_start_workflow_execution(message(id, request_id), in(std::chrono::seconds(30)))).status();
  }
  static wf::PollWorkflowTaskQueueRequest poll() {
    wf::PollWorkflowTaskQueueRequest request;
    request.set_namespace_("default");
    request.mutable_task_queue()->set_name("queue");
    return request;
  }
  wf::PollWorkflowTaskQueueResponse next_task(Duration wait = std::chrono::seconds(55)) {
    const auto task = get(engine().poll_workflow_task_queue(poll(), in(wait)));
    EXPECT_TRUE(task.ok()) << task.status();
    return task.ok() ? *task : wf::PollWorkflowTaskQueueResponse();
  }
  wf::PollActivityTaskQueueResponse next_activity(Duration wait) {
    wf::PollActivityTaskQueueRequest request;
    request.set_namespace_("default");
    request.mutable_task_queue()->set_name("queue");
    const auto task = get(engine().poll_activity_task_queue(request, in(wait)));
    EXPECT_TRUE(task.ok()) << task.status();
    return task.ok() ? *task : wf::PollActivityTaskQueueResponse();
  }
  Status complete(const wf::PollWorkflowTaskQueueResponse& task) {
    wf::RespondWorkflowTaskCompletedRequest request;
    request.set_namespace_("default");
    request.set_task_token(task.task_token());
    return get(engine().respond_workflow_task_completed(request, in(std::chrono::seconds(30)))).status();
  }
  int signals(std::string_view id) { return events(id, enums::EVENT_TYPE_WORKFLOW_EXECUTION_SIGNALED); }
  // All of them, of a short one.
  ::temporal::api::history::v1::History history(std::string_view id) {
    wf::GetWorkflowExecutionHistoryRequest request;
    request.set_namespace_("default");
    request.mutable_execution()->set_workflow_id(std::string(id));
    const auto page = get(engine().get_workflow_execution_history(request, in(std::chrono::seconds(30))));
    EXPECT_TRUE(page.ok()) << page.status();
    return page.ok() ? page->history() : ::temporal::api::history::v1::History();
  }
  int events(std::string_view id, enums::EventType type) {
    int found = 0;
    const auto all = history(id);
    for (const auto& event : all.events()) {
      if (event.event_type() == type) ++found;
    }
    return found;
  }

 private:
  class VirtualClock final : public Clock {
   public:
    explicit VirtualClock(const Executor& executor) : executor_(executor) {}
    Instant now() const override { return executor_.now(); }
    WallTime wall_now() const override { return WallTime(std::chrono::hours(500'000)) + now().time_since_epoch() + wrong; }

    Duration wrong{};

   private:
    const Executor& executor_;
  };
  class CountingLog final : public EventLog {
   public:
    void record(Level level, std::string_view, std::initializer_list<Field>) override {
      if (level == Level::kError) ++errors;
    }
    int errors = 0;
  };

  Executor executor_{3};
  VirtualClock clock_{executor_};
  CountingLog log_;
  std::unique_ptr<adapters::SqliteDatabase> sqlite_ = *adapters::SqliteDatabase::open(":memory:");
  FatefulDatabase database_{*sqlite_};
  std::uint64_t lives_ = 0;
  TaskScope server_{executor_, 1};
  std::optional<temporal::engine::Engine> engine_;
  TaskScope client_{executor_, 2};
};

}  // namespace reliant::tests
