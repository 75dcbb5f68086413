// The contract of ports::Bus, as a typed suite: every implementation passes all of it.
//
// A World is one implementation with two client connections:
//   Executor& executor();
//   ports::Bus& one();
//   ports::Bus& two();
//   bool run(Task<void> test);  // to its end, when both are connected; false: it did not end
#pragma once

#include <gtest/gtest.h>

#include <array>
#include <chrono>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "ports/bus.h"
#include "runtime/all.h"
#include "runtime/deadline.h"
#include "runtime/scope.h"
#include "runtime/sleep.h"

namespace reliant::tests {

using ports::Bus;
using ports::BusMessage;
using ports::BusSubscription;

// Long enough for everything to arrive, which no bus tells a publisher (at most once): what has to have come, or not to have
// come, is waited for like this. Virtual time but on NATS.
inline constexpr Duration kQuiet = std::chrono::milliseconds(500);

template <class World>
class BusContract : public ::testing::Test {
 public:
  using Subscription = std::unique_ptr<BusSubscription>;
  World world;

  void run(Task<void> test) { EXPECT_TRUE(world.run(std::move(test))) << "the test did not end"; }
  static Instant soon(World& world) { return after(world.executor().now(), kQuiet); }

  static BusMessage message(std::string subject, std::string payload = "") {
    BusMessage message;
    message.subject = std::move(subject);
    message.payload = std::move(payload);
    return message;
  }
  // In effect when it returns.
  static Task<Subscription> subscribed(Bus& bus, std::string subject, std::string group = "", std::size_t pending = 4096) {
    auto subscription = bus.subscribe({std::move(subject), std::move(group), pending});
    EXPECT_TRUE(subscription.ok()) << subscription.status();
    if (!subscription.ok()) co_return nullptr;
    const Status flushed = co_await bus.flush(kNever);
    EXPECT_TRUE(flushed.ok()) << flushed;
    co_return *std::move(subscription);
  }
  static void publish(Bus& bus, std::string subject, std::string payload) {
    const Status status = bus.publish(message(std::move(subject), std::move(payload)));
    EXPECT_TRUE(status.ok()) << status;
  }
  // The payload; "<CODE>" for an error.
  static Task<std::string> heard(BusSubscription& subscription, Instant deadline = kNever) {
    auto next = co_await subscription.next(deadline);
    if (!next.ok()) co_return concat("<", code_name(next.status().code()), ">");
    co_return next->payload;
  }
  // All that comes until it is quiet.
  static Task<std::vector<std::string>> all_heard(World& world, BusSubscription& subscription) {
    std::vector<std::string> payloads;
    for (;;) {
      auto next = co_await subscription.next(soon(world));
      if (!next.ok()) co_return payloads;
      payloads.push_back(next->payload);
    }
  }
  // Answers `count` requests with "<name>:<payload>".
  static Task<void> answer(Bus& bus, BusSubscription& subscription, std::string name, int count) {
    for (int i = 0; i < count; ++i) {
      auto request = co_await subscription.next(kNever);
      EXPECT_TRUE(request.ok()) << request.status();
      if (!request.ok()) co_return;
      publish(bus, request->reply_to, concat(name, ":", request->payload));
    }
  }
  static Task<std::string> asked(Bus& bus, std::string subject, std::string payload) {
    auto answer = co_await bus.request(message(std::move(subject), std::move(payload)), kNever);
    if (!answer.ok()) co_return concat("<", code_name(answer.status().code()), ">");
    co_return answer->payload;
  }
};

TYPED_TEST_SUITE_P(BusContract);

#define BUS_TEST(name)                                                                                   \
  template <class Suite, class World>                                                                    \
  struct BusTest##name : Suite {                                                                         \
    static Task<void> body(World& world, Bus& one, Bus& two);                                            \
  };                                                                                                     \
  TYPED_TEST_P(BusContract, name) {                                                                      \
    auto& world = this->world;                                                                           \
    this->run(BusTest##name<BusContract<TypeParam>, TypeParam>::body(world, world.one(), world.two()));  \
  }                                                                                                      \
  template <class Suite, class World>                                                                    \
  Task<void> BusTest##name<Suite, World>::body([[maybe_unused]] World& world, [[maybe_unused]] Bus& one, \
                                               [[maybe_unused]] Bus& two)

