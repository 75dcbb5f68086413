#include "router/local_daemon_router.h"

namespace reliant::router {

Status daemon_offline(const DaemonId& daemon) {
  return with_reason(unavailable("daemon ", daemon.str(), " is not connected; start it or wait until it is back"),
                     kReasonDaemonOffline);
}

model::DaemonCommand make_command(model::DaemonCommandKind kind, UserId user, DaemonId daemon, RequestId request) {
  model::DaemonCommand command;
  command.kind = kind;
  command.user = std::move(user);
  command.daemon = std::move(daemon);
  command.request = std::move(request);
  return command;
}

Task<Result<model::ToolResult>> LocalDaemonRouter::execute(model::ToolRequest request, OutputSink& sink,
                                                           Instant deadline) {
  if (!sessions_.holds(request.user, request.daemon)) co_return daemon_offline(request.daemon);
  co_return co_await sessions_.execute(std::move(request), sink, deadline);
}

Task<Status> LocalDaemonRouter::cancel(UserId user, DaemonId daemon, RequestId request, Instant deadline) {
  return command(make_command(model::DaemonCommandKind::kCancel, std::move(user), std::move(daemon), std::move(request)),
                 deadline);
}

Task<Status> LocalDaemonRouter::command(model::DaemonCommand command, Instant deadline) {
  if (!sessions_.holds(command.user, command.daemon)) co_return daemon_offline(command.daemon);
  co_return co_await sessions_.command(std::move(command), deadline);
}

Task<Result<std::vector<model::HeldDaemon>>> LocalDaemonRouter::held(UserId user, Instant) {
  co_return sessions_.held(user);
}

Task<Result<bool>> LocalDaemonRouter::online(UserId user, DaemonId daemon, Instant) {
  co_return sessions_.holds(user, daemon);
}

}  // namespace reliant::router
