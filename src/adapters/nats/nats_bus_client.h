// NatsBusClient: NatsBus's connection to a server, replaced by a new one whenever it is lost.
//
// nats.c's own reconnect would send stale messages. So each connection is a new object, and messages queued for an earlier
// one are dropped. Outgoing messages wait here in a bounded queue, which is written at the end of the logic thread's batch.
// Calls that block on the server (connect, flush, close) run on a thread of the client.
//
// Owner: NatsBus, and handlers that are under way. Its methods are for the logic thread, where the listener is called too.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <absl/functional/any_invocable.h>
#include <boost/asio/posix/stream_descriptor.hpp>

#include "adapters/asio/asio_executor.h"
#include "adapters/nats/nats_bus_connection.h"
#include "adapters/nats/nats_bus_options.h"
#include "ports/bus.h"
#include "runtime/random.h"

namespace reliant::adapters {

class NatsBusClient final : public std::enable_shared_from_this<NatsBusClient>, private NatsBusConnection::Listener {
 public:
  using SteadyTime = std::chrono::steady_clock::time_point;

  class Listener {
   public:
    virtual void on_connected(std::size_t max_payload) = 0;
    virtual void on_lost(const std::string& why) = 0;  // or: an attempt has failed
    virtual void on_message(std::uint64_t subscription, ports::BusMessage message) = 0;
    virtual void on_drained(std::uint64_t subscription) = 0;  // after its last message
    virtual void on_flushed(std::uint64_t flush) = 0;         // and all before it
    virtual void on_complaint(const std::string& what) = 0;   // of the server: a permission, say
    virtual void on_closed() = 0;

   protected:
    ~Listener() = default;
  };

  // Starts to connect.
  static std::shared_ptr<NatsBusClient> start(AsioExecutor& executor, Listener& listener, NatsOptions options,
                                              std::vector<std::string> urls, Random random);
  NatsBusClient(const NatsBusClient&) = delete;
  NatsBusClient& operator=(const NatsBusClient&) = delete;
  ~NatsBusClient();
  // Detaches the listener and joins the client's thread, after the call that it is in (connect_timeout, or kFlushTimeout).
  void leave();

  // --- between on_connected and on_lost; what has not been sent when the connection is lost is not sent at all ---
  // Header values are those of the wire. False: too much waits to be sent. Not sent when it still waits at `expires`.
  bool publish(ports::BusMessage message, SteadyTime expires);
  void subscribe(std::uint64_t subscription, std::string subject, std::string group);
  void unsubscribe(std::uint64_t subscription);
  // Unsubscribes; calls on_drained once all messages in flight have been delivered.
  void drain(std::uint64_t subscription);
  // on_flushed when the server has everything that was sent before. Numbers rise.
  void flush(std::uint64_t number);

  // After all of that: on_closed, and nothing more.
  void close();

 private:
  class Keeper;
  // A command for nats.c; commands are executed in the order of the calls.
  struct Command {
    absl::AnyInvocable<void(NatsBusConnection&)> run;
    std::size_t bytes = 0;
    SteadyTime expires = SteadyTime::max();
  };

  NatsBusClient(AsioExecutor& executor, Listener& listener, std::size_t max_unsent);
  void begin(std::shared_ptr<NatsBusConnection> connection, std::size_t max_payload);
  void lose(const std::string& why);
  void on_message(std::uint64_t subscription, ports::BusMessage message) override;
  void on_drained(const NatsBusConnection& of, std::uint64_t subscription) override;
  void on_unwritten() override { write_soon(); }
  void on_complaint(const std::string& what) override { listener_.on_complaint(what); }

  void put(Command command);
  void wait_readable();
  void wait_writable();
  // Handlers of an earlier connection may still be under way.
  bool serves(const std::shared_ptr<NatsBusConnection>& connection) const { return connection_ == connection; }
  void write_soon();
  void write();
  void hand_over_some();

  AsioExecutor& executor_;
  Listener& listener_;
  const std::size_t max_unsent_;
  const NatsBusConnection::Client of_connections_;
  std::unique_ptr<Keeper> keeper_;                 // null: left
  std::shared_ptr<NatsBusConnection> connection_;  // null: not connected
  std::optional<boost::asio::posix::stream_descriptor> socket_;
  std::deque<Command> commands_;  // not handed to nats.c yet
  std::size_t unsent_ = 0;        // their bytes
  bool write_asked_ = false;
  bool socket_is_full_ = false;
  bool closing_ = false;
};

}  // namespace reliant::adapters
