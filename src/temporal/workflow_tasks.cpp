#include "temporal/workflow_tasks.h"

#include <google/protobuf/util/time_util.h>

#include <utility>
#include <vector>

#include "base/cause.h"
#include "base/utf8.h"
#include "temporal/failure.h"
#include "temporal/payload.h"

namespace reliant::temporal {
namespace {

namespace wf = ports::wf;
namespace enums = ::temporal::api::enums::v1;
using ::google::protobuf::util::TimeUtil;
using Polled = WorkflowTasks::Polled;

constexpr Duration kAnswerTimeout = std::chrono::seconds(60);
// Activities of one task that are asked for eagerly, as the SDKs do: the rest may run on other workers.
constexpr std::size_t kMostEager = 3;
constexpr std::string_view kReasonNoSuchType = "NO_SUCH_WORKFLOW_TYPE";
// Of a failed fetch: nothing is wrong with the task itself.
constexpr std::string_view kReasonFetch = "HISTORY_NOT_FETCHED";

bool is_query(const Polled& task) { return task.has_query(); }

// Whether the run stands where the task wants it.
bool is_ready_for(const WorkflowRun& run, const Polled& task) {
  if (is_query(task)) return run.last_activated_id() >= task.previous_started_event_id();
  return run.task_started() && run.last_event_id() == task.started_event_id();
}

// Whether the task's events can follow what the cached run knows. A task that is tried again is not trusted
// to: its events may have the numbers of an attempt that left no trace.
bool continues(const WorkflowRun& run, const Polled& task) {
  if (is_query(task) && task.history().events().empty()) return run.last_activated_id() == task.previous_started_event_id();
  if (task.attempt() > 1 || task.history().events().empty()) return false;
  return run.last_activated_id() <= task.previous_started_event_id() &&
         task.history().events(0).event_id() <= run.last_event_id() + 1;
}

enums::WorkflowTaskFailedCause cause_of(const Status& status) {
  if (reason_of(status) == kReasonNondeterminism) return enums::WORKFLOW_TASK_FAILED_CAUSE_NON_DETERMINISTIC_ERROR;
  return enums::WORKFLOW_TASK_FAILED_CAUSE_WORKFLOW_WORKER_UNHANDLED_FAILURE;
}

}  // namespace

WorkflowTasks::WorkflowTasks(WorkerCore& core, const WorkflowRegistry& registry, ActivityTasks& activities, TaskScope& tasks)
    : core_(core),
      registry_(registry),
      activities_(activities),
      tasks_(tasks),
      slots_(core.options.concurrent_workflow_tasks),
      sticky_slots_(core.options.concurrent_workflow_tasks - 1),
      cache_(core.options.cached_runs) {}

Task<void> WorkflowTasks::poll_normal() {
  wf::PollWorkflowTaskQueueRequest request;
  request.set_namespace_(core_.options.name_space);
  request.set_identity(core_.options.identity);
  request.set_worker_instance_key(core_.instance_key);
  request.mutable_task_queue()->set_name(core_.options.task_queue);
  request.mutable_task_queue()->set_kind(enums::TASK_QUEUE_KIND_NORMAL);
  co_await poll_until_stopped(core_, slots_, nullptr, "workflow", &ports::Temporal::poll_workflow_task_queue,
                              std::move(request), *this);
}

Task<void> WorkflowTasks::poll_sticky() {
  wf::PollWorkflowTaskQueueRequest request;
  request.set_namespace_(core_.options.name_space);
  request.set_identity(core_.options.identity);
  request.set_worker_instance_key(core_.instance_key);
  request.mutable_task_queue()->set_name(core_.sticky_queue);
  request.mutable_task_queue()->set_kind(enums::TASK_QUEUE_KIND_STICKY);
  request.mutable_task_queue()->set_normal_name(core_.options.task_queue);
  co_await poll_until_stopped(core_, slots_, &sticky_slots_, "sticky", &ports::Temporal::poll_workflow_task_queue,
                              std::move(request), *this);
}

void WorkflowTasks::take(Polled task, Slot slot) { tasks_.spawn(work(std::move(task), std::move(slot))); }

Task<void> WorkflowTasks::work(Polled task, Slot slot) {
  const Slot held = std::move(slot);
  std::optional<Polled> next = std::move(task);
  while (next) next = co_await handle(std::move(*next));
}

Task<std::optional<Polled>> WorkflowTasks::handle(Polled task) {
  auto brought = co_await bring_up(task);
  if (!brought.ok()) {
    co_await refuse(task, brought.status());
    co_return std::nullopt;
  }
  std::unique_ptr<WorkflowRun> run = *std::move(brought);
  if (is_query(task)) {
    co_await answer_query(task, std::move(run));
    co_return std::nullopt;
  }
  Result<std::vector<Command>> commands = run->activate();
  if (!commands.ok()) {
    co_await refuse(task, commands.status());
    co_return std::nullopt;
  }
  co_return co_await answer(task, std::move(run), *std::move(commands));
}

Result<std::unique_ptr<WorkflowRun>> WorkflowTasks::new_run(const Polled& task) const {
  const auto type = registry_.types.find(task.workflow_type().name());
  if (type == registry_.types.end())
    return with_reason(not_found("this worker knows no workflow type \"", task.workflow_type().name(),
                                 "\"; register it, or poll another task queue"),
                       kReasonNoSuchType);
  return std::make_unique<WorkflowRun>(task.workflow_execution().workflow_id(), task.workflow_execution().run_id(),
                                       type->second());
}

Task<Result<std::unique_ptr<WorkflowRun>>> WorkflowTasks::bring_up(const Polled& task) {
  std::unique_ptr<WorkflowRun> cached = cache_.take(task.workflow_execution().run_id());
  if (cached != nullptr && continues(*cached, task)) {
    const Status status = co_await feed(*cached, task);
    if (status.ok() && is_ready_for(*cached, task)) co_return cached;
    if (reason_of(status) == kReasonFetch) co_return status;
    // Whatever is wrong, the whole history tells whether it is the code's fault.
  }
  cached.reset();
  core_.log.debug("temporal.run.rebuilt", {{"workflow", task.workflow_execution().workflow_id()}});
  CO_TRY_ASSIGN(std::unique_ptr<WorkflowRun> run, new_run(task));
  const auto& events = task.history().events();
  if (events.empty() || events.Get(0).event_id() != 1) CO_TRY_OK(co_await fetch(*run, task, "", History()));
  CO_TRY_OK(co_await feed(*run, task));
  if (!is_ready_for(*run, task))
    co_return with_reason(
        internal_error("history: it ends at event ", run->last_event_id(), ", before the task's ", task.started_event_id()),
        kReasonBadHistory);
  co_return run;
}

Task<Status> WorkflowTasks::feed(WorkflowRun& run, const Polled& task) {
  for (const HistoryEvent& event : task.history().events()) run.foresee(event);
  if (task.next_page_token().empty()) co_return apply(run, task, task.history());
  co_return co_await fetch(run, task, task.next_page_token(), task.history());
}

// A page is applied when the one after it is known: a workflow task at the end of a page may have its marker in the next.
Task<Status> WorkflowTasks::fetch(WorkflowRun& run, const Polled& task, std::string page_token, History page) {
  wf::GetWorkflowExecutionHistoryRequest request;
  request.set_namespace_(core_.options.name_space);
  *request.mutable_execution() = task.workflow_execution();
  request.set_next_page_token(std::move(page_token));
  do {
    auto next = co_await core_.answers.call(&ports::Temporal::get_workflow_execution_history, request,
                                            after(core_.clock.now(), kAnswerTimeout));
    if (!next.ok()) co_return with_reason(next.status(), kReasonFetch);
    for (const HistoryEvent& event : next->history().events()) run.foresee(event);
    CO_TRY_OK(apply(run, task, page));
    page = std::move(*next->mutable_history());
    request.set_next_page_token(next->next_page_token());
  } while (!request.next_page_token().empty());
  co_return apply(run, task, page);
}

Status WorkflowTasks::apply(WorkflowRun& run, const Polled& task, const History& page) {
  for (const HistoryEvent& event : page.events()) {
    if (task.started_event_id() != 0 && event.event_id() > task.started_event_id()) break;
    TRY_OK(run.apply(event));
  }
  return ok_status();
}

// With a slot for each, taken beforehand: what the server hands over has been started.
std::vector<Slot> WorkflowTasks::ask_for_activities(wf::RespondWorkflowTaskCompletedRequest& request) {
  std::vector<Slot> slots;
  for (Command& command : *request.mutable_commands()) {
    if (slots.size() == kMostEager || core_.stopping) break;
    if (!command.has_schedule_activity_task_command_attributes()) continue;
    auto& activity = *command.mutable_schedule_activity_task_command_attributes();
    if (activity.task_queue().name() != core_.options.task_queue) continue;
    std::optional<Slot> slot = activities_.try_reserve(activity.activity_type().name());
    if (!slot) break;
    activity.set_request_eager_execution(true);
    slots.push_back(*std::move(slot));
  }
  return slots;
}

Task<std::optional<Polled>> WorkflowTasks::answer(const Polled& task, std::unique_ptr<WorkflowRun> run,
                                                  std::vector<Command> commands) {
  wf::RespondWorkflowTaskCompletedRequest request;
  request.set_task_token(task.task_token());
  request.set_namespace_(core_.options.name_space);
  request.set_identity(core_.options.identity);
  request.set_worker_instance_key(core_.instance_key);
  request.mutable_sdk_metadata()->set_sdk_name("reliant");
  for (Command& command : commands) *request.add_commands() = std::move(command);
  std::vector<Slot> slots = ask_for_activities(request);
  const bool keeps = core_.options.cached_runs > 0 && !core_.stopping;
  if (keeps) {
    auto& sticky = *request.mutable_sticky_attributes();
    sticky.mutable_worker_task_queue()->set_name(core_.sticky_queue);
    sticky.mutable_worker_task_queue()->set_kind(enums::TASK_QUEUE_KIND_STICKY);
    sticky.mutable_worker_task_queue()->set_normal_name(core_.options.task_queue);
    *sticky.mutable_schedule_to_start_timeout() = TimeUtil::NanosecondsToDuration(core_.options.sticky_timeout.count());
  }
  request.set_return_new_workflow_task(keeps);
  for (const auto& [id, query] : task.queries()) {
    auto& out = (*request.mutable_query_results())[id];
    const auto result = run->query(query.query_type(), json_text(query.query_args()).value_or(""));
    out.set_result_type(result.ok() ? enums::QUERY_RESULT_TYPE_ANSWERED : enums::QUERY_RESULT_TYPE_FAILED);
    if (result.ok()) *out.mutable_answer() = json_payloads(*result);
    if (!result.ok()) out.set_error_message(text_from_bytes(message_of(result.status())));
  }
  // Back into the cache first: the run's next task may come before this call returns.
  if (keeps) cache_.put(std::move(run));
  run.reset();
  auto response = co_await core_.answers.call(&ports::Temporal::respond_workflow_task_completed, std::move(request),
                                              after(core_.clock.now(), kAnswerTimeout));
  if (!response.ok()) {
    // Not known whether it counted; "UnhandledCommand" (something came in between) says that it did not.
    cache_.erase(task.workflow_execution().run_id());
    core_.log.info("temporal.workflow_task.dropped", {{"workflow", task.workflow_execution().workflow_id()},
                                                      {"code", code_name(response.status().code())},
                                                      {"message", described(response.status())}});
    co_return std::nullopt;
  }
  for (auto& activity : *response->mutable_activity_tasks()) {
    if (slots.empty()) break;  // more than were asked for: their timeouts bring them to others
    activities_.take(std::move(activity), std::move(slots.back()));
    slots.pop_back();
  }
  if (!response->has_workflow_task() || response->workflow_task().task_token().empty()) co_return std::nullopt;
  co_return std::move(*response->mutable_workflow_task());
}

Task<void> WorkflowTasks::answer_query(const Polled& task, std::unique_ptr<WorkflowRun> run) {
  const auto result = run->query(task.query().query_type(), json_text(task.query().query_args()).value_or(""));
  cache_.put(std::move(run));
  wf::RespondQueryTaskCompletedRequest request;
  request.set_task_token(task.task_token());
  request.set_namespace_(core_.options.name_space);
  request.set_completed_type(result.ok() ? enums::QUERY_RESULT_TYPE_ANSWERED : enums::QUERY_RESULT_TYPE_FAILED);
  if (result.ok()) *request.mutable_query_result() = json_payloads(*result);
  if (!result.ok()) request.set_error_message(text_from_bytes(message_of(result.status())));
  (void)co_await core_.answers.call(&ports::Temporal::respond_query_task_completed, std::move(request),
                                    after(core_.clock.now(), kAnswerTimeout));
}

Task<void> WorkflowTasks::refuse(const Polled& task, Status status) {
  const std::string reason = reason_of(status);
  const bool defect = reason == kReasonNondeterminism || reason == kReasonWorkflowFault;
  core_.log.record(defect ? Level::kError : Level::kWarning, "temporal.workflow_task.failed",
                   {{"workflow", task.workflow_execution().workflow_id()},
                    {"type", task.workflow_type().name()},
                    {"attempt", task.attempt()},
                    {"reason", reason},
                    {"message", described(status)}});
  if (reason == kReasonFetch) co_return;  // the task's timeout brings it again
  if (is_query(task)) {
    wf::RespondQueryTaskCompletedRequest request;
    request.set_task_token(task.task_token());
    request.set_namespace_(core_.options.name_space);
    request.set_completed_type(enums::QUERY_RESULT_TYPE_FAILED);
    request.set_error_message(text_from_bytes(message_of(status)));
    (void)co_await core_.answers.call(&ports::Temporal::respond_query_task_completed, std::move(request),
                                      after(core_.clock.now(), kAnswerTimeout));
    co_return;
  }
  if (task.attempt() > 1) co_return;  // told once; the timeout of the task is the pause between attempts
  wf::RespondWorkflowTaskFailedRequest request;
  request.set_task_token(task.task_token());
  request.set_namespace_(core_.options.name_space);
  request.set_identity(core_.options.identity);
  request.set_cause(cause_of(status));
  *request.mutable_failure() = failure_from(status);
  (void)co_await core_.answers.call(&ports::Temporal::respond_workflow_task_failed, std::move(request),
                                    after(core_.clock.now(), kAnswerTimeout));
}

}  // namespace reliant::temporal
