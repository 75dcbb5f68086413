// NatsBusConnection: one life of NatsBusClient's connection to a server, from its beginning to its end. It never reconnects.
//
// The executor's loop is nats.c's event loop: the logic thread reads and writes the socket, and never waits for the server, since
// what cannot be written yet stays in a buffer. What does wait (to connect, to flush, to close) is for the client's own thread.
//
// nats.c hands out what came on a thread of its own. Some inboxes are asked after each read instead.
//
// Owner: shared by the client's thread and the logic thread; nats.c goes on calling back after it was told to close, so the
// object keeps itself until the last of its callbacks has run. Failures: a connection that is of no use any more has ended.
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

#include "adapters/nats/nats_bus_mailbox.h"
#include "adapters/nats/nats_bus_options.h"
#include "adapters/posix/unique_fd.h"
#include "ports/bus.h"

namespace reliant::adapters {

class NatsBusConnection final : public std::enable_shared_from_this<NatsBusConnection> {
 public:
  // `on_end` is called when the connection has ended, from any thread, perhaps more than once.
  NatsBusConnection(std::uint64_t life, std::shared_ptr<NatsBusMailbox> mailbox, std::function<void()> on_end);
  NatsBusConnection(const NatsBusConnection&) = delete;
  NatsBusConnection& operator=(const NatsBusConnection&) = delete;
  ~NatsBusConnection();

  std::uint64_t life() const { return life_; }
  bool ended() const { return ended_; }

  // --- the client's thread ---
  natsStatus open(const NatsOptions& options, const std::vector<std::string>& urls);
  natsStatus flush();  // waits so long at most: NATS_TIMEOUT
  static constexpr std::chrono::seconds kFlushPatience{1};
  void close();  // before that, error() says why it ended
  std::string error();
  std::size_t max_payload();

  // --- the logic thread ---
  UniqueFd take_socket() { return std::move(socket_); }  // to wait at; it belongs to this connection for its whole life
  void publish(const ports::BusMessage& message);        // header values are those of the wire
  void subscribe(std::uint64_t number, const std::string& subject, const std::string& group);
  void unsubscribe(std::uint64_t number);
  void open_desk(std::uint64_t number, const std::string& pattern);  // adapters/nats_bus_inboxes.h
  void close_desk(std::uint64_t number);
  void drain(std::uint64_t number);
  void write();
  bool has_unwritten() const { return unwritten_; }
  bool attached() const { return attached_; }  // else the socket has no more to say

  // --- the loop's thread ---
  void read();  // once; what came goes to the mailbox, for which it may become the logic thread

 private:
  // What a callback of one subscription needs to know.
  struct Interest {
    NatsBusConnection* connection;
    std::uint64_t number;
  };
  struct Deleter {
    void operator()(natsSubscription* subscription) const { natsSubscription_Destroy(subscription); }
    void operator()(natsMsg* message) const { natsMsg_Destroy(message); }
  };
  using Subscription = std::unique_ptr<natsSubscription, Deleter>;
  // The library frees messages on a thread of its own, which it would wake for each: so some at a time.
  class Spent {
   public:
    void add(natsMsg* message);

   private:
    std::vector<std::unique_ptr<natsMsg, Deleter>> messages_;
    std::size_t bytes_ = 0;
  };

  natsStatus configure(natsOptions* made, const NatsOptions& options, const std::vector<std::string>& urls);
  natsStatus secure(natsOptions* made, const NatsOptions& options, const std::vector<std::string>& urls);
  natsStatus try_to_subscribe(std::uint64_t number, const std::string& subject, const std::string& group);
  void ask(std::uint64_t number, natsSubscription* desk);
  void end();

  // nats.c's event loop interface; on whatever thread needs it, with the library's lock held.
  static natsStatus on_attach(void** self, void* loop, natsConnection* connection, natsSock socket);
  static natsStatus on_read(void* self, bool add);
  static natsStatus on_write(void* self, bool add);
  static natsStatus on_detach(void* self);
  // On nats.c's threads.
  static void on_message(natsConnection*, natsSubscription*, natsMsg* message, void* closure);
  static void on_complete(void* closure);
  static void on_closed(natsConnection*, void* closure);
  static void on_error(natsConnection*, natsSubscription*, natsStatus status, void* closure);

  void pin() { ++pins_; }
  void unpin();

  const std::uint64_t life_;
  const std::shared_ptr<NatsBusMailbox> mailbox_;
  const std::function<void()> on_end_;
  std::mutex mutex_;  // between the calls of the logic thread, of the loop's, and close()
  natsConnection* handle_ = nullptr;
  bool closing_ = false;
  std::map<std::uint64_t, Subscription> subscriptions_;
  std::map<std::uint64_t, Subscription> desks_;
  UniqueFd socket_;
  std::atomic<bool> ended_ = false;
  std::atomic<bool> attached_ = false;
  std::atomic<bool> unwritten_ = false;
  Spent asked_for_;    // the loop's thread's
  Spent handed_over_;  // the delivery thread's
  std::atomic<int> pins_ = 0;  // callbacks that are still to come and say that they were the last
  std::shared_ptr<NatsBusConnection> self_;
};

std::string nats_error(natsStatus status);

}  // namespace reliant::adapters
