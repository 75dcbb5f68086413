// Plays a script (temporal_contract_script.h) on one world of the Temporal contract and writes down, a line each, what every call
// answered, what can be asked after it, and in the end all histories: without ids and times that a server makes up.
//
// A step that starts something which a server does by itself is waited for, so that the next one meets the same state
// everywhere. Every workflow and activity has a task queue of its own: no order between them is promised.
#pragma once

#include <google/protobuf/util/json_util.h>

#include <algorithm>
#include <deque>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "base/text.h"
#include "contract/temporal_contract.h"
#include "contract/temporal_contract_children.h"
#include "contract/temporal_contract_script.h"
#include "contract/temporal_contract_scrub.h"

namespace reliant::tests {

using Lines = std::vector<std::string>;

template <class World>
class Player : public TemporalContract<World> {
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
  static constexpr Duration kPatience = std::chrono::seconds(5);

  struct Flow {
    std::string id;
    bool known = false;        // it has been started
    std::string state;         // as it was written last
    std::string token;         // of the workflow task that is held
    int attempt = 1;           // of the last one that there was
    bool refused_end = false;  // its last workflow task wanted to end it, in vain
    Lines runs;
    Lines timers;               // that were ever started
    Lines activity_ids;         // the same
    std::set<std::string> slow;  // activities that wait for an hour before they are tried again
    std::set<std::string> requests;  // signals of the current run
    std::string parent;  // of a child: the workflow id, and what becomes of it at the end of the parent's run
    std::string parent_run;
    std::string child_run;  // the first one of the child's chain
    enums::ParentClosePolicy policy{};
  };
  struct Described {
    wf::DescribeWorkflowExecutionResponse response;
    enums::WorkflowExecutionStatus status() const { return response.workflow_execution_info().status(); }
    bool running() const { return status() == enums::WORKFLOW_EXECUTION_STATUS_RUNNING; }
    const std::string& run_id() const { return response.workflow_execution_info().execution().run_id(); }
    // It starts in an hour, and not in the second that a real server leaves between two runs.
    bool delayed() const {
      const auto& info = response.workflow_execution_info();
      return info.execution_time().seconds() - info.start_time().seconds() > 60;
    }
    bool task_in(enums::PendingWorkflowTaskState state) const {
      return response.has_pending_workflow_task() && response.pending_workflow_task().state() == state;
    }
  };

  // --- names

  std::string id_of(std::string_view flow) const { return concat(name_, "-", flow); }
  std::string number() { return concat(++made_); }
  Flow* find(const std::string& id) {
    const auto found = std::ranges::find(flows_, id, &Flow::id);
    return found == flows_.end() ? nullptr : &*found;
  }
  void know_run(Flow& flow, const std::string& run_id) {
    if (run_id.empty() || run_names_.contains(run_id)) return;
    flow.runs.push_back(run_id);
    flow.requests.clear();
    flow.timers.clear();
    flow.activity_ids.clear();
    flow.slow.clear();
    run_names_[run_id] = concat("run ", flow.runs.size(), " of ", flow.id);
  }
  // What is the same on all servers.
  std::string shown(std::string text) const {
    for (const auto& [run_id, run_name] : run_names_) replace(text, run_id, run_name);
    replace(text, concat(name_, "-"), "");
    return without_uuids(text);
  }
  static void replace(std::string& text, const std::string& what, const std::string& by) {
    for (std::size_t at = text.find(what); at != std::string::npos; at = text.find(what, at + by.size())) {
      text.replace(at, what.size(), by);
    }
  }
  template <class Message>
  static std::string json(Message message) {
    scrub(message);
    std::string out;
    (void)google::protobuf::util::MessageToJsonString(message, &out);
    return out;
  }
  template <class... Parts>
  void write(const Parts&... parts) {
    lines_.push_back(concat(parts...));
  }
  static std::string code(const Status& status) { return std::string(code_name(status.code())); }

  // --- asking

  // Of a closed run a real server goes on showing what was pending.
  Described describe(const Flow& flow) {
    Described now{TemporalContract<World>::describe(flow.id)};
    if (now.running()) return now;
    now.response.clear_pending_workflow_task();
    now.response.clear_pending_activities();
    now.response.clear_pending_children();
    return now;
  }

