#include "world/sim_link.h"

#include <array>
#include <coroutine>
#include <optional>
#include <utility>

#include "kernel/digest.h"
#include "runtime/channel.h"
#include "runtime/ring.h"
#include "runtime/sleep.h"
#include "world/connection.h"

namespace reliant::sim {
namespace {

using Side = Connection::Side;

// A coroutine that waits for its side of a stream. There is one reader and one writer on each side at most.
class [[nodiscard]] StreamWait {
 public:
  StreamWait(StreamWait*& place, Instant deadline) noexcept : place_(&place), deadline_(deadline) {}
  StreamWait(const StreamWait&) = delete;
  StreamWait& operator=(const StreamWait&) = delete;
  ~StreamWait() { forget(); }

  bool await_ready() const noexcept { return false; }
  template <class P>
  void await_suspend(std::coroutine_handle<P> handle) {
    RELIANT_ASSERT(*place_ == nullptr, "one send and one receive at a time on each side of a link");
    *place_ = this;
    wake_.bind(*handle.promise().context, handle);
    if (deadline_ != kNever) wake_.at(deadline_);
  }
  // False: the deadline came first.
  bool await_resume() noexcept {
    forget();
    return woken_;
  }

  void wake() {
    woken_ = true;
    wake_.ready();
  }
  // As the last act of an arrival.
  void resume(Executor& executor) {
    woken_ = true;
    executor.resume_now(wake_);
  }
  // The side is being destroyed; a waiting coroutine stays suspended until its frame is destroyed.
  void let_go() {
    forget();
    wake_.cancel();
  }

 private:
  void forget() noexcept {
    if (place_ != nullptr) *place_ = nullptr;
    place_ = nullptr;
  }

  StreamWait** place_;
  Instant deadline_;
  Wake wake_;
  bool woken_ = false;
};

class Stream final : public Connection {
 public:
  Stream(SimLinks& links, Node& opener, Node& acceptor, std::array<SimLinkKeepalive, 2> keepalives, ports::LinkTarget target)
      : Connection(links.network(), opener, acceptor),
        options_(links.options()),
        keepalives_(keepalives),
        method_(std::move(target.method)),
        metadata_(std::move(target.metadata)),
        peer_(opener.name()) {}

  void begin() {
    for (State& side : sides_) side.heard = executor().true_now();
    Connection::open();
  }
  // Something has arrived at the side, or its peer has answered a ping.
  void hear(Side side) {
    sides_[side].heard = executor().true_now();
    restart_keepalive(side);
  }

  // Nullopt: there is no room.
  std::optional<Status> try_send(Side side, std::string& message) {
    State& me = sides_[side];
    if (me.ended) return me.ended->ok() ? unavailable("the stream has ended") : *me.ended;
    if (!usable(side)) return unavailable("this process has crashed");
    if (me.half_closed) return failed_precondition("this side of the stream was half-closed");
    const std::size_t size = message.size();
    if (size > options_.max_message) {
      return resource_exhausted("a message of ", size, " bytes is larger than ", options_.max_message);
    }
    if (me.unacknowledged > 0 && me.unacknowledged + size > options_.window) return std::nullopt;
    me.unacknowledged += size;
    transmit(side, {Kind::kData, std::move(message)}, size);
    return ok_status();
  }
  StreamWait room(Side side, Instant deadline) { return {sides_[side].writer, deadline}; }

  bool has_news(Side side) const {
    const State& me = sides_[side];
    return !me.inbox.empty() || me.no_more || me.ended;
  }
  Result<std::optional<std::string>> take(Side side) {
    State& me = sides_[side];
    if (!me.inbox.empty()) {
      std::string message = me.inbox.pop();
      give_room(side, message.size());
      return message;
    }
    if (me.ended && !me.ended->ok()) return *me.ended;
    return std::nullopt;
  }
  StreamWait news(Side side, Instant deadline) { return {sides_[side].reader, deadline}; }

  Status half_close(Side side) {
    State& me = sides_[side];
    if (std::exchange(me.half_closed, true) || me.ended) return ok_status();
    if (side == kOpener && usable(side)) transmit(side, {Kind::kHalfClose, {}}, 0);
    return ok_status();
  }
  void cancel(Side side) {
    if (sides_[side].ended) return;
    if (usable(side)) transmit(side, {Kind::kCancel, {}}, 0);
    drop_inbox(side);
    end_side(side, cancelled("the stream was cancelled here"));
  }
  void finish(Status status) {
    if (sides_[kAcceptor].ended) return;
    final_ = status;
    if (usable(kAcceptor)) transmit(kAcceptor, {Kind::kFinish, {}}, message_of(status).size());
    drop_inbox(kAcceptor);
    end_side(kAcceptor, std::move(status));
  }
  // The link of this side is destroyed; the frames that still wait there are destroyed soon after.
  void give_up(Side side) {
    State& me = sides_[side];
    if (me.reader != nullptr) me.reader->let_go();
    if (me.writer != nullptr) me.writer->let_go();
    cancel(side);
  }

