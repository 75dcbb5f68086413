#include "router/local_daemon_router.h"

namespace reliant::router {

Status daemon_offline(const DaemonId& daemon) {
  return with_reason(unavailable("daemon ", daemon.str(), " is not connected; start it or wait until it is back"),
                     kReasonDaemonOffline);
}

Task<Result<model::ToolResult>> LocalDaemonRouter::execute(model::ToolRequest request, OutputSink& sink,
                                                           Instant deadline) {
  if (!sessions_.holds(request.user, request.daemon)) co_return daemon_offline(request.daemon);
  co_return co_await sessions_.execute(std::move(request), sink, deadline);
}

Task<Status> LocalDaemonRouter::cancel(UserId user, DaemonId daemon, RequestId request, Instant deadline) {
  if (!sessions_.holds(user, daemon)) co_return daemon_offline(daemon);
  co_return co_await sessions_.cancel(std::move(user), std::move(daemon), std::move(request), deadline);
}

Task<Result<bool>> LocalDaemonRouter::online(UserId user, DaemonId daemon, Instant) {
  co_return sessions_.holds(user, daemon);
}

}  // namespace reliant::router
