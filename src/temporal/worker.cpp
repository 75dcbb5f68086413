#include "temporal/worker.h"

#include <algorithm>
#include <utility>

#include "base/cause.h"
#include "runtime/scope.h"
#include "temporal/activity_tasks.h"
#include "temporal/poller.h"
#include "temporal/workflow_tasks.h"

namespace reliant::temporal {
namespace {

namespace wf = ports::wf;
namespace enums = ::temporal::api::enums::v1;

constexpr Duration kUnhealthyAfter = std::chrono::seconds(20);
// A poll that failed is made again within 12 s; when it then waits for this time, the server has accepted it.
constexpr Duration kHealthyAfter = std::chrono::seconds(30);
constexpr Duration kShutdownCall = std::chrono::seconds(5);
// Between two looks at what still runs while the worker drains.
constexpr Duration kDrainStep = std::chrono::milliseconds(20);

}  // namespace

WorkerCore::WorkerCore(ports::Temporal& port, const Clock& port_clock, Random seed, EventLog& events, WorkerOptions chosen)
    : temporal(port),
      clock(port_clock),
      random(seed),
      log(events),
      options(std::move(chosen)),
      instance_key(random.hex(32)),
      sticky_queue(concat(options.identity, "-", instance_key)),
      answers(port, port_clock, Random(random.next()), {.time = std::chrono::minutes(1)}) {}

void WorkerCore::poll_failed(std::string_view what, const Status& status) {
  if (poll_health().ok() && clock.now() - last_failure >= kHealthyAfter) failing_since.reset();
  if (!failing_since) failing_since = clock.now();
  last_failure = clock.now();
  poll_error = status;
  log.info("temporal.poll.failed",
           {{"queue", options.task_queue}, {"what", what}, {"code", code_name(status.code())}, {"message", described(status)}});
}

void WorkerCore::give_up(const Status& status) {
  if (!polling()) return;
  refusal = status;
  gave_up.set();
}

Status WorkerCore::poll_health() const {
  if (!refusal.ok()) return refusal;
  const Instant now = clock.now();
  if (!failing_since || now - *failing_since < kUnhealthyAfter) return ok_status();
  return polls > 0 && now - last_failure >= kHealthyAfter ? ok_status() : poll_error;
}

class Worker::Impl {
 public:
  Impl(Context& context, ports::Temporal& temporal, const Clock& clock, Random random, EventLog& log, WorkerOptions options)
      : core_(temporal, clock, random, log, std::move(options)),
        starting_(temporal, clock, Random(core_.random.next()), {.time = Duration::max()}),
        activities_(core_, activity_registry_, tasks_),
        workflows_(core_, workflow_registry_, activities_, tasks_),
        tasks_(context),
        polls_(context) {}

  Task<Status> start(Instant deadline);
  Task<void> stop(Instant deadline);
  Task<Status> gave_up();
  Status health() const;

  WorkerCore core_;
  RpcCaller starting_;
  WorkflowRegistry workflow_registry_;
  ActivityRegistry activity_registry_;
  ActivityTasks activities_;
  WorkflowTasks workflows_;

 private:
  void start_polling();
  Task<void> shut_polls(Instant deadline);
  // Until no task runs (no poll holds a slot any more) and no heartbeat is under way, or `deadline`.
  Task<void> drain(Instant deadline);