  void write_state() {
    for (std::size_t i = 0; i < flows_.size(); ++i) {
      Flow& flow = flows_[i];
      if (!flow.known) continue;
      const Described now = describe(flow);
      know_run(flow, now.run_id());
      if (!now.task_in(enums::PENDING_WORKFLOW_TASK_STATE_STARTED)) flow.token.clear();
      const auto& info = now.response.workflow_execution_info();
      std::string line = concat("  ", flow.id, " ", now.run_id(), " ", enums::WorkflowExecutionStatus_Name(now.status()), ", ",
                                info.history_length(), " events");
      if (now.response.workflow_extended_info().cancel_requested()) line += ", cancel requested";
      if (now.response.has_pending_workflow_task()) {
        const auto& task = now.response.pending_workflow_task();
        flow.attempt = task.attempt();
        line += concat(", ", enums::PendingWorkflowTaskState_Name(task.state()), " attempt ", task.attempt());
      }
      Lines open;
      for (const auto& activity : now.response.pending_activities()) {
        open.push_back(concat(", activity ", activity.activity_id(), " ",
                              enums::PendingActivityState_Name(activity.state()), " attempt ", activity.attempt(),
                              activity.has_heartbeat_details() ? " with details" : "",
                              activity.has_last_failure() ? concat(" after ", activity.last_failure().message()) : ""));
      }
      for (const auto& child : now.response.pending_children()) open.push_back(concat(", child ", child.workflow_id()));
      std::ranges::sort(open);
      for (const std::string& each : open) line += each;
      if (std::exchange(flow.state, line) != line) lines_.push_back(std::move(line));
    }
    for (std::string& line : lines_) line = shown(std::move(line));  // also what was told before a run had its name
  }

  void write_histories() {
    for (const Flow& flow : flows_) {
      for (const std::string& run_id : flow.runs) {
        write(flow.id, ", ", run_id);
        for (const HistoryEvent& event : this->history(flow.id, run_id)) write(json(event));
      }
    }
    for (std::string& line : lines_) line = shown(std::move(line));
  }

  // --- waiting for what a server does by itself

  template <class Condition>
  void wait_until(std::string_view what, Condition condition) {
    const Instant last = after(this->world_.executor().now(), kPatience);
    while (!condition()) {
      if (this->world_.executor().now() >= last) return write("in vain it was waited until ", what);
      this->run_for(std::chrono::milliseconds(3));  // no server tells when it has done what it had to do
    }
  }

  // Children and their parents know of each other.
  void settle() {
    for (std::size_t i = 0; i < flows_.size(); ++i) {
      if (!flows_[i].known) continue;
      wait_until("it has a workflow task or a reason to have none", [&] {
        const Described now = describe(flows_[i]);
        return !now.running() || now.response.workflow_execution_info().history_length() > 1 || now.delayed();
      });
    }
    for (std::size_t i = 0; i < flows_.size(); ++i) {
      const std::string parent_id = flows_[i].parent;
      if (parent_id.empty()) continue;
      wait_until("a child and its parent have heard of each other", [&] {
        const Described child = describe(flows_[i]);
        const Described parent = describe(*find(parent_id));
        const bool goes_on = parent.running() && parent.run_id() == flows_[i].parent_run;
        // A client may have started another one under the child's id.
        const bool child_goes_on =
            child.running() && child.response.workflow_execution_info().first_run_id() == flows_[i].child_run;
        if (goes_on) {
          const auto& open = parent.response.pending_children();
          return child_goes_on || std::ranges::none_of(open, [&](const auto& each) {
            return each.workflow_id() == flows_[i].id && ours(flows_[i], each.run_id());
          });
        }
        if (!child_goes_on || flows_[i].policy == enums::PARENT_CLOSE_POLICY_ABANDON) return true;
        return flows_[i].policy == enums::PARENT_CLOSE_POLICY_REQUEST_CANCEL &&
               child.response.workflow_extended_info().cancel_requested();
      });
    }
  }
  static bool ours(const Flow& flow, const std::string& run_id) {
    return run_id.empty() || std::ranges::find(flow.runs, run_id) != flow.runs.end() || flow.runs.empty();
  }

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

  static bool busy(const Flow& flow) { return flow.refused_end && !flow.token.empty(); }

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

  struct Awaited {
    std::string short_timer;
    std::string activity;  // that times out
    std::string child;
    bool others = false;
  };

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

