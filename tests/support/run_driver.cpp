#include "support/run_driver.h"

#include <utility>

#include "base/assert.h"
#include "base/text.h"

namespace reliant::tests {
namespace {

namespace enums = ::temporal::api::enums::v1;
using temporal::WorkflowRun;

class BodyWorkflow final : public temporal::Workflow {
 public:
  explicit BodyWorkflow(WorkflowBody body) : body_(body) {}
  reliant::Task<Result<std::string>> run(temporal::WorkflowContext& context, std::string input) override {
    return body_(context, std::move(input));
  }

 private:
  WorkflowBody body_;
};

std::unique_ptr<WorkflowRun> new_run(const MakeWorkflow& make) {
  return std::make_unique<WorkflowRun>("workflow", "run", make());
}

Status apply_all(WorkflowRun& run, const std::vector<HistoryEvent>& events) {
  for (const HistoryEvent& event : events) run.foresee(event);
  for (const HistoryEvent& event : events) TRY_OK(run.apply(event));
  return ok_status();
}

std::string payload_text(const ::temporal::api::common::v1::Payloads& payloads) {
  return payloads.payloads().empty() ? std::string() : payloads.payloads(0).data();
}

std::string told(const Command& command) {
  switch (command.command_type()) {
    case enums::COMMAND_TYPE_SCHEDULE_ACTIVITY_TASK: {
      const auto& attributes = command.schedule_activity_task_command_attributes();
      return concat("activity ", attributes.activity_id(), " ", attributes.activity_type().name(), " ",
                    payload_text(attributes.input()));
    }
    case enums::COMMAND_TYPE_REQUEST_CANCEL_ACTIVITY_TASK:
      return concat("cancel activity at ", command.request_cancel_activity_task_command_attributes().scheduled_event_id());
    case enums::COMMAND_TYPE_START_TIMER: {
      const auto& attributes = command.start_timer_command_attributes();
      return concat("timer ", attributes.timer_id(), " ", attributes.start_to_fire_timeout().seconds(), "s");
    }
    case enums::COMMAND_TYPE_CANCEL_TIMER:
      return concat("cancel timer ", command.cancel_timer_command_attributes().timer_id());
    case enums::COMMAND_TYPE_RECORD_MARKER:
      return concat("marker ", command.record_marker_command_attributes().marker_name());
    case enums::COMMAND_TYPE_COMPLETE_WORKFLOW_EXECUTION:
      return concat("complete ", payload_text(command.complete_workflow_execution_command_attributes().result()));
    case enums::COMMAND_TYPE_FAIL_WORKFLOW_EXECUTION: {
      const auto& failure = command.fail_workflow_execution_command_attributes().failure();
      return concat("fail ", failure.application_failure_info().type(), " ", failure.message());
    }
    case enums::COMMAND_TYPE_CONTINUE_AS_NEW_WORKFLOW_EXECUTION:
      return concat("continue as new ", payload_text(command.continue_as_new_workflow_execution_command_attributes().input()));
    case enums::COMMAND_TYPE_CANCEL_WORKFLOW_EXECUTION:
      return "cancel workflow";
    default:
      return "another command";
  }
}

}  // namespace

MakeWorkflow workflow_of(WorkflowBody body) {
  return [body] { return std::make_unique<BodyWorkflow>(body); };
}

std::vector<std::string> told(const std::vector<Command>& commands) {
  std::vector<std::string> out;
  for (const Command& command : commands) out.push_back(told(command));
  return out;
}

RunDriver::RunDriver(MakeWorkflow make, std::string input)
    : make_(std::move(make)), history_("Test", std::move(input)), run_(new_run(make_)) {}

void RunDriver::evict() { run_ = new_run(make_); }

Result<std::vector<Command>> RunDriver::activate() {
  TRY_OK(apply_all(*run_, history_.events()));
  return run_->activate();
}

std::vector<std::string> RunDriver::task(bool suggest_continue_as_new) {
  history_.task_scheduled();
  history_.task_started(suggest_continue_as_new);
  Result<std::vector<Command>> commands = activate();
  if (!commands.ok()) return {std::string(message_of(commands.status()))};
  tasks_.push_back(Task{history_.last_id(), told(*commands)});
  history_.task_completed(*commands);
  return tasks_.back().commands;
}

std::vector<std::string> RunDriver::lost_task() {
  history_.task_scheduled();
  history_.task_started();
  Result<std::vector<Command>> commands = activate();
  history_.task_failed();
  evict();
  if (!commands.ok()) return {std::string(message_of(commands.status()))};
  return told(*commands);
}

Result<std::vector<std::string>> RunDriver::replay_to(std::size_t index, const MakeWorkflow& make) const {
  const auto run = new_run(make);
  for (const HistoryEvent& event : history_.events()) run->foresee(event);
  for (const HistoryEvent& event : history_.events()) {
    if (event.event_id() > tasks_.at(index).started_id) break;
    TRY_OK(run->apply(event));
  }
  TRY_ASSIGN(const std::vector<Command> commands, run->activate());
  return told(commands);
}

Status RunDriver::replay_all(const MakeWorkflow& make) const { return apply_all(*new_run(make), history_.events()); }

}  // namespace reliant::tests