  const SimLinkOptions& options() const { return options_; }
  const std::string& method() const { return method_; }
  const ports::LinkMetadata& metadata() const { return metadata_; }
  const std::string& peer() const { return peer_; }

 private:
  enum class Kind : std::uint8_t { kData, kRoom, kHalfClose, kFinish, kCancel };
  struct Frame {
    Kind kind;
    std::string data;
    std::size_t room = 0;
  };
  struct State {
    Ring<Frame> coming;  // in flight to this side
    Ring<std::string> inbox;
    std::size_t unacknowledged = 0;  // bytes sent from here that the peer's role has not taken
    Instant heard{};                 // when anything came last
    bool no_more = false;            // the peer has half-closed
    bool half_closed = false;        // this side has
    std::optional<Status> ended;     // after the inbox
    StreamWait* reader = nullptr;
    StreamWait* writer = nullptr;
  };

  void transmit(Side from, Frame frame, std::size_t bytes) {
    sides_[other(from)].coming.push(std::move(frame));
    depart(from, bytes);
  }

  // The window opens when the role has taken a message. A waiting sender is notified, a trip later.
  void give_room(Side side, std::size_t bytes) {
    State& sender = sides_[other(side)];
    if (sender.writer == nullptr) {
      sender.unacknowledged -= bytes;
    } else if (usable(side)) {
      transmit(side, {Kind::kRoom, {}, bytes}, 0);
    }
  }

  void arrived(Side to) override {
    hear(to);
    State& me = sides_[to];
    Frame frame = me.coming.pop();
    StreamWait* waiting = me.reader;
    switch (frame.kind) {
      case Kind::kData:
        executor().mix(digest(frame.data, kHashSeed));
        if (me.ended) return;
        show(Delivery::Way::kLink, to, {}, {}, frame.data);
        me.inbox.push(std::move(frame.data));
        break;
      case Kind::kRoom:
        me.unacknowledged -= frame.room;
        waiting = me.writer;
        break;
      case Kind::kHalfClose:
        me.no_more = true;
        break;
      case Kind::kFinish:
        return end_side(to, final_);
      case Kind::kCancel:
        drop_inbox(to);
        return end_side(to, cancelled("the peer cancelled the stream"));
    }
    if (waiting != nullptr) waiting->resume(executor());
  }

  void lost(Side side, const Status& status) override { end_side(side, status); }

  // Up to now the peer has answered every ping: one in each `keepalive_time` in which nothing came.
  Instant gives_up_at(Side side) override {
    const auto& [time, timeout] = keepalives_[side];
    const Instant now = executor().true_now();
    return after(after(now, -((now - sides_[side].heard) % time)), time + timeout);
  }

  void end_side(Side side, Status status) {
    State& me = sides_[side];
    if (me.ended) return;
    me.ended = std::move(status);
    if (me.reader != nullptr) me.reader->wake();
    if (me.writer != nullptr) me.writer->wake();
    if (sides_[other(side)].ended) close();
  }

  void drop_inbox(Side side) {
    State& me = sides_[side];
    while (!me.inbox.empty()) me.inbox.pop();
  }

  const SimLinkOptions options_;
  const std::array<SimLinkKeepalive, 2> keepalives_;  // by side
  std::string method_;
  ports::LinkMetadata metadata_;
  std::string peer_;
  Status final_;
  std::array<State, 2> sides_;
};

Task<Status> send_on(Stream& stream, Side side, std::string message, Instant deadline) {
  for (;;) {
    if (std::optional<Status> sent = stream.try_send(side, message)) co_return *std::move(sent);
    const bool woken = co_await stream.room(side, deadline);
    if (!woken) co_return deadline_exceeded("send timed out: the peer is not reading");
  }
}

Task<Result<std::optional<std::string>>> receive_on(Stream& stream, Side side, Instant deadline) {
  while (!stream.has_news(side)) {
    const bool woken = co_await stream.news(side, deadline);
    if (!woken) co_return deadline_exceeded("receive timed out: the peer sent no message");
  }
  co_return stream.take(side);
}

class SimLink final : public ports::Link {
 public:
  explicit SimLink(std::shared_ptr<Stream> stream) : stream_(std::move(stream)) {}
  ~SimLink() override { stream_->give_up(kSide); }

  Task<Status> send(std::string message, Instant deadline) override {
    return send_on(*stream_, kSide, std::move(message), deadline);
  }
  Task<Result<std::optional<std::string>>> receive(Instant deadline) override { return receive_on(*stream_, kSide, deadline); }
  Status half_close() override { return stream_->half_close(kSide); }
  void cancel() override { stream_->cancel(kSide); }
  std::size_t max_message() const override { return stream_->options().max_message; }

 private:
  static constexpr Side kSide = Connection::kOpener;
  std::shared_ptr<Stream> stream_;
};

class SimAcceptedLink final : public ports::AcceptedLink {
 public:
  explicit SimAcceptedLink(std::shared_ptr<Stream> stream) : stream_(std::move(stream)) {}
  ~SimAcceptedLink() override { stream_->give_up(kSide); }

