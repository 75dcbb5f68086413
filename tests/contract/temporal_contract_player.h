// Plays a script (temporal_contract_script.h) on one world of the Temporal contract and writes down, a line each, what every call
// answered, what can be asked after it, and in the end all histories: without ids and times that a server makes up.
//
// A step that starts something which a server does by itself is waited for, so that the next one meets the same state
// everywhere. Every workflow and activity has a task queue of its own: no order between them is promised.
#pragma once

#include <algorithm>
#include <cstddef>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/text.h"
#include "contract/temporal_contract_commander.h"
#include "contract/temporal_contract_script.h"
#include "contract/temporal_contract_stage.h"

namespace reliant::tests {

template <class World>
class Player : public Commander<World> {
  using Base = Commander<World>;
  using typename Base::Awaited;
  using typename Base::Described;
  using typename Base::Flow;
  using Base::busy;
  using Base::code;
  using Base::commands;
  using Base::describe;
  using Base::flows_;
  using Base::id_of;
  using Base::json;
  using Base::know_run;
  using Base::kPatience;
  using Base::lines_;
  using Base::made_;
  using Base::name_;
  using Base::number;
  using Base::run_names_;
  using Base::settle;
  using Base::wait_for;
  using Base::write;
  using Base::write_histories;
  using Base::write_state;

 public:
  void TestBody() override {}

  // `name` is of this run of the script only: nothing of another one is in its way.
  Lines play(const std::string& name, const Script& script) {
    this->run_for(std::chrono::milliseconds(1));  // its clock stood still while the other world played
    name_ = name;
    flows_ = {Flow{id_of("a")}, Flow{id_of("b")}};
    activities_.clear();
    run_names_.clear();
    made_ = 0;
    lines_.clear();
    for (const Step& step : script) {
      play(step);
      settle();
      write_state();
    }
    write_histories();
    for (const Flow& flow : flows_) {
      if (flow.known && describe(flow).running()) (void)this->terminate(flow.id);
    }
    return std::move(lines_);
  }

 private:
  // --- steps

  Flow& flow_of(const Step& step) { return flows_[step.flow % flows_.size()]; }

  void play(const Step& step) {
    using Kind = Step::Kind;
    Flow& flow = flow_of(step);
    if (step.kind == Kind::kStart) return start_flow(flow, step.pick);
    if (step.kind == Kind::kSignalWithStart) return signal_with_start(flow, step.pick);
    if (!flow.known) return;
    switch (step.kind) {
      case Kind::kSignal: return send_signal(flow, step.pick);
      case Kind::kRequestCancel: return write("request cancel: ", code(this->request_cancel(flow.id)));
      case Kind::kTerminate: return write("terminate: ", code(this->terminate(flow.id)));
      case Kind::kQuery: return ask(flow);
      case Kind::kPoll: return poll(flow);
      case Kind::kAnswer: return answer(flow, step);
      case Kind::kFailTask:
        if (!flow.token.empty()) write("fail task: ", code(this->fail_task(flow.token)));
        return;
      case Kind::kPollActivity: return poll_activity(flow, step.pick);
      default: return answer_activity(step);
    }
  }

