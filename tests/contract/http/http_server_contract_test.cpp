#include "contract/http/http_server_contract.h"

#include "contract/http/http_client_contract_beast.h"
#include "contract/http/http_client_contract_sim.h"

namespace reliant::tests {

INSTANTIATE_TYPED_TEST_SUITE_P(Beast, HttpServerContract, BeastWorld);
INSTANTIATE_TYPED_TEST_SUITE_P(BeastTls, HttpServerContract, BeastTlsWorld);
INSTANTIATE_TYPED_TEST_SUITE_P(Sim, HttpServerContract, SimHttpWorld);

}  // namespace reliant::tests
