// LocalDaemonRouter: the DaemonRouter of the monolith (R11): the gateway is an object of the same process.
#pragma once

#include "router/daemon_router.h"

namespace reliant::router {

class LocalDaemonRouter final : public DaemonRouter {
 public:
  explicit LocalDaemonRouter(DaemonSessions& sessions) : sessions_(sessions) {}

  Task<Result<model::ToolResult>> execute(model::ToolRequest request, OutputSink& sink, Instant deadline) override;
  Task<Result<bool>> online(UserId user, DaemonId daemon, Instant deadline) override;
  Task<Status> command(model::DaemonCommand command, Instant deadline) override;
  Task<Result<std::vector<model::HeldDaemon>>> held(UserId user, Instant deadline) override;

 private:
  DaemonSessions& sessions_;
};

}  // namespace reliant::router
