// The contract of ports::LinkTransport and ports::Link, as a typed suite: every implementation passes all of it.
//
// A World is one implementation with two processes:
//   Executor& executor();
//   ports::LinkTransport& opener();    // of the process that connects
//   ports::LinkTransport& acceptor();  // of the process that listens
//   std::string free_address();        // to listen on; may end in ":0"
//   std::size_t window();              // bytes that fit into one direction, at the most
//   bool run(Task<void> test);         // to its end; false: it did not end
#pragma once

#include <gtest/gtest.h>

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "ports/link.h"
#include "runtime/all.h"
#include "runtime/deadline.h"
#include "runtime/sleep.h"

namespace reliant::tests {

using ports::AcceptedLink;
using ports::Link;
using ports::LinkListener;
using ports::LinkTarget;

inline constexpr Duration kSoon = std::chrono::milliseconds(500);

template <class World>
class LinkContract : public ::testing::Test {
 public:
  struct Pair {
    std::unique_ptr<LinkListener> listener;
    std::unique_ptr<Link> link;
    std::unique_ptr<AcceptedLink> accepted;
    explicit operator bool() const { return link != nullptr && accepted != nullptr; }
  };

  World world;

  void run(Task<void> test) { EXPECT_TRUE(world.run(std::move(test))) << "the test did not end"; }
  static Instant soon(World& world) { return after(world.executor().now(), kSoon); }

  static Task<std::unique_ptr<AcceptedLink>> accepted_by(LinkListener& listener) {
    auto link = co_await listener.accept();
    EXPECT_TRUE(link.ok()) << link.status();
    co_return link.ok() ? *std::move(link) : nullptr;
  }
  static Task<std::unique_ptr<Link>> connected_to(World& world, LinkTarget target) {
    auto link = co_await world.opener().connect(std::move(target), kNever);
    EXPECT_TRUE(link.ok()) << link.status();
    co_return link.ok() ? *std::move(link) : nullptr;
  }
  static LinkTarget target(const LinkListener& listener) {
    return {listener.address(), "reliant.test.v1.Test/Stream", {{"authorization", "Bearer x"}, {"x-key", "v"}}};
  }
  static Task<Pair> connected(World& world) {
    Pair pair;
    auto listener = world.acceptor().listen(world.free_address());
    EXPECT_TRUE(listener.ok()) << listener.status();
    if (!listener.ok()) co_return pair;
    pair.listener = *std::move(listener);
    auto [link, accepted] = co_await all(connected_to(world, target(*pair.listener)), accepted_by(*pair.listener));
    pair.link = std::move(link);
    pair.accepted = std::move(accepted);
    co_return pair;
  }

