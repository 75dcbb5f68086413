#include "contract/rpc_contract.h"

#include "contract/http_contract_beast.h"

namespace reliant::tests {

INSTANTIATE_TYPED_TEST_SUITE_P(Beast, RpcContract, BeastWorld);

}  // namespace reliant::tests
