// The simulated ControlPlane. There is no real one yet (tools/mirror.toml).
#include "contract/control_plane/control_plane_contract.h"

#include <memory>

#include "kernel/simulation.h"
#include "world/sim_control_plane.h"

namespace reliant::contract {
namespace {

class SimWorld {
 public:
  SimWorld() {
    server_.set_boot_time(2s, 5s);
    server_.add(UserId("ann"), {DaemonId("cloud-a"), "a", ports::Lifecycle::kSuspended}, nullptr);
    server_.add(UserId("ann"), {DaemonId("cloud-b"), "b", ports::Lifecycle::kRunning}, nullptr);
    server_.add(UserId("ann"), {DaemonId("cloud-c"), "c", ports::Lifecycle::kFailed}, nullptr);
  }
  ~SimWorld() { simulation_.shutdown(); }

  ports::ControlPlane& plane() { return plane_; }
  Instant now() { return simulation_.now(); }
  std::size_t boots() const { return server_.boots(); }
  void run(Task<void> task) {
    bool done = false;
    simulation_.world().spawn(finish(std::move(task), done));
    EXPECT_TRUE(simulation_.run_until([&] { return done; }, simulation_.now() + 1h));
  }

 private:
  static Task<void> finish(Task<void> task, bool& done) {
    co_await std::move(task);
    done = true;
  }
  sim::Simulation simulation_{5};
  sim::Network network_{simulation_};
  sim::Node& caller_ = simulation_.add_node("caller");
  sim::Node& node_ = simulation_.add_node("control-plane");
  sim::ControlPlaneServer server_{network_, node_};
  sim::SimControlPlane plane_{server_, caller_};
};

INSTANTIATE_TYPED_TEST_SUITE_P(Simulated, ControlPlaneContract, SimWorld);

}  // namespace
}  // namespace reliant::contract
