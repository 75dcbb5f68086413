// NatsBusConnection: one connection of NatsBusClient to a server, from its beginning to its end. It never reconnects.
//
// The executor's loop is nats.c's event loop: the logic thread reads and writes the socket, and never waits for the server, since
// what cannot be written yet stays in a buffer. What does wait (to connect, to flush, to close) is for the client's own thread.
// nats.c hands out what came on a thread of its own, which posts it to the logic thread.
//
// Owner: shared by the client's thread, the logic thread and the callbacks: nats.c goes on calling back after close,
// until it has made the last call of each kind. Failures: a connection that fails has ended().
#pragma once

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include <nats/nats.h>

#include "adapters/asio/inbox.h"
#include "adapters/nats/nats_bus_options.h"
#include "adapters/posix/unique_fd.h"
#include "ports/bus.h"

namespace reliant::adapters {

class NatsBusConnection final : public std::enable_shared_from_this<NatsBusConnection> {
 public:
  // On the logic thread. It lives until its inboxes are closed.
  class Listener {
   public:
    virtual void on_message(std::uint64_t subscription, ports::BusMessage message) = 0;
    virtual void on_drained(const NatsBusConnection& of, std::uint64_t subscription) = 0;  // after its last message
    virtual void on_unwritten() = 0;                         // another thread has something to be written
    virtual void on_complaint(const std::string& what) = 0;  // of the server: a permission, say

   protected:
    ~Listener() = default;
  };
  // What all connections of a client have in common.
  struct Client {
    AsioExecutor& executor;
    Listener& listener;
    std::shared_ptr<Inbox> inbox = Inbox::open(executor);
    // One piece at most: nats.c holds its lock when it asks for a write, so that must not wait for the logic thread.
    std::shared_ptr<Inbox> writes = Inbox::open(executor);
  };

  // `on_end` is called when the connection has ended, from any thread, perhaps more than once.
  NatsBusConnection(Client client, std::function<void()> on_end);
  NatsBusConnection(const NatsBusConnection&) = delete;
  NatsBusConnection& operator=(const NatsBusConnection&) = delete;

  bool ended() const { return ended_; }

  // --- the client's thread ---
  natsStatus open(const NatsOptions& options, const std::vector<std::string>& urls);
  natsStatus flush();  // waits for at most kFlushTimeout: NATS_TIMEOUT
  static constexpr std::chrono::seconds kFlushTimeout{1};
  void close();  // before that, error() says why it ended
  std::string error();
  std::size_t max_payload();

  // --- the logic thread ---
  UniqueFd take_socket() { return std::move(socket_); }  // to wait at; it belongs to this connection for its whole life
  void publish(const ports::BusMessage& message);        // header values are those of the wire
  void subscribe(std::uint64_t number, const std::string& subject, const std::string& group);
  void unsubscribe(std::uint64_t number);
  void drain(std::uint64_t number);
  void read();  // once
  void write();
  bool has_unwritten() const { return unwritten_; }
  bool attached() const { return attached_; }  // else the socket has no more to say

 private:
  // What a callback needs to know. nats.c has it until the callback after which no other comes.
  struct Interest {
    std::shared_ptr<NatsBusConnection> connection;
    std::uint64_t number = 0;  // of a subscription
  };
  struct Deleter {
    void operator()(natsSubscription* subscription) const { natsSubscription_Destroy(subscription); }
  };
  using Subscription = std::unique_ptr<natsSubscription, Deleter>;

  natsStatus configure(natsOptions* made, const NatsOptions& options, const std::vector<std::string>& urls, Interest* all);
  natsStatus secure(natsOptions* made, const NatsOptions& options, const std::vector<std::string>& urls);
  natsStatus try_to_subscribe(std::uint64_t number, const std::string& subject, const std::string& group);
  void end();

  // nats.c's event loop interface; on whatever thread needs it, with the library's lock held.
  static natsStatus on_attach(void** self, void* loop, natsConnection* connection, natsSock socket);
  static natsStatus on_read(void* self, bool add);
  static natsStatus on_write(void* self, bool add);
  static natsStatus on_detach(void* self);
  // On nats.c's threads, without its locks. The closure is an Interest.
  static void on_message(natsConnection*, natsSubscription*, natsMsg* message, void* closure);
  static void on_complete(void* closure);
  static void on_closed(natsConnection*, void* closure);
  static void on_error(natsConnection*, natsSubscription*, natsStatus status, void* closure);

  const Client client_;
  const std::function<void()> on_end_;
  std::mutex mutex_;  // between the calls of the logic thread and close()
  natsConnection* handle_ = nullptr;
  bool closing_ = false;
  std::map<std::uint64_t, Subscription> subscriptions_;
  UniqueFd socket_;
  std::atomic<bool> ended_ = false;
  std::atomic<bool> attached_ = false;
  std::atomic<bool> unwritten_ = false;
};

std::string nats_error(natsStatus status);

}  // namespace reliant::adapters
