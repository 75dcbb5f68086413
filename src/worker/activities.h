// The chat activities (workflow/chat_activities.h): what the workflow has done to the world. Each may run more than once;
// everything it writes is keyed by turn, step and tool call.
//
// Owner: the Worker role. Executor: the logic thread. References outlive it.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "base/event_log.h"
#include "base/ids.h"
#include "base/status.h"
#include "llm/model_provider.h"
#include "ports/control_plane.h"
#include "router/daemon_resolver.h"
#include "router/daemon_router.h"
#include "runtime/clock.h"
#include "runtime/random.h"
#include "store/store.h"
#include "temporal/activity.h"
#include "tools/tool.h"
#include "updates/update_hub.h"
#include "worker/turn_key.h"
#include "workflow/chat_activities.h"

namespace reliant::worker {

struct ActivityPorts {
  Clock& clock;
  EventLog& log;
  store::Store& store;
  updates::UpdateHub& hub;
  router::DaemonRouter& router;
  llm::ModelProvider& model;
  const tools::ToolRegistry& tools;
  ports::ControlPlane* control_plane = nullptr;  // null: there is none
};

class ChatWriter;

class ChatActivities {
 public:
  // How long a tool call waits for a daemon of the user to be connected before the model learns that there is none.
  static constexpr Duration kDaemonTimeout = std::chrono::seconds(60);
  // How long it waits for a managed daemon that is being brought up (C31).
  static constexpr Duration kResumeTimeout = std::chrono::seconds(120);
  static constexpr Duration kStoreTimeout = std::chrono::seconds(30);

  ChatActivities(ActivityPorts ports, Random random)
      : ports_(ports), random_(random), resolver_(ports.store, ports.router, ports.control_plane, ports.clock) {}

  Task<Result<std::string>> call_model(temporal::ActivityContext& activity, std::string input);
  Task<Result<std::string>> run_tool(temporal::ActivityContext& activity, std::string input);
  Task<Result<std::string>> finish_turn(temporal::ActivityContext& activity, std::string input);

 private:
  struct ToolRun;  // one attempt of run_tool

  Instant store_deadline() const { return ports_.clock.now() + kStoreTimeout; }

  Task<Result<std::vector<store::Message>>> load_messages(UserId user, ChatId chat);
  llm::ModelRequest model_request(const workflow::CallModelInput& input, std::vector<store::Message> stored);
  Task<Result<workflow::CallModelOutput>> ask_model(workflow::CallModelInput input, TurnKey key,
                                                    temporal::ActivityInfo attempt);
  Task<void> tell_of_retry(ChatWriter& writer, const workflow::CallModelInput& input, const temporal::ActivityInfo& attempt,
                           Status failure, std::int64_t position);

  Task<Status> read_arguments(workflow::RunToolInput& input);
  Task<Result<RequestId>> request_of(const workflow::RunToolInput& input, const temporal::ActivityInfo& info);
  // Looks again at what the store knows of the call.
  Task<Status> look(ToolRun& run);
  Task<void> announce(ToolRun& run);
  Task<Result<store::Execution>> begin_request(ToolRun& run);
  Task<Result<DaemonId>> choose_daemon(ToolRun& run, DaemonId chosen);
  Task<Status> bring_up(ToolRun& run, DaemonId daemon);
  Task<Result<model::ToolResult>> obtain_result(ToolRun& run);
  Task<Result<model::ToolResult>> run_here(ToolRun& run, model::ToolRequest request);
  // `took`: from the request to the result; `write`: of that, what storing the result took.
  void log_told(const ToolRun& run, const model::ToolResult& told, Duration took, Duration write);
  Task<Result<model::ToolResult>> run_on_daemon(ToolRun& run, model::ToolRequest request);
  Task<Result<model::ToolResult>> give_up(ToolRun& run, bool sent, Status last);
  Task<void> follow_cancel(ToolRun& run, model::ToolRequest request);
  Task<bool> ask_cancel(ToolRun& run);
  Task<Result<model::ToolResult>> result_by_then(ToolRun& run);

  using OpenCalls = std::vector<std::pair<TurnKey, model::ToolCall>>;
  // Without a result, of the turns that messages up to `through_sequence` have begun: the turn that answers
  // these messages, and those that runs have left open which the engine has lost. One of them may have begun
  // later than the turn that takes up its message.
  static OpenCalls open_calls(const std::vector<store::Message>& stored, std::uint64_t through_sequence);
  Task<Status> close_calls(UserId user, ChatId chat, OpenCalls open);
  Task<void> cancel_open_executions(ChatId chat, ToolCallId call);
  void log_turn_finished(const UserId& user, const ChatId& chat, const MessageId& turn, model::ChatStatus status);
  workflow::CallModelOutput planned(const store::Message& answer) const;

  ActivityPorts ports_;
  Random random_;
  router::DaemonResolver resolver_;
};

}  // namespace reliant::worker
