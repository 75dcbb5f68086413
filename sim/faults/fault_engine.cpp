#include "faults/fault_engine.h"

#include <algorithm>
#include <type_traits>
#include <utility>

#include "base/text.h"
#include "runtime/sleep.h"

namespace reliant::sim {
namespace {

constexpr Duration kKillAfter = std::chrono::seconds(2);  // after the grace; then SIGKILL
constexpr Duration kStopLook = std::chrono::milliseconds(50);

const FaultTiming* timing_of(const Fault& fault) {
  return std::visit(
      [](const auto& kind) -> const FaultTiming* {
        if constexpr (requires { kind.timing; }) return &kind.timing;
        return nullptr;
      },
      fault);
}

std::vector<std::string> places_of(const Fault& fault) {
  return std::visit(
      [](const auto& kind) -> std::vector<std::string> {
        if constexpr (requires { kind.from; }) return {kind.node, kind.from};
        if constexpr (requires { kind.to; }) return {kind.node, kind.to};
        if constexpr (requires { kind.node; }) return {kind.node};
        return {};
      },
      fault);
}

}  // namespace

FaultEngine::FaultEngine(Simulation& simulation, Network& network, FaultTargets targets, std::vector<Fault> faults,
                         std::set<std::size_t> off)
    : simulation_(simulation),
      network_(network),
      targets_(std::move(targets)),
      faults_(std::move(faults)),
      off_(std::move(off)) {
  if (targets_.bus != nullptr) bus_options_ = std::as_const(*targets_.bus).options();
  for (const Fault& fault : faults_) {
    const FaultTiming* timing = timing_of(fault);
    triggers_.emplace_back().records = RecordFilter::of(timing == nullptr ? "" : timing->when);
  }
  simulation_.trace().add_sink(*this);
}

FaultEngine::~FaultEngine() { simulation_.trace().remove_sink(*this); }

Status FaultEngine::check() const {
  for (std::size_t i = 0; i < faults_.size(); ++i) {
    for (const std::string& place : places_of(faults_[i])) {
      if (place == kThere && triggers_[i].records.name.empty()) {
        return invalid_argument("faults[", i, "]: the place \"there\" needs \"when\", the event that it comes from");
      }
      if (!names_place(place)) {
        return not_found("faults[", i, "]: this topology has no node or role \"", place, "\"");
      }
    }
  }
  return ok_status();
}

bool FaultEngine::names_place(std::string_view place) const {
  if (place == kAny || place == kAll || place == kThere) return true;
  return std::ranges::any_of(
      targets_.nodes, [&](const FaultTargets::Target& target) { return target.role == place || target.node->name() == place; });
}

void FaultEngine::start() {
  begin_ = simulation_.now();
  scope_ = std::make_unique<TaskScope>(simulation_.world().context());
  for (std::size_t i = 0; i < faults_.size(); ++i) {
    if (!off_.contains(i)) scope_->spawn(carry_out(i));
  }
}

void FaultEngine::heal() {
  scope_.reset();
  for (Trigger& trigger : triggers_) trigger.missed = std::exchange(trigger.armed, false);
  network_.heal();
  for (CommitFaults* database : targets_.databases) *database = {};
  if (targets_.database != nullptr) targets_.database->forget_plans();
  if (targets_.bus != nullptr) targets_.bus->options() = bus_options_;
  if (targets_.temporal != nullptr) targets_.temporal->faults() = {};
  if (targets_.bytes != nullptr) *targets_.bytes = {};
  for (auto& target : targets_.nodes) {
    mend_disk(target);
    target.node->clock().set_wall_offset(Duration::zero());
    if (target.node->clock_rate() != 0) target.node->set_clock_rate(0);
    target.node->resume();
    if (!target.node->up() || target.node->asked_to_stop()) target.node->restart();
  }
  simulation_.trace().record(0, Level::kInfo, "fault.healed", {});
}

void FaultEngine::on_record(const TraceRecord& record) {
  if (record.name.starts_with("fault.")) ++announced_;
  for (Trigger& trigger : triggers_) {
    if (!trigger.armed || !trigger.records.fits(record)) continue;
    trigger.armed = false;
    trigger.node = record.node;
    trigger.happened.set();
  }
}

std::vector<FaultHistory> FaultEngine::histories() const {
  std::vector<FaultHistory> histories;
  for (std::size_t i = 0; i < faults_.size(); ++i) {
    const std::vector<std::string> places = places_of(faults_[i]);
    std::string what = std::visit([](const auto& fault) { return std::string(fault.kName); }, faults_[i]);
    if (!places.empty()) what += concat(" of ", places.front());
    histories.push_back({std::move(what), why_not_fired(i)});
  }
  return histories;
}

std::string FaultEngine::why_not_fired(std::size_t number) const {
  const Trigger& trigger = triggers_[number];
  const FaultTiming* timing = timing_of(faults_[number]);
  if (trigger.fired) return "";
  if (off_.contains(number)) return "the swarm switched it off";
  if (timing != nullptr && timing->times.value == 0) return "\"times\" was 0";
  if (trigger.in_time) return "no matching node was up, or the node has nothing to break";
  if (trigger.missed) return concat("no \"", timing->when, "\" came between \"at\" and the end of the chaos");
  return "the chaos ended before its \"at\"";
}

Task<void> FaultEngine::carry_out(std::size_t number) {
  co_await std::visit([&](const auto& fault) { return each_time(fault, number); }, faults_[number]);
}

template <class Kind>
Task<void> FaultEngine::each_time(Kind fault, std::size_t number) {
  if constexpr (requires { fault.timing; }) {
    Random random = simulation_.random(concat("fault/", number));
    for (std::int64_t i = 0; i < fault.timing.times.value; ++i) {
      const std::uint32_t there = co_await wait_for(fault.timing, random, number);
      triggers_[number].in_time = true;
      const std::uint64_t before = announced_;
      if constexpr (!std::is_void_v<decltype(act(fault, there, random))>) {
        co_await act(fault, there, random);
      } else {
        act(fault, there, random);
      }
      triggers_[number].fired |= announced_ != before;
    }
  } else {
    triggers_[number].in_time = true;
    const std::uint64_t before = announced_;
    act(fault);
    triggers_[number].fired = announced_ != before;
    co_return;
  }
}

Task<std::uint32_t> FaultEngine::wait_for(FaultTiming timing, Random& random, std::size_t number) {
  const Instant earliest = after(begin_, timing.at.draw(random));
  if (earliest > simulation_.now()) co_await sleep_until(earliest);
  Trigger& trigger = triggers_[number];
  if (trigger.records.name.empty()) co_return 0;
  trigger.happened.reset();
  trigger.armed = true;
  (void)co_await trigger.happened.wait();
  co_return trigger.node;
}

Node* FaultEngine::pick(std::string_view place, std::uint32_t there, Random& random) {
  std::vector<Node*> fit;
  for (const FaultTargets::Target& target : targets_.nodes) {
    Node* const node = target.node;
    const bool fits = place == kThere ? node->id() == there : place == kAny || place == target.role || place == node->name();
    if (fits && node->up()) fit.push_back(node);
  }
  if (fit.empty()) return nullptr;
  return fit[random.below(fit.size())];
}

void FaultEngine::announce(std::string_view name, const Node& node, std::string_view other, Duration lasts) {
  simulation_.trace().record(0, Level::kInfo, concat("fault.", name),
                             {{"target", node.name()}, {"other", other}, {"lasts_us", lasts.count() / 1000}});
}

void FaultEngine::act(const Crash& fault, std::uint32_t there, Random& random) {
  const Duration down = fault.restart_after.draw(random);
  Node* node = pick(fault.node, there, random);
  if (node == nullptr) return;
  announce(Crash::kName, *node, "", down);
  node->crash();
  scope_->spawn(restart_later(*node, down));
}

Task<void> FaultEngine::restart_later(Node& node, Duration delay) {
  co_await sleep_for(delay);
  if (node.up()) co_return;
  simulation_.trace().record(0, Level::kInfo, "fault.restarted", {{"target", node.name()}});
  node.restart();
}

void FaultEngine::act(const Stop& fault, std::uint32_t there, Random& random) {
  const Duration grace = fault.grace.draw(random);
  const Duration down = fault.restart_after.draw(random);
  Node* node = pick(fault.node, there, random);
  if (node == nullptr || node->asked_to_stop()) return;
  announce(Stop::kName, *node, "", grace);
  scope_->spawn(stop_in_order(*node, grace, down));
}

Task<void> FaultEngine::stop_in_order(Node& node, Duration grace, Duration down) {
  const Incarnation life = node.incarnation();
  node.ask_to_stop(grace);
  const Instant killed = after(simulation_.now(), grace + kKillAfter);
  while (life.alive() && simulation_.now() < killed) co_await sleep_for(kStopLook);
  if (life.alive()) {
    simulation_.trace().record(0, Level::kInfo, "fault.stop.killed", {{"target", node.name()}});
    node.crash();
  }
  co_await restart_later(node, down);
}

void FaultEngine::act(const Pause& fault, std::uint32_t there, Random& random) {
  const Duration lasts = fault.lasts.draw(random);
  Node* node = pick(fault.node, there, random);
  if (node == nullptr || node->paused()) return;
  announce(Pause::kName, *node, "", lasts);
  node->pause();
  scope_->spawn(resume_later(*node, lasts));
}

Task<void> FaultEngine::resume_later(Node& node, Duration delay) {
  const Incarnation life = node.incarnation();
  co_await sleep_for(delay);
  if (!life.alive()) co_return;
  simulation_.trace().record(0, Level::kInfo, "fault.resumed", {{"target", node.name()}});
  node.resume();
}

void FaultEngine::act(const HalfOpen& fault, std::uint32_t there, Random& random) {
  using Believes = Network::Believes;
  const Believes who = fault.believes == "peer"   ? Believes::kPeer
                       : fault.believes == "node" ? Believes::kNode
                                                  : Believes::kBoth;
  const bool notices = random.below(kMillion) < static_cast<std::uint64_t>(fault.notices.value);
  Node* node = pick(fault.node, there, random);
  Node* other = fault.from == kAll ? nullptr : pick(fault.from, there, random);
  if (node == nullptr || node == other || (other == nullptr && fault.from != kAll)) return;
  announce(HalfOpen::kName, *node, other == nullptr ? kAll : std::string_view(other->name()), Duration::zero());
  network_.half_open(*node, other, who, notices);
}

void FaultEngine::act(const LinkReset& fault, std::uint32_t there, Random& random) {
  Node* node = pick(fault.node, there, random);
  if (node == nullptr) return;
  announce(LinkReset::kName, *node, "", Duration::zero());
  network_.reset(*node);
}

void FaultEngine::act(const Partition& fault, std::uint32_t there, Random& random) {
  const Duration lasts = fault.lasts.draw(random);
  Node* node = pick(fault.node, there, random);
  Node* other = fault.from == kAll ? nullptr : pick(fault.from, there, random);
  if (node == nullptr || node == other || (other == nullptr && fault.from != kAll)) return;
  announce(Partition::kName, *node, other == nullptr ? kAll : std::string_view(other->name()), lasts);
  cut(*node, other, fault.way);
  scope_->spawn(heal_later(*node, other, lasts));
}

void FaultEngine::act(const Silence& fault, std::uint32_t there, Random& random) {
  Duration lasts = fault.lasts.draw(random);
  const auto edge = static_cast<std::int64_t>(random.below(3)) - 1;
  lasts += Duration(fault.edge == "any" ? edge : fault.edge == "before" ? -1 : fault.edge == "at" ? 0 : 1);
  Node* node = pick(fault.node, there, random);
  Node* other = pick(fault.to, there, random);
  if (node == nullptr || other == nullptr || node == other) return;
  announce(Silence::kName, *node, other->name(), lasts);
  network_.silence(*node, *other, lasts);
}

void FaultEngine::cut(Node& node, Node* other, const std::string& way) {
  if (way == "both" && other == nullptr) return network_.isolate(node);
  if (way == "both") return network_.partition(node, *other);
  for (const auto& target : targets_.nodes) {
    if (target.node == &node || (other != nullptr && target.node != other)) continue;
    if (way == "in") {
      network_.cut(*target.node, node);
    } else {
      network_.cut(node, *target.node);
    }
  }
}

Task<void> FaultEngine::heal_later(Node& a, Node* b, Duration delay) {
  co_await sleep_for(delay);
  if (b != nullptr) {
    network_.heal(a, *b);
    co_return;
  }
  network_.heal(a);
  for (const auto& target : targets_.nodes) {
    if (target.node != &a) network_.heal(a, *target.node);  // a cut of one way
  }
}

void FaultEngine::act(const Delay& fault, std::uint32_t there, Random& random) {
  const Duration by = fault.by.draw(random);
  const Duration lasts = fault.lasts.draw(random);
  Node* node = pick(fault.node, there, random);
  Node* other = pick(fault.from, there, random);
  if (node == nullptr || other == nullptr || node == other) return;
  announce(Delay::kName, *node, other->name(), lasts);
  network_.set_delay(*node, *other, by);
  network_.set_delay(*other, *node, by);
  scope_->spawn(end_delay_later(*node, *other, lasts));
}

Task<void> FaultEngine::end_delay_later(Node& a, Node& b, Duration delay) {
  co_await sleep_for(delay);
  network_.set_delay(a, b, Duration::zero());
  network_.set_delay(b, a, Duration::zero());
}

}  // namespace reliant::sim
