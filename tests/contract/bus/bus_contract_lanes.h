// The contract of the routing lanes (C3, C4, C5), as a typed suite over every implementation of ports::Bus: two gateways
// with a tool bridge each, and a caller. Whatever the lane, a request has the same outcome.
//
// A World is as in bus_contract.h, with a third connection `three()` for the caller, a `clock()`, a `context()` and
//   static constexpr bool kRealTime;  // a busy machine adds to what something takes
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "cluster/user_lane_router.h"
#include "contract/bus/bus_contract_log.h"
#include "gateway/tool_bridge.h"
#include "model/subject.h"
#include "router/daemon_router.h"
#include "runtime/all.h"
#include "runtime/sleep.h"
#include "support/bus_keys.h"

namespace reliant::tests {

using namespace std::chrono_literals;
using sim::Lane;

inline constexpr Lane kLanes[] = {Lane::kDaemon, Lane::kUser, Lane::kUserSync};

// A gateway's daemons, without gateway and daemons: runs a request at most once, as their journal does.
class ScriptedSessions final : public router::DaemonSessions {
 public:
  Task<Result<model::ToolResult>> execute(model::ToolRequest request, router::OutputSink& sink, Instant) override {
    ++asked;
    // How long the scripted tool takes.
    if (effects->emplace(request.id, 1).second) co_await sleep_for(takes);
    co_await sink.on_output(1, output, false);
    co_return model::ToolResult{model::Outcome::kExecuted, false, content.empty() ? "done by " + name : content, 0, 1};
  }
  Task<Status> command(model::DaemonCommand command, Instant) override {
    commands.push_back(command);
    if (command.kind == model::DaemonCommandKind::kUnknown) co_return model::unknown_command(command);
    co_await sleep_for(takes);  // as the tool does
    co_return ok_status();
  }
  bool holds(const UserId& user, const DaemonId& daemon) const override { return daemons.contains({user, daemon}); }
  std::vector<model::HeldDaemon> held(const UserId& user) const override {
    std::vector<model::HeldDaemon> all;
    for (const auto& [key, epoch] : daemons)
      if (key.first == user) all.push_back({key.second, epoch, GatewayId(name), model::DaemonConnection::kFresh});
    return all;
  }
  void superseded(const UserId& user, const DaemonId& daemon, std::int64_t epoch) override {
    const auto found = daemons.find({user, daemon});
    if (found != daemons.end() && found->second < epoch) daemons.erase(found);
  }

  std::string name;
  std::map<std::pair<UserId, DaemonId>, std::int64_t> daemons;
  std::map<RequestId, int>* effects = nullptr;  // shared: the daemon's journal
  Duration takes = 10ms;
  std::string output = "output";
  std::string content;  // of the result; empty: says who has done it
  int asked = 0;
  std::vector<model::DaemonCommand> commands;
};

struct LaneSink final : router::OutputSink {
  Task<void> on_output(std::uint64_t chunk, std::string data, bool) override {
    output += data;
    last = chunk;
    co_return;
  }
  std::uint64_t last_chunk() const override { return last; }
  std::string output;
  std::uint64_t last = 0;
};

template <class World>
class BusLanesContract : public ::testing::Test {
 public:
  BusLanesContract() {
    first.name = "g1";
    second.name = "g2";
    first.effects = second.effects = &effects;
  }
  void run(Task<void> test) { EXPECT_TRUE(world.run(std::move(test))) << "the test did not end"; }
  // What was subscribed is in force.
  Task<void> settle() {
    ports::Bus* const buses[] = {&world.one(), &world.two(), &world.three()};
    for (ports::Bus* bus : buses) EXPECT_TRUE((co_await bus->flush(kNever)).ok());
  }
  // Whether it comes to that, of what takes no time but that of the way.
  Task<bool> becomes(std::function<bool()> condition) {
    const Instant limit = in(World::kRealTime ? Duration(20s) : Duration(200ms));
    while (!condition() && world.executor().now() < limit) co_await sleep_for(1ms);  // polls: there is no event to wait for
    co_return condition();
  }
  void hold(ScriptedSessions& sessions, gateway::NatsToolBridge& bridge, std::int64_t epoch, std::string daemon = "d1") {
    sessions.daemons[{user, DaemonId(daemon)}] = epoch;
    bridge.session_opened({user, DaemonId(daemon), epoch, GatewayId(sessions.name)});
  }
  std::unique_ptr<router::DaemonRouter> router(Lane lane) {
    return sim::router_on(lane, world.three(), world.clock(), keys.signer());
  }
  Instant in(Duration duration) { return world.executor().now() + duration; }
  model::ToolRequest request(std::string id) const {
    model::ToolRequest request;
    request.id = RequestId(std::move(id));
    request.user = user;
    request.daemon = DaemonId("d1");
    request.chat = ChatId("c1");
    request.call = ToolCallId("t1");
    request.tool = "bash";
    request.arguments = "{}";
    return request;
  }

