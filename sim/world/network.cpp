#include "world/network.h"

#include <algorithm>

#include "runtime/sleep.h"
#include "world/connection.h"

namespace reliant::sim {
namespace {

constexpr std::uint64_t kMillion = 1'000'000;
constexpr std::uint64_t kNanosecondsPerSecond = 1'000'000'000;

}  // namespace

Duration Path::delay(std::size_t bytes, Instant now) {
  const bool slow = latency_.slow_per_million > 0 && random_.below(kMillion) < latency_.slow_per_million;
  Duration delay =
      slow ? random_.duration(latency_.slow_low, latency_.slow_high) : random_.duration(latency_.low, latency_.high);
  delay += extra_;
  if (loss_per_million_ > 0) [[unlikely]] {
    Duration wait = options_.retransmit;
    for (int tries = 0; tries < 6 && random_.below(kMillion) < loss_per_million_; ++tries, wait *= 2) delay += wait;
  }
  if (bytes_per_second_ > 0) [[unlikely]] {
    const auto nanoseconds = static_cast<std::int64_t>(bytes * kNanosecondsPerSecond / bytes_per_second_);
    busy_until_ = std::max(busy_until_, now) + Duration(nanoseconds);
    delay += busy_until_ - now;
  }
  return delay;
}

Network::Network(Simulation& simulation, NetworkOptions options)
    : simulation_(simulation),
      options_(options),
      context_(simulation.world().context()),
      crashes_(simulation.random("net/crashes")) {}

Network::~Network() {
  simulation_.shutdown();
  for_each_connection([](Connection& connection) { connection.close(); });
}

Network::Place& Network::place(Node& node) {
  if (node.id() >= places_.size()) places_.resize(node.id() + 1);
  Place& place = places_[node.id()];
  if (place.node == nullptr) {
    place.node = &node;
    place.paused = node.paused();
    node.add_observer(*this);
  }
  return place;
}

Path& Network::path(Node& from, Node& to) {
  if (from.id() < places_.size()) {
    const std::vector<Path*>& ways = places_[from.id()].ways;
    if (to.id() < ways.size() && ways[to.id()] != nullptr) [[likely]]
      return *ways[to.id()];
  }
  std::unique_ptr<Path>& path = paths_[{from.id(), to.id()}];
  path = std::make_unique<Path>(simulation_.random("net/" + from.name() + "->" + to.name()), options_);
  place(to);  // each is to be watched from now on
  std::vector<Path*>& ways = place(from).ways;
  if (to.id() >= ways.size()) ways.resize(to.id() + 1);
  ways[to.id()] = path.get();
  update(from.id(), to.id(), *path);
  return *path;
}

Task<Status> Network::travel(Node& from, Node& to, std::size_t bytes, Instant deadline) {
  Path& way = path(from, to);
  const Executor& clock = simulation_.executor();  // by the time of `from`
  const Instant start = clock.now();
  const Instant give_up = after(start, options_.connect_timeout);
  const Instant arrival = after(start, way.delay(bytes, clock.true_now()));
  co_await sleep_until(std::min(arrival, deadline));
  if (arrival > deadline) co_return deadline_exceeded("timed out: ", from.name(), " did not reach ", to.name());
  const bool dead = !to.up() && place(to).silent;
  while (!way.open() || dead) {
    const Instant last = std::min(deadline, give_up);
    if (dead) {
      co_await sleep_until(last);
    } else if (co_await way.opened_.wait(last)) {
      co_await sleep_until(std::min(after(clock.now(), way.retransmission()), deadline));
      if (clock.now() < deadline) continue;
    }
    if (clock.now() >= deadline) co_return deadline_exceeded("timed out: ", from.name(), " did not reach ", to.name());
    co_return unavailable(to.name(), " cannot be reached from ", from.name());
  }
  if (!to.up()) {
    co_await sleep_for(path(to, from).delay(0, simulation_.now()));
    co_return unavailable(to.name(), " refused the connection");
  }
  co_return ok_status();
}

void Network::set_bandwidth(Node& from, Node& to, std::uint64_t bytes_per_second) {
  path(from, to).bytes_per_second_ = bytes_per_second;
}

void Network::update(std::uint32_t from, std::uint32_t to, Path& path) {
  const bool isolated = from != to && (places_[from].isolated || places_[to].isolated);
  path.open_ = !path.cut_ && !isolated && !places_[to].paused;
  if (path.open_) {
    path.opened_.set();
  } else {
    path.opened_.reset();
  }
}

void Network::set_cut(Node& from, Node& to, bool cut) {
  Path& way = path(from, to);
  way.cut_ = cut;
  update(from.id(), to.id(), way);
}

void Network::set_isolated(Node& node, bool isolated) {
  place(node).isolated = isolated;
  for (auto& [ends, way] : paths_) {
    const auto [from, to] = ends;
    if (from == node.id() || to == node.id()) update(from, to, *way);
  }
}

void Network::cut(Node& from, Node& to) {
  set_cut(from, to, true);
  paths_changed();
}

void Network::partition(Node& a, Node& b) {
  set_cut(a, b, true);
  set_cut(b, a, true);
  paths_changed();
}

void Network::partition(const std::vector<Node*>& some, const std::vector<Node*>& others) {
  for (Node* a : some) {
    for (Node* b : others) {
      set_cut(*a, *b, true);
      set_cut(*b, *a, true);
    }
  }
  paths_changed();
}

void Network::isolate(Node& node) {
  set_isolated(node, true);
  paths_changed();
}

void Network::silence(Node& from, Node& to, Duration silence) {
  for_each_connection([&](Connection& connection) {
    if (connection.joins(from, to)) connection.fall_silent(from, silence);
  });
}

void Network::half_open(Node& node, Node* other, Believes who, bool notices) {
  for_each_connection([&](Connection& connection) {
    if (!connection.of(node) || (other != nullptr && !connection.of(*other))) return;
    std::array<bool, 2> told{};
    const Connection::Side side = connection.side_of(node);
    told[side] = who == Believes::kPeer;
    told[Connection::other(side)] = who == Believes::kNode;
    connection.go_dark(told, notices);
  });
}

void Network::heal(Node& a, Node& b) {
  set_cut(a, b, false);
  set_cut(b, a, false);
  paths_changed();
}

void Network::heal(Node& node) {
  set_isolated(node, false);
  paths_changed();
}

void Network::heal() {
  for (Place& place : places_) place.isolated = false;
  for (auto& [ends, way] : paths_) {
    way->cut_ = false;
    way->extra_ = {};
    way->loss_per_million_ = 0;
    way->bytes_per_second_ = 0;
    way->busy_until_ = {};
    update(ends.first, ends.second, *way);
  }
  paths_changed();
  for_each_connection([](Connection& connection) {
    if (connection.dark_) connection.reset();
    for (Connection::Direction& direction : connection.towards_) direction.silence = {};
  });
}

void Network::reset(Node& a, Node& b) {
  for_each_connection([&](Connection& connection) {
    if (connection.joins(a, b)) connection.reset();
  });
}

void Network::reset(Node& node) {
  for_each_connection([&](Connection& connection) {
    if (connection.of(node)) connection.reset();
  });
}

void Network::node_crashed(Node& node) {
  Place& here = place(node);
  here.silent = !node.ended_in_order() && crashes_.below(kMillion) < options_.silent_crash_per_million;
  for_each_connection([&](Connection& connection) { connection.node_crashed(node, here.silent); });
}

void Network::node_paused(Node& node) { set_paused(node, true); }

void Network::node_resumed(Node& node) { set_paused(node, false); }

void Network::set_paused(Node& node, bool paused) {
  place(node).paused = paused;
  for (auto& [ends, way] : paths_) {
    if (ends.second == node.id()) update(ends.first, ends.second, *way);
  }
  paths_changed();
}

void Network::paths_changed() {
  for_each_connection([](Connection& connection) { connection.path_changed(); });
}

std::uint64_t Network::enter(Connection& connection) {
  const std::uint64_t step = simulation_.executor().steps();
  std::erase_if(closed_, [&](const auto& closed) { return closed.first < step; });
  connections_.push_back(connection);
  ++connection_count_;
  return ++last_connection_;
}

void Network::leave(Connection& connection) {
  connection.unlink();
  --connection_count_;
  closed_.emplace_back(simulation_.executor().steps(), connection.shared_from_this());
}

// The action may close the connection that it is given, and no other.
template <class Action>
void Network::for_each_connection(Action action) {
  List seen;
  while (!connections_.empty()) {
    auto& connection = static_cast<Connection&>(connections_.front());
    connection.unlink();
    seen.push_back(connection);
    action(connection);
  }
  while (!seen.empty()) {
    reliant::ListNode& connection = seen.front();
    connection.unlink();
    connections_.push_back(connection);
  }
}

}  // namespace reliant::sim
