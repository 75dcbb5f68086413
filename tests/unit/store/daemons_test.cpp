#include <algorithm>

#include "unit/store/store_world.h"

namespace reliant::tests {
namespace {

using model::DaemonConnection;
using store::ExecutionState;

class Daemons : public StoreWorld {
 protected:
  std::int64_t arrive(std::string gateway) {
    return value(store().daemons().accept(
        {user_, DaemonId("d1"), "laptop", "local", {{"os", "linux"}}, {"bash", "view"}, GatewayId(std::move(gateway))},
        soon()));
  }
  Status set(std::int64_t epoch, DaemonConnection connection) {
    return get(store().daemons().set_connection(user_, DaemonId("d1"), epoch, connection, soon()));
  }
  store::Daemon daemon() { return value(store().daemons().get(user_, DaemonId("d1"), soon())); }
};
class Gateways : public StoreWorld {};
class Executions : public Daemons {
 protected:
  store::DaemonStream stream(std::int64_t epoch) { return {user_, DaemonId("d1"), epoch}; }
  model::ToolRequest request(std::string id) {
    return {RequestId(std::move(id)),   user_,  DaemonId("d1"),         ChatId("chat"),
            ToolCallId("call"),         "bash", "{\"command\":\"ls\"}", "/home/ann",
            model::Effect::kIdempotent, 5000};
  }
};

TEST_F(Daemons, TakeTheNextEpochWithEveryStream) {
  EXPECT_EQ(arrive("gw1"), 1);
  EXPECT_EQ(arrive("gw2"), 2);
  const auto found = daemon();
  EXPECT_EQ(found.epoch, 2);
  EXPECT_EQ(found.gateway, GatewayId("gw2"));
  EXPECT_EQ(found.connection, DaemonConnection::kFresh);
  EXPECT_EQ(found.labels, (std::map<std::string, std::string>{{"os", "linux"}}));
  EXPECT_EQ(found.tools, (std::vector<std::string>{"bash", "view"}));
  EXPECT_EQ(value(store().daemons().list(user_, soon())).size(), 1u);
  EXPECT_EQ(error(store().daemons().accept({UserId("unknown"), DaemonId("d1"), "", "", {}, {}, {}}, soon())).code(),
            StatusCode::kNotFound);
}

TEST_F(Daemons, FenceWritesOfAReplacedStream) {
  const std::int64_t old = arrive("gw1");
  const std::int64_t current = arrive("gw2");
  const Status refused = set(old, DaemonConnection::kDisconnected);
  EXPECT_EQ(refused.code(), StatusCode::kFailedPrecondition);
  EXPECT_EQ(reason_of(refused), kReasonSuperseded);
  EXPECT_EQ(daemon().connection, DaemonConnection::kFresh);
  EXPECT_TRUE(set(current, DaemonConnection::kStale).ok());
  EXPECT_EQ(daemon().connection, DaemonConnection::kStale);
  EXPECT_EQ(get(store().daemons().set_connection(user_, DaemonId("d2"), 1, DaemonConnection::kStale, soon())).code(),
            StatusCode::kNotFound);
}

TEST_F(Daemons, AreAcceptedAsABatchOrNotAtAll) {
  arrive("gw1");
  const auto from = [&](UserId user, const char* id) {
    return store::DaemonArrival{std::move(user), DaemonId(id), id, "local", {}, {}, GatewayId("gw2")};
  };
  const auto epochs = value(store().daemons().accept_all({from(user_, "d2"), from(user_, "d1"), from(user_, "d3")}, 0, soon()));
  ASSERT_EQ(epochs.size(), 3u);
  EXPECT_EQ(*epochs[0], 1);
  EXPECT_EQ(*epochs[1], 2);
  EXPECT_EQ(*epochs[2], 1);
  EXPECT_EQ(daemon().gateway, GatewayId("gw2"));
  EXPECT_EQ(error(store().daemons().accept_all({from(user_, "d4"), from(UserId("unknown"), "d5")}, 0, soon())).code(),
            StatusCode::kNotFound);
  EXPECT_EQ(value(store().daemons().list(user_, soon())).size(), 3u);
}

TEST_F(Daemons, NumberOfAUserIsLimitedButKnownOnesReconnect) {
  const auto from = [&](const char* id) {
    return store::DaemonArrival{user_, DaemonId(id), id, "local", {}, {}, GatewayId("gw1")};
  };
  constexpr std::int64_t kMost = 2;
  const auto three = value(store().daemons().accept_all({from("d1"), from("d2"), from("d3")}, kMost, soon()));
  EXPECT_EQ(std::ranges::count_if(three, [](const auto& epoch) { return epoch.ok(); }), kMost);
  const auto refused = std::ranges::find_if(three, [](const auto& epoch) { return !epoch.ok(); });
  ASSERT_NE(refused, three.end());
  EXPECT_EQ(refused->status().code(), StatusCode::kResourceExhausted);
  EXPECT_NE(message_of(refused->status()).find("--max-daemons-per-user"), std::string::npos) << refused->status();
  const auto known = value(store().daemons().list(user_, soon()));
  ASSERT_EQ(known.size(), 2u);
  const auto again = value(store().daemons().accept_all({from(known[0].id.str().c_str()), from("d4")}, kMost, soon()));
  EXPECT_EQ(*again[0], 2);
  EXPECT_EQ(again[1].status().code(), StatusCode::kResourceExhausted);
  EXPECT_EQ(value(store().daemons().list(user_, soon())).size(), 2u);
}

TEST_F(Daemons, ReportTheStateOfManyStreams) {
  const std::int64_t old = arrive("gw1");
  value(store().daemons().accept({user_, DaemonId("d2"), "", "", {}, {}, GatewayId("gw1")}, soon()));
  value(store().daemons().accept({user_, DaemonId("d3"), "", "", {}, {}, GatewayId("gw1")}, soon()));
  arrive("gw2");
  const auto written = value(store().daemons().set_connections({{user_, DaemonId("d3"), 1, DaemonConnection::kStale},
                                                                {user_, DaemonId("d1"), old, DaemonConnection::kDisconnected},
                                                                {user_, DaemonId("d2"), 1, DaemonConnection::kDisconnected},
                                                                {user_, DaemonId("d4"), 1, DaemonConnection::kFresh}},
                                                               soon()));
  ASSERT_EQ(written.size(), 4u);
  EXPECT_TRUE(written[0].ok() && written[2].ok());
  EXPECT_EQ(reason_of(written[1]), kReasonSuperseded);
  EXPECT_EQ(written[3].code(), StatusCode::kNotFound);
  EXPECT_EQ(daemon().connection, DaemonConnection::kFresh);
  const auto all = value(store().daemons().list(user_, soon()));
  EXPECT_EQ(all[1].connection, DaemonConnection::kDisconnected);
  EXPECT_EQ(all[2].connection, DaemonConnection::kStale);
}

TEST_F(Daemons, AreDisconnectedWithTheirGatewayOnly) {
  arrive("gw1");
  EXPECT_TRUE(get(store().daemons().disconnect_all(GatewayId("gw2"), soon())).ok());
  EXPECT_EQ(daemon().connection, DaemonConnection::kFresh);
  EXPECT_TRUE(get(store().daemons().disconnect_all(GatewayId("gw1"), soon())).ok());
  EXPECT_EQ(daemon().connection, DaemonConnection::kDisconnected);
}

TEST_F(Gateways, LiveUntilTheirLeaseExpires) {
  const Duration lease = std::chrono::seconds(30);
  EXPECT_TRUE(get(store().gateways().announce(GatewayId("gw1"), "one:1", soon())).ok());
  EXPECT_TRUE(get(store().gateways().announce(GatewayId("gw2"), "two:2", soon())).ok());
  EXPECT_EQ(value(store().gateways().live(lease, soon())).size(), 2u);
  run_for(std::chrono::seconds(20));
  EXPECT_TRUE(get(store().gateways().announce(GatewayId("gw2"), "two:3", soon())).ok());
  run_for(std::chrono::seconds(20));
  const auto live = value(store().gateways().live(lease, soon()));
  ASSERT_EQ(live.size(), 1u);
  EXPECT_EQ(live[0].address, "two:3");
  EXPECT_TRUE(get(store().gateways().withdraw(GatewayId("gw2"), soon())).ok());
  EXPECT_TRUE(value(store().gateways().live(lease, soon())).empty());
}

// Every life of a gateway has an id of its own.
TEST_F(Gateways, CrashedGatewaysAreRemovedAfterADay) {
  EXPECT_TRUE(get(store().gateways().announce(GatewayId("gw1"), "one:1", soon())).ok());
  run_for(std::chrono::hours(25));
  EXPECT_TRUE(get(store().gateways().announce(GatewayId("gw2"), "one:1", soon())).ok());
  const auto known = value(store().gateways().live(std::chrono::hours(48), soon()));
  ASSERT_EQ(known.size(), 1u);
  EXPECT_EQ(known[0].id, GatewayId("gw2"));
}

TEST_F(Executions, AreTheSameForTheSameRequest) {
  const auto first = value(store().executions().insert(request("r1"), soon()));
  EXPECT_EQ(first.state, ExecutionState::kPending);
  EXPECT_EQ(first.request, request("r1"));
  const std::int64_t epoch = arrive("gw1");
  value(store().executions().advance(RequestId("r1"), ExecutionState::kRunning, stream(epoch), soon()));
  EXPECT_EQ(value(store().executions().insert(request("r1"), soon())).state, ExecutionState::kRunning);
  auto foreign = request("r1");
  foreign.daemon = DaemonId("d2");
  EXPECT_EQ(error(store().executions().insert(foreign, soon())).code(), StatusCode::kPermissionDenied);
  EXPECT_EQ(error(store().executions().get(RequestId("r2"), soon())).code(), StatusCode::kNotFound);
}

TEST_F(Executions, KeepTheFirstResult) {
  value(store().executions().insert(request("r1"), soon()));
  const std::int64_t epoch = arrive("gw1");
  const model::ToolResult first{model::Outcome::kExecuted, false, "first", 0, 4};
  EXPECT_EQ(value(store().executions().finish(RequestId("r1"), stream(epoch), first, soon())).result, first);
  const model::ToolResult second{model::Outcome::kUnknown, true, "second", 1, 0};
  EXPECT_EQ(value(store().executions().finish(RequestId("r1"), stream(epoch), second, soon())).result, first);
  EXPECT_EQ(value(store().executions().lose(RequestId("r1"), soon())).state, ExecutionState::kDone);
  EXPECT_EQ(value(store().executions().get(RequestId("r1"), soon())).result, first);
}

TEST_F(Executions, NeverGoBack) {
  value(store().executions().insert(request("r1"), soon()));
  const std::int64_t epoch = arrive("gw1");
  value(store().executions().advance(RequestId("r1"), ExecutionState::kRunning, stream(epoch), soon()));
  EXPECT_EQ(value(store().executions().advance(RequestId("r1"), ExecutionState::kDispatched, stream(epoch), soon())).state,
            ExecutionState::kRunning);
  EXPECT_EQ(value(store().executions().lose(RequestId("r1"), soon())).state, ExecutionState::kLost);
  EXPECT_EQ(value(store().executions().advance(RequestId("r1"), ExecutionState::kRunning, stream(epoch), soon())).state,
            ExecutionState::kLost);
  EXPECT_EQ(value(store().executions().finish(RequestId("r1"), stream(epoch), {}, soon())).state, ExecutionState::kDone);
}

TEST_F(Executions, AreStoredAndDispatchedInOneTransaction) {
  const std::int64_t epoch = arrive("gw1");
  const auto fresh = value(store().executions().dispatch(request("r1"), stream(epoch), soon()));
  EXPECT_EQ(fresh.state, ExecutionState::kDispatched);
  EXPECT_EQ(fresh.epoch, epoch);
  EXPECT_EQ(fresh.request, request("r1"));
  EXPECT_EQ(value(store().executions().get(RequestId("r1"), soon())).state, ExecutionState::kDispatched);

  value(store().executions().insert(request("r2"), soon()));
  EXPECT_EQ(value(store().executions().dispatch(request("r2"), stream(epoch), soon())).state, ExecutionState::kDispatched);

  const model::ToolResult end{model::Outcome::kExecuted, false, "done", 0, 0};
  value(store().executions().finish(RequestId("r2"), stream(epoch), end, soon()));
  const auto again = value(store().executions().dispatch(request("r2"), stream(epoch), soon()));
  EXPECT_EQ(again.state, ExecutionState::kDone);
  EXPECT_EQ(again.result, end);
}

TEST_F(Executions, AreNotStoredWhenDispatchIsRefused) {
  const std::int64_t old = arrive("gw1");
  arrive("gw2");
  EXPECT_EQ(reason_of(error(store().executions().dispatch(request("r1"), stream(old), soon()))), kReasonSuperseded);
  EXPECT_EQ(error(store().executions().get(RequestId("r1"), soon())).code(), StatusCode::kNotFound);
  auto foreign = request("r2");
  foreign.daemon = DaemonId("d2");
  value(store().executions().insert(foreign, soon()));
  EXPECT_EQ(error(store().executions().dispatch(request("r2"), stream(old), soon())).code(), StatusCode::kPermissionDenied);
}

TEST_F(Executions, LateResultWinsOverLost) {
  const auto chat = make_chat();
  const std::int64_t epoch = arrive("gw1");
  value(store().executions().insert(request("r1"), soon()));
  value(store().executions().insert(request("r2"), soon()));
  value(store().executions().advance(RequestId("r1"), ExecutionState::kDispatched, stream(epoch), soon()));
  const model::ToolResult unknown{model::Outcome::kUnknown, true, "not known", 0, 0};
  store::ToolResultMessage told{user_, chat.id, "turn1/call1", ToolCallId("c1"), "bash", unknown, RequestId("r1")};
  store::ToolResultMessage open{user_, chat.id, "turn1/call2", ToolCallId("c2"), "bash", unknown, RequestId("r2")};

  value(store().executions().lose(RequestId("r1"), soon()));
  const model::ToolResult end{model::Outcome::kExecuted, false, "done", 0, 0};
  value(store().executions().finish(RequestId("r1"), stream(epoch), end, soon()));

  const auto result_of = [](const store::Appended& appended) {
    return std::get<model::ToolResultBlock>(appended.message.content.front()).result;
  };
  EXPECT_EQ(result_of(value(store().messages().append_tool_result(told, soon()))), end);
  EXPECT_NE(updates(chat.id).front().payload.find(R"("outcome":"executed")"), std::string::npos);
  EXPECT_EQ(result_of(value(store().messages().append_tool_result(open, soon()))), unknown);
}

TEST_F(Executions, FenceResultsOfAReplacedStream) {
  value(store().executions().insert(request("r1"), soon()));
  const std::int64_t old = arrive("gw1");
  arrive("gw2");
  EXPECT_EQ(reason_of(error(store().executions().finish(RequestId("r1"), stream(old), {}, soon()))), kReasonSuperseded);
  EXPECT_EQ(reason_of(error(store().executions().advance(RequestId("r1"), ExecutionState::kRunning, stream(old), soon()))),
            kReasonSuperseded);
  EXPECT_EQ(value(store().executions().get(RequestId("r1"), soon())).state, ExecutionState::kPending);
}

TEST_F(Executions, AcceptResultsOfTheirOwnDaemonOnly) {
  value(store().executions().insert(request("r1"), soon()));
  const std::int64_t epoch = arrive("gw1");
  const store::DaemonStream foreign{user_, DaemonId("d2"), epoch};
  EXPECT_EQ(error(store().executions().finish(RequestId("r1"), foreign, {}, soon())).code(), StatusCode::kPermissionDenied);
  EXPECT_EQ(value(store().executions().get(RequestId("r1"), soon())).state, ExecutionState::kPending);
}

TEST_F(Executions, AreUnknownAfterAChangeOfTheJournal) {
  const std::int64_t epoch = arrive("gw1");
  auto mine = stream(epoch);
  mine.journal = "journal_a";
  auto other = mine;
  other.journal = "journal_b";
  for (const std::string_view id : {"r1", "r2", "r3"}) {
    value(store().executions().insert(request(std::string(id)), soon()));
    value(store().executions().advance(RequestId(std::string(id)), ExecutionState::kDispatched, mine, soon()));
  }
  const auto early = value(store().executions().advance(RequestId("r1"), ExecutionState::kDispatched, other, soon()));
  EXPECT_EQ(early.journal, "journal_a");  // which may come back with the result
  EXPECT_TRUE(sent_elsewhere(early, other));
  run_for(std::chrono::seconds(35));
  const auto again = value(store().executions().advance(RequestId("r1"), ExecutionState::kDispatched, other, soon()));
  EXPECT_EQ(again.state, ExecutionState::kDone);
  EXPECT_EQ(again.result->outcome, model::Outcome::kUnknown);
  const auto cancelled = value(store().executions().ask_cancel(RequestId("r2"), other, soon()));
  EXPECT_EQ(cancelled.result->outcome, model::Outcome::kUnknown);
  EXPECT_EQ(value(store().executions().advance(RequestId("r3"), ExecutionState::kDispatched, mine, soon())).state,
            ExecutionState::kDispatched);
}

TEST_F(Executions, CancelEndsAnUndispatchedRequest) {
  value(store().executions().insert(request("r1"), soon()));
  const auto cancelled = value(store().executions().ask_cancel(RequestId("r1"), std::nullopt, soon()));
  EXPECT_EQ(cancelled.state, ExecutionState::kDone);
  EXPECT_EQ(cancelled.result->outcome, model::Outcome::kNotExecuted);
  const std::int64_t epoch = arrive("gw1");
  const auto late = value(store().executions().advance(RequestId("r1"), ExecutionState::kDispatched, stream(epoch), soon()));
  EXPECT_EQ(late.state, ExecutionState::kDone);
}

TEST_F(Executions, RememberACancel) {
  value(store().executions().insert(request("r1"), soon()));
  const std::int64_t epoch = arrive("gw1");
  value(store().executions().advance(RequestId("r1"), ExecutionState::kDispatched, stream(epoch), soon()));
  EXPECT_EQ(reason_of(error(store().executions().ask_cancel(RequestId("r1"), stream(epoch - 1), soon()))), kReasonSuperseded);
  for (int i = 0; i < 2; ++i) {
    const auto asked = value(store().executions().ask_cancel(RequestId("r1"), stream(epoch), soon()));
    EXPECT_EQ(asked.state, ExecutionState::kDispatched);
    EXPECT_TRUE(asked.cancel_asked);
  }
  EXPECT_TRUE(value(store().executions().open(user_, DaemonId("d1"), 10, soon()))[0].cancel_asked);
  EXPECT_EQ(value(store().executions().open_of_call(ChatId("chat"), ToolCallId("call"), soon())).size(), 1u);
  EXPECT_EQ(error(store().executions().ask_cancel(RequestId("r2"), std::nullopt, soon())).code(), StatusCode::kNotFound);
}

TEST_F(Executions, OverdueRequestsOfAnAbsentDaemonAreLost) {
  value(store().executions().insert(request("r1"), soon()));
  arrive("gw1");
  const auto seen = value(store().daemons().get(user_, DaemonId("d1"), soon())).last_seen;
  const auto lose = [&](Duration overdue, WallTime silent_since) {
    return value(store().executions().lose_overdue(overdue, silent_since, soon()));
  };
  EXPECT_EQ(lose(std::chrono::minutes(-1), seen), 0);                           // heard of just then
  EXPECT_EQ(lose(std::chrono::minutes(1), seen + std::chrono::seconds(1)), 0);  // not overdue
  EXPECT_EQ(lose(std::chrono::minutes(-1), seen + std::chrono::seconds(1)), 1);
  EXPECT_EQ(value(store().executions().get(RequestId("r1"), soon())).state, ExecutionState::kLost);
}

TEST_F(Executions, AreReplayedUntilTheyEnd) {
  const std::int64_t epoch = arrive("gw1");
  for (const std::string_view id : {"r1", "r2", "r3", "r4"})
    value(store().executions().insert(request(std::string(id)), soon()));
  value(store().executions().finish(RequestId("r2"), stream(epoch), {}, soon()));
  value(store().executions().lose(RequestId("r3"), soon()));
  const auto open = value(store().executions().open(user_, DaemonId("d1"), 10, soon()));
  ASSERT_EQ(open.size(), 2u);
  EXPECT_EQ(open[0].request.id, RequestId("r1"));
  EXPECT_EQ(open[1].request.id, RequestId("r4"));
  EXPECT_EQ(value(store().executions().open(user_, DaemonId("d1"), 1, soon())).size(), 1u);
}

}  // namespace
}  // namespace reliant::tests
