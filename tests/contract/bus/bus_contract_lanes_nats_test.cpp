#include "contract/bus/bus_contract_lanes.h"
#include "contract/bus/bus_contract_nats.h"

namespace reliant::tests {

INSTANTIATE_TYPED_TEST_SUITE_P(Nats, BusLanesContract, NatsWorld);

namespace {

// --- a server that takes small messages only -------------------------------------------------------------------------

struct SmallMessages : NatsWorld {
  static constexpr std::size_t kMost = 65536;
  SmallMessages() : NatsWorld(concat("max_payload: ", kMost, "\n")) {}
};

class LanesOfSmallMessages : public BusLanesContract<SmallMessages> {};

// Bytes of every kind: what JSON makes six times as long, and what the end of a part may cut through.
std::string much_of_everything(std::size_t size) {
  std::string bytes;
  for (int i = 0; bytes.size() < size / 2; ++i)
    bytes += concat("line ", i, " ü€𝄞 \"\\ \xff\xc3 ", std::string(static_cast<std::size_t>(i % 7), '\x01'), "\n");
  bytes.resize(size, '\x02');
  return bytes;
}

// C42: in parts, whatever the server's limit is.
TEST_F(LanesOfSmallMessages, ContentAndOutputLargerThanAMessageArriveWhole) {
  const auto test = [](LanesOfSmallMessages& t) -> Task<void> {
    t.hold(t.second, t.bridge_two, 1);
    co_await t.settle();
    EXPECT_LE(t.world.two().max_payload(), SmallMessages::kMost);
    t.second.output = much_of_everything(32 << 10);  // as large as a daemon sends them
    t.second.content = much_of_everything(1 << 20);
    for (const Lane lane : kLanes) {
      const auto router = t.router(lane);
      LaneSink sink;
      const auto result = co_await router->execute(t.request(concat("req_", static_cast<int>(lane))), sink, t.in(1min));
      EXPECT_TRUE(result.ok()) << result.status();
      if (!result.ok()) co_return;
      EXPECT_TRUE(result->content == t.second.content) << result->content.size();
      EXPECT_TRUE(sink.output == t.second.output) << sink.output.size();
      EXPECT_EQ(sink.last, 1u);
    }
    EXPECT_EQ(t.log.count("gateway.answer.failed"), 0);
  };
  run(test(*this));
}

// --- a server that hangs ---------------------------------------------------------------------------------------------

class LanesOnNats : public BusLanesContract<NatsWorld> {};

// It has taken the request, and hands it on when no caller waits for an answer any more (C6).
TEST_F(LanesOnNats, ARequestThatComesOutOfAFrozenServerAfterItsDeadlineIsNotExecuted) {
  const auto test = [](LanesOnNats& t) -> Task<void> {
    struct Caller {
      static Task<void> call(LanesOnNats& t, Lane lane, std::string id, Duration timeout, StatusCode expected) {
        const auto router = t.router(lane);
        LaneSink sink;
        const auto result = co_await router->execute(t.request(std::move(id)), sink, t.in(timeout));
        EXPECT_EQ(result.status().code(), expected) << static_cast<int>(lane) << " " << result.status();
      }
    };
    t.hold(t.second, t.bridge_two, 1);
    co_await t.settle();
    std::map<RequestId, int> expected;
    for (const Lane lane : kLanes) {
      const std::string id = concat("req_in_time_", static_cast<int>(lane));
      expected[RequestId(id)] = 1;
      t.world.server().freeze();
      TaskScope late(t.world.executor(), 0);
      TaskScope in_time(t.world.executor(), 0);
      late.spawn(Caller::call(t, lane, concat("req_late_", static_cast<int>(lane)), 300ms, StatusCode::kDeadlineExceeded));
      in_time.spawn(Caller::call(t, lane, id, 1min, StatusCode::kOk));  // behind it, on the same way
      co_await late.join();
      t.world.server().thaw();
      co_await in_time.join();
    }
    EXPECT_EQ(t.effects, expected);
    EXPECT_EQ(t.second.asked, 3);
    EXPECT_EQ(t.first.asked, 0);
    EXPECT_EQ(t.world.log().count("bus.lost"), 0);
  };
  run(test(*this));
}

}  // namespace
}  // namespace reliant::tests
