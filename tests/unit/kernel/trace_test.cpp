#include "kernel/trace.h"

#include <gtest/gtest.h>

#include <functional>
#include <set>
#include <sstream>

#include "kernel/hash_ladder.h"

namespace reliant::sim {
namespace {

std::uint64_t hash_after(const std::function<void(Trace&)>& act) {
  Executor executor(1);
  Trace trace(executor, 0);
  act(trace);
  return executor.hash();
}

TEST(Trace, EveryPartOfARecordIsInTheHash) {
  const std::set<std::uint64_t> hashes{
      hash_after([](Trace&) {}),
      hash_after([](Trace& t) { t.record(1, Level::kInfo, "a.b", {}); }),
      hash_after([](Trace& t) { t.record(2, Level::kInfo, "a.b", {}); }),
      hash_after([](Trace& t) { t.record(1, Level::kDebug, "a.b", {}); }),
      hash_after([](Trace& t) { t.record(1, Level::kInfo, "a.c", {}); }),
      hash_after([](Trace& t) { t.record(1, Level::kInfo, "a.b", {{"k", 1}}); }),
      hash_after([](Trace& t) { t.record(1, Level::kInfo, "a.b", {{"k", 2}}); }),
      hash_after([](Trace& t) { t.record(1, Level::kInfo, "a.b", {{"k", "1"}}); }),
      hash_after([](Trace& t) { t.record(1, Level::kInfo, "a.b", {{"k", "12"}, {"l", "3"}}); }),
      hash_after([](Trace& t) { t.record(1, Level::kInfo, "a.b", {{"k", "1"}, {"l", "23"}}); }),
      hash_after([](Trace& t) { t.record(1, Level::kInfo, "a.b", {{"l", "3"}, {"k", "12"}}); }),
  };
  EXPECT_EQ(hashes.size(), 11u);
}

TEST(Trace, ALineIsJsonWhateverBytesAFieldHolds) {
  const TraceRecord record{1, Instant(Duration(2)), 3, Level::kInfo, "a.b", {{"k", std::string("x\x8cy")}}};
  EXPECT_EQ(to_json_line(record),
            "{\"step\":1,\"time_ns\":2,\"node\":3,\"level\":\"info\",\"name\":\"a.b\",\"k\":\"x\xEF\xBF\xBDy\"}");
}

TEST(Trace, KeepsTheLastRecordsOnly) {
  Executor executor(1);
  Trace trace(executor, 3);
  for (int i = 0; i < 10; ++i) trace.record(0, Level::kInfo, "test.count", {{"i", i}});
  ASSERT_EQ(trace.records().size(), 3u);
  EXPECT_EQ(*trace.records().front().number("i"), 7);
  EXPECT_EQ(trace.recorded(), 10u);
}

TEST(Trace, RemembersTheFirstError) {
  Executor executor(1);
  Trace trace(executor, 0);
  trace.record(0, Level::kWarning, "test.fine", {});
  EXPECT_EQ(trace.errors(), 0u);
  trace.record(3, Level::kError, "test.broken", {{"why", "because"}});
  trace.record(4, Level::kError, "test.broken_too", {});
  EXPECT_EQ(trace.errors(), 2u);
  ASSERT_TRUE(trace.first_error());
  EXPECT_EQ(trace.first_error()->name, "test.broken");
  EXPECT_EQ(*trace.first_error()->text("why"), "because");
  EXPECT_EQ(trace.first_error()->number("why"), nullptr);
  EXPECT_EQ(trace.first_error()->text("when"), nullptr);
}

TEST(Trace, WritesJsonLines) {
  Executor executor(1);
  Trace trace(executor, 0);
  std::ostringstream out;
  JsonLinesSink sink(out, executor);
  trace.add_sink(sink);
  executor.run_until(Instant(std::chrono::milliseconds(5)));
  trace.record(3, Level::kInfo, "test.said", {{"text", "a \"b\"\\\n"}, {"n", -4}});
  EXPECT_EQ(out.str(),
            "{\"step\":0,\"time_ns\":5000000,\"node\":3,\"level\":\"info\",\"name\":\"test.said\","
            "\"text\":\"a \\\"b\\\"\\\\\\u000a\",\"n\":-4}\n");
  trace.remove_sink(sink);
  trace.record(3, Level::kInfo, "test.said", {});
  EXPECT_EQ(out.str().find("test.said"), out.str().rfind("test.said"));
}

TEST(HashLadder, ComparesRungByRung) {
  HashLadder a(10);
  HashLadder b(10);
  EXPECT_EQ(first_difference(a, b), std::nullopt);
  a.add({10, {}, 1});
  EXPECT_EQ(first_difference(a, b), 0u);
  b.add({10, {}, 1});
  EXPECT_EQ(first_difference(a, b), std::nullopt);
  a.add({20, {}, 2});
  b.add({20, {}, 3});
  EXPECT_EQ(first_difference(a, b), 1u);
}

TEST(HashLadder, RungsAreEvenlySpacedFromTheFirstStep) {
  const HashLadder ladder(10, 25);
  EXPECT_FALSE(ladder.due(10));
  EXPECT_TRUE(ladder.due(25));
  EXPECT_TRUE(ladder.due(35));
  EXPECT_EQ(ladder.steps_to_next(0), 25u);
  EXPECT_EQ(ladder.steps_to_next(25), 10u);
  EXPECT_EQ(ladder.steps_to_next(31), 4u);
}

}  // namespace
}  // namespace reliant::sim
