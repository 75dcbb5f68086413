#include "contract/temporal/temporal_contract_grpc.h"
#include "contract/temporal/temporal_contract_all.h"

namespace reliant::tests {

INSTANTIATE_TYPED_TEST_SUITE_P(Served, TemporalContract, ServedEngineWorld);
INSTANTIATE_TYPED_TEST_SUITE_P(Served, TemporalVisibility, ServedEngineWorld);

}  // namespace reliant::tests