  void wait_for(Flow& flow, const Awaited& awaited) {
    const std::string& id = flow.id;
    if (!awaited.short_timer.empty()) {
      wait_until("a short timer fires", [&] {
        return std::ranges::any_of(this->history(id), [&](const HistoryEvent& event) {
          return event.timer_fired_event_attributes().timer_id() == awaited.short_timer;
        });
      });
    }
    if (!awaited.activity.empty()) {
      wait_until("an activity times out", [&] {
        return std::ranges::none_of(describe(*find(id)).response.pending_activities(), [&](const auto& activity) {
          return activity.activity_id() == awaited.activity && activity.attempt() == 1;
        });
      });
    }
    if (!awaited.child.empty()) wait_for_child(id, awaited.child);
    if (awaited.others) {
      wait_until("another workflow has been told", [&] {
        const std::string names = this->events_of(id);
        const auto count = [&](std::string_view name) {
          std::size_t found = 0;
          for (std::size_t at = names.find(name); at != std::string::npos; at = names.find(name, at + 1)) ++found;
          return found;
        };
        return count("ExternalWorkflowExecutionInitiated") ==
               count("ExternalWorkflowExecutionFailed") + count(" ExternalWorkflowExecution");
      });
    }
  }
  void wait_for_child(const std::string& parent, const std::string& child) {
    std::string run_id;
    wait_until("a child has started, or not", [&] {
      const auto children = describe(*find(parent)).response.pending_children();
      run_id.clear();
      bool open = false;
      for (const auto& each : children) {
        if (each.workflow_id() != child) continue;
        open = each.run_id().empty();
        run_id = each.run_id();
      }
      return !open;
    });
    if (run_id.empty() || run_names_.contains(run_id)) return;
    Flow& started = *find(child);
    started.known = true;
    started.refused_end = false;
    started.parent = parent;
    started.parent_run = describe(*find(parent)).run_id();
    started.child_run = run_id;
    started.policy = policy_;
    know_run(started, run_id);
  }

  std::vector<Command> commands(Flow& flow, const Step& step, Awaited& awaited) {
    const bool ends = std::ranges::any_of(step.wants, &Want::ends_run);
    bool waits = ends || step.takes_next;  // what happens while a task is held cannot be seen
    std::vector<Command> made;
    for (const Want& want : step.wants) {
      if (want.is_awaited() && std::exchange(waits, waits || want.is_awaited())) continue;
      made.push_back(command(flow.id, want, awaited));
      if (want.ends_run()) break;  // it has to be the last
    }
    return made;
  }

  Command command(const std::string& id, const Want& want, Awaited& awaited) {
    using Kind = Want::Kind;
    Flow& flow = *find(id);
    switch (want.kind) {
      case Kind::kLongTimer:
        flow.timers.push_back(want.pick % 8 == 0 && !flow.timers.empty() ? flow.timers.back() : number());
        return this->start_timer(flow.timers.back(), std::chrono::hours(1));
      case Kind::kShortTimer:
        flow.timers.push_back(awaited.short_timer = number());
        return this->start_timer(awaited.short_timer, std::chrono::milliseconds(30));
      case Kind::kCancelTimer:
        return this->cancel_timer(flow.timers.empty() ? "unknown" : flow.timers[want.pick % flow.timers.size()]);
      case Kind::kActivity: return activity(flow, want.pick);
      case Kind::kActivityNobodyTakes: return activity_that_times_out(flow, awaited, want.pick, true);
      case Kind::kActivityThatHangs: return activity_that_times_out(flow, awaited, want.pick, false);
      case Kind::kCancelActivity: return cancel_some_activity(flow, want.pick);
      case Kind::kMarker: return marker(want.pick);
      case Kind::kMemo: return memo(want.pick);
      case Kind::kChild: return child(flow, awaited, want.pick);
      case Kind::kSignalOther:
      case Kind::kCancelOther: return tell_other(want, awaited);
      case Kind::kComplete: return this->complete_workflow();
      case Kind::kFail: return failing(want.pick);
      case Kind::kCancel: {
        Command command;
        command.set_command_type(enums::COMMAND_TYPE_CANCEL_WORKFLOW_EXECUTION);
        *command.mutable_cancel_workflow_execution_command_attributes()->mutable_details() = this->text("why");
        return command;
      }
      // README.md: a run whose delay was cut short is not continued.
      default: return describe(flow).delayed() ? this->complete_workflow() : this->continue_as_new();
    }
  }

  static Command marker(std::size_t pick) {
    Command command;
    command.set_command_type(enums::COMMAND_TYPE_RECORD_MARKER);
    auto& attributes = *command.mutable_record_marker_command_attributes();
    if (pick % 6 != 0) attributes.set_marker_name("side effect");  // otherwise refused
    (*attributes.mutable_details())["value"] = Player::text(concat(pick));
    return command;
  }
  static Command memo(std::size_t pick) {
    Command command;
    command.set_command_type(enums::COMMAND_TYPE_MODIFY_WORKFLOW_PROPERTIES);
    auto& fields = *command.mutable_modify_workflow_properties_command_attributes()->mutable_upserted_memo()->mutable_fields();
    fields["note"] = Player::text(concat(pick)).payloads(0);
    return command;
  }
  static Command failing(std::size_t pick) {
    Command command = Player::fail_workflow();
    auto& failure = *command.mutable_fail_workflow_execution_command_attributes()->mutable_failure();
    failure.mutable_application_failure_info()->set_non_retryable(pick % 2 == 0);
    return command;
  }

