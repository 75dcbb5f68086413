// select_daemon against what R90 to R97, C1, C18 and C20 say in words: the rules again, over all facts at once, without a step that asks.
#include "router/daemon_selection.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

namespace reliant::router {
namespace {

using model::DaemonConnection;
using model::DaemonSelector;
using model::DaemonType;
using ports::Lifecycle;

// A daemon of the user, and all that is true of it.
struct Fact {
  std::string id;
  std::string name;
  bool cloud = false;
  bool gpu = false;      // the label gpu: "yes"
  bool recorded = true;  // in the database; otherwise only the control plane knows it
  DaemonConnection connection = DaemonConnection::kDisconnected;
  bool gateway_lives = true;
  int connected_at = 0;
  bool held = false;                   // by a gateway, now
  std::optional<Lifecycle> lifecycle;  // at the control plane
};

struct World {
  std::vector<Fact> facts;
  bool has_control_plane = false;
  bool control_plane_answers = true;
  SelectionRequest request;
};

template <class T>
T pick(const std::vector<T>& of) {
  return *rc::gen::elementOf(of);
}
bool coin() { return *rc::gen::arbitrary<bool>(); }

std::optional<DaemonSelector> draw_selector() {
  if (*rc::gen::inRange(0, 3) > 0) return std::nullopt;
  DaemonSelector selector;
  if (*rc::gen::inRange(0, 4) == 0) selector.id = DaemonId(pick<std::string>({"d0", "d1", "d2", "d9"}));
  if (*rc::gen::inRange(0, 3) == 0) selector.name = pick<std::string>({"a", "b", "z"});
  if (coin())
    selector.type =
        pick<DaemonSelector::Type>({DaemonSelector::Type::kAny, DaemonSelector::Type::kLocal, DaemonSelector::Type::kCloud});
  if (*rc::gen::inRange(0, 3) == 0) selector.labels["gpu"] = pick<std::string>({"yes", "no"});
  if (selector == DaemonSelector{}) return std::nullopt;
  return selector;
}

World draw_world() {
  World world;
  world.has_control_plane = coin();
  world.control_plane_answers = *rc::gen::inRange(0, 4) > 0;
  const int count = *rc::gen::inRange(0, 6);
  for (int i = 0; i < count; ++i) {
    Fact fact;
    fact.id = "d" + std::to_string(i);
    fact.name = pick<std::string>({"a", "b"});
    fact.cloud = coin();
    if (fact.cloud && coin())
      fact.lifecycle = pick<Lifecycle>({Lifecycle::kRunning, Lifecycle::kSuspended, Lifecycle::kResuming, Lifecycle::kFailed});
    fact.recorded = !fact.lifecycle || coin();
    if (fact.recorded) {
      fact.gpu = coin();
      fact.connection = pick<DaemonConnection>(
          {DaemonConnection::kFresh, DaemonConnection::kFresh, DaemonConnection::kStale, DaemonConnection::kDisconnected});
      fact.gateway_lives = *rc::gen::inRange(0, 3) > 0;
      fact.connected_at = *rc::gen::inRange(1, 4);  // few values: ties
      fact.held = coin();
    }
    world.facts.push_back(fact);
  }
  world.request = {draw_selector(), draw_selector(), draw_selector()};
  return world;
}

// --- the rules in words ----------------------------------------------------------------------------------------------

struct Expected {
  std::string daemon;  // "": none
  bool must_resume = false;
};

bool fits(const Fact& fact, const DaemonSelector& selector) {  // R97
  if (!selector.id.empty() && selector.id.str() != fact.id) return false;
  if (!selector.name.empty() && selector.name != fact.name) return false;
  if (selector.type == DaemonSelector::Type::kLocal && fact.cloud) return false;
  if (selector.type == DaemonSelector::Type::kCloud && !fact.cloud) return false;
  return !selector.labels.contains("gpu") || (fact.gpu && selector.labels.at("gpu") == "yes");
}

// "local, last connect desc, id" (R92, C18, R95); 0 and "" for those that never connected.
const Fact* first_of(const std::vector<const Fact*>& facts) {
  const Fact* first = nullptr;
  for (const Fact* each : facts) {
    if (first == nullptr || (!each->cloud && first->cloud) ||
        (each->cloud == first->cloud &&
         (each->connected_at > first->connected_at || (each->connected_at == first->connected_at && each->id < first->id))))
      first = each;
  }
  return first;
}

template <class Condition>
const Fact* first_where(const std::vector<Fact>& facts, Condition condition) {
  std::vector<const Fact*> some;
  for (const Fact& fact : facts)
    if (condition(fact)) some.push_back(&fact);
  return first_of(some);
}

Expected expected(const World& world) {
  const auto& request = world.request;
  const auto selector = request.node ? request.node : request.workflow ? request.workflow : request.session;  // R90
  std::vector<Fact> facts;
  const bool control_plane = world.has_control_plane && world.control_plane_answers;
  for (const Fact& fact : world.facts)
    if ((fact.recorded || control_plane) && (!selector || fits(fact, *selector))) facts.push_back(fact);  // C20
  const bool by_id = selector && !selector->id.empty();
  const auto stale = [](const Fact& f) { return f.connection == DaemonConnection::kStale && f.gateway_lives; };

  // R92: connected; alive (C18), unless its id was given.
  if (const Fact* f = first_where(facts, [&](const Fact& each) {
        return each.connection == DaemonConnection::kFresh && each.gateway_lives && (each.held || by_id);
      }))
    return {f->id};
  // R93: the control plane's, active ones first; a stale one not by default (C1).
  for (const Lifecycle lifecycle : {Lifecycle::kRunning, Lifecycle::kResuming, Lifecycle::kSuspended}) {
    if (!control_plane) break;
    if (const Fact* f =
            first_where(facts, [&](const Fact& each) { return each.lifecycle == lifecycle && (selector || !stale(each)); }))
      return {f->id, lifecycle != Lifecycle::kRunning};
  }
  // R94: what the database says, if it is alive (C18).
  if (const Fact* f = first_where(facts, [&](const Fact& each) {
        return each.connection == DaemonConnection::kFresh && !each.gateway_lives && each.held;
      }))
    return {f->id};
  if (!selector) return {};
  if (const Fact* f = first_where(facts, stale)) return {f->id};
  // A daemon that was named is the answer, in whatever state.
  if (by_id && !facts.empty()) return {facts.front().id};
  const bool only_id = by_id && *selector == DaemonSelector{.id = selector->id};
  const bool known = std::ranges::any_of(world.facts, [&](const Fact& each) {
    return by_id && each.id == selector->id.str() && (each.recorded || control_plane);
  });
  if (only_id && !known) return {selector->id.str()};
  return {};
}

// --- the function, with its questions answered from the facts ------------------------------------------------------------

DaemonSnapshot snapshot_of(const World& world) {
  DaemonSnapshot snapshot;
  if (world.has_control_plane) snapshot.control_plane = DaemonSnapshot::ControlPlane::kNotAsked;
  for (const Fact& fact : world.facts) {
    if (!fact.recorded) continue;
    DaemonCandidate candidate{.id = DaemonId(fact.id), .name = fact.name};
    candidate.type = fact.cloud ? DaemonType::kCloud : DaemonType::kLocal;
    candidate.connection = fact.connection;
    candidate.gateway_lives = fact.gateway_lives;
    candidate.connected_at = WallTime(std::chrono::seconds(fact.connected_at));
    if (fact.gpu) candidate.labels["gpu"] = "yes";
    snapshot.candidates.push_back(std::move(candidate));
  }
  return snapshot;
}

void answer(const World& world, const MissingFact& missing, DaemonSnapshot& snapshot) {
  if (missing.kind == MissingFact::Kind::kPresence) {
    const auto fact = std::ranges::find(world.facts, missing.daemon.str(), &Fact::id);
    return snapshot.on_presence(missing.daemon, fact->held ? Presence::kHeld : Presence::kNotHeld);
  }
  if (!world.control_plane_answers) return snapshot.on_managed_unknown("it is away");
  std::vector<ports::ManagedDaemon> managed;
  for (const Fact& fact : world.facts)
    if (fact.lifecycle) managed.push_back({DaemonId(fact.id), fact.name, *fact.lifecycle});
  snapshot.on_managed(managed);
}

DaemonSelection decide(const World& world) {
  DaemonSnapshot snapshot = snapshot_of(world);
  for (int asked = 0; asked < 20; ++asked) {
    DaemonSelection selection = select_daemon(world.request, snapshot);
    if (!selection.missing) return selection;
    answer(world, *selection.missing, snapshot);
  }
  RC_FAIL("it goes on asking");
}

RC_GTEST_PROP(DaemonSelection, DecidesAsTheRequirementsSay, ()) {
  const World world = draw_world();
  const Expected wanted = expected(world);
  const DaemonSelection selection = decide(world);
  RC_TAG(std::string(to_string(selection.source)));
  RC_ASSERT((selection.daemon ? selection.daemon->str() : "") == wanted.daemon);
  RC_ASSERT(selection.must_resume == wanted.must_resume);
}

// R92 to R95, without a selector.
RC_GTEST_PROP(DaemonSelection, DecidesByDefaultAsTheRequirementsSay, ()) {
  World world = draw_world();
  world.request = {};
  const Expected wanted = expected(world);
  const DaemonSelection selection = decide(world);
  RC_TAG(std::string(to_string(selection.source)));
  RC_ASSERT((selection.daemon ? selection.daemon->str() : "") == wanted.daemon);
  RC_ASSERT(selection.must_resume == wanted.must_resume);
}

RC_GTEST_PROP(DaemonSelection, ExplainsEachCandidate, ()) {
  const World world = draw_world();
  const DaemonSelection selection = decide(world);
  const auto& request = world.request;
  const auto step = request.node       ? CascadeStep::kNode
                    : request.workflow ? CascadeStep::kWorkflow
                    : request.session  ? CascadeStep::kSession
                                       : CascadeStep::kDefault;
  RC_ASSERT(selection.step == step);
  RC_ASSERT(selection.daemon || !selection.problem.empty());
  std::size_t chosen = 0;
  for (const ConsideredDaemon& each : selection.considered) {
    RC_ASSERT(!each.why.empty());
    RC_ASSERT(each.chosen == each.remedy.empty());
    RC_ASSERT(!each.chosen || each.failed.empty());
    RC_ASSERT(each.chosen == (selection.daemon == each.candidate.id && each.failed.empty()));
    chosen += each.chosen ? 1 : 0;
    if (!selection.selector) continue;
    const auto fact = std::ranges::find(world.facts, each.candidate.id.str(), &Fact::id);
    RC_ASSERT(each.failed.empty() == fits(*fact, *selection.selector));
  }
  RC_ASSERT(chosen <= 1);
}

}  // namespace
}  // namespace reliant::router
