// The decision alone: every row is a situation, what is asked in it, and what comes of it (R92 to R95, C1, C18).
#include "router/default_daemon.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <string>
#include <vector>

namespace reliant::router {
namespace {

using model::DaemonConnection;
using ports::Lifecycle;
using ports::ManagedDaemon;

constexpr auto kFresh = DaemonConnection::kFresh;
constexpr auto kStale = DaemonConnection::kStale;
constexpr auto kGone = DaemonConnection::kDisconnected;

DaemonCandidate local(std::string id, DaemonConnection connection, int connected_at, bool gateway_lives = true) {
  return {DaemonId(id), id, true, connection, gateway_lives, WallTime(std::chrono::seconds(connected_at))};
}
DaemonCandidate cloud(std::string id, DaemonConnection connection, int connected_at, bool gateway_lives = true) {
  DaemonCandidate candidate = local(std::move(id), connection, connected_at, gateway_lives);
  candidate.local = false;
  return candidate;
}
ManagedDaemon managed(std::string id, Lifecycle lifecycle) { return {DaemonId(id), id, lifecycle}; }

struct Row {
  std::string what;
  std::vector<DaemonCandidate> candidates;
  std::vector<std::string> held;       // by a gateway
  std::vector<ManagedDaemon> managed;  // empty: there is no control plane
  std::vector<std::string> asked;      // "*": the control plane
  std::string chosen;                  // "": none
  DaemonSource source;
};

struct Outcome {
  std::vector<std::string> asked;
  std::string chosen;
  DaemonSource source;
  bool must_resume;
  std::map<std::string, std::string> why;
};

Outcome decide(const Row& row) {
  DefaultDaemon decision(row.candidates, !row.managed.empty());
  Outcome outcome;
  while (const auto ask = decision.next()) {
    if (ask->question == DefaultDaemon::Question::kControlPlane) {
      outcome.asked.emplace_back("*");
      decision.on_managed(row.managed);
      continue;
    }
    outcome.asked.push_back(ask->daemon.str());
    const bool held = std::ranges::find(row.held, ask->daemon.str()) != row.held.end();
    decision.on_presence(held ? Presence::kHeld : Presence::kNotHeld);
  }
  outcome.chosen = decision.chosen() ? decision.chosen()->str() : "";
  outcome.source = decision.source();
  outcome.must_resume = decision.must_resume();
  for (const ConsideredDaemon& each : std::move(decision).considered()) {
    outcome.why[each.candidate.id.str()] = each.why;
    EXPECT_EQ(each.chosen, each.candidate.id.str() == outcome.chosen);
  }
  return outcome;
}

const std::vector<Row> kTable = {
    {"no daemon", {}, {}, {}, {}, "", DaemonSource::kNone},
    {"one that is connected", {local("a", kFresh, 1)}, {"a"}, {}, {"a"}, "a", DaemonSource::kConnected},
    {"local before cloud, even if older",
     {cloud("a", kFresh, 9), local("b", kFresh, 1)},
     {"a", "b"},
     {},
     {"b"},
     "b",
     DaemonSource::kConnected},
    {"the most recently connected",
     {local("a", kFresh, 1), local("b", kFresh, 2)},
     {"a", "b"},
     {},
     {"b"},
     "b",
     DaemonSource::kConnected},
    {"at the same time: by id",
     {local("b", kFresh, 1), local("a", kFresh, 1)},
     {"a", "b"},
     {},
     {"a"},
     "a",
     DaemonSource::kConnected},
    {"a stale one is not taken",
     {local("a", kStale, 9), cloud("b", kFresh, 1)},
     {"a", "b"},
     {},
     {"b"},
     "b",
     DaemonSource::kConnected},
    {"only a stale one: none", {local("a", kStale, 1)}, {"a"}, {}, {}, "", DaemonSource::kNone},
    {"a zombie is found out",
     {local("a", kFresh, 9), local("b", kFresh, 1)},
     {"b"},
     {},
     {"a", "b"},
     "b",
     DaemonSource::kConnected},
    {"all are zombies", {local("a", kFresh, 2), cloud("b", kFresh, 1)}, {}, {}, {"a", "b"}, "", DaemonSource::kNone},
    {"a silent gateway's daemon comes after a cloud one",
     {local("a", kFresh, 9, false), cloud("b", kFresh, 1)},
     {"a", "b"},
     {},
     {"b"},
     "b",
     DaemonSource::kConnected},
    {"a silent gateway still holds it", {local("a", kFresh, 1, false)}, {"a"}, {}, {"a"}, "a", DaemonSource::kDatabase},
    {"a silent gateway is dead", {local("a", kFresh, 1, false)}, {}, {}, {"a"}, "", DaemonSource::kNone},
    {"the control plane is not asked while one is connected",
     {local("a", kFresh, 1)},
     {"a"},
     {managed("m", Lifecycle::kRunning)},
     {"a"},
     "a",
     DaemonSource::kConnected},
    {"the control plane's running one",
     {local("a", kGone, 1)},
     {},
     {managed("m", Lifecycle::kSuspended), managed("n", Lifecycle::kRunning)},
     {"*"},
     "n",
     DaemonSource::kControlPlane},
    {"one that is coming up before a suspended one",
     {},
     {},
     {managed("m", Lifecycle::kSuspended), managed("n", Lifecycle::kResuming)},
     {"*"},
     "n",
     DaemonSource::kControlPlane},
    {"a suspended one",
     {cloud("m", kGone, 1)},
     {},
     {managed("m", Lifecycle::kSuspended)},
     {"*"},
     "m",
     DaemonSource::kControlPlane},
    {"one that failed is not taken", {}, {}, {managed("m", Lifecycle::kFailed)}, {"*"}, "", DaemonSource::kNone},
    {"a managed one that is stale is not taken",
     {cloud("m", kStale, 1)},
     {},
     {managed("m", Lifecycle::kRunning)},
     {"*"},
     "",
     DaemonSource::kNone},
    {"the control plane goes before a silent gateway's",
     {local("a", kFresh, 1, false)},
     {"a"},
     {managed("m", Lifecycle::kRunning)},
     {"*"},
     "m",
     DaemonSource::kControlPlane},
};

TEST(DefaultDaemon, IsDecidedAsTheTableSays) {
  for (const Row& row : kTable) {
    const Outcome outcome = decide(row);
    EXPECT_EQ(outcome.asked, row.asked) << row.what;
    EXPECT_EQ(outcome.chosen, row.chosen) << row.what;
    EXPECT_EQ(outcome.source, row.source) << row.what;
    for (const auto& [id, why] : outcome.why) EXPECT_FALSE(why.empty()) << row.what << ": " << id;
  }
}

TEST(DefaultDaemon, SaysWhyEachOtherOneWasPassedOver) {
  const Outcome outcome = decide({"",
                                  {local("new", kFresh, 5), local("old", kFresh, 1), cloud("sky", kFresh, 9),
                                   local("quiet", kStale, 9), local("off", kGone, 1)},
                                  {"new", "old", "sky", "quiet"},
                                  {},
                                  {},
                                  "",
                                  DaemonSource::kNone});
  EXPECT_EQ(outcome.why.at("new"), "connected; the first local one");
  EXPECT_EQ(outcome.why.at("old"), "passed over: new has connected more recently");
  EXPECT_EQ(outcome.why.at("sky"), "passed over: new is local, and local daemons come first");
  EXPECT_EQ(outcome.why.at("quiet"), "passed over: nothing was heard from it for 30 s");
  EXPECT_EQ(outcome.why.at("off"), "passed over: it is not connected");
}

TEST(DefaultDaemon, OnlyASuspendedOneHasToBeBroughtUp) {
  EXPECT_TRUE(decide({"", {}, {}, {managed("m", Lifecycle::kSuspended)}, {}, "", {}}).must_resume);
  EXPECT_TRUE(decide({"", {}, {}, {managed("m", Lifecycle::kResuming)}, {}, "", {}}).must_resume);
  EXPECT_FALSE(decide({"", {}, {}, {managed("m", Lifecycle::kRunning)}, {}, "", {}}).must_resume);
}

TEST(DefaultDaemon, AControlPlaneThatDoesNotAnswerIsPassedOver) {
  DefaultDaemon decision({local("a", kFresh, 1, false), cloud("m", kGone, 1)}, true);
  ASSERT_EQ(decision.next()->question, DefaultDaemon::Question::kControlPlane);
  decision.on_managed_unknown("it is away");
  ASSERT_EQ(decision.next()->daemon, DaemonId("a"));
  decision.on_presence(Presence::kHeld);
  EXPECT_EQ(decision.chosen(), DaemonId("a"));
  const auto considered = std::move(decision).considered();
  EXPECT_NE(considered[1].why.find("it is away"), std::string::npos);
}

TEST(DefaultDaemon, OneThatDoesNotAnswerIsNotTaken) {
  DefaultDaemon decision({local("a", kFresh, 1)}, false);
  decision.on_presence(Presence::kNoAnswer);
  EXPECT_FALSE(decision.next());
  EXPECT_FALSE(decision.chosen());
}

}  // namespace
}  // namespace reliant::router