  Command activity(Flow& flow, std::size_t pick) {
    const bool again = pick % 12 == 11 && !flow.activity_ids.empty();  // refused while the first one is open
    const std::string id = again ? flow.activity_ids.back() : number();
    flow.activity_ids.push_back(id);
    Command command = this->schedule_activity(id, std::chrono::minutes(5));
    auto& attributes = this->activity_of(command);
    attributes.mutable_task_queue()->set_name(concat(flow.id, "-activity-", id));
    auto& retry = *attributes.mutable_retry_policy();
    switch (pick % 6) {
      case 0:
        attributes.clear_retry_policy();
        attributes.mutable_header();
        break;
      case 1: retry.set_maximum_attempts(1); break;
      case 2:
        *retry.mutable_initial_interval() = this->span(std::chrono::hours(1));
        *attributes.mutable_heartbeat_timeout() = this->span(std::chrono::minutes(1));
        flow.slow.insert(id);
        break;
      case 3:
        *retry.mutable_initial_interval() = this->span(std::chrono::milliseconds(20));
        retry.set_maximum_attempts(3);
        if (pick % 4 == 3) retry.add_non_retryable_error_types("Broken");
        break;
      case 4:
        *attributes.mutable_start_to_close_timeout() = this->span(std::chrono::hours(3));
        *attributes.mutable_schedule_to_close_timeout() = this->span(std::chrono::hours(2));
        retry.set_maximum_attempts(2);
        *retry.mutable_initial_interval() = this->span(std::chrono::milliseconds(20));
        retry.set_backoff_coefficient(1);
        break;
      default:
        if (pick % 24 == 5) attributes.clear_start_to_close_timeout();  // refused
        *attributes.mutable_schedule_to_start_timeout() = this->span(std::chrono::hours(1));
        retry.set_maximum_attempts(2);
    }
    return command;
  }
  Command activity_that_times_out(Flow& flow, Awaited& awaited, std::size_t pick, bool before_start) {
    awaited.activity = number();
    flow.activity_ids.push_back(awaited.activity);
    Command command = this->schedule_activity(awaited.activity, std::chrono::minutes(1));
    auto& attributes = this->activity_of(command);
    attributes.mutable_task_queue()->set_name(concat(flow.id, "-activity-", awaited.activity));
    attributes.mutable_retry_policy()->set_maximum_attempts(1);
    const auto soon = this->span(std::chrono::milliseconds(50));
    *(before_start || pick % 2 == 0 ? attributes.mutable_schedule_to_start_timeout()
                                    : attributes.mutable_schedule_to_close_timeout()) = soon;
    return command;
  }
  // One that there is or was, or none.
  Command cancel_some_activity(Flow& flow, std::size_t pick) {
    std::vector<std::int64_t> scheduled;
    for (const HistoryEvent& event : this->history(flow.id)) {
      if (event.event_type() == enums::EVENT_TYPE_ACTIVITY_TASK_SCHEDULED) scheduled.push_back(event.event_id());
    }
    std::ranges::reverse(scheduled);
    return this->cancel_activity(scheduled.empty() ? 1 : scheduled[pick % std::min<std::size_t>(3, scheduled.size())]);
  }
  Command child(Flow& flow, Awaited& awaited, std::size_t pick) {
    const std::string parent = flow.id;
    std::string id = pick % 5 == 4 ? flows_[pick % flows_.size()].id : id_of(concat("c", number()));
    awaited.child = id;
    policy_ = std::vector{enums::PARENT_CLOSE_POLICY_TERMINATE, enums::PARENT_CLOSE_POLICY_ABANDON,
                          enums::PARENT_CLOSE_POLICY_REQUEST_CANCEL}[pick % 3];
    Command command = start_child(id, policy_);
    auto& attributes = *command.mutable_start_child_workflow_execution_command_attributes();
    attributes.mutable_task_queue()->set_name(id);
    *attributes.mutable_input() = this->text("of the parent");
    if (pick % 4 == 1) *attributes.mutable_workflow_run_timeout() = this->span(std::chrono::hours(1));
    if (pick % 4 != 3) *attributes.mutable_workflow_task_timeout() = this->span(std::chrono::minutes(2));
    if (find(id) == nullptr) flows_.push_back(Flow{id});
    return command;
  }
  Command tell_other(const Want& want, Awaited& awaited) {
    const Flow& other = flows_[want.pick % flows_.size()];
    const std::string target = want.pick % 7 == 6 || busy(other) ? id_of("unknown") : other.id;
    const bool child_only = want.pick % 3 == 1;
    awaited.others = true;
    return want.kind == Want::Kind::kSignalOther ? signal_other(target, child_only) : cancel_other(target, child_only);
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

  std::string name_;
  std::deque<Flow> flows_;  // it grows, and they stay where they are
  Lines activities_;  // tokens of those that are held
  std::map<std::string, std::string> run_names_;
  enums::ParentClosePolicy policy_{};
  int made_ = 0;
  Lines lines_;
};

}  // namespace reliant::tests
