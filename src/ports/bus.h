// Bus: core NATS semantics (R59, R60), at most once. Subjects are dot-separated tokens; a subscription may use `*` (one
// token) and `>` (one or more, last). A message goes to every plain subscription that matches and to one member of
// each queue group that matches. Messages of one publisher arrive at one subscription in order; nothing is stored.
//
// Owner: the composition root; one Bus is one client connection of one process. Executor: the logic thread.
// Implementations: MemoryBus (in process), SimBus, and NATS behind the same contract suite.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>

#include "base/status.h"
#include "runtime/task.h"
#include "runtime/time.h"

namespace reliant::ports {

using BusHeaders = std::map<std::string, std::string>;

struct BusMessage {
  std::string subject;
  std::string reply_to;  // "" = no answer is expected
  BusHeaders headers;
  std::string payload;
};

struct SubscribeOptions {
  std::string subject;             // may hold wildcards
  std::string queue_group;         // "" = plain
  std::size_t max_pending = 4096;  // messages that wait for next(); above it the newest are dropped
};

// One interest. Destroying it unsubscribes at once; messages still pending are gone.
class BusSubscription {
 public:
  virtual ~BusSubscription() = default;
  // The next message. DEADLINE_EXCEEDED: none came, the subscription lives on. UNAVAILABLE: the connection was closed or
  // drained and every message received before was handed out. Cancel-safe: a message is taken when the caller resumes.
  virtual Task<Result<BusMessage>> next(Instant deadline) = 0;
  // Stops new messages; those already received are still handed out by next(), then it answers UNAVAILABLE.
  virtual Status drain() = 0;
  // Messages dropped because max_pending were waiting (slow consumer).
  virtual std::uint64_t dropped() const = 0;
};

class Bus {
 public:
  virtual ~Bus() = default;
  // OK means handed to the connection, not delivered. UNAVAILABLE: not connected (or too much waits to be sent), nothing
  // was sent and nothing will be sent later. INVALID_ARGUMENT: bad subject (empty token, wildcard, white space, control
  // character), a header with a line break, or payload and headers larger than max_payload(). Never blocks the thread.
  virtual Status publish(BusMessage message) = 0;
  // Interest takes effect at the server after a round trip; flush() waits for it.
  virtual Result<std::unique_ptr<BusSubscription>> subscribe(SubscribeOptions options) = 0;
  // Publishes with a fresh inbox and waits for one answer. UNAVAILABLE with reason NO_RESPONDERS at once when there is no
  // subscriber; UNAVAILABLE without a reason when the connection was lost, DEADLINE_EXCEEDED when no answer came (after
  // both the request may have been executed).
  virtual Task<Result<BusMessage>> request(BusMessage message, Instant deadline) = 0;
  // A unique subject. A publish with it as reply_to and no subscriber on the subject is answered there
  // with an empty message whose header "Status" is "503" (see is_no_responders).
  virtual std::string new_inbox() = 0;
  // Everything sent before has reached the server when it returns OK.
  virtual Task<Status> flush(Instant deadline) = 0;
  // Drains every subscription, waits until next() has handed out what they had (publish works until then), sends what
  // is buffered, closes. Afterwards every call answers UNAVAILABLE. DEADLINE_EXCEEDED: closed before that was done.
  virtual Task<Status> drain(Instant deadline) = 0;
  virtual std::size_t max_payload() const = 0;  // bytes
};

inline bool is_no_responders(const BusMessage& message) {
  const auto status = message.headers.find("Status");
  return status != message.headers.end() && status->second == "503" && message.payload.empty();
}

// What every Bus checks before it sends (INVALID_ARGUMENT) and answers when there is no subscriber.
Status check_publish(const BusMessage& message, std::size_t max_payload);
Status check_subscribe(const SubscribeOptions& options);
BusMessage no_responders_message(std::string inbox);
Status no_responders_error(std::string_view subject);
// Payload and headers as they count against max_payload().
std::size_t wire_size(const BusMessage& message);

}  // namespace reliant::ports
