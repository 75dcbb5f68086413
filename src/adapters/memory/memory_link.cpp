#include "adapters/memory/memory_link.h"

#include <array>
#include <optional>
#include <utility>

#include "runtime/channel.h"
#include "runtime/event.h"
#include "runtime/ring.h"

namespace reliant::adapters {
namespace {

using Metadata = ports::LinkMetadata;

// What one side has received and how things stand with it.
struct Side {
  Ring<std::string> inbox;
  std::size_t waiting = 0;      // bytes in the inbox
  bool no_more = false;         // after the inbox: the peer has half-closed
  bool half_closed = false;     // this side has
  std::optional<Status> ended;  // after the inbox: the stream's end, as this side sees it
  Event readable;               // something of the above has changed
  Event writable;               // the peer's inbox has

  void changed() {
    readable.set();
    readable.reset();
  }
  void end(Status status) {
    if (!ended) ended = std::move(status);
    changed();
    writable.set();
    writable.reset();
  }
  void drop_inbox() {
    inbox.clear();
    waiting = 0;
  }
};

struct Stream {
  MemoryLinkOptions options;
  std::string method;
  Metadata metadata;
  std::string peer;
  std::array<Side, 2> sides;
};

// Both ends of the stream; AcceptedLink adds to it below.
class End {
 public:
  End(std::shared_ptr<Stream> stream, std::size_t mine) : stream_(std::move(stream)), mine_(mine) {}
  End(const End&) = delete;
  End& operator=(const End&) = delete;
  // Waiting tasks are not woken: their frames are about to be destroyed, too.
  ~End() {
    if (me().ended) return;
    me().ended = cancelled("the stream was given up");
    cancel_peer();
  }

  Task<Status> send(std::string message, Instant deadline) {
    const MemoryLinkOptions& options = stream_->options;
    if (message.size() > options.max_message) {
      co_return resource_exhausted("a message of ", message.size(), " bytes is larger than ", options.max_message);
    }
    for (;;) {
      if (me().ended) co_return me().ended->ok() ? unavailable("the stream has ended") : *me().ended;
      if (me().half_closed) co_return failed_precondition("this side of the stream was half-closed");
      const std::size_t waiting = peer().waiting;
      if (waiting == 0 || waiting + message.size() <= options.window) break;
      const bool woken = co_await me().writable.wait(deadline);
      if (!woken) co_return deadline_exceeded("send timed out: the peer is not reading");
    }
    peer().waiting += message.size();
    peer().inbox.push(std::move(message));
    peer().changed();
    co_return ok_status();
  }

  Task<Result<std::optional<std::string>>> receive(Instant deadline) {
    for (;;) {
      if (!me().inbox.empty()) {
        std::optional<std::string> message = me().inbox.pop();
        me().waiting -= message->size();
        peer().writable.set();
        peer().writable.reset();
        co_return message;
      }
      if (me().ended && !me().ended->ok()) co_return *me().ended;
      if (me().ended || me().no_more) co_return std::nullopt;
      const bool woken = co_await me().readable.wait(deadline);
      if (!woken) co_return deadline_exceeded("receive timed out: the peer sent no message");
    }
  }

  Status half_close(bool tell_peer) {
    if (std::exchange(me().half_closed, true) || me().ended || !tell_peer) return ok_status();
    peer().no_more = true;
    peer().changed();
    return ok_status();
  }

  void cancel() {
    if (me().ended) return;
    me().drop_inbox();
    me().end(cancelled("the stream was cancelled here"));
    cancel_peer();
  }

  void finish(const Status& status) {
    if (me().ended) return;
    me().drop_inbox();
    me().end(status);
    peer().end(status);
  }

  const Stream& stream() const { return *stream_; }

 private:
  void cancel_peer() {
    if (peer().ended) return;
    peer().drop_inbox();
    peer().end(cancelled("the peer cancelled the stream"));
  }

  Side& me() { return stream_->sides[mine_]; }
  Side& peer() { return stream_->sides[1 - mine_]; }

  std::shared_ptr<Stream> stream_;
  std::size_t mine_;
};

class MemoryLink final : public ports::Link {
 public:
  explicit MemoryLink(std::shared_ptr<Stream> stream) : end_(std::move(stream), 0) {}

  Task<Status> send(std::string message, Instant deadline) override { return end_.send(std::move(message), deadline); }
  Task<Result<std::optional<std::string>>> receive(Instant deadline) override { return end_.receive(deadline); }
  Status half_close() override { return end_.half_close(true); }
  void cancel() override { end_.cancel(); }
  std::size_t max_message() const override { return end_.stream().options.max_message; }

