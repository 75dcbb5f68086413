// What a player of scripts (temporal_contract_player.h) does from outside of workflows and their workers: lists and counts, who polls,
// histories from their end, answers for activities by their ids, deletion.
#pragma once

#include <algorithm>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/text.h"
#include "contract/temporal/temporal_contract_commander.h"
#include "contract/temporal/temporal_contract_script.h"

namespace reliant::tests {

template <class World>
class Outsider : public Commander<World> {
 protected:
  using Base = Commander<World>;
  using Base::busy;
  using Base::code;
  using Base::describe;
  using Base::flows_;
  using Base::forget_queries;
  using Base::forget_query;
  using Base::json;
  using Base::kBrokenOff;
  using Base::lines_;
  using Base::name_;
  using Base::wait_until;
  using Base::write;
  using typename Base::Flow;

  // --- lists: which workflows, not in which order (temporal_contract_visibility.h)

  void list(const Flow& flow, const Step& step) {
    wait_for_lists();
    const std::string query = query_of(flow, step);
    const auto listed = all_of(query, static_cast<int>(step.pick % 4));
    write("list ", query, ": ", code(listed.status()));
    if (!listed.ok()) return;
    Lines found;
    for (const auto& info : *listed) {
      found.push_back(
          this->shown(concat("  ", info.execution().workflow_id(), " ", info.execution().run_id(), " ", info.type().name(), " ",
                             enums::WorkflowExecutionStatus_Name(info.status()), " of ", info.task_queue(), ", ",
                             info.history_length(), " events, ", json(info.memo()), ", child of ",
                             info.parent_execution().workflow_id(), ", root ", info.root_execution().workflow_id())));
    }
    std::ranges::sort(found);
    std::ranges::move(found, std::back_inserter(lines_));
  }
  void count(const Flow& flow, const Step& step) {
    wait_for_lists();
    wf::CountWorkflowExecutionsRequest request;
    request.set_namespace_("default");
    request.set_query(concat(query_of(flow, step), step.pick % 2 == 0 ? " GROUP BY ExecutionStatus" : ""));
    const auto counted = this->get(this->temporal().count_workflow_executions(request, this->in(this->kLong)));
    write("count ", request.query(), ": ", counted.ok() ? concat(counted->count()) : code(counted.status()));
    if (!counted.ok()) return;
    Lines groups;
    for (const auto& group : counted->groups())
      groups.push_back(concat("  ", group.group_values(0).data(), " ", group.count()));
    std::ranges::sort(groups);
    std::ranges::move(groups, std::back_inserter(lines_));
  }

  // --- who polls, and what has happened, the last event first

  void describe_queue(const Flow& flow, std::size_t pick) {
    const bool activities = pick % 2 == 0 && !flow.activity_ids.empty();
    const std::string queue =
        activities ? concat(flow.id, "-activity-", flow.activity_ids[pick % flow.activity_ids.size()]) : flow.id;
    const auto type = activities ? enums::TASK_QUEUE_TYPE_ACTIVITY : enums::TASK_QUEUE_TYPE_WORKFLOW;
    write("queue ", queue, " has the pollers", pollers_of(queue, type));
  }
  // Their identities, each after a blank.
  std::string pollers_of(const std::string& queue, enums::TaskQueueType type) {
    wf::DescribeTaskQueueRequest request;
    request.set_namespace_("default");
    request.mutable_task_queue()->set_name(queue);
    request.set_task_queue_type(type);
    const auto described = this->must(this->temporal().describe_task_queue(request, this->in(this->kLong)));
    std::string pollers;
    for (const auto& poller : described.pollers()) pollers += concat(" ", poller.identity());
    return pollers;
  }
  void read_backwards(const Flow& flow, std::size_t pick) {
    wf::GetWorkflowExecutionHistoryReverseRequest request;
    request.set_namespace_("default");
    request.mutable_execution()->set_workflow_id(flow.id);
    request.mutable_execution()->set_run_id(flow.runs.empty() ? "" : flow.runs[pick % flow.runs.size()]);
    request.set_maximum_page_size(static_cast<int>(1 + pick % 5));
    write("backwards:");
    do {
      auto page = this->must(this->temporal().get_workflow_execution_history_reverse(request, this->in(this->kLong)));
      for (const HistoryEvent& event : page.history().events()) write("  ", json(event));
      request.set_next_page_token(page.next_page_token());
    } while (!request.next_page_token().empty());
  }

  // --- by ids

  void answer_by_id(const Flow& flow, const Step& step) {
    if (flow.activity_ids.empty()) return;
    const std::string id = step.pick % 12 == 7 ? "unknown" : flow.activity_ids[step.pick % flow.activity_ids.size()];
    const auto of = [&](auto request) {
      request.set_namespace_("default");
      request.set_workflow_id(flow.id);
      request.set_activity_id(id);
      request.set_identity("outside");
      return request;
    };
    switch (step.kind) {
      case Step::Kind::kCompleteById: {
        auto request = of(wf::RespondActivityTaskCompletedByIdRequest());
        *request.mutable_result() = this->text("by id");
        return told(concat("complete ", id, ": "),
                    this->get(this->temporal().respond_activity_task_completed_by_id(request, this->in(this->kLong))).status());
      }
      case Step::Kind::kFailById: {
        auto request = of(wf::RespondActivityTaskFailedByIdRequest());
        request.mutable_failure()->set_message("it broke outside");
        request.mutable_failure()->mutable_application_failure_info()->set_non_retryable(step.pick % 2 == 0);
        return told(concat("fail ", id, ": "),
                    this->get(this->temporal().respond_activity_task_failed_by_id(request, this->in(this->kLong))).status());
      }
      case Step::Kind::kHeartbeatById: {
        auto request = of(wf::RecordActivityTaskHeartbeatByIdRequest());
        *request.mutable_details() = this->text("half, outside");
        const auto beat = this->get(this->temporal().record_activity_task_heartbeat_by_id(request, this->in(this->kLong)));
        if (beat.ok() && beat->cancel_requested()) return write("heartbeat of ", id, ": cancel requested");
        return told(concat("heartbeat of ", id, ": "), beat.status());
      }
      default: {
        auto request = of(wf::RespondActivityTaskCanceledByIdRequest());
        *request.mutable_details() = this->text("stopped outside");
        return told(concat("canceled ", id, ": "),
                    this->get(this->temporal().respond_activity_task_canceled_by_id(request, this->in(this->kLong))).status());
      }
    }
  }
  // README.md: a call that fails makes a real server drop the queries of its run.
  void told(std::string_view what, const Status& status) {
    write(what, code(status));
    if (!status.ok()) forget_queries();
  }

