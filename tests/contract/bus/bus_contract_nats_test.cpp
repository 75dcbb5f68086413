#include "contract/bus/bus_contract_nats.h"

#include "contract/bus/bus_contract.h"

namespace reliant::tests {

INSTANTIATE_TYPED_TEST_SUITE_P(Nats, BusContract, NatsWorld);

}  // namespace reliant::tests
