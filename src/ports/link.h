// Link: one ordered, bidirectional stream of messages between two processes: what a gRPC bidirectional stream is.
// Messages are bytes, encoded even in process, so that every test exercises the encoding. Each side may half-close;
// the accepting side ends the stream with a status; either side may cancel it.
//
// Owner: the role that opened or accepted it; destroying an unfinished Link cancels it (the peer sees CANCELLED).
// Executor: the logic thread. At most one send and one receive are outstanding at a time on each side.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>

#include "base/status.h"
#include "runtime/task.h"
#include "runtime/time.h"

namespace reliant::ports {

using LinkMetadata = std::map<std::string, std::string>;  // lower-case keys; sent when the stream opens

struct LinkTarget {
  std::string address;  // "host:port"; in process and simulated: a node's listening address
  std::string method;   // "reliant.tools.v1.ToolsDaemonService/Connect"
  LinkMetadata metadata;
};

class Link {
 public:
  virtual ~Link() = default;
  // Returns when the message has room in the stream's window (backpressure), not when the peer has it. A send that has
  // room does not suspend. UNAVAILABLE / the final status: the stream has ended. RESOURCE_EXHAUSTED: larger than
  // max_message(), nothing was sent. DEADLINE_EXCEEDED: no room in time, nothing was sent. FAILED_PRECONDITION: this side
  // has half-closed. Destroyed while it waits: nothing was sent.
  virtual Task<Status> send(std::string message, Instant deadline) = 0;
  // nullopt: the peer half-closed (accepting side), or the stream ended with OK (opening side). An error: the stream's
  // final status, or DEADLINE_EXCEEDED, after which the stream lives on. Cancel-safe. Data that has come does not suspend.
  virtual Task<Result<std::optional<std::string>>> receive(Instant deadline) = 0;
  // No more sends from this side. Idempotent. On the accepting side the peer does not see it: it sees finish().
  virtual Status half_close() = 0;
  // Ends the stream now; the peer sees CANCELLED (or UNAVAILABLE when the connection itself is gone). Idempotent.
  virtual void cancel() = 0;
  virtual std::size_t max_message() const = 0;  // bytes
};

class AcceptedLink : public Link {
 public:
  virtual const LinkMetadata& metadata() const = 0;
  virtual const std::string& method() const = 0;
  virtual const std::string& peer() const = 0;  // for logs
  // Sends everything accepted by send() before it, then ends the stream with `status`. Idempotent: the first one wins.
  virtual void finish(Status status) = 0;
};

class LinkListener {
 public:
  virtual ~LinkListener() = default;  // closes; links already accepted live on
  // UNAVAILABLE: closed. Cancel-safe.
  virtual Task<Result<std::unique_ptr<AcceptedLink>>> accept() = 0;
  virtual const std::string& address() const = 0;  // where it really listens (port 0 is resolved)
  virtual void close() = 0;                        // no new links; a waiting accept answers UNAVAILABLE
};

class LinkTransport {
 public:
  virtual ~LinkTransport() = default;
  // ALREADY_EXISTS: the address is in use.
  virtual Result<std::unique_ptr<LinkListener>> listen(std::string address) = 0;
  // UNAVAILABLE: no listener at the address, or it cannot be reached. DEADLINE_EXCEEDED: not known in time.
  // INVALID_ARGUMENT: no method, or a metadata key that is not lower-case. A refusal by the accepting role comes as the final
  // status of the stream, not from here.
  virtual Task<Result<std::unique_ptr<Link>>> connect(LinkTarget target, Instant deadline) = 0;
};

// What every LinkTransport checks before it connects.
Status check_target(const LinkTarget& target);

}  // namespace reliant::ports
