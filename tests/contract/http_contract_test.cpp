#include "contract/http_contract.h"

#include "contract/beast_world.h"

namespace reliant::tests {

INSTANTIATE_TYPED_TEST_SUITE_P(Beast, HttpContract, BeastWorld);

}  // namespace reliant::tests