  bool polling_ = false;
  bool polls_end_on_shutdown_ = false;
  TaskScope tasks_;
  TaskScope polls_;
};

Task<Status> Worker::Impl::start(Instant deadline) {
  if (polling_ || core_.stopping) co_return failed_precondition("a worker is started once");
  wf::DescribeNamespaceRequest request;
  request.set_namespace_(core_.options.name_space);
  const auto response = co_await starting_.call(&ports::Temporal::describe_namespace, std::move(request), deadline);
  // A server without this call works all the same.
  if (!response.ok() && response.status().code() != StatusCode::kUnimplemented) co_return response.status();
  if (response.ok()) polls_end_on_shutdown_ = response->namespace_info().capabilities().worker_poll_complete_on_shutdown();
  start_polling();
  co_return ok_status();
}

void Worker::Impl::start_polling() {
  polling_ = true;
  if (!workflow_registry_.types.empty()) {
    for (std::size_t i = 0; i < core_.options.workflow_pollers; ++i) polls_.spawn(workflows_.poll_normal());
    const bool sticky = core_.options.cached_runs > 0 && core_.options.concurrent_workflow_tasks > 1;
    for (std::size_t i = 0; sticky && i < core_.options.sticky_pollers; ++i) polls_.spawn(workflows_.poll_sticky());
  }
  if (!activity_registry_.empty()) {
    for (std::size_t i = 0; i < core_.options.activity_pollers; ++i) polls_.spawn(activities_.poll());
  }
}

Task<void> Worker::Impl::shut_polls(Instant deadline) {
  wf::ShutdownWorkerRequest request;
  request.set_namespace_(core_.options.name_space);
  request.set_identity(core_.options.identity);
  request.set_sticky_task_queue(core_.sticky_queue);
  request.set_task_queue(core_.options.task_queue);
  request.set_worker_instance_key(core_.instance_key);
  request.set_reason("graceful shutdown");
  request.add_task_queue_types(enums::TASK_QUEUE_TYPE_WORKFLOW);
  request.add_task_queue_types(enums::TASK_QUEUE_TYPE_ACTIVITY);
  const Instant limit = std::min(deadline, after(core_.clock.now(), kShutdownCall));
  const auto response = co_await core_.temporal.shutdown_worker(std::move(request), limit);
  // A task that the server gives to a poll in its last moment is still ours: wait for the polls, if they will
  // end.
  if (response.ok() && polls_end_on_shutdown_) {
    while (core_.polls > 0) {
      core_.polls_changed.reset();
      const bool changed = co_await core_.polls_changed.wait(limit);
      if (!changed) break;
    }
  }
  polls_.cancel();
  co_await polls_.join();
}

Task<void> Worker::Impl::drain(Instant deadline) {
  while (workflows_.taken() + activities_.taken() + activities_.beats() > 0 && core_.clock.now() < deadline)
    co_await sleep_for(kDrainStep);
}

Task<void> Worker::Impl::stop(Instant deadline) {
  core_.stopping = true;
  co_await shut_polls(deadline);
  const Duration left = std::max(Duration::zero(), deadline - core_.clock.now());
  co_await drain(after(core_.clock.now(), left / 2));
  activities_.shut_down(after(core_.clock.now(), left / 4));
  co_await drain(deadline);
  tasks_.cancel();
  co_await tasks_.join();
}

Task<Status> Worker::Impl::gave_up() {
  co_await core_.gave_up.wait();
  co_return core_.refusal;
}

Status Worker::Impl::health() const {
  if (!polling_ || core_.stopping) return unavailable("the worker does not poll");
  return core_.poll_health();
}

Worker::Worker(Context& context, ports::Temporal& temporal, const Clock& clock, Random random, EventLog& log,
               WorkerOptions options)
    : impl_(std::make_unique<Impl>(context, temporal, clock, random, log, std::move(options))) {}
Worker::~Worker() = default;

void Worker::register_workflow(std::string type, WorkflowFactory factory) {
  impl_->workflow_registry_.types[std::move(type)] = std::move(factory);
}
void Worker::register_activity(std::string type, ActivityFunction function) {
  impl_->activity_registry_[std::move(type)] = std::move(function);
}
Task<Status> Worker::start(Instant deadline) { return impl_->start(deadline); }
Task<void> Worker::stop(Instant deadline) { return impl_->stop(deadline); }
Task<Status> Worker::gave_up() { return impl_->gave_up(); }
Status Worker::health() const { return impl_->health(); }
std::size_t Worker::running_activities() const { return impl_->activities_.running(); }
std::size_t Worker::cached_runs() const { return impl_->workflows_.cache().size(); }
void Worker::evict_all() { impl_->workflows_.cache().clear(); }

}  // namespace reliant::temporal
