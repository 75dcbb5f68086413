// NatsBusClient: the side of NatsBus that touches nats.c: a connection that is made anew whenever it was lost.
//
// nats.c blocks whoever publishes while a server is frozen, and its own reconnecting sends what is long out of date. So one
// writer thread makes all calls, behind a queue with a bound; each connection is a new one (a "life"), and what was meant
// for an earlier life is never sent. The library's threads only hand over what came, through a mailbox with a bound.
//
// nats.c loses header values that are empty and trims the others: such values go over the wire as "=%" and hexadecimal digits.
//
// Owner: NatsBus. Its methods are for the logic thread, where the listener is called too. The destructor ends the writer
// thread: it waits for the call in which that is, which the options bound (connect_timeout, write_deadline).
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "adapters/asio_executor.h"
#include "base/status.h"
#include "ports/bus.h"
#include "runtime/random.h"
#include "runtime/time.h"

namespace reliant::adapters {

struct NatsOptions {
  // "nats://[user:password@]host[:port]", "tls://…"; several of one cluster, separated by commas.
  std::string urls;
  std::string name = "reliant";  // how the server's lists call this client
  // Files, "" = none: who may vouch for the server, this client's certificate and its key, NATS credentials (JWT, seed).
  std::string ca_file;
  std::string certificate_file;
  std::string key_file;
  std::string credentials_file;
  Duration connect_timeout = std::chrono::seconds(2);
  Duration write_deadline = std::chrono::milliseconds(500);
  // A server that says nothing for about three of these is taken for lost.
  Duration ping_interval = std::chrono::seconds(2);
  Duration reconnect_low = std::chrono::milliseconds(100);  // between two attempts, drawn
  Duration reconnect_high = std::chrono::seconds(2);
  std::size_t max_unsent = std::size_t{8} << 20;   // bytes; above it publish is UNAVAILABLE
  std::size_t max_unread = std::size_t{64} << 20;  // bytes that wait for the logic thread; above it the newest are dropped
};

// INVALID_ARGUMENT says which one and what it should look like (and never shows a password).
Result<std::vector<std::string>> parse_nats_urls(std::string_view urls);

// What a header value is on the wire, and back.
std::string nats_header_value(std::string value);
std::string value_of_nats_header(std::string_view header);

class NatsBusClient final {
 public:
  // On the logic thread, in the order of things.
  class Listener {
   public:
    virtual void on_connected(std::uint64_t life, std::size_t max_payload) = 0;
    virtual void on_lost(const std::string& why) = 0;  // or: an attempt has failed
    virtual void on_message(std::uint64_t subscription, ports::BusMessage message) = 0;
    virtual void on_dropped(std::uint64_t subscription, std::uint64_t count) = 0;
    virtual void on_drained(std::uint64_t life, std::uint64_t subscription) = 0;  // its last message was told
    virtual void on_flushed(std::uint64_t life, std::uint64_t flush) = 0;
    virtual void on_complaint(const std::string& what) = 0;   // of the server: a permission, say
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
  // Unsubscribes, and says on_drained when what was on its way has been told.
  void drain(std::uint64_t life, std::uint64_t subscription);
  // on_flushed when the server has everything that was sent before.
  void flush(std::uint64_t life, std::uint64_t number);
  // After all of that: on_closed, and nothing more.
  void close();

 private:
  class Mailbox;
  class Connection;
  class Writer;
  struct Command;

  std::shared_ptr<Mailbox> mailbox_;
  std::unique_ptr<Writer> writer_;
};

}  // namespace reliant::adapters
