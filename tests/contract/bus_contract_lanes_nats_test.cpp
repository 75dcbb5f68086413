#include "adapters/system_clock.h"
#include "contract/bus_contract_lanes.h"
#include "contract/bus_contract_nats.h"

namespace reliant::tests {
namespace {

class NatsLanesWorld : public NatsWorld {
 public:
  Context& context() { return scope_.context(); }
  Clock& clock() { return clock_; }
  adapters::NatsBus& three() { return *three_; }
  bool run(Task<void> test) {
    return run_until([this] { return three_->connected(); }) && NatsWorld::run(std::move(test));
  }

 private:
  adapters::SystemClock clock_{executor()};
  std::unique_ptr<adapters::NatsBus> three_ = connect({}, 3);
  TaskScope scope_{executor(), 0};
};

}  // namespace

INSTANTIATE_TYPED_TEST_SUITE_P(Nats, BusLanesContract, NatsLanesWorld);

}  // namespace reliant::tests