  template <class Request>
  void vary_start(Request& request, const Flow& flow, std::size_t pick) {
    request.mutable_task_queue()->set_name(flow.id);
    *request.mutable_workflow_task_timeout() = this->span(std::chrono::minutes(2));
    static constexpr enums::WorkflowIdReusePolicy kReuse[] = {
        enums::WORKFLOW_ID_REUSE_POLICY_UNSPECIFIED, enums::WORKFLOW_ID_REUSE_POLICY_ALLOW_DUPLICATE,
        enums::WORKFLOW_ID_REUSE_POLICY_ALLOW_DUPLICATE_FAILED_ONLY, enums::WORKFLOW_ID_REUSE_POLICY_REJECT_DUPLICATE};
    static constexpr enums::WorkflowIdConflictPolicy kConflict[] = {
        enums::WORKFLOW_ID_CONFLICT_POLICY_UNSPECIFIED, enums::WORKFLOW_ID_CONFLICT_POLICY_FAIL,
        enums::WORKFLOW_ID_CONFLICT_POLICY_USE_EXISTING, enums::WORKFLOW_ID_CONFLICT_POLICY_TERMINATE_EXISTING};
    request.set_workflow_id_reuse_policy(kReuse[pick % 4]);
    request.set_workflow_id_conflict_policy(kConflict[pick / 4 % 4]);
    if (pick % 3 == 1) *request.mutable_workflow_run_timeout() = this->span(std::chrono::hours(1));
    if (pick % 5 == 1) *request.mutable_workflow_execution_timeout() = this->span(std::chrono::hours(2));
    if (pick % 6 == 3) {
      auto& retry = *request.mutable_retry_policy();
      *retry.mutable_initial_interval() = this->span(std::chrono::hours(1));
      retry.set_maximum_attempts(2);
    }
    if (pick % 7 == 2) *request.mutable_workflow_start_delay() = this->span(std::chrono::hours(1));
    if (pick % 5 == 2) (*request.mutable_memo()->mutable_fields())["note"] = this->text("memo").payloads(0);
    if (pick % 5 == 3) (*request.mutable_header()->mutable_fields())["trace"] = this->text("header").payloads(0);
  }
  template <class Response>
  void started(Flow& flow, std::string_view what, const Result<Response>& response) {
    if (!response.ok()) return write(what, ": ", code(response.status()));
    flow.known = true;
    if (!run_names_.contains(response->run_id())) flow.refused_end = false;
    know_run(flow, response->run_id());
    write(what, ": ", response->started() ? "started " : "found ", response->run_id());
  }
  void start_flow(Flow& flow, std::size_t pick) {
    if (busy(flow)) return;
    auto request = this->start_request(flow.id);
    vary_start(request, flow, pick);
    request.set_request_id(pick % 6 == 0 && flow.runs.size() < 2 ? "the same" : number());  // README.md: of an earlier run
    started(flow, "start", this->get(this->temporal().start_workflow_execution(request, this->in(this->kLong))));
  }
  void signal_with_start(Flow& flow, std::size_t pick) {
    if (busy(flow)) return;
    const std::string id = number();
    auto request = this->signal_with_start_request(flow.id, id);
    vary_start(request, flow, pick);
    started(flow, "signal with start",
            this->get(this->temporal().signal_with_start_workflow_execution(request, this->in(this->kLong))));
    flow.requests.insert(id);
  }
  // Some are repeated: while the run goes on, that is nothing new.
  void send_signal(Flow& flow, std::size_t pick) {
    if (busy(flow)) return;
    const bool again = pick % 6 == 0 && !flow.requests.empty() && describe(flow).running();
    const std::string id = again ? *flow.requests.begin() : number();
    write(again ? "the same signal: " : "signal: ", code(this->signal(flow.id, id)));
    flow.requests.insert(id);
  }

  Task<Result<wf::PollWorkflowTaskQueueResponse>> poll_of(const Flow& flow) {
    wf::PollWorkflowTaskQueueRequest request;
    request.set_namespace_("default");
    request.mutable_task_queue()->set_name(flow.id);
    request.set_identity("worker-1");
    return this->temporal().poll_workflow_task_queue(std::move(request), this->in(std::chrono::seconds(20)));
  }
  void poll(Flow& flow) {
    if (!flow.token.empty() || !describe(flow).task_in(enums::PENDING_WORKFLOW_TASK_STATE_SCHEDULED)) return;
    take_task(flow, "poll", this->must(poll_of(flow)));
  }
  void take_task(Flow& flow, std::string_view what, wf::PollWorkflowTaskQueueResponse task) {
    flow.token = task.task_token();
    task.clear_next_page_token();
    const auto events = std::move(*task.mutable_history());
    task.clear_history();
    write(what, ": ", json(task));
    for (const HistoryEvent& event : events.events()) write("  ", json(event));
  }

  // Only while no workflow task is under way: then a worker is asked directly.
  void ask(Flow& flow) {
    if (flow.attempt > 1) return;  // README.md: of a run that was closed then
    const Described now = describe(flow);
    if (now.response.has_pending_workflow_task() || (now.delayed() && now.running())) return;
    auto query = this->start(this->query(flow.id));
    auto polled = this->start(poll_of(flow));
    this->world_.run_until([&] { return query->ended() || polled->ended(); }, kPatience);
    if (!query->ended()) {
      const auto task = this->await(*polled);
      if (!task.ok()) return write("query: nobody is asked");
      take_task(flow, "asked", *task);
      flow.token.clear();
      wf::RespondQueryTaskCompletedRequest request;
      request.set_namespace_("default");
      request.set_task_token(task->task_token());
      request.set_completed_type(enums::QUERY_RESULT_TYPE_ANSWERED);
      *request.mutable_query_result() = this->text("answer");
      write("answered: ", code(this->get(this->temporal().respond_query_task_completed(request, this->in(this->kLong))).status()));
    }
    const auto result = this->await(*query);
    write("query: ", result.ok() ? json(*result) : code(result.status()));
  }

