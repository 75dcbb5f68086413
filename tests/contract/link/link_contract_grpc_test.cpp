#include "contract/link/link_contract_grpc.h"

#include <optional>

#include "contract/link/link_contract.h"
#include "contract/link/link_contract_keepalive.h"
#include "unit/adapters/grpc_link/tcp_relay.h"

namespace reliant::tests {
namespace {

// A relay between the two freezes, which either side sees as a frozen peer: this system acknowledges what comes to the relay, and
// no ping is answered.
class GrpcKeepaliveWorld : public GrpcLinkWorld {
 public:
  GrpcKeepaliveWorld(Keepalive opener, Keepalive acceptor) : GrpcLinkWorld(with(opener), with(acceptor)) {}

  std::string way_to(const LinkListener& listener) { return relay_.emplace(asio_executor(), listener.address()).address(); }
  void freeze_opener() { relay_->freeze(); }
  void freeze_acceptor() { relay_->freeze(); }

 private:
  static adapters::GrpcLinkOptions with(Keepalive keepalive) {
    return {.keepalive_time = keepalive.time, .keepalive_timeout = keepalive.timeout};
  }

  std::optional<TcpRelay> relay_;
};

}  // namespace

INSTANTIATE_TYPED_TEST_SUITE_P(Grpc, LinkContract, GrpcLinkWorld);
INSTANTIATE_TYPED_TEST_SUITE_P(GrpcTls, LinkContract, GrpcTlsLinkWorld);
INSTANTIATE_TYPED_TEST_SUITE_P(Grpc, LinkKeepaliveContract, GrpcKeepaliveWorld);

}  // namespace reliant::tests
