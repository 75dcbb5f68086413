// The decision alone. By default, every row is a situation, what is asked in it, and what comes of it (R92 to R95, C1, C18); then the
// cascade and explicit selectors (R90, R91, R96, R97, C20).
#include "router/daemon_selection.h"

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
  return {.id = DaemonId(id),
          .name = id,
          .connection = connection,
          .gateway_lives = gateway_lives,
          .connected_at = WallTime(std::chrono::seconds(connected_at))};
}
DaemonCandidate cloud(std::string id, DaemonConnection connection, int connected_at, bool gateway_lives = true) {
  DaemonCandidate candidate = local(std::move(id), connection, connected_at, gateway_lives);
  candidate.type = model::DaemonType::kCloud;
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

DaemonSnapshot snapshot_of(const Row& row) {
  DaemonSnapshot snapshot;
  snapshot.candidates = row.candidates;
  if (!row.managed.empty()) snapshot.control_plane = DaemonSnapshot::ControlPlane::kNotAsked;
  return snapshot;
}

DaemonSelection select(const Row& row, const SelectionRequest& request, std::vector<std::string>& asked) {
  DaemonSnapshot snapshot = snapshot_of(row);
  DaemonSelection selection = select_daemon(request, snapshot);
  while (selection.missing) {
    if (selection.missing->kind == MissingFact::Kind::kControlPlane) {
      asked.emplace_back("*");
      snapshot.on_managed(row.managed);
    } else {
      const DaemonId daemon = selection.missing->daemon;
      asked.push_back(daemon.str());
      const bool held = std::ranges::find(row.held, daemon.str()) != row.held.end();
      snapshot.on_presence(daemon, held ? Presence::kHeld : Presence::kNotHeld);
    }
    selection = select_daemon(request, snapshot);
  }
  return selection;
}

Outcome decide(const Row& row) {
  Outcome outcome;
  const DaemonSelection selection = select(row, {}, outcome.asked);
  outcome.chosen = selection.daemon ? selection.daemon->str() : "";
  outcome.source = selection.source;
  outcome.must_resume = selection.must_resume;
  EXPECT_EQ(selection.step, CascadeStep::kDefault);
  for (const ConsideredDaemon& each : selection.considered) {
    outcome.why[each.candidate.id.str()] = each.why;
    EXPECT_EQ(each.chosen, each.candidate.id.str() == outcome.chosen);
    EXPECT_EQ(each.chosen, each.remedy.empty()) << each.why;
  }
  return outcome;
}

const std::vector<Row> kTable = {
    {"no daemon there", {}, {}, {}, {}, "", DaemonSource::kNone},
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
  DaemonSnapshot snapshot = snapshot_of(
      {"", {local("a", kFresh, 1, false), cloud("m", kGone, 1)}, {}, {managed("m", Lifecycle::kRunning)}, {}, "", {}});
  ASSERT_EQ(select_daemon({}, snapshot).missing->kind, MissingFact::Kind::kControlPlane);
  snapshot.on_managed_unknown("it is away");
  ASSERT_EQ(select_daemon({}, snapshot).missing->daemon, DaemonId("a"));
  snapshot.on_presence(DaemonId("a"), Presence::kHeld);
  const DaemonSelection selection = select_daemon({}, snapshot);
  EXPECT_EQ(selection.daemon, DaemonId("a"));
  EXPECT_NE(selection.considered[1].why.find("it is away"), std::string::npos);
}

TEST(DefaultDaemon, OneThatDoesNotAnswerIsNotTaken) {
  DaemonSnapshot snapshot = snapshot_of({"", {local("a", kFresh, 1)}, {}, {}, {}, "", {}});
  snapshot.on_presence(DaemonId("a"), Presence::kNoAnswer);
  const DaemonSelection selection = select_daemon({}, snapshot);
  EXPECT_FALSE(selection.missing);
  EXPECT_FALSE(selection.daemon);
}

// --- selectors -------------------------------------------------------------------------------------------------------

model::DaemonSelector text(std::string_view shorthand) { return *model::daemon_selector_from_text(shorthand); }
model::DaemonSelector id(std::string id) { return {.id = DaemonId(std::move(id))}; }

DaemonSelection select(const Row& row, const SelectionRequest& request) {
  std::vector<std::string> asked;
  return select(row, request, asked);
}

const ConsideredDaemon& considered(const DaemonSelection& selection, std::string_view id) {
  return *std::ranges::find(selection.considered, id,
                            [](const auto& each) { return std::string_view(each.candidate.id.str()); });
}

// R90, R91: whatever is set first decides; without any, the default.
TEST(Selection, NodeBeforeWorkflowBeforeSessionBeforeDefault) {
  const Row row = {"",
                   {local("n", kFresh, 1), local("w", kFresh, 2), local("s", kFresh, 3), local("d", kFresh, 4)},
                   {"n", "w", "s", "d"},
                   {},
                   {},
                   "",
                   {}};
  SelectionRequest request = {.node = text("n"), .workflow = text("w"), .session = id("s")};
  const auto expect = [&](std::string_view daemon, CascadeStep step, DaemonSource source) {
    const DaemonSelection selection = select(row, request);
    EXPECT_EQ(selection.daemon, DaemonId(std::string(daemon)));
    EXPECT_EQ(selection.step, step);
    EXPECT_EQ(selection.source, source);
    EXPECT_EQ(selection.problem, "");
  };
  expect("n", CascadeStep::kNode, DaemonSource::kNode);
  request.node.reset();
  expect("w", CascadeStep::kWorkflow, DaemonSource::kWorkflow);
  request.workflow.reset();
  expect("s", CascadeStep::kSession, DaemonSource::kChat);
  request.session.reset();
  expect("d", CascadeStep::kDefault, DaemonSource::kConnected);
}

// R96: "any" is a choice of all daemons; the chat's own does not count then.
TEST(Selection, AnyIsASelectorToo) {
  const Row row = {"", {local("old", kFresh, 1), local("new", kFresh, 2)}, {"old", "new"}, {}, {}, "", {}};
  const DaemonSelection selection = select(row, {.workflow = text("any"), .session = id("old")});
  EXPECT_EQ(selection.daemon, DaemonId("new"));
  EXPECT_EQ(selection.step, CascadeStep::kWorkflow);
}

// R97, R95 among those that match, and the order of C18.
TEST(Selection, OfThoseThatMatchTheOrderIsThatOfTheDefault) {
  Row row = {"",
             {cloud("c", kFresh, 9), local("a", kFresh, 1), local("b", kFresh, 2), local("z", kFresh, 3)},
             {"a", "b", "c"},
             {},
             {},
             "",
             {}};
  for (const std::size_t i : {0u, 1u, 2u}) row.candidates[i].labels = {{"gpu", "yes"}, {"os", "linux"}};
  std::vector<std::string> asked;
  const model::DaemonSelector gpu = {.labels = {{"gpu", "yes"}}};
  const DaemonSelection selection = select(row, {.node = gpu}, asked);
  EXPECT_EQ(selection.daemon, DaemonId("b"));
  EXPECT_EQ(asked, (std::vector<std::string>{"b"}));
  EXPECT_EQ(considered(selection, "z").failed, (std::vector<model::FailedTerm>{{"labels.gpu", "yes", std::nullopt}}));
  EXPECT_EQ(considered(selection, "z").why,
            "passed over: the node asks for label gpu \"yes\"; it has no labels.gpu, which is to be \"yes\"");
  EXPECT_EQ(considered(selection, "z").remedy,
            "leave labels.gpu out of the selector of the node, or set the label in the daemon's identity file, daemon.json");
  EXPECT_EQ(considered(selection, "a").why, "passed over: b has connected more recently");
  EXPECT_EQ(considered(selection, "a").remedy, "add id \"a\" to the selector of the node");
  row.held = {"c"};
  EXPECT_EQ(select(row, {.node = gpu}).daemon, DaemonId("c"));
}

// C20: no other daemon in its place.
TEST(Selection, ASelectorWithoutAMatchFallsThroughToNothing) {
  const Row row = {"", {local("a", kFresh, 1), cloud("c", kGone, 1)}, {"a"}, {managed("x", Lifecycle::kFailed)}, {}, "", {}};
  DaemonSelection selection = select(row, {.workflow = text("gpu-box"), .session = id("a")});
  EXPECT_FALSE(selection.daemon);
  EXPECT_EQ(selection.source, DaemonSource::kWorkflow);
  EXPECT_EQ(
      selection.problem,
      "the workflow asks for a daemon with name \"gpu-box\"; none of the user's 3 matches: start one that does, or change the "
      "selector of the workflow");
  selection = select(row, {.workflow = text("cloud")});
  EXPECT_FALSE(selection.daemon);
  EXPECT_EQ(selection.problem,
            "the workflow asks for a daemon with type cloud; of 2 that match, none is connected: start one, or change the "
            "selector of "
            "the workflow");
  EXPECT_EQ(considered(selection, "a").why,
            "passed over: the workflow asks for type cloud; its type is \"local\", not \"cloud\"");
  EXPECT_EQ(considered(selection, "a").remedy, "leave type out of the selector of the workflow");
  EXPECT_EQ(considered(selection, "c").remedy, "the control plane does not know it; start it where it runs");
}

// C20: it waits for a managed daemon that can be resumed.
TEST(Selection, ASelectorWaitsForAManagedDaemonThatFits) {
  const Row row = {
      "", {local("a", kFresh, 1)}, {"a"}, {managed("m", Lifecycle::kSuspended), managed("n", Lifecycle::kFailed)}, {}, "", {}};
  const DaemonSelection selection = select(row, {.node = text("managed")});
  EXPECT_EQ(selection.daemon, DaemonId("m"));
  EXPECT_TRUE(selection.must_resume);
  EXPECT_EQ(selection.problem, "it is suspended and is brought up with the next tool call");
  EXPECT_FALSE(select(row, {.node = text("n")}).daemon);
}

// C1: not by default; a selector may.
TEST(Selection, AStaleDaemonIsTakenOnlyIfNoOtherOneMatches) {
  const Row row = {"", {local("s", kStale, 9), local("f", kFresh, 1), cloud("c", kFresh, 1)}, {"f", "c"}, {}, {}, "", {}};
  EXPECT_EQ(select(row, {.node = text("local")}).daemon, DaemonId("f"));
  const DaemonSelection selection = select(row, {.node = text("s")});
  EXPECT_EQ(selection.daemon, DaemonId("s"));
  EXPECT_EQ(selection.problem, "nothing was heard from daemon s for 30 s");
}

// C21: their names are words of the shorthand; the structured selector still reaches them.
TEST(Selection, ADaemonThatIsNamedLikeATypeIsReachedByItsName) {
  Row row = {"", {local("a", kFresh, 1), cloud("b", kFresh, 1)}, {"a", "b"}, {}, {}, "", {}};
  row.candidates[1].name = "local";
  EXPECT_EQ(select(row, {.node = text("local")}).daemon, DaemonId("a"));
  EXPECT_EQ(select(row, {.node = model::DaemonSelector{.name = "local"}}).daemon, DaemonId("b"));
}

TEST(Selection, AChatThatChoseAnotherDaemonSaysHowToChooseThisOne) {
  const Row row = {"", {local("a", kFresh, 1), local("b", kFresh, 2)}, {"a", "b"}, {}, {}, "", {}};
  const DaemonSelection selection = select(row, {.session = id("a")});
  EXPECT_EQ(considered(selection, "a").why, "chosen for the chat (id \"a\")");
  EXPECT_EQ(considered(selection, "b").why, "passed over: the chat asks for id \"a\"; its id is \"b\", not \"a\"");
  EXPECT_EQ(considered(selection, "b").remedy, "choose it for the chat: active_daemon_id \"b\"");
}

}  // namespace
}  // namespace reliant::router