BUS_TEST(DeliversToEveryPlainSubscriptionThatMatches) {
  const auto a = co_await Suite::subscribed(one, "a.b");
  const auto b = co_await Suite::subscribed(two, "a.b");
  const auto other = co_await Suite::subscribed(two, "a.c");
  Suite::publish(one, "a.b", "x");
  EXPECT_EQ(co_await Suite::heard(*a), "x");
  EXPECT_EQ(co_await Suite::heard(*b), "x");
  EXPECT_EQ(co_await Suite::heard(*other, Suite::soon(world)), "<DEADLINE_EXCEEDED>");
}

BUS_TEST(MatchesWildcards) {
  const auto star = co_await Suite::subscribed(one, "a.*.c");
  const auto rest = co_await Suite::subscribed(one, "a.>");
  const auto everything = co_await Suite::subscribed(two, ">");
  for (const char* subject : {"a.b.c", "a.b.c.d", "a", "a.b"}) Suite::publish(two, subject, subject);
  EXPECT_EQ(co_await Suite::all_heard(world, *star), (std::vector<std::string>{"a.b.c"}));
  EXPECT_EQ(co_await Suite::all_heard(world, *rest), (std::vector<std::string>{"a.b.c", "a.b.c.d", "a.b"}));
  EXPECT_EQ(co_await Suite::all_heard(world, *everything), (std::vector<std::string>{"a.b.c", "a.b.c.d", "a", "a.b"}));
}

BUS_TEST(GivesAMessageToOneMemberOfEachQueueGroup) {
  std::array<std::unique_ptr<BusSubscription>, 3> members;
  members[0] = co_await Suite::subscribed(one, "work.*", "g");
  members[1] = co_await Suite::subscribed(one, "work.>", "g");  // a group is its name, not its pattern
  members[2] = co_await Suite::subscribed(two, "work.now", "g");
  const auto other_group = co_await Suite::subscribed(two, "work.now", "h");
  const auto plain = co_await Suite::subscribed(two, "work.now");
  std::multiset<std::string> sent;
  for (int i = 0; i < 120; ++i) {
    Suite::publish(one, "work.now", concat(i));
    sent.insert(concat(i));
  }
  std::multiset<std::string> received;
  for (const auto& member : members) {
    const std::vector<std::string> share = co_await Suite::all_heard(world, *member);
    EXPECT_GE(share.size(), 10u);
    received.insert(share.begin(), share.end());
  }
  EXPECT_EQ(received, sent);
  EXPECT_EQ((co_await Suite::all_heard(world, *other_group)).size(), 120u);
  EXPECT_EQ((co_await Suite::all_heard(world, *plain)).size(), 120u);
}

BUS_TEST(KeepsTheOrderOfOnePublisher) {
  const auto a = co_await Suite::subscribed(one, "order.>");
  for (int i = 0; i < 300; ++i) Suite::publish(two, concat("order.", i % 7), concat(i));
  for (int i = 0; i < 300; ++i) EXPECT_EQ(co_await Suite::heard(*a), concat(i));
}

BUS_TEST(CarriesHeadersReplySubjectAndBytes) {
  const auto a = co_await Suite::subscribed(one, "bytes");
  const std::string binary("\0\r\n\xff", 4);
  BusMessage sent{"bytes", "reply.here", {{"Traceparent", "00-ab"}, {"Empty", ""}}, binary};
  EXPECT_TRUE(two.publish(sent).ok());
  Suite::publish(two, "bytes", "");
  const auto first = co_await a->next(kNever);
  EXPECT_TRUE(first.ok());
  if (!first.ok()) co_return;
  EXPECT_EQ(first->subject, "bytes");
  EXPECT_EQ(first->reply_to, "reply.here");
  EXPECT_EQ(first->headers, sent.headers);
  EXPECT_EQ(first->payload, binary);
  const auto second = co_await a->next(kNever);
  EXPECT_TRUE(second.ok() && second->payload.empty() && second->reply_to.empty() && second->headers.empty());
  EXPECT_TRUE(second.ok() && !ports::is_no_responders(*second));
}

