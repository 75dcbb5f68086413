#include "world/sim_control_plane.h"

#include "base/text.h"
#include "runtime/sleep.h"

namespace reliant::sim {
namespace {

constexpr std::size_t kMessage = 200;  // bytes of a question or an answer

}  // namespace

ControlPlaneServer::ControlPlaneServer(Network& network, Node& node)
    : network_(network), node_(node), random_(network.simulation().random("control-plane")) {}

void ControlPlaneServer::add(UserId user, ports::ManagedDaemon daemon, std::function<void()> boot) {
  Managed& managed = managed_[{std::move(user), daemon.id}];
  managed.daemon = std::move(daemon);
  managed.boot = std::move(boot);
  if (managed.daemon.lifecycle == ports::Lifecycle::kRunning) managed.running.set();
}

std::vector<ports::ManagedDaemon> ControlPlaneServer::list(const UserId& user) const {
  std::vector<ports::ManagedDaemon> daemons;
  for (const auto& [key, managed] : managed_) {
    if (key.first == user) daemons.push_back(managed.daemon);
  }
  return daemons;
}

ControlPlaneServer::Managed* ControlPlaneServer::find(const UserId& user, const DaemonId& daemon) {
  const auto found = managed_.find({user, daemon});
  return found == managed_.end() ? nullptr : &found->second;
}

void ControlPlaneServer::resume(Managed& managed) {
  if (managed.daemon.lifecycle != ports::Lifecycle::kSuspended) return;
  managed.daemon.lifecycle = ports::Lifecycle::kResuming;
  const Duration takes = random_.duration(boot_low_, boot_high_);
  // A machine that boots goes on, whether or not the caller still exists.
  network_.simulation().world().spawn(boot(managed, takes));
}

Task<void> ControlPlaneServer::boot(Managed& managed, Duration takes) {
  co_await sleep_for(takes);
  managed.daemon.lifecycle = ports::Lifecycle::kRunning;
  ++boots_;
  if (managed.boot) managed.boot();
  managed.running.set();
}

Task<Result<std::vector<ports::ManagedDaemon>>> SimControlPlane::list(UserId user, Instant deadline) {
  CO_TRY_OK(co_await server_.network_.travel(node_, server_.node_, kMessage, deadline));
  std::vector<ports::ManagedDaemon> daemons = server_.list(user);
  CO_TRY_OK(co_await server_.network_.travel(server_.node_, node_, kMessage, deadline));
  co_return daemons;
}

Task<Status> SimControlPlane::resume(UserId user, DaemonId daemon, Instant deadline) {
  CO_TRY_OK(co_await server_.network_.travel(node_, server_.node_, kMessage, deadline));
  ControlPlaneServer::Managed* const managed = server_.find(user, daemon);
  Status answer;
  if (managed == nullptr) {
    answer = not_found("user ", user.str(), " has no managed daemon ", daemon.str());
  } else if (managed->daemon.lifecycle == ports::Lifecycle::kFailed) {
    answer = failed_precondition("the machine of daemon ", daemon.str(), " does not boot");
  } else {
    server_.resume(*managed);
    if (!co_await managed->running.wait(deadline)) {
      co_return deadline_exceeded("daemon ", daemon.str(), " is still being brought up");
    }
  }
  CO_TRY_OK(co_await server_.network_.travel(server_.node_, node_, kMessage, deadline));
  co_return answer;
}

}  // namespace reliant::sim