  World world;
  UserId user{"u1"};
  std::map<RequestId, int> effects;
  CountingLog log;
  ScriptedSessions first;
  ScriptedSessions second;
  BusKeys keys{world.context(), world.clock(), log};
  gateway::NatsToolBridge bridge_one{world.context(), world.clock(), log, world.one(), first, keys.ring(), Random(11)};
  gateway::NatsToolBridge bridge_two{world.context(), world.clock(), log, world.two(), second, keys.ring(), Random(12)};
};

TYPED_TEST_SUITE_P(BusLanesContract);

TYPED_TEST_P(BusLanesContract, EveryLaneHasTheSameOutcome) {
  auto test = [](BusLanesContract<TypeParam>& t) -> Task<void> {
    t.hold(t.second, t.bridge_two, 1);
    co_await t.settle();
    for (const Lane lane : kLanes) {
      const auto router = t.router(lane);
      for (int i = 0; i < 8; ++i) {
        LaneSink sink;
        const std::string id = concat("req_", static_cast<int>(lane), "_", i);
        auto result = co_await router->execute(t.request(id), sink, t.in(1min));
        EXPECT_TRUE(result.ok()) << result.status();
        if (!result.ok()) co_return;
        EXPECT_EQ(result->content, "done by g2");
        EXPECT_EQ(sink.output, "output");
        EXPECT_EQ(t.effects[RequestId(id)], 1);
      }
    }
  };
  this->run(test(*this));
}

TYPED_TEST_P(BusLanesContract, WhoeverTakesARequestPassesItOnOnceAtMost) {
  auto test = [](BusLanesContract<TypeParam>& t) -> Task<void> {
    t.hold(t.second, t.bridge_two, 1);
    co_await t.settle();
    const auto router = t.router(Lane::kUser);
    for (int i = 0; i < 32; ++i) {
      LaneSink sink;
      EXPECT_TRUE((co_await router->execute(t.request(concat("req_", i)), sink, t.in(1min))).ok());
    }
    EXPECT_EQ(t.second.asked, 32);
    EXPECT_EQ(t.log.count("gateway.request.user_lane"), 32);
    EXPECT_LT(t.log.count("gateway.request.passed_on"), 32);  // some went to the holder at once
    EXPECT_GT(t.log.count("gateway.request.passed_on"), 0);
  };
  this->run(test(*this));
}

TYPED_TEST_P(BusLanesContract, AMessageThatHasHadItsHopIsNotPassedOn) {
  auto test = [](BusLanesContract<TypeParam>& t) -> Task<void> {
    co_await t.settle();
    ports::BusMessage message;
    message.subject = model::user_subject(model::DaemonSubject::kToolRequest, t.user);
    message.headers[std::string(model::kHopsHeader)] = "1";
    model::ToolExecutionRequest body;
    body.request = t.request("req_1");
    body.deadline_ms = std::int64_t{1} << 60;
    message.payload = model::encode(body);
    ports::Bus& bus = t.world.three();
    message.reply_to = bus.new_inbox();
    ports::SubscribeOptions inbox;
    inbox.subject = message.reply_to;
    const auto answers = *bus.subscribe(std::move(inbox));
    EXPECT_TRUE((co_await t.keys.signer().sign(message, auth::SignedKind::kRequest, t.in(10s))).ok());
    EXPECT_TRUE(bus.publish(std::move(message)).ok());
    auto answer = co_await answers->next(t.in(10s));
    EXPECT_TRUE(answer.ok()) << answer.status();
    if (!answer.ok()) co_return;
    auto reply = model::decode_tool_reply(answer->payload);
    EXPECT_TRUE(reply.ok() && std::holds_alternative<model::ToolRefused>(*reply));
    EXPECT_EQ(t.log.count("gateway.request.passed_on"), 0);
  };
  this->run(test(*this));
}

TYPED_TEST_P(BusLanesContract, ADaemonThatNobodyHoldsIsOfflineOnEveryLane) {
  auto test = [](BusLanesContract<TypeParam>& t) -> Task<void> {
    co_await t.settle();
    for (const Lane lane : kLanes) {
      const auto router = t.router(lane);
      const Instant begin = t.world.executor().now();
      LaneSink sink;
      auto result = co_await router->execute(t.request("req_1"), sink, t.in(1min));
      EXPECT_EQ(reason_of(result.status()), lane == Lane::kUserSync ? router::kReasonDaemonSilent : kReasonDaemonOffline)
          << static_cast<int>(lane);
      // Where every gateway listens, it is concluded from their silence; else somebody has said so, at once. A real machine
      // may be busy: there the refusal only has to come before the timeout of the silence.
      const Duration took = t.world.executor().now() - begin;
      const Duration silence = sim::UserLaneRouter::kFirstAnswer;
      if (lane == Lane::kUserSync) EXPECT_GE(took, silence);
      if (TypeParam::kRealTime) {
        EXPECT_LT(took, lane == Lane::kUserSync ? 2 * silence : silence) << static_cast<int>(lane);
      } else {
        EXPECT_LE(took, lane == Lane::kUserSync ? silence + 1ms : Duration(500ms)) << static_cast<int>(lane);
      }
      auto online = co_await router->online(t.user, DaemonId("d1"), t.in(1min));
      EXPECT_TRUE(online.ok() && !*online);
      const Status cancelled = co_await router->cancel(t.user, DaemonId("d1"), RequestId("req_1"), t.in(1min));
      EXPECT_EQ(reason_of(cancelled), kReasonDaemonOffline) << static_cast<int>(lane) << " " << cancelled;
    }
    EXPECT_TRUE(t.effects.empty());
  };
  this->run(test(*this));
}

TYPED_TEST_P(BusLanesContract, CommandsReachTheHolderOnEveryLaneOnce) {
  auto test = [](BusLanesContract<TypeParam>& t) -> Task<void> {
    using enum model::DaemonCommandKind;
    t.hold(t.second, t.bridge_two, 1);
    t.second.takes = sim::UserLaneRouter::kFirstAnswer + 500ms;  // longer than it takes to know that there is no responder
    co_await t.settle();
    struct Caller {
      static Task<void> call(BusLanesContract<TypeParam>& t, Lane lane, model::DaemonCommandKind kind) {
        const auto router = t.router(lane);
        auto command = router::make_command(kind, t.user, DaemonId("d1"), RequestId("req_1"));
        const Status done = co_await router->command(std::move(command), t.in(1min));
        EXPECT_TRUE(done.ok()) << static_cast<int>(lane) << " " << done;
      }
    };
    for (const Lane lane : kLanes) {
      t.second.commands.clear();
      co_await all(Caller::call(t, lane, kCancel), Caller::call(t, lane, kOnline), Caller::call(t, lane, kKill),
                   Caller::call(t, lane, kReload));
      EXPECT_EQ(t.second.commands.size(), 4u);
      for (const auto kind : {kCancel, kOnline, kKill, kReload})
        EXPECT_EQ(std::ranges::count(t.second.commands, kind, &model::DaemonCommand::kind), 1) << static_cast<int>(lane);
    }
    EXPECT_TRUE(t.first.commands.empty());
  };
  this->run(test(*this));
}

TYPED_TEST_P(BusLanesContract, ACommandOfANewerVersionIsRefusedByTheHolderOnly) {
  auto test = [](BusLanesContract<TypeParam>& t) -> Task<void> {
    t.hold(t.second, t.bridge_two, 1);
    co_await t.settle();
    for (const Lane lane : kLanes) {
      const auto router = t.router(lane);
      auto command = router::make_command(model::DaemonCommandKind::kUnknown, t.user, DaemonId("d1"), RequestId());
      command.word = "dance";
      const Status refused = co_await router->command(command, t.in(1min));
      EXPECT_EQ(refused.code(), StatusCode::kInvalidArgument) << static_cast<int>(lane) << " " << refused;
      EXPECT_NE(message_of(refused).find("\"dance\" is not known"), std::string::npos) << refused;
    }
  };
  this->run(test(*this));
}

TYPED_TEST_P(BusLanesContract, WhatGatewaysHoldIsGathered) {
  auto test = [](BusLanesContract<TypeParam>& t) -> Task<void> {
    t.hold(t.first, t.bridge_one, 3, "d1");
    t.hold(t.second, t.bridge_two, 1, "d2");
    co_await t.settle();
    const auto router = t.router(Lane::kDaemon);
    auto held = co_await router->held(t.user, t.in(1min));
    // It listens for a moment; a gateway that is too busy to answer in it answers the next time.
    for (int again = 0; TypeParam::kRealTime && again < 20 && held.ok() && held->size() < 2; ++again)
      held = co_await router->held(t.user, t.in(1min));
    EXPECT_TRUE(held.ok()) << held.status();
    if (!held.ok()) co_return;
    EXPECT_EQ(held->size(), 2u);
    EXPECT_EQ(held->front().gateway.str(), "g1");
    EXPECT_EQ(held->back().daemon.str(), "d2");
    auto nobody = co_await router->held(UserId("u2"), t.in(1min));
    EXPECT_TRUE(nobody.ok() && nobody->empty());
  };
  this->run(test(*this));
}

TYPED_TEST_P(BusLanesContract, AGatewayLetsGoWhenAnotherHasAcceptedTheDaemon) {
  auto test = [](BusLanesContract<TypeParam>& t) -> Task<void> {
    t.hold(t.first, t.bridge_one, 1);
    co_await t.settle();
    t.hold(t.second, t.bridge_two, 2);
    EXPECT_TRUE(co_await t.becomes([&] { return !t.first.holds(t.user, DaemonId("d1")); }));
    EXPECT_TRUE(t.second.holds(t.user, DaemonId("d1")));
    t.hold(t.second, t.bridge_two, 1, "d2");
    t.hold(t.first, t.bridge_one, 1);  // an old one that was late to say so; what it says after that comes after it
    t.hold(t.first, t.bridge_one, 2, "d2");
    EXPECT_TRUE(co_await t.becomes([&] { return !t.second.holds(t.user, DaemonId("d2")); }));
    EXPECT_TRUE(t.second.holds(t.user, DaemonId("d1")));
  };
  this->run(test(*this));
}

TYPED_TEST_P(BusLanesContract, OneRequestOnAllLanesAtOnceHasOneEffect) {
  auto test = [](BusLanesContract<TypeParam>& t) -> Task<void> {
    t.hold(t.first, t.bridge_one, 1);
    co_await t.settle();
    struct Caller {
      static Task<void> call(BusLanesContract<TypeParam>& t, Lane lane, int& answered) {
        const auto router = t.router(lane);
        LaneSink sink;
        auto result = co_await router->execute(t.request("req_1"), sink, t.in(1min));
        if (result.ok() && result->content == "done by g1") ++answered;
      }
    };
    int answered = 0;
    co_await all(Caller::call(t, Lane::kDaemon, answered), Caller::call(t, Lane::kUser, answered),
                 Caller::call(t, Lane::kUser, answered), Caller::call(t, Lane::kUserSync, answered));
    EXPECT_EQ(answered, 4);
    EXPECT_EQ(t.first.asked, 4);
    EXPECT_EQ(t.second.asked, 0);
  };
  this->run(test(*this));
}

REGISTER_TYPED_TEST_SUITE_P(BusLanesContract, EveryLaneHasTheSameOutcome, WhoeverTakesARequestPassesItOnOnceAtMost,
                            AMessageThatHasHadItsHopIsNotPassedOn, ADaemonThatNobodyHoldsIsOfflineOnEveryLane,
                            CommandsReachTheHolderOnEveryLaneOnce, ACommandOfANewerVersionIsRefusedByTheHolderOnly,
                            WhatGatewaysHoldIsGathered, AGatewayLetsGoWhenAnotherHasAcceptedTheDaemon,
                            OneRequestOnAllLanesAtOnceHasOneEffect);

}  // namespace reliant::tests
