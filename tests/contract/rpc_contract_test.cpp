#include "contract/rpc_contract.h"

#include "contract/http_contract_beast.h"
#include "contract/http_contract_sim.h"

namespace reliant::tests {

INSTANTIATE_TYPED_TEST_SUITE_P(Beast, RpcContract, BeastWorld);
INSTANTIATE_TYPED_TEST_SUITE_P(BeastTls, RpcContract, BeastTlsWorld);
INSTANTIATE_TYPED_TEST_SUITE_P(Sim, RpcContract, SimHttpWorld);

}  // namespace reliant::tests
