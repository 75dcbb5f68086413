// Helpers of the tests of GrpcLink besides the contract's vocabulary: a listener, and many links at once.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "contract/link/link_contract.h"
#include "contract/link/link_contract_grpc.h"

namespace reliant::tests {

inline constexpr auto kMethod = "reliant.test.v1.Test/Stream";

inline Instant in(GrpcLinkWorld& world, Duration time) { return after(world.executor().now(), time); }

// A listener of the acceptor.
inline std::unique_ptr<LinkListener> listening(GrpcLinkWorld& world) {
  auto listener = world.acceptor().listen("127.0.0.1:0");
  EXPECT_TRUE(listener.ok()) << listener.status();
  return listener.ok() ? *std::move(listener) : nullptr;
}

// Sends until the peer has not read for a while.
inline Task<void> fill(GrpcLinkWorld& world, Link& link, std::size_t size, std::size_t& full) {
  for (;;) {
    const Status sent = co_await link.send(std::string(size, 'x'), in(world, kSoon));
    if (!sent.ok()) break;  // timed out, or a frozen peer was disconnected
  }
  ++full;
}

inline Task<void> accept_all(LinkListener& listener, std::vector<std::unique_ptr<AcceptedLink>>& links) {
  for (;;) {
    auto link = co_await listener.accept();
    if (!link.ok()) co_return;
    links.push_back(*std::move(link));
  }
}

}  // namespace reliant::tests
