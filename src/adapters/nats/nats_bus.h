// NatsBus: the Bus on a NATS server (R16, R59, R60): core NATS, nothing is stored, nothing is sent later.
//
// It connects in the background, reconnects after a loss, and then subscribes again. While disconnected, publish
// returns UNAVAILABLE. A message still unwritten when its connection ends is never sent, nor is a request whose
// deadline passed while it was queued (C6).
//
// One wildcard subscription serves all inboxes, so a request with its inbox costs the server no more than a publish.
// Owner: the composition root; subscriptions may outlive it, and are closed then. Executor: the logic thread, which never
// blocks on the socket (adapters/nats/nats_bus_client.h): a server that hangs blocks no thread but the client's.
// Failures: see ports/bus.h. A message above the server's max_payload is refused (C42: larger content is sent in parts).
// A slow consumer shows in the log and in dropped().
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "adapters/asio/asio_executor.h"
#include "adapters/nats/nats_bus_client.h"
#include "base/event_log.h"
#include "ports/bus.h"
#include "runtime/event.h"
#include "runtime/one_shot.h"
#include "runtime/random.h"

namespace reliant::adapters {

class NatsBus final : public ports::Bus, private NatsBusClient::Listener {
 public:
  // Starts to connect. INVALID_ARGUMENT: the URLs. `random` names its inboxes: two clients of a server need different ones.
  static Result<std::unique_ptr<NatsBus>> open(AsioExecutor& executor, EventLog& log, NatsOptions options, Random random);
  NatsBus(const NatsBus&) = delete;
  NatsBus& operator=(const NatsBus&) = delete;
  ~NatsBus() override;  // for an end in order, drain() first

  bool connected() const { return connected_; }
  // OK: connected now. What a program waits for when it starts. UNAVAILABLE says why the last attempt failed.
  Task<Status> wait_connected(Instant deadline);

  Status publish(ports::BusMessage message) override;
  Result<std::unique_ptr<ports::BusSubscription>> subscribe(ports::SubscribeOptions options) override;
  Task<Result<ports::BusMessage>> request(ports::BusMessage message, Instant deadline) override;
  std::string new_inbox() override;
  // Not connected: waits for that, too.
  Task<Status> flush(Instant deadline) override;
  Task<Status> drain(Instant deadline) override;
  std::size_t max_payload() const override { return max_payload_; }

 private:
  struct Subscriber;
  using Answer = OneShot<Result<ports::BusMessage>>;

  NatsBus(AsioExecutor& executor, EventLog& log, NatsOptions options, std::vector<std::string> urls, Random random);

  void on_connected(std::size_t max_payload) override;
  void on_lost(const std::string& why) override;
  void on_message(std::uint64_t subscription, ports::BusMessage message) override;
  void on_drained(std::uint64_t subscription) override;
  void on_flushed(std::uint64_t flush) override;
  void on_complaint(const std::string& what) override;
  void on_closed() override;

  void on_inbox_message(ports::BusMessage message);
  bool is_inbox(std::string_view subject) const;  // one of its own
  void hand_to(Subscriber& subscriber, ports::BusMessage message);
  Status send(ports::BusMessage message, Instant deadline);
  void announce(const Subscriber& subscriber);
  void start_drain(Subscriber& subscriber);
  void end(Subscriber& subscriber);  // nothing more comes in; what has come stays
  void fail_answers(const Status& why);
  bool has_pending() const;
  Status not_connected() const;

  AsioExecutor& executor_;
  EventLog& log_;
  std::size_t max_payload_;
  bool connected_ = false;
  std::string last_error_;
  std::uint64_t last_number_ = 0;
  std::uint64_t last_flush_ = 0;
  std::uint64_t flushed_ = 0;  // the last one that the server has confirmed
  std::uint64_t losses_ = 0;   // of connections
  const std::string inbox_prefix_;
  std::uint64_t last_inbox_ = 0;
  bool draining_ = false;
  bool closed_ = false;
  Event connection_known_;  // connected, or closed
  Event ended_;
  Event flush_known_;
  std::shared_ptr<Event> handed_out_ = std::make_shared<Event>();     // some subscription ran empty, or is drained
  std::map<std::uint64_t, std::shared_ptr<Subscriber>> subscribers_;  // announced to the server, or draining
  std::vector<std::weak_ptr<Subscriber>> closing_;                    // those that may still have messages
  std::map<std::string, Answer*, std::less<>> answers_;               // by inbox
  std::multimap<std::string, Subscriber*, std::less<>> at_inboxes_;   // those of the subscribers that listen at one
  std::shared_ptr<NatsBusClient> client_;
};

}  // namespace reliant::adapters
