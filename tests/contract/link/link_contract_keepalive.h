// The contract of links whose peer may freeze: its process stands still, while its system goes on to acknowledge what comes.
// A typed suite beside LinkContract, for the implementations that have a keepalive.
//
// A World is one implementation with two processes, each with a keepalive of its own:
//   World(Keepalive opener, Keepalive acceptor);
//   Executor& executor();
//   ports::LinkTransport& opener();
//   ports::LinkTransport& acceptor();
//   std::string free_address();                  // to listen on; may end in ":0"
//   std::string way_to(const LinkListener&);     // the address to connect to
//   void freeze_opener();                        // from now on
//   void freeze_acceptor();
//   bool run(Task<void> test);                   // to its end; false: it did not end
#pragma once

#include <gtest/gtest.h>

#include <chrono>
#include <memory>
#include <string>
#include <utility>

#include "ports/link.h"
#include "runtime/all.h"
#include "runtime/task.h"

namespace reliant::tests {

struct Keepalive {
  Duration time;
  Duration timeout;
  Duration sum() const { return time + timeout; }
};

inline constexpr Keepalive kShort{std::chrono::milliseconds(300), std::chrono::milliseconds(700)};
inline constexpr Keepalive kLong{std::chrono::seconds(20), std::chrono::seconds(130)};
inline constexpr Duration kTick = std::chrono::milliseconds(2);  // gRPC's clock has whole milliseconds
inline constexpr Duration kBusyMachine = std::chrono::seconds(4);

template <class World>
class LinkKeepaliveContract : public ::testing::Test {
 public:
  // What both sides have; the test freezes one of them and looks at the other.
  struct Pair {
    std::unique_ptr<ports::LinkListener> listener;
    std::unique_ptr<ports::Link> link;
    std::unique_ptr<ports::AcceptedLink> accepted;
  };

  static Task<void> connect(World& world, Pair& pair) {
    auto listener = world.acceptor().listen(world.free_address());
    EXPECT_TRUE(listener.ok()) << listener.status();
    if (!listener.ok()) co_return;
    pair.listener = *std::move(listener);
    auto [link, accepted] = co_await all(connected(world, world.way_to(*pair.listener)), pair.listener->accept());
    EXPECT_TRUE(link.ok() && accepted.ok());
    if (link.ok()) pair.link = *std::move(link);
    if (accepted.ok()) pair.accepted = *std::move(accepted);
  }
  static Task<Result<std::unique_ptr<ports::Link>>> connected(World& world, std::string address) {
    return world.opener().connect({std::move(address), "reliant.test.v1.Test/Stream", {}}, kNever);
  }

  // The last that is heard of the peer is a message; what is sent to it when it has frozen is acknowledged by its system.
  static Task<void> outlives(World& world, ports::Link& here, ports::Link& peer, void (World::*freeze)()) {
    const Instant before = world.executor().now();
    EXPECT_TRUE((co_await peer.send("last", kNever)).ok());
    const auto last = co_await here.receive(kNever);
    EXPECT_TRUE(last.ok() && *last == "last");
    (world.*freeze)();
    EXPECT_TRUE((co_await here.send("into its buffers", kNever)).ok());
    const auto end = co_await here.receive(kNever);
    EXPECT_FALSE(end.ok());
    const Duration took = world.executor().now() - before;
    EXPECT_GE(took, kShort.sum() - kTick) << took.count();
    EXPECT_LT(took, kShort.sum() + kBusyMachine) << took.count();
  }
};

TYPED_TEST_SUITE_P(LinkKeepaliveContract);

TYPED_TEST_P(LinkKeepaliveContract, OpenerLeavesAFrozenAcceptorAfterItsOwnKeepaliveAndNoSooner) {
  using Suite = LinkKeepaliveContract<TypeParam>;
  TypeParam world(kShort, kLong);
  const auto body = [](TypeParam& w) -> Task<void> {
    typename Suite::Pair pair;
    co_await Suite::connect(w, pair);
    if (pair.link && pair.accepted) co_await Suite::outlives(w, *pair.link, *pair.accepted, &TypeParam::freeze_acceptor);
  };
  EXPECT_TRUE(world.run(body(world)));
}

TYPED_TEST_P(LinkKeepaliveContract, AcceptorLeavesAFrozenOpenerAfterItsOwnKeepaliveAndNoSooner) {
  using Suite = LinkKeepaliveContract<TypeParam>;
  TypeParam world(kLong, kShort);
  const auto body = [](TypeParam& w) -> Task<void> {
    typename Suite::Pair pair;
    co_await Suite::connect(w, pair);
    if (pair.link && pair.accepted) co_await Suite::outlives(w, *pair.accepted, *pair.link, &TypeParam::freeze_opener);
  };
  EXPECT_TRUE(world.run(body(world)));
}

REGISTER_TYPED_TEST_SUITE_P(LinkKeepaliveContract, OpenerLeavesAFrozenAcceptorAfterItsOwnKeepaliveAndNoSooner,
                            AcceptorLeavesAFrozenOpenerAfterItsOwnKeepaliveAndNoSooner);

}  // namespace reliant::tests