  Task<Status> send(std::string message, Instant deadline) override {
    return send_on(*stream_, kSide, std::move(message), deadline);
  }
  Task<Result<std::optional<std::string>>> receive(Instant deadline) override { return receive_on(*stream_, kSide, deadline); }
  Status half_close() override { return stream_->half_close(kSide); }
  void cancel() override { stream_->cancel(kSide); }
  std::size_t max_message() const override { return stream_->options().max_message; }
  const ports::LinkMetadata& metadata() const override { return stream_->metadata(); }
  const std::string& method() const override { return stream_->method(); }
  const std::string& peer() const override { return stream_->peer(); }
  void finish(Status status) override { stream_->finish(std::move(status)); }

 private:
  static constexpr Side kSide = Connection::kAcceptor;
  std::shared_ptr<Stream> stream_;
};

Status no_listener(std::string_view address) { return unavailable("connection refused: no process listens at ", address); }

}  // namespace

struct SimLinks::Door {
  Door(Node& where, SimLinkKeepalive its_keepalive, std::size_t backlog)
      : node(where), life(where.incarnation()), keepalive(its_keepalive), arrivals(backlog) {}

  bool open() const { return life.alive() && !arrivals.closed(); }

  Node& node;
  Incarnation life;
  SimLinkKeepalive keepalive;
  Channel<std::unique_ptr<SimAcceptedLink>> arrivals;
};

class SimLinkListener final : public ports::LinkListener {
 public:
  SimLinkListener(std::string address, std::shared_ptr<SimLinks::Door> door)
      : address_(std::move(address)), door_(std::move(door)) {}
  ~SimLinkListener() override { close(); }

  Task<Result<std::unique_ptr<ports::AcceptedLink>>> accept() override {
    std::optional<std::unique_ptr<SimAcceptedLink>> link;
    if (door_->open()) link = co_await door_->arrivals.recv();
    if (!link) co_return unavailable("the listener at ", address_, " was closed");
    co_return *std::move(link);
  }
  const std::string& address() const override { return address_; }
  void close() override {
    if (door_->arrivals.closed()) return;
    door_->arrivals.close();
    while (std::optional<std::unique_ptr<SimAcceptedLink>> link = door_->arrivals.try_recv()) {
      (*link)->finish(no_listener(address_));
    }
  }

 private:
  std::string address_;
  std::shared_ptr<SimLinks::Door> door_;
};

SimLinks::SimLinks(Network& network, SimLinkOptions options) : network_(network), options_(options) {}
SimLinks::~SimLinks() { network_.simulation().shutdown(); }

Result<std::unique_ptr<ports::LinkListener>> SimLinkTransport::listen(std::string address) {
  if (!life_.alive()) return unavailable("this process has crashed");
  if (address.ends_with(":0")) {
    address.pop_back();
    append(address, ++links_.last_port_);
  }
  std::shared_ptr<SimLinks::Door>& place = links_.doors_[address];
  if (place != nullptr && place->open()) return already_exists("the address ", address, " is in use");
  place = std::make_shared<SimLinks::Door>(node_, keepalive_, links_.options_.backlog);
  return std::make_unique<SimLinkListener>(std::move(address), place);
}

Task<Result<std::unique_ptr<ports::Link>>> SimLinkTransport::connect(ports::LinkTarget target, Instant deadline) {
  CO_TRY_OK(ports::check_target(target));
  Network& network = links_.network_;
  if (!life_.alive()) co_return unavailable("this process has crashed");
  const std::string address = target.address;
  const auto known = links_.doors_.find(address);
  if (known == links_.doors_.end()) {
    co_await sleep_for(network.options().latency.high);
    co_return no_listener(address);
  }
  Node& host = known->second->node;
  CO_TRY_OK(co_await network.travel(node_, host, 0, deadline));
  // Another process may listen there by now.
  const std::shared_ptr<SimLinks::Door> door = links_.doors_.at(address);
  const bool refused = !door->open() || &door->node != &host || door->arrivals.size() == links_.options_.backlog;
  std::shared_ptr<Stream> stream;
  std::unique_ptr<ports::Link> link;
  if (!refused) {
    stream = std::make_shared<Stream>(links_, node_, host, std::array{keepalive_, door->keepalive}, std::move(target));
    stream->begin();
    link = std::make_unique<SimLink>(stream);
    // A link that cannot be queued is destroyed here, which cancels the stream.
    auto accepted = std::make_unique<SimAcceptedLink>(stream);
    if (!door->arrivals.try_send(std::move(accepted))) co_return no_listener(address);
  }
  CO_TRY_OK(co_await network.travel(host, node_, 0, deadline));
  if (refused) co_return no_listener(address);
  stream->hear(Connection::kOpener);
  co_return link;
}

}  // namespace reliant::sim