  // --- the answer to a workflow task

  void answer(Flow& flow, const Step& step) {
    if (flow.token.empty()) return;
    Awaited awaited;
    auto request = this->completion(flow.token, commands(flow, step, awaited));
    request.set_force_create_new_workflow_task(step.forces_task);
    request.set_return_new_workflow_task(step.takes_next);
    const bool wanted_end = std::ranges::any_of(request.commands(), [](const Command& command) {
      return command.command_type() == enums::COMMAND_TYPE_COMPLETE_WORKFLOW_EXECUTION ||
             command.command_type() == enums::COMMAND_TYPE_FAIL_WORKFLOW_EXECUTION ||
             command.command_type() == enums::COMMAND_TYPE_CANCEL_WORKFLOW_EXECUTION ||
             command.command_type() == enums::COMMAND_TYPE_CONTINUE_AS_NEW_WORKFLOW_EXECUTION;
    });
    std::string said;
    for (const Command& command : request.commands()) said += concat(" ", enums::CommandType_Name(command.command_type()));
    auto response = this->get(this->temporal().respond_workflow_task_completed(request, this->in(this->kLong)));
    flow.refused_end = wanted_end && !response.ok();
    write("answer", said, ": ", code(response.status()));
    if (!response.ok()) return;
    flow.token.clear();
    if (response->has_workflow_task() && !response->workflow_task().task_token().empty()) {
      take_task(flow, "with the next task", std::move(*response->mutable_workflow_task()));
    }
    wait_for(flow, awaited);
  }

  // --- activities

  void poll_activity(Flow& flow, std::size_t pick) {
    Lines waiting;
    const Described now = describe(flow);
    for (const auto& activity : now.response.pending_activities()) {
      if (activity.state() != enums::PENDING_ACTIVITY_STATE_SCHEDULED) continue;
      if (activity.attempt() > 1 && flow.slow.contains(activity.activity_id())) continue;
      waiting.push_back(activity.activity_id());
    }
    if (waiting.empty()) return;
    std::ranges::sort(waiting);
    wf::PollActivityTaskQueueRequest request;
    request.set_namespace_("default");
    request.mutable_task_queue()->set_name(concat(flow.id, "-activity-", waiting[pick % waiting.size()]));
    request.set_identity("worker-1");
    const auto task =
        this->must(this->temporal().poll_activity_task_queue(std::move(request), this->in(std::chrono::seconds(20))));
    activities_.push_back({task.task_token()});
    write("poll activity: ", json(task));
  }
  void answer_activity(const Step& step) {
    if (activities_.empty()) return;
    const std::size_t which = step.pick % activities_.size();
    const std::string token = activities_[which];
    switch (step.kind) {
      case Step::Kind::kCompleteActivity: write("complete activity: ", code(this->complete_activity(token))); break;
      case Step::Kind::kFailActivity:
        write("fail activity: ", code(this->fail_activity(token, step.pick % 5 == 4)));
        break;
      case Step::Kind::kHeartbeat: {
        const auto beat = this->heartbeat(token, "half");
        return write("heartbeat: ", beat.ok() ? *beat ? "cancel requested" : "OK" : code(beat.status()));
      }
      default: {
        wf::RespondActivityTaskCanceledRequest request;
        request.set_namespace_("default");
        request.set_task_token(token);
        request.set_identity("worker-1");
        *request.mutable_details() = this->text("stopped");
        const Status status =
            this->get(this->temporal().respond_activity_task_canceled(request, this->in(this->kLong))).status();
        write("answer canceled: ", code(status));
        if (!status.ok()) return;
      }
    }
    if (step.pick % 4 != 3) activities_.erase(activities_.begin() + static_cast<std::ptrdiff_t>(which));
  }

  Lines activities_;  // tokens of those that are held
};

}  // namespace reliant::tests
