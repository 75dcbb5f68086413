#include "contract/http_contract.h"

#include "contract/http_contract_beast.h"
#include "contract/http_contract_sim.h"

namespace reliant::tests {

INSTANTIATE_TYPED_TEST_SUITE_P(Beast, HttpContract, BeastWorld);
INSTANTIATE_TYPED_TEST_SUITE_P(BeastTls, HttpContract, BeastTlsWorld);
INSTANTIATE_TYPED_TEST_SUITE_P(Sim, HttpContract, SimHttpWorld);

}  // namespace reliant::tests
