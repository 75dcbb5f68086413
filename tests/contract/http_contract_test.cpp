#include "contract/http_contract.h"

#include "contract/http_contract_beast.h"

namespace reliant::tests {

INSTANTIATE_TYPED_TEST_SUITE_P(Beast, HttpContract, BeastWorld);

}  // namespace reliant::tests
