#include "contract/link/link_contract.h"

#include "adapters/memory/memory_link.h"
#include "contract/link/link_contract_keepalive.h"
#include "kernel/simulation.h"
#include "support/started.h"
#include "world/sim_link.h"

namespace reliant::tests {
namespace {

class MemoryWorld {
 public:
  Executor& executor() { return executor_; }
  ports::LinkTransport& opener() { return transport_; }
  ports::LinkTransport& acceptor() { return transport_; }
  std::string free_address() { return "memory:0"; }
  std::size_t window() { return adapters::MemoryLinkOptions{}.window; }
  bool run(Task<void> test) {
    bool ended = false;
    scope_.spawn(marked(std::move(test), ended));
    executor_.run();
    return ended;
  }

 private:
  Executor executor_{1};
  adapters::MemoryLinkTransport transport_;
  TaskScope scope_{executor_, 0};
};

class SimWorld {
 public:
  Executor& executor() { return simulation_.executor(); }
  ports::LinkTransport& opener() { return opener_; }
  ports::LinkTransport& acceptor() { return acceptor_; }
  std::string free_address() { return "acceptor:0"; }
  std::size_t window() { return sim::SimLinkOptions{}.window; }
  bool run(Task<void> test) {
    bool ended = false;
    simulation_.world().spawn(marked(std::move(test), ended));
    simulation_.run();
    return ended && !simulation_.failure().error() && network_.connections() == 0;
  }

 private:
  sim::Simulation simulation_{7};
  sim::Network network_{simulation_};
  sim::SimLinks links_{network_};
  sim::SimLinkTransport opener_{links_, simulation_.add_node("opener")};
  sim::SimLinkTransport acceptor_{links_, simulation_.add_node("acceptor")};
};

class SimKeepaliveWorld {
 public:
  SimKeepaliveWorld(Keepalive opener, Keepalive acceptor)
      : opener_(links_, opener_node_, {opener.time, opener.timeout}),
        acceptor_(links_, acceptor_node_, {acceptor.time, acceptor.timeout}) {}

  Executor& executor() { return simulation_.executor(); }
  ports::LinkTransport& opener() { return opener_; }
  ports::LinkTransport& acceptor() { return acceptor_; }
  std::string free_address() { return "acceptor:0"; }
  std::string way_to(const LinkListener& listener) { return listener.address(); }
  void freeze_opener() { opener_node_.pause(); }
  void freeze_acceptor() { acceptor_node_.pause(); }
  bool run(Task<void> test) {
    bool ended = false;
    simulation_.world().spawn(marked(std::move(test), ended));
    simulation_.run();
    opener_node_.resume();
    acceptor_node_.resume();
    simulation_.run();
    return ended && !simulation_.failure().error() && network_.connections() == 0;
  }

 private:
  sim::Simulation simulation_{7};
  sim::Network network_{simulation_};
  sim::SimLinks links_{network_};
  sim::Node& opener_node_ = simulation_.add_node("opener");
  sim::Node& acceptor_node_ = simulation_.add_node("acceptor");
  sim::SimLinkTransport opener_;
  sim::SimLinkTransport acceptor_;
};

}  // namespace

INSTANTIATE_TYPED_TEST_SUITE_P(Memory, LinkContract, MemoryWorld);
INSTANTIATE_TYPED_TEST_SUITE_P(Sim, LinkContract, SimWorld);
INSTANTIATE_TYPED_TEST_SUITE_P(Sim, LinkKeepaliveContract, SimKeepaliveWorld);

}  // namespace reliant::tests