BUS_TEST(RequestIsAnsweredByAResponder) {
  const auto service = co_await Suite::subscribed(two, "echo", "servers");
  auto [answer, none] = co_await all(Suite::asked(one, "echo", "hi"), Suite::answer(two, *service, "two", 1));
  EXPECT_EQ(answer, "two:hi");
}

BUS_TEST(RequestsAtOneTimeGetTheirOwnAnswers) {
  const auto service = co_await Suite::subscribed(two, "echo");
  std::vector<Task<std::string>> requests;
  requests.reserve(20);
  for (int i = 0; i < 20; ++i) requests.push_back(Suite::asked(one, "echo", concat(i)));
  auto [answers, none] = co_await all(
      [](std::vector<Task<std::string>> asked) -> Task<std::vector<std::string>> {
        std::vector<std::string> collected = co_await all(std::move(asked));
        co_return collected;
      }(std::move(requests)),
      Suite::answer(two, *service, "two", 20));
  for (int i = 0; i < 20; ++i) EXPECT_EQ(answers[static_cast<std::size_t>(i)], concat("two:", i));
}

BUS_TEST(RequestWithoutAResponderFailsAtOnce) {
  const auto answer = co_await one.request(Suite::message("absent.here"), after(world.executor().now(), kQuiet * 100));
  EXPECT_EQ(answer.status().code(), StatusCode::kUnavailable) << answer.status();
  EXPECT_EQ(reason_of(answer.status()), kReasonNoResponders);
}

BUS_TEST(PublishWithoutAResponderIsAnsweredInTheInbox) {
  const std::string inbox = one.new_inbox();
  const auto answers = co_await Suite::subscribed(one, inbox);
  BusMessage lonely = Suite::message("absent.here");
  lonely.reply_to = inbox;
  EXPECT_TRUE(one.publish(lonely).ok());
  const auto answer = co_await answers->next(kNever);
  EXPECT_TRUE(answer.ok() && ports::is_no_responders(*answer));
  EXPECT_TRUE(answer.ok() && answer->subject == inbox);
}

BUS_TEST(NobodyElseHearsThatThereIsNoResponder) {
  const std::string inbox = one.new_inbox();
  const auto other = co_await Suite::subscribed(two, inbox);
  BusMessage lonely = Suite::message("absent.here");
  lonely.reply_to = inbox;
  EXPECT_TRUE(one.publish(lonely).ok());
  EXPECT_EQ(co_await Suite::heard(*other, Suite::soon(world)), "<DEADLINE_EXCEEDED>");
}

BUS_TEST(OneSubscriptionHearsThatThereIsNoResponder) {
  const std::string inbox = one.new_inbox();
  const auto first = co_await Suite::subscribed(one, inbox);
  const auto second = co_await Suite::subscribed(one, inbox);
  BusMessage lonely = Suite::message("absent.here");
  lonely.reply_to = inbox;
  EXPECT_TRUE(one.publish(lonely).ok());
  const std::size_t heard = (co_await Suite::all_heard(world, *first)).size();
  EXPECT_EQ(heard + (co_await Suite::all_heard(world, *second)).size(), 1u);
}

BUS_TEST(WhoListensOnAtAnInboxHearsThatThereIsNoResponder) {
  const std::string inbox = one.new_inbox();
  auto first = co_await Suite::subscribed(one, inbox);
  const auto second = co_await Suite::subscribed(one, inbox);
  first.reset();
  BusMessage lonely = Suite::message("absent.here");
  lonely.reply_to = inbox;
  EXPECT_TRUE(one.publish(lonely).ok());
  const auto answer = co_await second->next(kNever);
  EXPECT_TRUE(answer.ok() && ports::is_no_responders(*answer));
}

BUS_TEST(EachOfManyQuestionsHearsWhatBecameOfIt) {
  static constexpr int kQuestions = 100;
  const auto answering = [](Bus& bus, BusSubscription& requests, int times) -> Task<void> {
    for (int i = 0; i < times; ++i) {
      const auto request = co_await requests.next(kNever);
      EXPECT_TRUE(request.ok());
      if (request.ok()) Suite::publish(bus, request->reply_to, request->payload);
    }
  };
  const auto asking = [](Bus& bus, int number) -> Task<void> {
    const bool lonely = number % 3 == 0;
    const auto answer = co_await bus.request(Suite::message(lonely ? "absent.here" : "somebody", concat(number)), kNever);
    if (lonely) {
      EXPECT_EQ(reason_of(answer.status()), kReasonNoResponders) << number;
    } else {
      EXPECT_TRUE(answer.ok() && answer->payload == concat(number)) << number << ": " << answer.status();
    }
  };
  const auto requests = co_await Suite::subscribed(two, "somebody");
  for (int round = 0; round < 3; ++round) {
    TaskScope scope(world.executor(), 0);
    scope.spawn(answering(two, *requests, kQuestions - (kQuestions + 2) / 3));
    for (int i = 0; i < kQuestions; ++i) scope.spawn(asking(one, i));
    co_await scope.join();
  }
}

