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
#include "contract/temporal/temporal_contract_outsider.h"
#include "contract/temporal/temporal_contract_script.h"
#include "contract/temporal/temporal_contract_stage.h"

namespace reliant::tests {

template <class World>
class Player : public Outsider<World> {
  using Base = Outsider<World>;
  using Base::busy;
  using Base::code;
  using Base::commands;
  using Base::describe;
  using Base::flows_;
  using Base::forget_queries;
  using Base::forget_query;
  using Base::id_of;
  using Base::json;
  using Base::kBrokenOff;
  using Base::know_run;
  using Base::kStepTimeout;
  using Base::lines_;
  using Base::made_;
  using Base::name_;
  using Base::number;
  using Base::run_names_;
  using Base::settle;
  using Base::told;
  using Base::wait_for;
  using Base::wait_until;
  using Base::write;
  using Base::write_histories;
  using Base::write_state;
  using typename Base::Awaited;
  using typename Base::Described;
  using typename Base::Flow;

 public:
  void TestBody() override {}

  // `name` is of this run of the script only: nothing of another one is in its way.
  Lines play(const std::string& name, const Script& script) {
    this->run_for(std::chrono::milliseconds(1));  // its clock stood still while the other world played
    name_ = name;
    flows_.clear();
    for (const std::string_view flow : {"a", "b"}) flows_.emplace_back().id = id_of(flow);
    activities_.clear();
    run_names_.clear();
    made_ = 0;
    lines_.clear();
    for (const Step& step : script) {
      play(step);
      settle();
      for (std::size_t i = 0; i < flows_.size(); ++i) {
        serve_query(flows_[i]);
        serve_sticky(flows_[i]);
      }
      write_state();
    }
    write_histories();
    for (const Flow& flow : flows_) {
      if (flow.known && describe(flow).running()) (void)this->terminate(flow.id);
    }
    flows_.clear();
    return std::move(lines_);
  }

 private:
  // No server tells when it has taken a poll or a query.
  static constexpr Duration kTaken = std::chrono::milliseconds(30);

  // --- steps

  Flow& flow_of(const Step& step) { return flows_[step.flow % flows_.size()]; }

  void play(const Step& step) {
    using Kind = Step::Kind;
    Flow& flow = flow_of(step);
    if (step.kind == Kind::kStart) return start_flow(flow, step.pick);
    if (step.kind == Kind::kSignalWithStart) return signal_with_start(flow, step.pick);
    if (!flow.known) return;
    switch (step.kind) {
      case Kind::kSignal:
        return send_signal(flow, step.pick);
      case Kind::kRequestCancel:
        return write("request cancel: ", code(this->request_cancel(flow.id)));
      case Kind::kTerminate:
        return write("terminate: ", code(this->terminate(flow.id)));
      case Kind::kQuery:
        return ask(flow);
      case Kind::kPoll:
        return poll(flow, step);
      case Kind::kAnswer:
        return answer(flow, step);
      case Kind::kFailTask:
        if (flow.token.empty()) return;
        flow.sticks = false;
        return write("fail task: ", code(this->fail_task(flow.token)));
      case Kind::kPollActivity:
        return poll_activity(flow, step.pick);
      case Kind::kList:
        return this->list(flow, step);
      case Kind::kCount:
        return this->count(flow, step);
      case Kind::kDescribeQueue:
        return this->describe_queue(flow, step.pick);
      case Kind::kReadBackwards:
        return this->read_backwards(flow, step.pick);
      case Kind::kDelete:
        return this->remove(flow);
      case Kind::kCompleteById:
      case Kind::kFailById:
      case Kind::kHeartbeatById:
      case Kind::kAnswerCanceledById:
        return this->answer_by_id(flow, step);
      default:
        return answer_activity(step);
    }
  }

