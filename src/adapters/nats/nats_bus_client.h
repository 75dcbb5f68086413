// NatsBusClient: the side of NatsBus that touches nats.c: a connection that is made anew whenever it was lost.
//
// nats.c's own reconnecting sends what is long out of date. So each connection is a new one (a "life"), and what was meant
// for an earlier life is never sent. What is to be sent waits here, with a bound, until the socket takes it; it goes out at
// the end of the logic thread's turn. A thread of the client does what waits for the server: to connect, flush and close.
//
// Owner: NatsBus. Its methods are for the logic thread, where the listener is called too. The destructor ends the client's
// thread: it waits for the call in which that is (connect_timeout; one second of a flush).
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "adapters/asio/asio_executor.h"
#include "adapters/nats/nats_bus_options.h"
#include "ports/bus.h"
#include "runtime/random.h"

namespace reliant::adapters {

class NatsBusClient final {
 public:
  // On the logic thread, in the order of things.
  class Listener {
   public:
    virtual void on_connected(std::uint64_t life, std::size_t max_payload) = 0;
    virtual void on_lost(const std::string& why) = 0;  // or: an attempt has failed
    virtual void on_message(std::uint64_t subscription, ports::BusMessage message) = 0;
    virtual void on_no_responders(std::uint64_t desk) = 0;
    virtual void on_drained(std::uint64_t life, std::uint64_t subscription) = 0;  // its last message was told
    virtual void on_flushed(std::uint64_t life, std::uint64_t flush) = 0;
    virtual void on_complaint(const std::string& what) = 0;  // of the server: a permission, say
    virtual void on_closed() = 0;

   protected:
    ~Listener() = default;
  };

  NatsBusClient(AsioExecutor& executor, Listener& listener, NatsOptions options, std::vector<std::string> urls,
                Random random);
  NatsBusClient(const NatsBusClient&) = delete;
  NatsBusClient& operator=(const NatsBusClient&) = delete;
  ~NatsBusClient();

  // Header values are those of the wire. False: too much waits to be sent. Not sent at all when it still waits at `expires`.
  bool publish(std::uint64_t life, ports::BusMessage message, std::chrono::steady_clock::time_point expires);
  void subscribe(std::uint64_t life, std::uint64_t subscription, std::string subject, std::string group);
  void unsubscribe(std::uint64_t life, std::uint64_t subscription);
  // What comes over it is told as what comes over NatsBusInboxes::kShared is, but sooner.
  void open_desk(std::uint64_t life, std::uint64_t desk, std::string pattern);
  void close_desk(std::uint64_t life, std::uint64_t desk);
  // Unsubscribes, and says on_drained when what was on its way has been told.
  void drain(std::uint64_t life, std::uint64_t subscription);
  // on_flushed when the server has everything that was sent before.
  void flush(std::uint64_t life, std::uint64_t number);
  // After all of that: on_closed, and nothing more.
  void close();

 private:
  class Keeper;
  class Pump;
  struct Command;

  std::shared_ptr<Pump> pump_;
  std::unique_ptr<Keeper> keeper_;
};

}  // namespace reliant::adapters
