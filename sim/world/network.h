// Network: what lies between the nodes, for all simulated ports. Each ordered pair of nodes has a path with a latency of
// its own, drawn from a stream labelled with the two names, so that a fault here re-rolls nothing elsewhere.
//
// Fault atlas, and why the system must survive each:
//   latency with a slow tail   answers overtake each other across connections; a deadline and an answer meet
//   loss (per million)         TCP repairs it: the message comes late, those behind it too
//   cut, one way or both       neither side is notified: data waits in the kernel, and arrives after the heal or never
//   keepalive timeout          each side gives up at a time of its own: one may know what the other does not
//   reset                      a middlebox forgets a connection: both sides lose what was in flight
//   crash, loud or silent      a dead process's kernel resets its connections; a dead machine says nothing at all
//   delay, bandwidth           a congested path: control frames queue behind bulk output
//   silence to the nanosecond  a heartbeat arrives at the very instant at which its receiver times out
//   half-open                  a middlebox lost its table: one side, or none, knows; sometimes it even answers keepalives
//   pause                      a process does not run: messages to it wait; keepalive pings get no answer
//
// Owned by the test or the cluster, made after the Simulation and destroyed before it; destroying it shuts the simulation
// down. One thread; every draw and every arrival is part of the run's hash.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "base/status.h"
#include "kernel/simulation.h"
#include "runtime/event.h"
#include "runtime/list.h"
#include "runtime/task.h"
#include "runtime/time.h"

namespace reliant::sim {

class Connection;

struct Latency {
  Duration low = std::chrono::microseconds(100);
  Duration high = std::chrono::milliseconds(1);
  std::uint32_t slow_per_million = 1000;  // of these the delay is from the tail
  Duration slow_low = std::chrono::milliseconds(20);
  Duration slow_high = std::chrono::milliseconds(200);
};

struct NetworkOptions {
  Latency latency;
  Duration retransmit = std::chrono::milliseconds(200);  // what one loss costs; after a heal up to five times that
  // The keepalive timeout of a side that receives nothing from its peer, drawn for each.
  Duration keepalive_low = std::chrono::seconds(10);
  Duration keepalive_high = std::chrono::seconds(20);
  Duration connect_timeout = std::chrono::seconds(20);
  std::uint32_t silent_crash_per_million = 200'000;
};

// From one node to another.
class Path {
 public:
  Path(Random random, const NetworkOptions& options) : options_(options), random_(random), latency_(options.latency) {}

  bool open() const { return open_; }
  // The time that a message of `bytes` takes if it is sent now and nothing is cut. Draws.
  Duration delay(std::size_t bytes, Instant now);
  Duration retransmission() { return random_.duration(options_.retransmit, options_.retransmit * 5); }
  Duration keepalive() { return random_.duration(options_.keepalive_low, options_.keepalive_high); }

 private:
  friend class Network;  // NOLINT(cppcoreguidelines-virtual-class-destructor): it is final

  const NetworkOptions& options_;
  Random random_;
  Latency latency_;
  Duration extra_{};
  std::uint32_t loss_per_million_ = 0;
  std::uint64_t bytes_per_second_ = 0;  // 0 = no limit
  Instant busy_until_{};
  bool cut_ = false;  // by name; an isolated node closes it as well
  bool open_ = true;
  Event opened_;  // set while open
};

class Network final : private NodeObserver {
 public:
  explicit Network(Simulation& simulation, NetworkOptions options = {});
  Network(const Network&) = delete;
  Network& operator=(const Network&) = delete;
  ~Network();

  Simulation& simulation() { return simulation_; }
  const NetworkOptions& options() const { return options_; }

  // --- what a port asks ---
  bool reachable(Node& from, Node& to) { return path(from, to).open(); }
  Duration latency(Node& from, Node& to) { return path(from, to).delay(0, simulation_.now()); }
  Path& path(Node& from, Node& to);
  // One trip of a request or an answer, for ports that are not a stream. OK: it has arrived, and `to` lives. UNAVAILABLE:
  // refused (the process is down), or no answer within the connect timeout. DEADLINE_EXCEEDED.
  Task<Status> travel(Node& from, Node& to, std::size_t bytes, Instant deadline);

  // --- faults ---
  void set_latency(Node& from, Node& to, Latency latency) { path(from, to).latency_ = latency; }
  void set_delay(Node& from, Node& to, Duration extra) { path(from, to).extra_ = extra; }
  void set_loss(Node& from, Node& to, std::uint32_t per_million) { path(from, to).loss_per_million_ = per_million; }
  void set_bandwidth(Node& from, Node& to, std::uint64_t bytes_per_second);
  void cut(Node& from, Node& to);    // one way
  void partition(Node& a, Node& b);  // both ways
  void partition(const std::vector<Node*>& some, const std::vector<Node*>& others);
  void isolate(Node& node);     // from every node, also those without a path yet
  void heal(Node& a, Node& b);  // what cut and partition did
  void heal(Node& node);        // what isolate did
  void heal();                  // everything, also delay, loss and bandwidth; what is dark is reset
  // Every live connection between the two, or of one node, breaks now; both sides are notified.
  void reset(Node& a, Node& b);
  void reset(Node& node);
  // The connections of `node` with `other` (null: with any node) become half-open: the notified sides lose them, the other
  // sides believe that they are open.
  enum class Believes : std::uint8_t { kPeer, kNode, kBoth };
  void half_open(Node& node, Node* other, Believes who, bool notices);
  // The next message from `from` to `to`, on every connection, arrives exactly that time after the last one.
  void silence(Node& from, Node& to, Duration silence);
  std::size_t connections() const { return connection_count_; }

 private:
  friend class Connection;
  struct Place {  // of a node
    Node* node = nullptr;
    bool isolated = false;
    bool silent = false;      // died without telling its peers
    bool paused = false;      // arrivals wait in its kernel
    std::vector<Path*> ways;  // out of `paths_`, by the id of the node they lead to; null: not yet used
  };

  Place& place(Node& node);
  void node_crashed(Node& node) override;
  void node_paused(Node& node) override;
  void node_resumed(Node& node) override;
  void set_paused(Node& node, bool paused);
  void set_cut(Node& from, Node& to, bool cut);
  void set_isolated(Node& node, bool isolated);
  void update(std::uint32_t from, std::uint32_t to, Path& path);
  void paths_changed();
  std::uint64_t enter(Connection& connection);
  void leave(Connection& connection);
  template <class Action>
  void for_each_connection(Action action);

  Simulation& simulation_;
  NetworkOptions options_;
  Context context_;  // of arrivals
  Random crashes_;
  std::vector<Place> places_;  // by node id
  std::map<std::pair<std::uint32_t, std::uint32_t>, std::unique_ptr<Path>> paths_;
  List connections_;
  std::size_t connection_count_ = 0;
  std::uint64_t last_connection_ = 0;
  // Closed connections; freed in a later step, when none of their code is running.
  std::vector<std::pair<std::uint64_t, std::shared_ptr<Connection>>> closed_;
};

}  // namespace reliant::sim
