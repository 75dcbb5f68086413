#include "router/local_daemon_router.h"

namespace reliant::router {

Task<Result<model::ToolResult>> LocalDaemonRouter::execute(model::ToolRequest request, OutputSink& sink, Instant deadline) {
  if (!sessions_.holds(request.user, request.daemon)) co_return daemon_offline(request.daemon);
  co_return co_await sessions_.execute(std::move(request), sink, deadline);
}

Task<Status> LocalDaemonRouter::command(model::DaemonCommand command, Instant deadline) {
  if (!sessions_.holds(command.user, command.daemon)) co_return daemon_offline(command.daemon);
  co_return co_await sessions_.command(std::move(command), deadline);
}

Task<Result<std::vector<model::HeldDaemon>>> LocalDaemonRouter::held(UserId user, Instant) { co_return sessions_.held(user); }

Task<Result<bool>> LocalDaemonRouter::online(UserId user, DaemonId daemon, Instant) { co_return sessions_.holds(user, daemon); }

}  // namespace reliant::router
