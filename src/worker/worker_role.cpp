#include "worker/worker_role.h"

#include <memory>
#include <utility>

#include "workflow/chat_workflow.h"

namespace reliant::worker {
namespace {

temporal::WorkerOptions worker_options(WorkerRoleOptions options) {
  temporal::WorkerOptions result;
  result.name_space = std::move(options.name_space);
  result.task_queue = std::move(options.task_queue);
  result.identity = std::move(options.identity);
  return result;
}

}  // namespace

WorkerRole::WorkerRole(Context& context, Random random, ports::Temporal& temporal, ActivityPorts ports,
                       WorkerRoleOptions options)
    : activities_(ports, Random(random.next())),
      worker_(context, temporal, ports.clock, random, ports.log, worker_options(std::move(options))) {
  worker_.register_workflow(std::string(workflow::kChatWorkflowType),
                            [] { return std::make_unique<workflow::ChatWorkflow>(); });
  // Each returns the member's own coroutine, so that no lambda is one.
  ChatActivities* activities = &activities_;
  worker_.register_activity(std::string(workflow::kCallModel), [activities](auto& context, std::string input) {
    return activities->call_model(context, std::move(input));
  });
  worker_.register_activity(std::string(workflow::kRunTool), [activities](auto& context, std::string input) {
    return activities->run_tool(context, std::move(input));
  });
  worker_.register_activity(std::string(workflow::kFinishTurn), [activities](auto& context, std::string input) {
    return activities->finish_turn(context, std::move(input));
  });
}

}  // namespace reliant::worker
