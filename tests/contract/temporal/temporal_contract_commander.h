// The commands of workflow tasks, out of what a script wants, and how long what comes of them is waited for.
#pragma once

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "base/text.h"
#include "contract/temporal/temporal_contract_children.h"
#include "contract/temporal/temporal_contract_script.h"
#include "contract/temporal/temporal_contract_stage.h"

namespace reliant::tests {

template <class World>
class Commander : public Stage<World> {
 protected:
  using Base = Stage<World>;
  using Base::busy;
  using Base::describe;
  using Base::find;
  using Base::flows_;
  using Base::id_of;
  using Base::know_run;
  using Base::number;
  using Base::run_names_;
  using Base::wait_until;
  using typename Base::Flow;

  struct Awaited {
    std::string short_timer;
    std::string activity;  // that times out
    std::string child;
    bool others = false;
  };

  std::vector<Command> commands(Flow& flow, const Step& step, Awaited& awaited) {
    const bool ends = std::ranges::any_of(step.wants, &Want::ends_run);
    // What happens while a task is held cannot be seen; a query goes on its way as soon as there is no task.
    bool waits = ends || step.takes_next || step.sticks || flow.query;
    std::vector<Command> made;
    for (const Want& want : step.wants) {
      if (want.is_awaited() && std::exchange(waits, waits || want.is_awaited())) continue;
      made.push_back(command(flow.id, want, awaited));
      if (want.ends_run()) break;  // it has to be the last
    }
    return made;
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
      wait_until("another workflow has the event", [&] {
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

 private:
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
      case Kind::kActivity:
        return activity(flow, want.pick);
      case Kind::kActivityNobodyTakes:
        return activity_that_times_out(flow, awaited, want.pick, true);
      case Kind::kActivityThatHangs:
        return activity_that_times_out(flow, awaited, want.pick, false);
      case Kind::kCancelActivity:
        return cancel_some_activity(flow, want.pick);
      case Kind::kMarker:
        return marker(want.pick);
      case Kind::kMemo:
        return memo(want.pick);
      case Kind::kChild:
        return child(flow, awaited, want.pick);
      case Kind::kSignalOther:
      case Kind::kCancelOther:
        return tell_other(want, awaited);
      case Kind::kComplete:
        return this->complete_workflow();
      case Kind::kFail:
        return failing(want.pick);
      case Kind::kCancel: {
        Command command;
        command.set_command_type(enums::COMMAND_TYPE_CANCEL_WORKFLOW_EXECUTION);
        *command.mutable_cancel_workflow_execution_command_attributes()->mutable_details() = this->text("why");
        return command;
      }
      // README.md: a run whose delay was cut short is not continued.
      default:
        return describe(flow).delayed() ? this->complete_workflow() : this->continue_as_new();
    }
  }

  static Command marker(std::size_t pick) {
    Command command;
    command.set_command_type(enums::COMMAND_TYPE_RECORD_MARKER);
    auto& attributes = *command.mutable_record_marker_command_attributes();
    if (pick % 6 != 0) attributes.set_marker_name("side effect");  // otherwise refused
    (*attributes.mutable_details())["value"] = Base::text(concat(pick));
    return command;
  }
  static Command memo(std::size_t pick) {
    Command command;
    command.set_command_type(enums::COMMAND_TYPE_MODIFY_WORKFLOW_PROPERTIES);
    auto& fields = *command.mutable_modify_workflow_properties_command_attributes()->mutable_upserted_memo()->mutable_fields();
    fields["note"] = Base::text(concat(pick)).payloads(0);
    return command;
  }
  static Command failing(std::size_t pick) {
    Command command = Base::fail_workflow();
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
      case 1:
        retry.set_maximum_attempts(1);
        break;
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

  enums::ParentClosePolicy policy_{};
};

}  // namespace reliant::tests