BUS_TEST(RequestThatIsNotAnsweredEndsAtItsDeadline) {
  const auto silent = co_await Suite::subscribed(two, "silent");
  const auto answer = co_await one.request(Suite::message("silent"), Suite::soon(world));
  EXPECT_EQ(answer.status().code(), StatusCode::kDeadlineExceeded) << answer.status();
  EXPECT_EQ(co_await Suite::heard(*silent), "");  // it may have been executed
}

BUS_TEST(InboxesAreUnique) {
  std::set<std::string> inboxes;
  for (int i = 0; i < 10; ++i) {
    inboxes.insert(one.new_inbox());
    inboxes.insert(two.new_inbox());
  }
  EXPECT_EQ(inboxes.size(), 20u);
  co_return;
}

BUS_TEST(RefusesBadSubjects) {
  for (const char* bad : {"", ".", "a.", ".a", "a..b", "a.*", "a.>", ">", "a b", "a\tb", "a\r\nPUB x", "a.\x01"}) {
    EXPECT_EQ(one.publish(Suite::message(bad)).code(), StatusCode::kInvalidArgument) << bad;
    EXPECT_EQ((co_await one.request(Suite::message(bad), kNever)).status().code(), StatusCode::kInvalidArgument) << bad;
    BusMessage reply = Suite::message("good");
    reply.reply_to = bad;
    if (!reply.reply_to.empty()) EXPECT_EQ(one.publish(reply).code(), StatusCode::kInvalidArgument) << bad;
  }
  for (const char* bad : {"", "a..b", "a.>.b", ">.a", "a b", "a*.\n"}) {
    EXPECT_EQ(one.subscribe({bad}).status().code(), StatusCode::kInvalidArgument) << bad;
  }
  EXPECT_EQ(one.subscribe({"a", "g g"}).status().code(), StatusCode::kInvalidArgument);
}

BUS_TEST(RefusesWhatIsTooLargeOrBreaksAHeader) {
  const auto a = co_await Suite::subscribed(two, "size");
  EXPECT_EQ(one.publish(Suite::message("size", std::string(one.max_payload() + 1, 'x'))).code(), StatusCode::kInvalidArgument);
  BusMessage injected = Suite::message("size");
  injected.headers["Name"] = "x\r\nStatus: 503";
  EXPECT_EQ(one.publish(injected).code(), StatusCode::kInvalidArgument);
  injected.headers = {{"bad name", "x"}};
  EXPECT_EQ(one.publish(injected).code(), StatusCode::kInvalidArgument);
  Suite::publish(one, "size", std::string(one.max_payload() - 100, 'x'));
  EXPECT_EQ((co_await Suite::heard(*a)).size(), one.max_payload() - 100);
}

BUS_TEST(NextDeadlineLeavesTheSubscriptionAlive) {
  const auto a = co_await Suite::subscribed(one, "late");
  EXPECT_EQ(co_await Suite::heard(*a, Suite::soon(world)), "<DEADLINE_EXCEEDED>");
  EXPECT_EQ(co_await Suite::heard(*a, world.executor().now()), "<DEADLINE_EXCEEDED>");
  Suite::publish(two, "late", "x");
  EXPECT_EQ(co_await Suite::heard(*a), "x");
}

BUS_TEST(CancelledNextLosesNoMessage) {
  const auto a = co_await Suite::subscribed(one, "cancel");
  int next = 0;
  for (int i = 0; i < 200; ++i) {
    if (i < 100) Suite::publish(two, "cancel", concat(i));
    const Instant when = after(world.executor().now(), std::chrono::microseconds(i * 20));
    const auto payload = co_await with_deadline(Suite::heard(*a), when);
    if (payload) EXPECT_EQ(*payload, concat(next++));
  }
  while (next < 100) EXPECT_EQ(co_await Suite::heard(*a), concat(next++));
}

