#include "adapters/postgres/postgres_database_silence.h"

#include <gtest/gtest.h>

#include <optional>
#include <utility>

#include "runtime/executor.h"

namespace reliant::adapters {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

// A server's answers to probes are given by hand, in virtual time.
class Silence : public testing::Test {
 protected:
  void run_for(Duration duration) { executor_.run_until(after(executor_.now(), duration)); }
  void answer(const Status& status) { std::exchange(probe_, nullptr)(status); }

  Executor executor_{1};
  std::function<void(Status)> probe_;  // null: none is under way
  int probes_ = 0;
  PostgresDatabaseSilence::Probe kind_{};  // of the last one
  int silences_ = 0;
  PostgresDatabaseSilence silence_{executor_,
                                   {.probe =
                                        [this](PostgresDatabaseSilence::Probe kind, auto told) {
                                          ++probes_;
                                          kind_ = kind;
                                          probe_ = std::move(told);
                                        },
                                    .on_silent = [this] { ++silences_; }}};
};

TEST_F(Silence, IsDetectedWithinTwoSeconds) {
  silence_.call_begins();
  run_for(milliseconds(499));
  EXPECT_EQ(probes_, 0);
  run_for(milliseconds(1400));
  EXPECT_EQ(probes_, 1);
  EXPECT_EQ(kind_, PostgresDatabaseSilence::Probe::kBrief);
  EXPECT_EQ(silences_, 1);
  EXPECT_TRUE(silence_.is_silent());
}

TEST_F(Silence, AnsweredProbePreventsIt) {
  silence_.call_begins();  // of a statement that takes a minute
  for (int i = 0; i < 600; ++i) {
    run_for(milliseconds(100));
    if (probe_) answer(ok_status());
  }
  EXPECT_EQ(silences_, 0);
  EXPECT_GT(probes_, 60);
  EXPECT_LE(probes_, 120);
}

TEST_F(Silence, AnswerOnAnotherConnectionPreventsIt) {
  silence_.call_begins();
  run_for(milliseconds(600));
  EXPECT_TRUE(probe_) << "under way, and not answered";
  for (int i = 0; i < 100; ++i) {
    silence_.heard();
    run_for(milliseconds(400));
  }
  EXPECT_EQ(silences_, 0);
  EXPECT_EQ(probes_, 1);
}

// No connection is left for a probe; callers with a connection are served.
TEST_F(Silence, RefusedProbePreventsIt) {
  silence_.call_begins();
  for (int i = 0; i < 100; ++i) {
    run_for(milliseconds(100));
    if (probe_) answer(unavailable("too many clients"));
  }
  EXPECT_EQ(silences_, 0);
  EXPECT_LE(probes_, 20);
}

TEST_F(Silence, EndsWithTheNextAnswer) {
  silence_.call_begins();
  run_for(seconds(2));
  silence_.call_ends();
  ASSERT_TRUE(silence_.is_silent());
  for (int i = 0; i < 5; ++i) {
    answer(unavailable("timeout"));
    EXPECT_TRUE(silence_.is_silent());
    run_for(milliseconds(200));
    ASSERT_TRUE(probe_) << "the next one";
    EXPECT_EQ(kind_, PostgresDatabaseSilence::Probe::kPatient);
  }
  answer(ok_status());
  EXPECT_FALSE(silence_.is_silent());
  run_for(seconds(10));
  EXPECT_FALSE(probe_) << "there is no call";
  silence_.call_begins();
  run_for(seconds(2));
  EXPECT_EQ(silences_, 2);
}

TEST_F(Silence, IsNotDetectedWithoutCalls) {
  silence_.call_begins();
  run_for(milliseconds(100));
  silence_.call_ends();
  run_for(seconds(10));
  EXPECT_EQ(probes_, 0);
  silence_.call_begins();
  run_for(milliseconds(499));
  EXPECT_EQ(probes_, 0) << "the silence begins with the call";
}

// A firewall may have swallowed a probe: it says nothing of the server half an hour later.
TEST_F(Silence, EarlierProbeDoesNotCount) {
  silence_.call_begins();
  run_for(milliseconds(600));
  silence_.heard();
  silence_.call_ends();
  run_for(seconds(3));
  silence_.call_begins();
  run_for(seconds(3));
  EXPECT_EQ(silences_, 0);
  answer(unavailable("timeout"));
  run_for(milliseconds(100));
  EXPECT_EQ(probes_, 2);
  run_for(seconds(1));
  EXPECT_EQ(silences_, 1);
}

}  // namespace
}  // namespace reliant::adapters
