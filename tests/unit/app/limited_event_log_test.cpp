#include "app/limited_event_log.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "base/text.h"

namespace reliant::app {
namespace {

class HandClock final : public Clock {
 public:
  Instant now() const override { return now_; }
  WallTime wall_now() const override { return WallTime(now_.time_since_epoch()); }
  void pass(Duration time) { now_ = after(now_, time); }

 private:
  Instant now_;
};

class LineLog final : public EventLog {
 public:
  void record(Level level, std::string_view name, std::initializer_list<Field> fields) override {
    std::string line = concat(level_name(level), " ", name);
    for (const Field& field : fields) {
      const auto* const number = std::get_if<std::int64_t>(&field.value);
      append(line, number ? concat(" ", field.key, "=", *number)
                          : concat(" ", field.key, "=", std::get<std::string_view>(field.value)));
    }
    lines.push_back(line);
  }
  std::vector<std::string> lines;
};

class LimitedEventLogTest : public testing::Test {
 protected:
  using Lines = std::vector<std::string>;
  void refuse(int times) {
    for (int i = 0; i < times; ++i) log.warning("stream.refused", {{"peer", concat("p", ++refused)}});
  }
  Lines taken() { return std::exchange(all.lines, {}); }

  HandClock clock;
  LineLog all;
  LimitedEventLog log{all, clock, {.burst = 2, .period = std::chrono::seconds(60)}};
  int refused = 0;
};

TEST_F(LimitedEventLogTest, ReportsRepeatedEventsOnceAPeriod) {
  refuse(5);
  EXPECT_EQ(taken(), (Lines{"warning stream.refused peer=p1", "warning stream.refused peer=p2"}));
  clock.pass(std::chrono::seconds(59));
  log.summarise_due();
  EXPECT_EQ(taken(), Lines());
  clock.pass(std::chrono::seconds(1));
  log.summarise_due();
  EXPECT_EQ(taken(), Lines{"warning log.repeated event=stream.refused count=3 seconds=60 last=peer=p5"});
  log.summarise_due();
  EXPECT_EQ(taken(), Lines()) << "once";
  refuse(1);
  EXPECT_EQ(taken(), Lines{"warning stream.refused peer=p6"});
}

TEST_F(LimitedEventLogTest, ReportsRepetitionsBeforeTheNextEventOfTheKind) {
  refuse(3);
  taken();
  clock.pass(std::chrono::seconds(90));
  refuse(1);
  EXPECT_EQ(taken(), (Lines{"warning log.repeated event=stream.refused count=1 seconds=90 last=peer=p3",
                            "warning stream.refused peer=p4"}));
}

TEST_F(LimitedEventLogTest, KindsDoNotHideOneAnother) {
  refuse(10);
  taken();
  log.warning("disk.full", {{"free", 0}});
  log.error("defect", {});
  EXPECT_EQ(taken(), (Lines{"warning disk.full free=0", "error defect"}));
}

TEST_F(LimitedEventLogTest, PassesOnEventsBelowWarning) {
  for (int i = 0; i < 5; ++i) log.info("chat.done", {});
  EXPECT_EQ(taken().size(), 5u);
}

TEST_F(LimitedEventLogTest, ReportsPendingRepetitionsAtTheEnd) {
  refuse(4);
  taken();
  log.summarise_all();
  EXPECT_EQ(taken(), Lines{"warning log.repeated event=stream.refused count=2 seconds=0 last=peer=p4"});
}

TEST_F(LimitedEventLogTest, TruncatesLongTexts) {
  refuse(2);
  log.warning("stream.refused", {{"peer", std::string(1 << 20, 'x')}});
  taken();
  log.summarise_all();
  EXPECT_LT(taken().front().size(), 400u);
}

TEST_F(LimitedEventLogTest, CanBeConfiguredToWriteEverything) {
  LimitedEventLog everything(all, clock, {.burst = 0});
  for (int i = 0; i < 500; ++i) everything.warning("stream.refused", {});
  EXPECT_EQ(taken().size(), 500u);
}

}  // namespace
}  // namespace reliant::app