BUS_TEST(SlowConsumerDropsTheNewestAndCounts) {
  const auto slow = co_await Suite::subscribed(one, "flood", "", 10);
  const auto quick = co_await Suite::subscribed(one, "flood");
  for (int i = 0; i < 25; ++i) Suite::publish(two, "flood", concat(i));
  EXPECT_EQ((co_await Suite::all_heard(world, *quick)).size(), 25u);
  EXPECT_EQ(slow->dropped(), 15u);
  EXPECT_EQ(quick->dropped(), 0u);
  for (int i = 0; i < 10; ++i) EXPECT_EQ(co_await Suite::heard(*slow), concat(i));
  Suite::publish(two, "flood", "again");
  EXPECT_EQ(co_await Suite::heard(*slow), "again");
}

BUS_TEST(DestroyedSubscriptionIsNoInterest) {
  auto a = co_await Suite::subscribed(one, "gone");
  a.reset();
  EXPECT_TRUE((co_await one.flush(kNever)).ok());
  const auto answer = co_await two.request(Suite::message("gone"), kNever);
  EXPECT_EQ(reason_of(answer.status()), kReasonNoResponders) << answer.status();
}

BUS_TEST(DrainedSubscriptionHandsOutWhatItHas) {
  const auto a = co_await Suite::subscribed(one, "drain");
  for (int i = 0; i < 5; ++i) Suite::publish(two, "drain", concat(i));
  EXPECT_EQ(co_await Suite::heard(*a), "0");
  co_await sleep_for(kQuiet);
  EXPECT_TRUE(a->drain().ok());
  EXPECT_TRUE(a->drain().ok());
  EXPECT_TRUE((co_await one.flush(kNever)).ok());
  Suite::publish(two, "drain", "too late");
  for (int i = 1; i < 5; ++i) EXPECT_EQ(co_await Suite::heard(*a), concat(i));
  EXPECT_EQ(co_await Suite::heard(*a), "<UNAVAILABLE>");
  EXPECT_EQ(co_await Suite::heard(*a), "<UNAVAILABLE>");
}

BUS_TEST(InboxIsDrainedLikeAnySubject) {
  const std::string inbox = one.new_inbox();
  const auto a = co_await Suite::subscribed(one, inbox);
  const auto b = co_await Suite::subscribed(one, inbox);
  for (int i = 0; i < 3; ++i) Suite::publish(two, inbox, concat(i));
  co_await sleep_for(kQuiet);  // only what has come is handed out
  EXPECT_TRUE(a->drain().ok());
  EXPECT_TRUE((co_await one.flush(kNever)).ok());
  for (int i = 0; i < 3; ++i) EXPECT_EQ(co_await Suite::heard(*a), concat(i));
  EXPECT_EQ(co_await Suite::heard(*a), "<UNAVAILABLE>");
  Suite::publish(two, inbox, "later");
  for (const char* heard : {"0", "1", "2", "later"}) EXPECT_EQ(co_await Suite::heard(*b), heard);
}

BUS_TEST(DestroyedInboxHearsNothingAndMayBeUsedAgain) {
  const std::string inbox = one.new_inbox();
  auto a = co_await Suite::subscribed(one, inbox);
  a.reset();
  Suite::publish(two, inbox, "without a receiver");
  EXPECT_TRUE((co_await two.flush(kNever)).ok());
  co_await sleep_for(kQuiet);  // it must have reached no receiver before there is one again
  a = co_await Suite::subscribed(one, inbox);
  Suite::publish(two, inbox, "again");
  EXPECT_EQ(co_await Suite::heard(*a), "again");
}

BUS_TEST(DrainWakesWhoWaitsForAMessage) {
  const auto a = co_await Suite::subscribed(one, "drain");
  auto later = [](BusSubscription& subscription) -> Task<void> {
    co_await sleep_for(kQuiet);
    EXPECT_TRUE(subscription.drain().ok());
  };
  auto [payload, none] = co_await all(Suite::heard(*a), later(*a));
  EXPECT_EQ(payload, "<UNAVAILABLE>");
}

