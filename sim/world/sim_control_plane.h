// SimControlPlane: ports::ControlPlane over the simulated network, and the server behind it: it knows the users' managed
// daemons, and boots a suspended one's machine.
//
// Fault atlas, and why the system must survive each:
//   its node down, cut off        a default is then looked for without it; a suspended daemon stays so
//   answer lost                   the machine boots, and the caller retries: a second resume joins the first
//   slow boot                     longer than the caller's timeout: it retries, the boot goes on
//   a machine that cannot boot    FAILED_PRECONDITION; the model receives it
// Its state outlives its process, as a database would.
//
// Owner: the cluster or the test; destroyed after every frame of every node.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "kernel/node.h"
#include "ports/control_plane.h"
#include "runtime/event.h"
#include "world/network.h"

namespace reliant::sim {

class ControlPlaneServer {
 public:
  ControlPlaneServer(Network& network, Node& node);
  ControlPlaneServer(const ControlPlaneServer&) = delete;
  ControlPlaneServer& operator=(const ControlPlaneServer&) = delete;

  // `boot` is called when the machine has come up.
  void add(UserId user, ports::ManagedDaemon daemon, std::function<void()> boot);
  void set_boot_time(Duration low, Duration high) { boot_low_ = low, boot_high_ = high; }
  std::size_t boots() const { return boots_; }

 private:
  friend class SimControlPlane;
  struct Managed {
    ports::ManagedDaemon daemon;
    std::function<void()> boot;
    Event running;
  };

  std::vector<ports::ManagedDaemon> list(const UserId& user) const;
  Managed* find(const UserId& user, const DaemonId& daemon);
  void resume(Managed& managed);
  Task<void> boot(Managed& managed, Duration takes);

  Network& network_;
  Node& node_;
  Random random_;
  Duration boot_low_ = std::chrono::seconds(2);
  Duration boot_high_ = std::chrono::seconds(20);
  std::size_t boots_ = 0;
  std::map<std::pair<UserId, DaemonId>, Managed> managed_;
};

class SimControlPlane final : public ports::ControlPlane {
 public:
  SimControlPlane(ControlPlaneServer& server, Node& node) : server_(server), node_(node) {}

  Task<Result<std::vector<ports::ManagedDaemon>>> list(UserId user, Instant deadline) override;
  Task<Status> resume(UserId user, DaemonId daemon, Instant deadline) override;

 private:
  ControlPlaneServer& server_;
  Node& node_;
};

}  // namespace reliant::sim
