#include "contract/temporal/temporal_contract_all.h"
#include "contract/temporal/temporal_contract_grpc.h"

namespace reliant::tests {

INSTANTIATE_TYPED_TEST_SUITE_P(Real, TemporalContract, RealTemporalWorld);
INSTANTIATE_TYPED_TEST_SUITE_P(Real, TemporalVisibility, RealTemporalWorld);

}  // namespace reliant::tests
