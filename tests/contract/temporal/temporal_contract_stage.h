// What a player of scripts (temporal_contract_player.h) knows of its workflows, writes down of them, and waits for.
#pragma once

#include <google/protobuf/util/json_util.h>

#include <algorithm>
#include <deque>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "base/text.h"
#include "contract/temporal/temporal_contract.h"
#include "contract/temporal/temporal_contract_scrub.h"

namespace reliant::tests {

using Lines = std::vector<std::string>;

template <class World>
class Stage : public TemporalContract<World> {
 protected:
  static constexpr Duration kStepTimeout = std::chrono::seconds(5);
  // No server tells when it has seen that a poll or a query is broken off.
  static constexpr Duration kBrokenOff = std::chrono::milliseconds(200);

  struct Flow {
    std::string id;
    bool known = false;        // it has been started
    std::string state;         // as it was written last
    std::string token;         // of the workflow task that is held
    int attempt = 1;           // of the last one that there was
    bool refused_end = false;  // its last workflow task wanted to end it and was refused
    Lines asked;               // the ids of the queries that are to be answered with the task that is held
    std::unique_ptr<typename TemporalContract<World>::template Started<Result<wf::QueryWorkflowResponse>>> query;
    std::string run_asked;
    // The poll of its sticky worker, if it has one that comes.
    std::unique_ptr<typename TemporalContract<World>::template Started<Result<wf::PollWorkflowTaskQueueResponse>>> sticky;
    bool sticks = false;  // its last workflow task was answered by a sticky worker
    int hung = 0;         // workflow tasks that were left to time out
    Lines runs;
    Lines timers;                    // that were ever started
    Lines activity_ids;              // the same
    std::set<std::string> slow;      // activities that wait for an hour before they are tried again
    std::set<std::string> requests;  // signals of the current run
    std::string parent;              // of a child: the workflow id, and what becomes of it at the end of the parent's run
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
    // Its workflow tasks time out while a client waits for it.
    bool hurried() const { return response.execution_config().default_workflow_task_timeout().seconds() < 10; }
    bool task_in(enums::PendingWorkflowTaskState state) const {
      return response.has_pending_workflow_task() && response.pending_workflow_task().state() == state;
    }
  };

  static bool busy(const Flow& flow) { return flow.refused_end && !flow.token.empty(); }

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
    flow.sticks = false;
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
        open.push_back(concat(", activity ", activity.activity_id(), " ", enums::PendingActivityState_Name(activity.state()),
                              " attempt ", activity.attempt(), activity.has_heartbeat_details() ? " with details" : "",
                              activity.has_last_failure() ? concat(" after ", activity.last_failure().message()) : ""));
      }
      for (const auto& child : now.response.pending_children()) open.push_back(concat(", child ", child.workflow_id()));
      std::ranges::sort(open);
      for (const std::string& each : open) line += each;
      if (std::exchange(flow.state, line) != line) lines_.push_back(std::move(line));
    }
    for (std::string& line : lines_) line = shown(std::move(line));  // also lines from before a run had its name
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
  void wait_until(std::string_view what, Condition condition, Duration timeout = kStepTimeout) {
    const Instant last = after(this->world_.executor().now(), timeout);
    while (!condition()) {
      if (this->world_.executor().now() >= last) return write("timeout while waiting until ", what);
      this->run_for(std::chrono::milliseconds(3));  // no server tells when it has done what it had to do
    }
  }

  // README.md: a real server does not answer it, or only later.
  void forget_query(Flow& flow) {
    if (!flow.query) return;
    flow.query.reset();
    flow.asked.clear();
    this->run_for(kBrokenOff);
  }
  void forget_queries() {
    for (std::size_t i = 0; i < flows_.size(); ++i) forget_query(flows_[i]);
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

  std::string name_;
  std::deque<Flow> flows_;  // it grows, and they stay where they are
  std::map<std::string, std::string> run_names_;
  int made_ = 0;
  Lines lines_;
};

}  // namespace reliant::tests
