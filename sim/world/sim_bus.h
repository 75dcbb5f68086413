// SimBus: a NATS server on a node of its own, and one client connection for each role. Server and in-process bus decide by
// the same table (model/interest.h); what differs is the network in between.
//
// Fault atlas, on top of the network's:
//   interest lags             a subscription takes effect one trip later, and in a cluster of servers some time after the
//                             flush behind it: earlier requests are answered "no responders"
//   partition                 publishes are held; they come late (ghosts), or never when a keepalive ends first
//   disconnect                messages in flight are lost, in both directions; interest is renewed after reconnecting
//   client crash              its interest stays until the server has noticed: a queue group may pick a dead member
//   server crash              nothing is stored: all clients reconnect, all interest is announced again
//   slow consumer             a subscription drops the newest; a client that does not read at all is disconnected
//   max payload               a server with a lower limit refuses messages that others accept
//
// SimBusServer belongs to the cluster and runs while its node is up; a SimBus belongs to its node's program and reconnects
// by itself. A SimBus of a crashed incarnation is inert: UNAVAILABLE. Everything runs on the simulation's thread.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "base/status.h"
#include "kernel/node.h"
#include "model/interest.h"
#include "ports/bus.h"
#include "runtime/event.h"
#include "runtime/one_shot.h"
#include "runtime/scope.h"
#include "runtime/task.h"
#include "world/network.h"

namespace reliant::sim {

class BusConnection;
class SimBus;

struct SimBusOptions {
  std::size_t max_payload = std::size_t{1} << 20;
  std::size_t client_buffer = std::size_t{1} << 20;         // bytes in flight to the server; more: UNAVAILABLE
  std::size_t server_buffer = std::size_t{8} << 20;         // bytes in flight to a client; more: it is disconnected
  std::size_t max_pending = SIZE_MAX;                       // upper bound for every subscription
  Duration interest_lag{};                                  // until other servers know of a subscription, at most; drawn
  Duration reconnect_low = std::chrono::milliseconds(100);  // between two attempts, drawn
  Duration reconnect_high = std::chrono::seconds(2);
};

class SimBusServer final {
 public:
  SimBusServer(Network& network, Node& node, SimBusOptions options = {});
  SimBusServer(const SimBusServer&) = delete;
  SimBusServer& operator=(const SimBusServer&) = delete;
  ~SimBusServer();

  Node& node() { return node_; }
  Network& network() { return network_; }
  const SimBusOptions& options() const { return options_; }
  SimBusOptions& options() { return options_; }  // may be changed during a run
  std::size_t subscriptions() const { return interest_.size() + spreading_.size(); }
  std::size_t clients() const { return clients_.size(); }

 private:
  friend class BusConnection;
  friend class SimBus;
  struct Subscriber {
    BusConnection* connection;
    std::uint64_t number;  // the client's own
  };

  struct Spreading;

  std::shared_ptr<BusConnection> connect(SimBus& client, Node& from);
  void forget_interest(model::InterestId id);
  void subscribe(BusConnection& from, std::uint64_t number, const std::string& subject, const std::string& group);
  void unsubscribe(BusConnection& from, std::uint64_t number);
  void publish(BusConnection& from, const ports::BusMessage& message);
  void forget(BusConnection& connection);

  Network& network_;
  Node& node_;
  SimBusOptions options_;
  Random random_;
  model::InterestId last_id_ = 0;
  std::uint64_t last_client_ = 0;
  // A crash of the node ends every connection, and with them all of this.
  std::vector<BusConnection*> clients_;
  model::Interest interest_;
  std::map<model::InterestId, Subscriber> subscribers_;
  std::map<model::InterestId, std::unique_ptr<Spreading>> spreading_;  // not yet known everywhere
};

class SimBus final : public ports::Bus {
 public:
  // Starts to connect.
  SimBus(SimBusServer& server, Node& node);
  SimBus(const SimBus&) = delete;
  SimBus& operator=(const SimBus&) = delete;
  ~SimBus() override;

  // True: connected now. What a program waits for when it starts.
  Task<bool> wait_connected(Instant deadline);
  bool connected() const;

  Status publish(ports::BusMessage message) override;
  Result<std::unique_ptr<ports::BusSubscription>> subscribe(ports::SubscribeOptions options) override;
  Task<Result<ports::BusMessage>> request(ports::BusMessage message, Instant deadline) override;
  std::string new_inbox() override;
  // If not connected, it first waits for a connection.
  Task<Status> flush(Instant deadline) override;
  Task<Status> drain(Instant deadline) override;
  std::size_t max_payload() const override { return server_.options().max_payload; }

 private:
  friend class BusConnection;
  friend class SimBusServer;
  struct Subscriber;
  using Answer = OneShot<Result<ports::BusMessage>>;

  Task<void> stay_connected();
  void announce(const Subscriber& subscriber);
  void on_message(std::uint64_t number, ports::BusMessage message);
  void on_answer(ports::BusMessage message);
  void on_pong();
  void on_lost();
  void end(Subscriber& subscriber);  // no more messages
  bool has_pending() const;

  SimBusServer& server_;
  Node& node_;
  Incarnation life_;
  Random random_;
  std::string name_;  // of inboxes
  std::uint64_t last_number_ = 0;
  std::uint64_t last_inbox_ = 0;
  std::uint64_t last_request_ = 0;
  std::uint64_t pings_ = 0;
  std::uint64_t pongs_ = 0;
  std::uint64_t losses_ = 0;
  bool draining_ = false;
  bool closed_ = false;
  std::shared_ptr<BusConnection> connection_;  // null: not connected
  Event connected_;
  Event lost_;
  Event ponged_;
  std::shared_ptr<Event> handed_out_ = std::make_shared<Event>();
  std::map<std::uint64_t, std::shared_ptr<Subscriber>> subscribers_;  // announced to the server
  std::vector<std::weak_ptr<Subscriber>> ended_;                      // those that may still have messages
  std::map<std::string, Answer*, std::less<>> requests_;              // by inbox
  TaskScope scope_;
};

}  // namespace reliant::sim
