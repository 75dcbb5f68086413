#include "router/daemon_router.h"

#include <utility>

namespace reliant::router {

Task<Status> DaemonRouter::cancel(UserId user, DaemonId daemon, RequestId request, Instant deadline) {
  return command(make_command(model::DaemonCommandKind::kCancel, std::move(user), std::move(daemon), std::move(request)),
                 deadline);
}

Task<Result<bool>> DaemonRouter::online(UserId user, DaemonId daemon, Instant deadline) {
  Status answer = co_await command(
      make_command(model::DaemonCommandKind::kOnline, std::move(user), std::move(daemon), RequestId()), deadline);
  if (answer.ok()) co_return true;
  if (reason_of(answer) == kReasonDaemonOffline) co_return false;
  co_return answer;
}

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

}  // namespace reliant::router