 private:
  End end_;
};

class MemoryAcceptedLink final : public ports::AcceptedLink {
 public:
  explicit MemoryAcceptedLink(std::shared_ptr<Stream> stream) : end_(std::move(stream), 1) {}

  Task<Status> send(std::string message, Instant deadline) override { return end_.send(std::move(message), deadline); }
  Task<Result<std::optional<std::string>>> receive(Instant deadline) override { return end_.receive(deadline); }
  Status half_close() override { return end_.half_close(false); }
  void cancel() override { end_.cancel(); }
  std::size_t max_message() const override { return end_.stream().options.max_message; }
  const Metadata& metadata() const override { return end_.stream().metadata; }
  const std::string& method() const override { return end_.stream().method; }
  const std::string& peer() const override { return end_.stream().peer; }
  void finish(Status status) override { end_.finish(status); }

 private:
  End end_;
};

Status nobody_listens(std::string_view address) { return unavailable("no listener at ", address); }

}  // namespace

struct MemoryLinkTransport::Door {
  explicit Door(std::size_t backlog) : arrivals(backlog) {}
  Channel<std::unique_ptr<MemoryAcceptedLink>> arrivals;
};

struct MemoryLinkTransport::Network {
  MemoryLinkOptions options;
  std::map<std::string, std::shared_ptr<Door>> doors;
  std::uint64_t last_link = 0;
  std::uint64_t last_port = 0;
};

class MemoryLinkListener final : public ports::LinkListener {
 public:
  MemoryLinkListener(std::shared_ptr<MemoryLinkTransport::Network> network, std::string address,
                     std::shared_ptr<MemoryLinkTransport::Door> door)
      : network_(std::move(network)), address_(std::move(address)), door_(std::move(door)) {}
  ~MemoryLinkListener() override { close(); }

  Task<Result<std::unique_ptr<ports::AcceptedLink>>> accept() override {
    std::optional<std::unique_ptr<MemoryAcceptedLink>> link;
    if (!closed_) link = co_await door_->arrivals.recv();
    if (!link) co_return unavailable("the listener at ", address_, " was closed");
    co_return *std::move(link);
  }
  const std::string& address() const override { return address_; }
  void close() override {
    if (std::exchange(closed_, true)) return;
    network_->doors.erase(address_);
    door_->arrivals.close();
    while (std::optional<std::unique_ptr<MemoryAcceptedLink>> link = door_->arrivals.try_recv()) {
      (*link)->finish(nobody_listens(address_));
    }
  }

 private:
  std::shared_ptr<MemoryLinkTransport::Network> network_;
  std::string address_;
  std::shared_ptr<MemoryLinkTransport::Door> door_;
  bool closed_ = false;
};

MemoryLinkTransport::MemoryLinkTransport(MemoryLinkOptions options) : network_(std::make_shared<Network>()) {
  network_->options = options;
}
MemoryLinkTransport::~MemoryLinkTransport() = default;

Result<std::unique_ptr<ports::LinkListener>> MemoryLinkTransport::listen(std::string address) {
  if (address.ends_with(":0")) {
    address.pop_back();
    append(address, ++network_->last_port);
  }
  const auto [place, free] = network_->doors.try_emplace(address);
  if (!free) return already_exists("the address ", address, " is in use");
  place->second = std::make_shared<Door>(network_->options.backlog);
  return std::make_unique<MemoryLinkListener>(network_, std::move(address), place->second);
}

Task<Result<std::unique_ptr<ports::Link>>> MemoryLinkTransport::connect(ports::LinkTarget target, Instant) {
  CO_TRY_OK(ports::check_target(target));
  const auto found = network_->doors.find(target.address);
  if (found == network_->doors.end()) co_return nobody_listens(target.address);
  auto stream = std::make_shared<Stream>();
  stream->options = network_->options;
  stream->method = std::move(target.method);
  stream->metadata = std::move(target.metadata);
  stream->peer = concat("memory:", ++network_->last_link);
  auto link = std::make_unique<MemoryLink>(stream);
  if (!found->second->arrivals.try_send(std::make_unique<MemoryAcceptedLink>(stream))) {
    co_return unavailable("too many links wait to be accepted at ", target.address);
  }
  co_return link;
}

}  // namespace reliant::adapters
