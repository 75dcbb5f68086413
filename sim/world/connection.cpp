#include "world/connection.h"

#include <algorithm>
#include <utility>

namespace reliant::sim {

Connection::Connection(Network& network, Node& opener, Node& acceptor)
    : network_(network), lives_{opener.incarnation(), acceptor.incarnation()} {
  towards_[kOpener].path = &network.path(acceptor, opener);
  towards_[kAcceptor].path = &network.path(opener, acceptor);
  for (const Side side : {kOpener, kAcceptor}) {
    for (Timer* timer : {&towards_[side].arrival, &keepalive_[side]}) {
      timer->connection = this;
      timer->side = side;
    }
    towards_[side].arrival.bind(network.context_, &arrive);
    keepalive_[side].bind(network.context_, &keepalive_over);
  }
}

void Connection::open() {
  self_ = shared_from_this();
  number_ = network_.enter(*this);
  open_ = true;
  // A process that is down now never owns a side of this connection, even if it restarts before the first message comes.
  for (const Side side : {kOpener, kAcceptor}) ended_[side] = !lives_[side].alive();
  path_changed();
}

bool Connection::of(const Node& node) const { return &lives_[0].node() == &node || &lives_[1].node() == &node; }

bool Connection::joins(const Node& a, const Node& b) const { return of(a) && of(b); }

void Connection::depart(Side from, std::size_t bytes, Duration extra) { push(towards_[other(from)], bytes, extra, false); }

void Connection::push(Direction& direction, std::size_t bytes, Duration extra, bool last) {
  if (!open_ || dark_) return;
  const Instant now = executor().true_now();
  const Duration delay = direction.path->delay(bytes, now) + extra;
  Instant when = now + delay;  // or as soon as all before it have arrived
  if (direction.silence > Duration::zero()) when = std::max(when, direction.newest + std::exchange(direction.silence, {}));
  direction.newest = std::max(direction.newest, when);
  direction.flights.push({now, when, static_cast<std::uint32_t>(bytes), last});
  if (!direction.stalled && !direction.arrival.armed()) direction.arrival.at(when);
}

void Connection::arrive(Wake& wake) {
  auto& timer = static_cast<Timer&>(wake);
  Connection& self = *timer.connection;
  const Side to = timer.side;
  Direction& direction = self.towards_[to];
  if (!direction.path->open()) {
    direction.stalled = true;  // until path_changed
    return;
  }
  const Flight flight = direction.flights.pop();
  if (!direction.flights.empty()) direction.arrival.at(direction.flights.front().when);
  self.executor().mix(self.number_ << 33 | std::uint64_t{to} << 32 | flight.bytes);
  if (!self.usable(to)) {
    // The process is gone. Unless the whole machine is dead, its kernel resets the connection.
    const bool silent = !self.node(to).up() && self.network_.places_[self.node(to).id()].silent;
    if (!silent) self.say_goodbye(to);
    return;
  }
  if (flight.last) {
    self.end(to, unavailable("the connection to ", self.node(other(to)).name(), " was closed by the peer"));
    return;
  }
  self.arriving_since_ = flight.sent;
  self.arrived(to);
}

void Connection::keepalive_over(Wake& wake) {
  auto& timer = static_cast<Timer&>(wake);
  Connection& self = *timer.connection;
  const Side side = timer.side;
  self.say_goodbye(side);
  self.end(side, unavailable("keepalive timed out: nothing came from ", self.node(other(side)).name()));
}

void Connection::say_goodbye(Side from) {
  Direction& direction = towards_[other(from)];
  if (std::exchange(direction.last_sent, true)) return;
  push(direction, 0, {}, true);
}

void Connection::leave(Side side) {
  if (ended_[side]) return;
  if (lives_[side].alive()) say_goodbye(side);
  ended_[side] = true;
  keepalive_[side].cancel();
  if (ended_[other(side)]) close();
}

void Connection::end(Side side, const Status& status) {
  if (ended_[side]) return;
  ended_[side] = true;
  keepalive_[side].cancel();
  lost(side, status);
  if (ended_[other(side)]) close();
}

void Connection::reset() {
  end(kOpener, unavailable("the connection was reset"));
  end(kAcceptor, unavailable("the connection was reset"));
}

void Connection::go_dark(const std::array<bool, 2>& told, bool notices) {
  if (!open_ || std::exchange(dark_, true)) return;
  for (Direction& direction : towards_) direction.arrival.cancel();
  for (const Side side : {kOpener, kAcceptor}) {
    if (!told[side] && notices) expect_silence(side);
  }
  for (const Side side : {kOpener, kAcceptor}) {
    if (told[side]) end(side, unavailable("the network is gone"));
  }
}

void Connection::fall_silent(const Node& node, Duration silence) {
  Direction& direction = towards_[other(side_of(node))];
  if (direction.newest <= executor().true_now()) direction.silence = silence;
}

void Connection::close() {
  if (!std::exchange(open_, false)) return;
  ended_ = {true, true};
  for (Direction& direction : towards_) {
    direction.arrival.cancel();
    direction.flights.clear();
  }
  for (Timer& timer : keepalive_) timer.cancel();
  network_.leave(*this);  // keeps it for the rest of this step
  self_.reset();
}

void Connection::expect_silence(Side side) {
  if (usable(side) && !keepalive_[side].armed()) keepalive_[side].at(gives_up_at(side));
}

void Connection::restart_keepalive(Side side) {
  if (keepalive_[side].armed()) keepalive_[side].at(gives_up_at(side));
}

void Connection::node_crashed(Node& node, bool silent) {
  for (const Side side : {kOpener, kAcceptor}) {
    if (&lives_[side].node() != &node || ended_[side]) continue;
    if (!silent) say_goodbye(side);
    expect_silence(other(side));  // the end may not reach the peer
    end(side, unavailable("this process has crashed"));
  }
}

void Connection::path_changed() {
  if (!open_ || dark_) return;
  const bool whole = towards_[0].path->open() && towards_[1].path->open();
  for (const Side side : {kOpener, kAcceptor}) {
    if (!whole) {
      if (!node(side).paused()) expect_silence(side);  // a paused process expects nothing
    } else if (!ended_[other(side)]) {
      keepalive_[side].cancel();
    }
    Direction& direction = towards_[side];
    if (!direction.stalled || !direction.path->open()) continue;
    direction.stalled = false;
    direction.arrival.at(after(executor().true_now(), direction.path->retransmission()));
  }
}

}  // namespace reliant::sim
