// What is said of a run that took too long: whether it went on.
#include "scenario/progress_watch.h"

#include <gtest/gtest.h>

namespace reliant::sim {
namespace {

TraceRecord record(std::int64_t second, std::string name) {
  return {1, Instant{} + std::chrono::seconds(second), 7, Level::kInfo, std::move(name), {{"chat", std::string("c")}}};
}

TEST(ProgressWatch, CountsTheUpdatesOfTheLastMinute) {
  ProgressWatch watch;
  watch.on_record(record(1, "client.chat.created"));
  for (const int second : {2, 50, 60}) watch.on_record(record(second, "client.update"));
  EXPECT_EQ(watch.describe(Instant{} + std::chrono::seconds(100)),
            "still progressing (2 updates in the last 60s): raise phases.quiesce");
}

TEST(ProgressWatch, NamesTheLastRecordOfAChatThatIsStuck) {
  ProgressWatch watch;
  watch.on_record(record(1, "client.chat.created"));
  watch.on_record(record(2, "tool.effect.started"));
  EXPECT_EQ(watch.describe(Instant{} + std::chrono::seconds(100)),
            "stuck (the last record of chat c is tool.effect.started of node 7, 98s ago)");
}

}  // namespace
}  // namespace reliant::sim