  // The last run, running or closed, of a workflow that has no parent and no children.
  void remove(Flow& flow) {
    const bool related =
        !flow.parent.empty() || std::ranges::any_of(flows_, [&](const Flow& each) { return each.parent == flow.id; });
    if (related || busy(flow)) return;
    forget_query(flow);
    if (flow.sticky) {
      flow.sticky.reset();
      this->run_for(kBrokenOff);
    }
    const std::string run_id = describe(flow).run_id();
    wf::DeleteWorkflowExecutionRequest request;
    request.set_namespace_("default");
    request.mutable_workflow_execution()->set_workflow_id(flow.id);
    const Status removed = this->get(this->temporal().delete_workflow_execution(request, this->in(this->kLong))).status();
    write("delete: ", code(removed));
    if (!removed.ok()) return;
    wait_until(
        "a deleted run is gone", [&] { return status_of(flow.id, run_id).status().code() == StatusCode::kNotFound; },
        kDeletion);
    write("then: ", code(status_of(flow.id, "").status()));
    std::erase(flow.runs, run_id);
    flow.known = flow.refused_end = flow.sticks = false;
    flow.token.clear();
    flow.state.clear();
  }

 private:
  static constexpr Duration kDeletion = std::chrono::seconds(40);

  std::string mine() const { return concat("WorkflowId STARTS_WITH '", name_, "-'"); }

  // Of this run of the script, and one or two conditions that the step chooses.
  std::string query_of(const Flow& flow, const Step& step) const {
    const std::vector<std::string> conditions = {"ExecutionStatus = 'Running'",
                                                 "ExecutionStatus != 'Running'",
                                                 "ExecutionStatus IN ('Completed', 'Failed', 'Canceled')",
                                                 "ExecutionStatus NOT IN ('ContinuedAsNew', 'Terminated')",
                                                 "WorkflowType = 'Child'",
                                                 "WorkflowType != 'Child'",
                                                 "CloseTime IS NULL",
                                                 "CloseTime IS NOT NULL",
                                                 concat("WorkflowId = '", flow.id, "'"),
                                                 concat("WorkflowId NOT IN ('", flow.id, "', 'x')"),
                                                 concat("TaskQueue = '", flow.id, "'"),
                                                 "ExecutionStatus = 'Sleeping'"};  // refused
    const std::string& first = conditions[step.pick % conditions.size()];
    const std::string& second = conditions[(step.pick * 5 + 1) % conditions.size()];
    switch (step.flow % 3) {
      case 0:
        return concat(mine(), " AND ", first);
      case 1:
        return concat(mine(), " AND (", first, " OR ", second, ")");
      default:
        return concat(mine(), " AND (", first, ") AND ", second);
    }
  }
  Result<std::vector<api::workflow::v1::WorkflowExecutionInfo>> all_of(std::string query, int page_size) {
    std::vector<api::workflow::v1::WorkflowExecutionInfo> found;
    wf::ListWorkflowExecutionsRequest request;
    request.set_namespace_("default");
    request.set_query(std::move(query));
    request.set_page_size(page_size);
    do {
      auto page = this->get(this->temporal().list_workflow_executions(request, this->in(this->kLong)));
      if (!page.ok()) return page.status();
      for (auto& info : *page->mutable_executions()) found.push_back(std::move(info));
      request.set_next_page_token(page->next_page_token());
    } while (!request.next_page_token().empty());
    return found;
  }
  Result<enums::WorkflowExecutionStatus> status_of(const std::string& id, const std::string& run_id) {
    wf::DescribeWorkflowExecutionRequest request;
    request.set_namespace_("default");
    request.mutable_execution()->set_workflow_id(id);
    request.mutable_execution()->set_run_id(run_id);
    const auto described = this->get(this->temporal().describe_workflow_execution(request, this->in(this->kLong)));
    if (!described.ok()) return described.status();
    return described->workflow_execution_info().status();
  }
  // A real server lists a moment later what has happened.
  void wait_for_lists() {
    wait_until("lists have what has happened", [&] {
      std::map<std::string, enums::WorkflowExecutionStatus> listed;
      std::map<std::string, enums::WorkflowExecutionStatus> known;
      const auto all = all_of(mine(), 0);
      for (const auto& info : all.ok() ? *all : std::vector<api::workflow::v1::WorkflowExecutionInfo>())
        listed[info.execution().run_id()] = info.status();
      for (const Flow& flow : flows_) {
        for (const std::string& run_id : flow.runs) {
          if (const auto status = status_of(flow.id, run_id); status.ok()) known[run_id] = *status;
        }
      }
      return listed == known;
    });
  }
};

}  // namespace reliant::tests
