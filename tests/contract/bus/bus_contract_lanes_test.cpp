#include "contract/bus/bus_contract_lanes.h"

#include "contract/bus/bus_contract_worlds.h"

namespace reliant::tests {

INSTANTIATE_TYPED_TEST_SUITE_P(Memory, BusLanesContract, MemoryBusWorld);
INSTANTIATE_TYPED_TEST_SUITE_P(Sim, BusLanesContract, SimBusWorld);

}  // namespace reliant::tests
