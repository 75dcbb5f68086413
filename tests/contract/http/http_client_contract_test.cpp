#include "contract/http/http_client_contract.h"

#include "contract/http/http_client_contract_beast.h"
#include "contract/http/http_client_contract_sim.h"

namespace reliant::tests {

INSTANTIATE_TYPED_TEST_SUITE_P(Beast, HttpClientContract, BeastWorld);
INSTANTIATE_TYPED_TEST_SUITE_P(BeastTls, HttpClientContract, BeastTlsWorld);
INSTANTIATE_TYPED_TEST_SUITE_P(Sim, HttpClientContract, SimHttpWorld);

}  // namespace reliant::tests