BUS_TEST(DrainedBusHandsOutWhatItHasAndCloses) {
  const auto a = co_await Suite::subscribed(one, "work");
  const auto answers = co_await Suite::subscribed(two, "done");
  for (int i = 0; i < 3; ++i) Suite::publish(two, "work", concat(i));
  co_await sleep_for(kQuiet);
  // Work that was received is still done and reported.
  auto worker = [](Bus& bus, BusSubscription& work) -> Task<void> {
    for (;;) {
      co_await sleep_for(kQuiet);
      const std::string item = co_await Suite::heard(work);
      if (item == "<UNAVAILABLE>") co_return;
      if (item != "2") Suite::publish(bus, "done", item);
    }
  };
  auto draining = [](Bus& bus) -> Task<Status> {
    Status status = co_await bus.drain(kNever);
    co_return status;
  };
  auto [status, none] = co_await all(draining(one), worker(one, *a));
  EXPECT_TRUE(status.ok()) << status;
  EXPECT_EQ(co_await Suite::all_heard(world, *answers), (std::vector<std::string>{"0", "1"}));
  EXPECT_EQ(one.publish(Suite::message("x")).code(), StatusCode::kUnavailable);
  EXPECT_EQ(one.subscribe({"x"}).status().code(), StatusCode::kUnavailable);
  EXPECT_EQ((co_await one.request(Suite::message("x"), kNever)).status().code(), StatusCode::kUnavailable);
  EXPECT_EQ((co_await one.flush(kNever)).code(), StatusCode::kUnavailable);
  EXPECT_EQ((co_await one.drain(kNever)).code(), StatusCode::kUnavailable);
  EXPECT_EQ(reason_of((co_await two.request(Suite::message("work"), kNever)).status()), kReasonNoResponders);
}

BUS_TEST(DrainEndsAtItsDeadlineWhenNobodyTakesTheMessages) {
  const auto a = co_await Suite::subscribed(one, "work");
  Suite::publish(two, "work", "x");
  co_await sleep_for(kQuiet);
  EXPECT_EQ((co_await one.drain(Suite::soon(world))).code(), StatusCode::kDeadlineExceeded);
  EXPECT_EQ(co_await Suite::heard(*a), "x");
  EXPECT_EQ(co_await Suite::heard(*a), "<UNAVAILABLE>");
}

BUS_TEST(FlushWithNothingToSendIsOk) {
  EXPECT_TRUE((co_await one.flush(Suite::soon(world))).ok());
  EXPECT_TRUE((co_await one.flush(kNever)).ok());
}

REGISTER_TYPED_TEST_SUITE_P(BusContract, DeliversToEveryPlainSubscriptionThatMatches, MatchesWildcards,
                            GivesAMessageToOneMemberOfEachQueueGroup, KeepsTheOrderOfOnePublisher,
                            CarriesHeadersReplySubjectAndBytes, RequestIsAnsweredByAResponder,
                            RequestsAtOneTimeGetTheirOwnAnswers, RequestWithoutAResponderFailsAtOnce,
                            PublishWithoutAResponderIsAnsweredInTheInbox, NobodyElseHearsThatThereIsNoResponder,
                            OneSubscriptionHearsThatThereIsNoResponder, WhoListensOnAtAnInboxHearsThatThereIsNoResponder,
                            EachOfManyQuestionsHearsWhatBecameOfIt, RequestThatIsNotAnsweredEndsAtItsDeadline, InboxesAreUnique,
                            InboxIsDrainedLikeAnySubject, DestroyedInboxHearsNothingAndMayBeUsedAgain, RefusesBadSubjects,
                            RefusesWhatIsTooLargeOrBreaksAHeader, NextDeadlineLeavesTheSubscriptionAlive,
                            CancelledNextLosesNoMessage, SlowConsumerDropsTheNewestAndCounts, DestroyedSubscriptionIsNoInterest,
                            DrainedSubscriptionHandsOutWhatItHas, DrainWakesWhoWaitsForAMessage,
                            DrainedBusHandsOutWhatItHasAndCloses, DrainEndsAtItsDeadlineWhenNobodyTakesTheMessages,
                            FlushWithNothingToSendIsOk);

}  // namespace reliant::tests
