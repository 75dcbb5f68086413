// Connection: a reliable, ordered connection between two nodes, as TCP gives it: the base of simulated links and of bus
// clients. It counts messages in flight; the derived class keeps their content, in queues of the same order.
//
// An arrival is one step: it checks that the path is open (otherwise everything waits for the heal), that the receiving
// process is the incarnation that the connection was made with, and delivers the message; the receiver may be resumed in the
// same step. While a path is cut, each side has a keepalive timeout. A side is notified of the end at most once, by lost().
//
// It keeps itself alive until both sides have ended; a crashed side is ended at once and its port is inert.
#pragma once

#include <array>
#include <cstdint>
#include <memory>

#include "base/status.h"
#include "kernel/node.h"
#include "runtime/list.h"
#include "runtime/ring.h"
#include "runtime/wake.h"
#include "world/network.h"

namespace reliant::sim {

class Connection : public std::enable_shared_from_this<Connection>, private reliant::ListNode {
 public:
  using Side = std::size_t;
  static constexpr Side kOpener = 0;
  static constexpr Side kAcceptor = 1;
  static constexpr Side other(Side side) { return 1 - side; }

  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;
  virtual ~Connection() = default;

  bool of(const Node& node) const;
  bool joins(const Node& a, const Node& b) const;
  Side side_of(const Node& node) const { return &lives_[kOpener].node() == &node ? kOpener : kAcceptor; }
  // Breaks now; both sides are notified.
  void reset();
  // Nothing passes any more, for ever. A notified side loses it now; the other side believes that it is open until its
  // keepalive times out, if that `notices`, or until it closes the connection itself.
  void go_dark(const std::array<bool, 2>& told, bool notices);
  // The next message that leaves `node` arrives exactly that time after the one before it, to the nanosecond.
  // Not while a message is in flight: the silence would be longer.
  void fall_silent(const Node& node, Duration silence);

 protected:
  Connection(Network& network, Node& opener, Node& acceptor);

  // Begins. Held by a shared_ptr.
  void open();
  // The side is neither crashed, lost nor left. An unusable side sends and receives nothing.
  bool usable(Side side) const { return !ended_[side] && lives_[side].alive(); }
  // A message of `bytes` leaves `from`; arrived(other(from)) is called for each, in order.
  void depart(Side from, std::size_t bytes, Duration extra = {});
  // The side closes; the other side is notified after everything that was sent before.
  void leave(Side side);
  // Both sides have ended: nothing more arrives.
  void close();
  // Restarts the keepalive timeout of a side on which something has arrived.
  void restart_keepalive(Side side);

  Executor& executor() { return network_.simulation().executor(); }
  Network& network() { return network_; }
  const Node& node(Side side) const { return lives_[side].node(); }
  bool watched() const { return network_.simulation().trace().watched(); }
  // Called in arrived(): shows the message to the delivery sinks of the trace.
  void show(Delivery::Way way, Side to, std::string_view about, std::string_view reply_to, std::string_view payload) {
    Trace& trace = network_.simulation().trace();
    if (trace.watched()) {
      trace.deliver(
          {way, node(other(to)).id(), node(to).id(), number_, arriving_since_, executor().now(), about, reply_to, payload});
    }
  }

 private:
  friend class Network;
  struct Flight {
    Instant sent;
    Instant when;
    std::uint32_t bytes;
    bool last;  // no message: the sender has ended
  };
  struct Timer : Wake {
    Connection* connection = nullptr;
    Side side = 0;
  };
  struct Direction {  // towards one side
    Path* path = nullptr;
    Ring<Flight> flights;
    Timer arrival;
    bool stalled = false;
    bool last_sent = false;
    Instant newest{};    // when the last message of all arrives
    Duration silence{};  // before the next one; zero: as it comes
  };

  // May resume one coroutine as its last act.
  virtual void arrived(Side to) = 0;
  // Called once for a side, as its last event. `status` is UNAVAILABLE.
  virtual void lost(Side side, const Status& status) = 0;

  // When the keepalive of a side times out if nothing more arrives from now on.
  virtual Instant gives_up_at(Side side) { return after(executor().true_now(), towards_[side].path->keepalive()); }

  static void arrive(Wake& wake);
  static void keepalive_over(Wake& wake);
  void push(Direction& direction, std::size_t bytes, Duration extra, bool last);
  void say_goodbye(Side from);
  void end(Side side, const Status& status);
  void expect_silence(Side side);
  void node_crashed(Node& node, bool silent);
  void path_changed();

  Network& network_;
  std::uint64_t number_ = 0;
  std::array<Incarnation, 2> lives_;
  std::array<bool, 2> ended_{};
  bool open_ = false;
  Instant arriving_since_{};  // when the message that arrives was sent
  bool dark_ = false;
  std::array<Direction, 2> towards_;
  std::array<Timer, 2> keepalive_;
  std::shared_ptr<Connection> self_;  // while open
};

}  // namespace reliant::sim
