#include "contract/bus/bus_contract.h"

#include "contract/bus/bus_contract_worlds.h"

namespace reliant::tests {

INSTANTIATE_TYPED_TEST_SUITE_P(Memory, BusContract, MemoryBusWorld);
INSTANTIATE_TYPED_TEST_SUITE_P(Sim, BusContract, SimBusWorld);

}  // namespace reliant::tests