  template <class Request>
  void vary_start(Request& request, const Flow& flow, std::size_t pick) {
    request.mutable_task_queue()->set_name(flow.id);
    *request.mutable_workflow_task_timeout() = this->span(pick % 24 == 5 ? std::chrono::seconds(1) : std::chrono::minutes(2));
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
    request.set_request_eager_execution(pick % 3 == 0);
    auto response = this->get(this->temporal().start_workflow_execution(request, this->in(this->kLong)));
    started(flow, "start", response);
    if (response.ok() && response->has_eager_workflow_task()) {
      take_task(flow, "eager", std::move(*response->mutable_eager_workflow_task()));
    }
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

  Task<Result<wf::PollWorkflowTaskQueueResponse>> poll_of(const Flow& flow, bool sticky = false) {
    wf::PollWorkflowTaskQueueRequest request;
    request.set_namespace_("default");
    request.mutable_task_queue()->set_name(flow.id);
    if (sticky) set_sticky(*request.mutable_task_queue(), flow);
    request.set_identity("worker-1");
    return this->temporal().poll_workflow_task_queue(std::move(request), this->in(std::chrono::seconds(20)));
  }
  static void set_sticky(api::taskqueue::v1::TaskQueue& queue, const Flow& flow) {
    queue.set_name(concat(flow.id, "-sticky"));
    queue.set_kind(enums::TASK_QUEUE_KIND_STICKY);
    queue.set_normal_name(flow.id);
  }
  void poll(Flow& flow, const Step& step) {
    if (!flow.token.empty()) return;
    const Described now = describe(flow);
    if (!now.task_in(enums::PENDING_WORKFLOW_TASK_STATE_SCHEDULED)) return;
    take_task(flow, "poll", this->must(poll_of(flow)));
    if (!now.hurried()) return;
    if (step.pick % 2 != 0 || flow.hung == 2) return answer(flow, step);
    ++flow.hung;
    if (step.pick % 4 == 0) send_signal(flow, step.pick);
    wait_until("a workflow task times out", [&] {
      const Described later = describe(flow);
      return !later.running() || !later.task_in(enums::PENDING_WORKFLOW_TASK_STATE_STARTED);
    });
    flow.token.clear();
  }
  void take_task(Flow& flow, std::string_view what, wf::PollWorkflowTaskQueueResponse task) {
    flow.token = task.task_token();
    flow.asked.clear();
    for (const auto& [id, query] : task.queries()) flow.asked.push_back(id);
    task.clear_next_page_token();
    const auto events = std::move(*task.mutable_history());
    task.clear_history();
    write(what, ": ", json(task));
    for (const HistoryEvent& event : events.events()) write("  ", json(event));
  }

  // --- sticky workers: one polls from the answer that asked for it until it has got a task, or it has gone

  // Whether the task that waits is on the sticky queue.
  bool waits_on_sticky(const Flow& flow, const Described& now) {
    if (!now.running() || !now.task_in(enums::PENDING_WORKFLOW_TASK_STATE_SCHEDULED) ||
        now.response.pending_workflow_task().attempt() > 1) {
      return false;
    }
    const auto events = this->history(flow.id);
    const auto scheduled = std::ranges::find_if(events.rbegin(), events.rend(), [](const HistoryEvent& event) {
      return event.event_type() == enums::EVENT_TYPE_WORKFLOW_TASK_SCHEDULED;
    });
    return scheduled != events.rend() &&
           scheduled->workflow_task_scheduled_event_attributes().task_queue().kind() == enums::TASK_QUEUE_KIND_STICKY;
  }
  void serve_sticky(Flow& flow) {
    if (!flow.known || !flow.token.empty()) return;
    if (!flow.sticky) {
      return wait_until("a sticky worker that has gone is given up", [&] { return !waits_on_sticky(flow, describe(flow)); });
    }
    wait_until("a sticky worker has its task", [&] {
      const Described now = describe(flow);
      return flow.sticky->ended() || !(now.task_in(enums::PENDING_WORKFLOW_TASK_STATE_STARTED) || waits_on_sticky(flow, now));
    });
    if (!flow.sticky->ended()) return;
    auto task = this->await(*std::exchange(flow.sticky, nullptr));
    if (task.ok() && !task->task_token().empty()) take_task(flow, "sticky", *std::move(task));
  }

  // --- queries: a worker is asked directly while no workflow task is under way, with the next one otherwise

  void ask(Flow& flow) {
    if (flow.attempt > 1) return;  // README.md: of a run that was closed then
    const Described now = describe(flow);
    if (now.delayed() && now.running()) return;
    if (flow.query) return write("one query more: ", code(this->get(this->query(flow.id)).status()));
    flow.query = this->start(this->query(flow.id));
    flow.run_asked = now.run_id();
    if (!now.response.has_pending_workflow_task()) return serve_directly(flow);
    this->run_for(kTaken);
    write("query: ", flow.query->ended() ? "refused" : "it waits for a workflow task");
  }
  void serve_query(Flow& flow) {
    if (!flow.query) return;
    const Described now = describe(flow);
    if (!now.running() || now.run_id() != flow.run_asked) {
      forget_query(flow);
    } else if (flow.query->ended()) {
      tell_answer(flow);
    } else if (!now.response.has_pending_workflow_task()) {
      serve_directly(flow);
    }
  }
  void serve_directly(Flow& flow) {
    const bool sticky = flow.sticks && flow.sticky && describe(flow).running();
    auto polled = sticky ? std::exchange(flow.sticky, nullptr) : this->start(poll_of(flow));
    this->world_.run_until([&] { return flow.query->ended() || polled->ended(); }, kStepTimeout);
    if (flow.query->ended()) {
      if (sticky) {
        flow.sticky = std::move(polled);
      } else {
        // A refused query ends at once, perhaps before the server has the poll, which its list of pollers shows.
        wait_until("the poll is listed", [&] { return !this->pollers_of(flow.id, enums::TASK_QUEUE_TYPE_WORKFLOW).empty(); });
        polled.reset();
        this->run_for(kBrokenOff);  // so that it takes no task that comes next
      }
      return tell_answer(flow);
    }
    if (!polled->ended()) {
      flow.query.reset();
      return write("query: no run to ask");
    }
    const auto task = this->await(*polled).value_or(wf::PollWorkflowTaskQueueResponse());
    if (sticky) flow.sticky = this->start(poll_of(flow, true));
    take_task(flow, sticky ? "asked, sticky" : "asked", task);
    flow.token.clear();
    Status answered = this->answer_query(task.task_token(), "answer");
    if (answered.code() == StatusCode::kNotFound) {  // README.md: it came too soon for a real server
      this->run_for(kTaken);
      answered = this->answer_query(task.task_token(), "answer");
    }
    write("answered: ", code(answered));
    tell_answer(flow);
  }
  void tell_answer(Flow& flow) {
    const auto result = this->await(*std::exchange(flow.query, nullptr));
    write("query: ", result.ok() ? json(*result) : code(result.status()));
  }
  // Answered, failed, or neither.
  void answer_queries(const Flow& flow, const Step& step, wf::RespondWorkflowTaskCompletedRequest& request) {
    for (const std::string& id : flow.asked) {
      if (step.pick % 3 == 2) continue;
      auto& result = (*request.mutable_query_results())[id];
      if (step.pick % 3 == 0) {
        result.set_result_type(enums::QUERY_RESULT_TYPE_ANSWERED);
        *result.mutable_answer() = this->text("answer");
      } else {
        result.set_result_type(enums::QUERY_RESULT_TYPE_FAILED);
        result.set_error_message("unknown query");
      }
    }
  }

  // --- the answer to a workflow task

  void answer(Flow& flow, const Step& step) {
    if (flow.token.empty()) return;
    Awaited awaited;
    auto request = this->completion(flow.token, commands(flow, step, awaited));
    request.set_force_create_new_workflow_task(step.forces_task);
    const bool hurried = describe(flow).hurried();
    const bool sticks = step.sticks && !hurried;
    if (sticks) stick(flow, step, request);
    request.set_return_new_workflow_task(step.takes_next && !hurried);
    answer_queries(flow, step, request);
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
    write("answer", said, sticks ? ", sticky" : "", ": ", code(response.status()));
    flow.sticks = sticks && response.ok();
    if (!response.ok()) return forget_query(flow);
    flow.token.clear();
    if (response->has_workflow_task() && !response->workflow_task().task_token().empty()) {
      take_task(flow, "with the next task", std::move(*response->mutable_workflow_task()));
    }
    if (flow.query && request.query_results_size() > 0) tell_answer(flow);
    // After a run that continues, its next one's task and the query are on one queue.
    if (flow.query && wanted_end && !describe(flow).running()) serve_directly(flow);
    serve_query(flow);
    wait_for(flow, awaited);
    if (awaited.others) forget_queries();  // what it wanted of another may have failed there
  }
  // A sticky worker polls already; one that goes away is missed soon.
  void stick(Flow& flow, const Step& step, wf::RespondWorkflowTaskCompletedRequest& request) {
    auto& sticky = *request.mutable_sticky_attributes();
    set_sticky(*sticky.mutable_worker_task_queue(), flow);
    const bool goes_away = step.pick % 4 == 0;
    *sticky.mutable_schedule_to_start_timeout() =
        this->span(goes_away ? Duration(std::chrono::milliseconds(50)) : Duration(std::chrono::hours(1)));
    if (!flow.sticky) {
      flow.sticky = this->start(poll_of(flow, true));
      this->run_for(kTaken);
    }
    if (!goes_away) return;
    flow.sticky.reset();
    this->run_for(kBrokenOff);
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
      case Step::Kind::kCompleteActivity:
        told("complete activity: ", this->complete_activity(token));
        break;
      case Step::Kind::kFailActivity:
        told("fail activity: ", this->fail_activity(token, step.pick % 5 == 4));
        break;
      case Step::Kind::kHeartbeat: {
        const auto beat = this->heartbeat(token, "half");
        if (beat.ok() && *beat) return write("heartbeat: cancel requested");
        return told("heartbeat: ", beat.status());
      }
      default: {
        wf::RespondActivityTaskCanceledRequest request;
        request.set_namespace_("default");
        request.set_task_token(token);
        request.set_identity("worker-1");
        *request.mutable_details() = this->text("stopped");
        const Status status =
            this->get(this->temporal().respond_activity_task_canceled(request, this->in(this->kLong))).status();
        told("answer canceled: ", status);
        if (!status.ok()) return;
      }
    }
    if (step.pick % 4 != 3) activities_.erase(activities_.begin() + static_cast<std::ptrdiff_t>(which));
  }
  Lines activities_;  // tokens of those that are held
};

}  // namespace reliant::tests