  static Task<Status> send(Link& link, std::string message) {
    Status sent = co_await link.send(std::move(message), kNever);
    co_return sent;
  }
  // The message; "<end>" for the end with OK, "<CODE>" for an error.
  static Task<std::string> heard(Link& link, Instant deadline = kNever) {
    auto message = co_await link.receive(deadline);
    if (!message.ok()) co_return concat("<", code_name(message.status().code()), ">");
    if (!*message) co_return "<end>";
    co_return **std::move(message);
  }
  static Task<StatusCode> end_of(Link& link) {
    for (;;) {
      auto message = co_await link.receive(kNever);
      if (!message.ok()) co_return message.status().code();
      if (!*message) co_return StatusCode::kOk;
    }
  }
  // Fills the window; how many messages of `size` it took.
  static Task<std::size_t> fill(World& world, Link& link, std::size_t size) {
    for (std::size_t sent = 0;; ++sent) {
      const Status status = co_await link.send(std::string(size, 'x'), soon(world));
      if (status.ok()) continue;
      EXPECT_EQ(status.code(), StatusCode::kDeadlineExceeded) << status;
      co_return sent;
    }
  }
};

TYPED_TEST_SUITE_P(LinkContract);

#define LINK_TEST(name)                                                                                                  \
  template <class Suite, class World>                                                                                    \
  struct LinkTest##name : Suite {                                                                                        \
    using Pair = typename Suite::Pair;                                                                                   \
    static Task<void> body(World& world);                                                                                \
    static Task<void> with(World& world, Pair& pair);                                                                    \
  };                                                                                                                     \
  TYPED_TEST_P(LinkContract, name) { this->run(LinkTest##name<LinkContract<TypeParam>, TypeParam>::body(this->world)); } \
  template <class Suite, class World>                                                                                    \
  Task<void> LinkTest##name<Suite, World>::body(World& world)

// With a pair that is connected.
#define LINK_PAIR_TEST(name)                      \
  LINK_TEST(name) {                               \
    Pair pair = co_await Suite::connected(world); \
    if (pair) co_await with(world, pair);         \
  }                                               \
  template <class Suite, class World>             \
  Task<void> LinkTest##name<Suite, World>::with([[maybe_unused]] World& world, Pair& pair)

LINK_PAIR_TEST(DeliversMessagesInOrderInBothDirections) {
  for (int i = 0; i < 50; ++i) {
    EXPECT_TRUE((co_await pair.link->send(concat("up ", i), kNever)).ok());
    EXPECT_TRUE((co_await pair.accepted->send(concat("down ", i), kNever)).ok());
  }
  for (int i = 0; i < 50; ++i) {
    EXPECT_EQ(co_await Suite::heard(*pair.accepted), concat("up ", i));
    EXPECT_EQ(co_await Suite::heard(*pair.link), concat("down ", i));
  }
}

LINK_PAIR_TEST(CarriesMethodAndMetadata) {
  EXPECT_EQ(pair.accepted->method(), "reliant.test.v1.Test/Stream");
  const ports::LinkMetadata& metadata = pair.accepted->metadata();
  EXPECT_EQ(metadata.count("x-key") == 1 ? metadata.at("x-key") : "", "v");
  EXPECT_EQ(metadata.count("authorization") == 1 ? metadata.at("authorization") : "", "Bearer x");
  EXPECT_FALSE(pair.accepted->peer().empty());
  EXPECT_GE(pair.link->max_message(), 1024u * 1024u);
  co_return;
}

LINK_PAIR_TEST(CarriesEmptyAndBinaryMessages) {
  const std::string binary("\0\xff\n\r\x80", 5);
  EXPECT_TRUE((co_await pair.link->send("", kNever)).ok());
  EXPECT_TRUE((co_await pair.link->send(binary, kNever)).ok());
  EXPECT_EQ(co_await Suite::heard(*pair.accepted), "");
  EXPECT_EQ(co_await Suite::heard(*pair.accepted), binary);
}

LINK_PAIR_TEST(CarriesAMessageLargerThanTheWindow) {
  const std::string large(pair.link->max_message(), 'm');
  auto [sent, message] = co_await all(Suite::send(*pair.link, large), Suite::heard(*pair.accepted));
  EXPECT_TRUE(sent.ok()) << sent;
  EXPECT_EQ(message.size(), large.size());
}

LINK_PAIR_TEST(RefusesAMessageThatIsTooLargeAndLivesOn) {
  const Status status = co_await pair.link->send(std::string(pair.link->max_message() + 1, 'm'), kNever);
  EXPECT_EQ(status.code(), StatusCode::kResourceExhausted) << status;
  EXPECT_TRUE((co_await pair.link->send("small", kNever)).ok());
  EXPECT_EQ(co_await Suite::heard(*pair.accepted), "small");
}

LINK_PAIR_TEST(SendThatHasRoomAndReceiveThatHasDataDoNotSuspend) {
  EXPECT_TRUE((co_await pair.link->send("a", kNever)).ok());
  EXPECT_TRUE((co_await pair.link->send("b", kNever)).ok());
  EXPECT_EQ(co_await Suite::heard(*pair.accepted), "a");
  co_await sleep_for(kSoon);
  const std::uint64_t steps = world.executor().steps();
  EXPECT_TRUE((co_await pair.link->send("c", kNever)).ok());
  EXPECT_EQ(co_await Suite::heard(*pair.accepted), "b");
  EXPECT_EQ(world.executor().steps(), steps);
}

LINK_PAIR_TEST(SenderThatFillsTheWindowWaitsUntilThePeerReceives) {
  static constexpr std::size_t kSize = 1000;
  const std::size_t sent = co_await Suite::fill(world, *pair.link, kSize);
  EXPECT_GE(sent, 1u);
  EXPECT_LE(sent * kSize, world.window() + kSize) << "memory is bounded";
  auto drained = [](Link& link, std::size_t count) -> Task<void> {
    for (std::size_t i = 0; i < count; ++i) EXPECT_EQ((co_await Suite::heard(link)).size(), kSize);
  };
  auto [status, none] = co_await all(Suite::send(*pair.link, "more"), drained(*pair.accepted, sent));
  EXPECT_TRUE(status.ok()) << status;
  EXPECT_EQ(co_await Suite::heard(*pair.accepted), "more");  // the one whose deadline passed is not there
}

LINK_PAIR_TEST(CancelledSendSendsNothing) {
  const std::size_t sent = co_await Suite::fill(world, *pair.accepted, 1000);
  EXPECT_FALSE((co_await with_deadline(Suite::send(*pair.accepted, std::string(1000, 'y')), Suite::soon(world))).has_value());
  for (std::size_t i = 0; i < sent; ++i) EXPECT_EQ((co_await Suite::heard(*pair.link)).size(), 1000u);
  EXPECT_TRUE((co_await pair.accepted->send("kept", kNever)).ok());
  EXPECT_EQ(co_await Suite::heard(*pair.link), "kept");
}

LINK_PAIR_TEST(ReceiveDeadlineLeavesTheStreamAlive) {
  EXPECT_EQ(co_await Suite::heard(*pair.accepted, Suite::soon(world)), "<DEADLINE_EXCEEDED>");
  EXPECT_EQ(co_await Suite::heard(*pair.accepted, world.executor().now()), "<DEADLINE_EXCEEDED>");
  EXPECT_TRUE((co_await pair.link->send("late", kNever)).ok());
  EXPECT_EQ(co_await Suite::heard(*pair.accepted), "late");
}

LINK_PAIR_TEST(CancelledReceiveLosesNoMessage) {
  // Receives are destroyed at ever other moments around the arrival.
  int next = 0;
  for (int i = 0; i < 200; ++i) {
    if (i < 100) EXPECT_TRUE((co_await pair.link->send(concat(i), kNever)).ok());
    const Instant when = after(world.executor().now(), std::chrono::microseconds(i * 20));
    auto message = co_await with_deadline(Suite::heard(*pair.accepted), when);
    if (message) EXPECT_EQ(*message, concat(next++));
  }
  while (next < 100) EXPECT_EQ(co_await Suite::heard(*pair.accepted), concat(next++));
}

LINK_PAIR_TEST(HalfCloseIsSeenAfterTheMessagesBeforeIt) {
  EXPECT_TRUE((co_await pair.link->send("last", kNever)).ok());
  EXPECT_TRUE(pair.link->half_close().ok());
  EXPECT_TRUE(pair.link->half_close().ok());
  EXPECT_EQ((co_await pair.link->send("too late", kNever)).code(), StatusCode::kFailedPrecondition);
  EXPECT_EQ(co_await Suite::heard(*pair.accepted), "last");
  EXPECT_EQ(co_await Suite::heard(*pair.accepted), "<end>");
  EXPECT_EQ(co_await Suite::heard(*pair.accepted), "<end>");
  EXPECT_TRUE((co_await pair.accepted->send("answer", kNever)).ok());
  pair.accepted->finish(ok_status());
  EXPECT_EQ(co_await Suite::heard(*pair.link), "answer");
  EXPECT_EQ(co_await Suite::heard(*pair.link), "<end>");
}

LINK_PAIR_TEST(AcceptorThatHalfClosesStillReceives) {
  EXPECT_TRUE(pair.accepted->half_close().ok());
  EXPECT_EQ((co_await pair.accepted->send("too late", kNever)).code(), StatusCode::kFailedPrecondition);
  EXPECT_EQ(co_await Suite::heard(*pair.link, Suite::soon(world)), "<DEADLINE_EXCEEDED>");
  EXPECT_TRUE((co_await pair.link->send("up", kNever)).ok());
  EXPECT_EQ(co_await Suite::heard(*pair.accepted), "up");
  pair.accepted->finish(ok_status());
  EXPECT_EQ(co_await Suite::heard(*pair.link), "<end>");
}

LINK_PAIR_TEST(FinishDeliversEverythingBeforeTheStatus) {
  for (int i = 0; i < 10; ++i) EXPECT_TRUE((co_await pair.accepted->send(concat(i), kNever)).ok());
  pair.accepted->finish(permission_denied("the token was revoked"));
  pair.accepted->finish(ok_status());  // the first one wins
  pair.accepted.reset();
  for (int i = 0; i < 10; ++i) EXPECT_EQ(co_await Suite::heard(*pair.link), concat(i));
  const auto end = co_await pair.link->receive(kNever);
  EXPECT_EQ(end.status().code(), StatusCode::kPermissionDenied) << end.status();
  EXPECT_EQ(message_of(end.status()), "the token was revoked");
  EXPECT_EQ((co_await pair.link->send("late", kNever)).code(), StatusCode::kPermissionDenied);
}

LINK_PAIR_TEST(SendAfterAnEndWithOkIsUnavailable) {
  pair.accepted->finish(ok_status());
  EXPECT_EQ(co_await Suite::heard(*pair.link), "<end>");
  EXPECT_EQ((co_await pair.link->send("late", kNever)).code(), StatusCode::kUnavailable);
  EXPECT_EQ((co_await pair.accepted->send("late", kNever)).code(), StatusCode::kUnavailable);
  EXPECT_EQ(co_await Suite::heard(*pair.accepted), "<end>");
}

LINK_PAIR_TEST(CancelOfTheOpenerIsSeenByBoth) {
  pair.link->cancel();
  pair.link->cancel();
  EXPECT_EQ(co_await Suite::heard(*pair.link), "<CANCELLED>");
  EXPECT_EQ((co_await pair.link->send("late", kNever)).code(), StatusCode::kCancelled);
  EXPECT_EQ(co_await Suite::end_of(*pair.accepted), StatusCode::kCancelled);
  EXPECT_EQ((co_await pair.accepted->send("late", kNever)).code(), StatusCode::kCancelled);
}

LINK_PAIR_TEST(CancelOfTheAcceptorIsSeenByBoth) {
  pair.accepted->cancel();
  EXPECT_EQ(co_await Suite::heard(*pair.accepted), "<CANCELLED>");
  EXPECT_EQ(co_await Suite::end_of(*pair.link), StatusCode::kCancelled);
}

LINK_PAIR_TEST(DestroyedUnfinishedLinkIsCancelled) {
  pair.link.reset();
  EXPECT_EQ(co_await Suite::end_of(*pair.accepted), StatusCode::kCancelled);
}

LINK_PAIR_TEST(DestroyedUnfinishedAcceptedLinkIsCancelled) {
  pair.accepted.reset();
  EXPECT_EQ(co_await Suite::end_of(*pair.link), StatusCode::kCancelled);
}

LINK_PAIR_TEST(EndWakesASenderThatWaits) {
  co_await Suite::fill(world, *pair.link, 1000);
  auto later = [](World& w, AcceptedLink& accepted) -> Task<void> {
    co_await sleep_for(kSoon);
    (void)w;
    accepted.finish(aborted("enough"));
  };
  auto [status, none] = co_await all(Suite::send(*pair.link, std::string(1000, 'y')), later(world, *pair.accepted));
  EXPECT_EQ(status.code(), StatusCode::kAborted) << status;
}

LINK_PAIR_TEST(EndWakesAReceiverThatWaits) {
  auto later = [](Link& link) -> Task<void> {
    co_await sleep_for(kSoon);
    link.cancel();
  };
  auto [message, none] = co_await all(Suite::heard(*pair.accepted), later(*pair.link));
  EXPECT_EQ(message, "<CANCELLED>");
}

LINK_PAIR_TEST(LinksLiveOnWhenTheirListenerIsClosed) {
  pair.listener->close();
  pair.listener->close();
  pair.listener.reset();
  EXPECT_TRUE((co_await pair.link->send("still", kNever)).ok());
  EXPECT_EQ(co_await Suite::heard(*pair.accepted), "still");
}

LINK_TEST(ClosedListenerEndsAcceptAndRefusesConnections) {
  auto listener = world.acceptor().listen(world.free_address());
  EXPECT_TRUE(listener.ok());
  if (!listener.ok()) co_return;
  auto later = [](LinkListener& closing) -> Task<void> {
    co_await sleep_for(kSoon);
    closing.close();
  };
  auto accepting = [](LinkListener& waiting) -> Task<StatusCode> {
    const auto link = co_await waiting.accept();
    co_return link.status().code();
  };
  auto [code, none] = co_await all(accepting(**listener), later(**listener));
  EXPECT_EQ(code, StatusCode::kUnavailable);
  EXPECT_EQ(co_await accepting(**listener), StatusCode::kUnavailable);
  const LinkTarget target = Suite::target(**listener);
  EXPECT_EQ((co_await world.opener().connect(target, kNever)).status().code(), StatusCode::kUnavailable);
}

LINK_TEST(ConnectionsThatWereNotAcceptedEndWithTheirListener) {
  auto listener = world.acceptor().listen(world.free_address());
  EXPECT_TRUE(listener.ok());
  if (!listener.ok()) co_return;
  auto link = co_await world.opener().connect(Suite::target(**listener), kNever);
  listener->reset();
  if (!link.ok()) {
    EXPECT_EQ(link.status().code(), StatusCode::kUnavailable);
  } else {
    EXPECT_NE(co_await Suite::end_of(**link), StatusCode::kOk);
  }
}

LINK_TEST(CancelledAcceptLosesNoLink) {
  auto listener = world.acceptor().listen(world.free_address());
  EXPECT_TRUE(listener.ok());
  if (!listener.ok()) co_return;
  EXPECT_FALSE((co_await with_deadline(Suite::accepted_by(**listener), Suite::soon(world))).has_value());
  auto [link, accepted] = co_await all(Suite::connected_to(world, Suite::target(**listener)), Suite::accepted_by(**listener));
  EXPECT_NE(link, nullptr);
  EXPECT_NE(accepted, nullptr);
}

LINK_TEST(ConnectToNobodyIsUnavailable) {
  std::string address;
  {
    auto listener = world.acceptor().listen(world.free_address());
    EXPECT_TRUE(listener.ok());
    if (listener.ok()) address = (*listener)->address();
  }
  const LinkTarget target{address, "a/b", {}};
  EXPECT_EQ((co_await world.opener().connect(target, kNever)).status().code(), StatusCode::kUnavailable);
}

LINK_TEST(ConnectRefusesABadTarget) {
  const LinkTarget upper{"absent:1", "a/b", {{"Upper", "x"}}};
  EXPECT_EQ((co_await world.opener().connect(upper, kNever)).status().code(), StatusCode::kInvalidArgument);
  const LinkTarget no_method{"absent:1", "", {}};
  EXPECT_EQ((co_await world.opener().connect(no_method, kNever)).status().code(), StatusCode::kInvalidArgument);
}

LINK_TEST(AddressIsResolvedAndInUseUntilClosed) {
  auto first = world.acceptor().listen(world.free_address());
  EXPECT_TRUE(first.ok());
  if (!first.ok()) co_return;
  const std::string address = (*first)->address();
  EXPECT_FALSE(address.ends_with(":0")) << address;
  EXPECT_EQ(world.acceptor().listen(address).status().code(), StatusCode::kAlreadyExists);
  (*first)->close();
  EXPECT_TRUE(world.acceptor().listen(address).ok());
}

REGISTER_TYPED_TEST_SUITE_P(LinkContract, DeliversMessagesInOrderInBothDirections, CarriesMethodAndMetadata,
                            CarriesEmptyAndBinaryMessages, CarriesAMessageLargerThanTheWindow,
                            RefusesAMessageThatIsTooLargeAndLivesOn, SendThatHasRoomAndReceiveThatHasDataDoNotSuspend,
                            SenderThatFillsTheWindowWaitsUntilThePeerReceives, CancelledSendSendsNothing,
                            ReceiveDeadlineLeavesTheStreamAlive, CancelledReceiveLosesNoMessage,
                            HalfCloseIsSeenAfterTheMessagesBeforeIt, AcceptorThatHalfClosesStillReceives,
                            FinishDeliversEverythingBeforeTheStatus, SendAfterAnEndWithOkIsUnavailable,
                            CancelOfTheOpenerIsSeenByBoth, CancelOfTheAcceptorIsSeenByBoth, DestroyedUnfinishedLinkIsCancelled,
                            DestroyedUnfinishedAcceptedLinkIsCancelled, EndWakesASenderThatWaits, EndWakesAReceiverThatWaits,
                            LinksLiveOnWhenTheirListenerIsClosed, ClosedListenerEndsAcceptAndRefusesConnections,
                            ConnectionsThatWereNotAcceptedEndWithTheirListener, CancelledAcceptLosesNoLink,
                            ConnectToNobodyIsUnavailable, ConnectRefusesABadTarget, AddressIsResolvedAndInUseUntilClosed);

}  // namespace reliant::tests
