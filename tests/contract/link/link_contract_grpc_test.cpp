#include "contract/link/link_contract_grpc.h"

#include "contract/link/link_contract.h"

namespace reliant::tests {

INSTANTIATE_TYPED_TEST_SUITE_P(Grpc, LinkContract, GrpcLinkWorld);
INSTANTIATE_TYPED_TEST_SUITE_P(GrpcTls, LinkContract, GrpcTlsLinkWorld);

}  // namespace reliant::tests
