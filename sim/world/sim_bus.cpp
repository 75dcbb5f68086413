#include "world/sim_bus.h"

#include <algorithm>
#include <array>
#include <utility>

#include "base/finally.h"
#include "kernel/digest.h"
#include "ports/bus_queue.h"
#include "runtime/ring.h"
#include "runtime/sleep.h"
#include "world/connection.h"

namespace reliant::sim {
namespace {

constexpr std::uint64_t kAnswers = 0;  // the number of the subscription that all requests of a client share
constexpr std::size_t kFrameHeader = 32;

std::uint64_t digest_of(const ports::BusMessage& message) {
  std::uint64_t hash = digest(message.subject, kHashSeed);
  hash = digest(message.reply_to, hash);
  for (const auto& [name, value] : message.headers) hash = digest(value, digest(name, hash));
  return digest(message.payload, hash);
}

Status closed_error() { return unavailable("the bus was drained"); }
Status not_connected() { return unavailable("not connected to the bus"); }

}  // namespace

// Between one client and the server; a new one after each reconnect.
class BusConnection final : public Connection {
 public:
  enum class Kind : std::uint8_t { kSubscribe, kUnsubscribe, kPublish, kPing, kPong, kMessage };
  struct Frame {
    Kind kind;
    std::uint64_t number = 0;
    std::string queue_group;
    ports::BusMessage message;  // of a subscription: the subject
    std::size_t bytes = 0;
  };

  BusConnection(SimBusServer& server, SimBus& client, Node& from, std::uint64_t name)
      : Connection(server.network(), from, server.node()), server_(server), client_(&client), name_(name) {}

  void begin() { Connection::open(); }
  bool up() const { return usable(kOpener); }
  // By the receiving side.
  bool send(Side from, Frame frame, std::size_t limit, Duration extra = {}) {
    const Side to = other(from);
    frame.bytes = kFrameHeader + frame.message.subject.size() + ports::wire_size(frame.message);
    if (!usable(from)) return false;
    if (under_way_[to] + frame.bytes > limit) return false;
    under_way_[to] += frame.bytes;
    const std::size_t bytes = frame.bytes;
    coming_[to].push(std::move(frame));
    depart(from, bytes, extra);
    return true;
  }
  // The client object is destroyed, or has drained this connection.
  void hang_up() {
    client_ = nullptr;
    Connection::leave(kOpener);
  }
  void throw_out() {
    server_.forget(*this);
    Connection::leave(kAcceptor);
  }

  std::map<std::uint64_t, model::InterestId> interests;  // the server's, by the client's number
  std::uint64_t name() const { return name_; }

 private:
  void arrived(Side to) override {
    Frame frame = coming_[to].pop();
    under_way_[to] -= frame.bytes;
    executor().mix(digest_of(frame.message) + frame.number);
    if (frame.kind == Kind::kPublish || frame.kind == Kind::kMessage) {
      show(Delivery::Way::kBus, to, frame.message.subject, frame.message.reply_to, frame.message.payload);
    }
    if (to == kOpener) {
      if (client_ != nullptr) for_client(std::move(frame));
    } else {
      for_server(frame);
    }
  }

  void for_client(Frame frame) {
    if (frame.kind == Kind::kPong) return client_->on_pong();
    if (frame.number == kAnswers) return client_->on_answer(std::move(frame.message));
    client_->on_message(frame.number, std::move(frame.message));
  }

  void for_server(const Frame& frame) {
    switch (frame.kind) {
      case Kind::kSubscribe:
        return server_.subscribe(*this, frame.number, frame.message.subject, frame.queue_group);
      case Kind::kUnsubscribe:
        return server_.unsubscribe(*this, frame.number);
      case Kind::kPublish:
        return server_.publish(*this, frame.message);
      case Kind::kPing:
        send(kAcceptor, {.kind = Kind::kPong}, server_.options().server_buffer);
        return;
      case Kind::kPong:
      case Kind::kMessage:
        RELIANT_UNREACHABLE("the server sends these");
    }
  }

  void lost(Side side, const Status&) override {
    if (side == kAcceptor) return server_.forget(*this);
    if (SimBus* client = std::exchange(client_, nullptr)) client->on_lost();
  }

  SimBusServer& server_;
  SimBus* client_;
  std::uint64_t name_;
  std::array<Ring<Frame>, 2> coming_;
  std::array<std::size_t, 2> under_way_{};
};

// --- server ---

struct SimBusServer::Spreading : Wake {
  SimBusServer* server = nullptr;
  model::InterestId id = 0;
  std::string subject;
  std::string group;
};

SimBusServer::SimBusServer(Network& network, Node& node, SimBusOptions options)
    : network_(network), node_(node), options_(options), random_(network.simulation().random("bus/" + node.name())) {}

SimBusServer::~SimBusServer() { network_.simulation().shutdown(); }

std::shared_ptr<BusConnection> SimBusServer::connect(SimBus& client, Node& from) {
  auto connection = std::make_shared<BusConnection>(*this, client, from, ++last_client_);
  clients_.push_back(connection.get());
  connection->begin();
  return connection;
}

void SimBusServer::subscribe(BusConnection& from, std::uint64_t number, const std::string& subject, const std::string& group) {
  const model::InterestId id = ++last_id_;
  from.interests[number] = id;
  subscribers_.emplace(id, Subscriber{&from, number});
  if (options_.interest_lag <= Duration::zero()) return interest_.add(id, subject, group);
  Simulation& simulation = network_.simulation();
  auto spreading = std::make_unique<Spreading>();
  spreading->server = this;
  spreading->id = id;
  spreading->subject = subject;
  spreading->group = group;
  spreading->bind(simulation.world().context(), [](Wake& wake) {
    auto& self = static_cast<Spreading&>(wake);
    SimBusServer& server = *self.server;
    const model::InterestId id = self.id;
    server.interest_.add(id, self.subject, self.group);
    server.spreading_.erase(id);
  });
  spreading->at(after(simulation.now(), random_.duration(Duration::zero(), options_.interest_lag)));
  spreading_.emplace(id, std::move(spreading));
}

void SimBusServer::forget_interest(model::InterestId id) {
  if (spreading_.erase(id) == 0) interest_.remove(id);
  subscribers_.erase(id);
}

void SimBusServer::unsubscribe(BusConnection& from, std::uint64_t number) {
  const auto known = from.interests.find(number);
  if (known == from.interests.end()) return;
  forget_interest(known->second);
  from.interests.erase(known);
}

void SimBusServer::publish(BusConnection& from, const ports::BusMessage& message) {
  using Frame = BusConnection::Frame;
  std::vector<BusConnection*> overflowing;
  const auto deliver = [&](model::InterestId id, ports::BusMessage copy) {
    const Subscriber& subscriber = subscribers_.at(id);
    Frame frame{.kind = BusConnection::Kind::kMessage, .number = subscriber.number, .message = std::move(copy)};
    const bool sent = subscriber.connection->send(Connection::kAcceptor, std::move(frame), options_.server_buffer);
    if (!sent) overflowing.push_back(subscriber.connection);
  };
  const model::InterestMatch match = interest_.match(message.subject);
  for (const model::InterestId id : match.plain) deliver(id, message);
  for (const model::InterestGroup& group : match.groups) {
    const std::uint64_t member = random_.below(group.members.size());
    deliver(group.members[member], message);
  }
  if (match.empty() && !message.reply_to.empty()) {
    // Only the publisher receives it, through one of its subscriptions.
    const std::vector<model::InterestId> inboxes = interest_.match(message.reply_to).plain;
    const auto own =
        std::ranges::find_if(inboxes, [&](model::InterestId id) { return subscribers_.at(id).connection == &from; });
    if (own != inboxes.end()) deliver(*own, ports::no_responders_message(message.reply_to));
  }
  for (BusConnection* client : overflowing) {
    const bool known = std::find(clients_.begin(), clients_.end(), client) != clients_.end();
    if (known) client->throw_out();
  }
}

void SimBusServer::forget(BusConnection& connection) {
  for (const auto& [number, id] : connection.interests) forget_interest(id);
  connection.interests.clear();
  std::erase(clients_, &connection);
}

// --- client ---

struct SimBus::Subscriber final : ports::BusQueue {
  Subscriber(std::uint64_t own_number, SimBus& bus, ports::SubscribeOptions what)
      : BusQueue(what.max_pending, bus.handed_out_), number(own_number), owner(&bus), options(std::move(what)) {}
  void end() override {
    if (owner != nullptr) owner->end(*this);
  }

  std::uint64_t number;
  SimBus* owner;  // null: ended
  ports::SubscribeOptions options;
};

SimBus::SimBus(SimBusServer& server, Node& node)
    : server_(server),
      node_(node),
      life_(node.incarnation()),
      random_(node.random("bus")),
      name_(concat("_INBOX.", random_.hex(16))),
      scope_(node.context()) {
  ports::SubscribeOptions answers;
  answers.subject = concat(name_, ".answer.*");
  subscribers_.emplace(kAnswers, std::make_shared<Subscriber>(kAnswers, *this, std::move(answers)));
  scope_.spawn(stay_connected());
}

SimBus::~SimBus() {
  if (connection_ != nullptr) connection_->hang_up();
  connection_.reset();
  while (!subscribers_.empty()) end(*subscribers_.begin()->second);
}

bool SimBus::connected() const { return connection_ != nullptr && connection_->up(); }

Task<bool> SimBus::wait_connected(Instant deadline) {
  while (!connected() && !closed_) {
    const bool in_time = co_await connected_.wait(deadline);
    if (!in_time) co_return false;
  }
  co_return !closed_;
}

Task<void> SimBus::stay_connected() {
  struct Attempt {
    std::shared_ptr<BusConnection> connection;
    ~Attempt() {
      if (connection != nullptr) connection->hang_up();
    }
  };
  Network& network = server_.network();
  while (!closed_) {
    Status there = co_await network.travel(node_, server_.node(), 0, kNever);
    if (there.ok()) {
      lost_.reset();
      Attempt attempt{server_.connect(*this, node_)};
      there = co_await network.travel(server_.node(), node_, 0, kNever);
      if (there.ok() && attempt.connection->up() && !closed_) {
        connection_ = std::move(attempt.connection);
        for (const auto& [number, subscriber] : subscribers_) announce(*subscriber);
        connected_.set();
        co_await lost_.wait();
        continue;
      }
    }
    co_await sleep_for(random_.duration(server_.options().reconnect_low, server_.options().reconnect_high));
  }
}

void SimBus::announce(const Subscriber& subscriber) {
  if (connection_ == nullptr) return;
  BusConnection::Frame frame{
      .kind = BusConnection::Kind::kSubscribe, .number = subscriber.number, .queue_group = subscriber.options.queue_group};
  frame.message.subject = subscriber.options.subject;
  connection_->send(Connection::kOpener, std::move(frame), SIZE_MAX);
}

Status SimBus::publish(ports::BusMessage message) {
  if (closed_) return closed_error();
  TRY_OK(ports::check_publish(message, max_payload()));
  if (!connected()) return not_connected();
  BusConnection::Frame frame{.kind = BusConnection::Kind::kPublish, .message = std::move(message)};
  if (connection_->send(Connection::kOpener, std::move(frame), server_.options().client_buffer)) return ok_status();
  return unavailable("too much waits to be sent to the bus");
}

Result<std::unique_ptr<ports::BusSubscription>> SimBus::subscribe(ports::SubscribeOptions options) {
  if (closed_ || draining_) return closed_error();
  if (!life_.alive()) return not_connected();
  TRY_OK(ports::check_subscribe(options));
  const std::uint64_t number = ++last_number_;
  auto subscriber = std::make_shared<Subscriber>(number, *this, std::move(options));
  subscribers_.emplace(number, subscriber);
  announce(*subscriber);
  return std::make_unique<ports::QueuedSubscription>(std::move(subscriber));
}

void SimBus::end(Subscriber& subscriber) {
  subscriber.owner = nullptr;
  subscriber.close();
  const auto known = subscribers_.find(subscriber.number);
  std::erase_if(ended_, [](const auto& ended) { return ended.expired(); });
  ended_.emplace_back(known->second);
  const std::shared_ptr<Subscriber> kept = std::move(known->second);
  subscribers_.erase(known);
  if (connection_ == nullptr) return;
  connection_->send(Connection::kOpener, {.kind = BusConnection::Kind::kUnsubscribe, .number = kept->number}, SIZE_MAX);
}

Task<Result<ports::BusMessage>> SimBus::request(ports::BusMessage message, Instant deadline) {
  Answer answer;
  const std::string inbox = concat(name_, ".answer.", ++last_request_);
  requests_.emplace(inbox, &answer);
  const Finally forget([&] { requests_.erase(inbox); });
  const std::string subject = message.subject;
  message.reply_to = inbox;
  CO_TRY_OK(publish(std::move(message)));
  std::optional<Result<ports::BusMessage>> came = co_await answer.wait(deadline);
  if (!came) co_return deadline_exceeded("no answer from ", subject, " came in time");
  if (came->ok() && ports::is_no_responders(**came)) co_return ports::no_responders_error(subject);
  co_return *std::move(came);
}

std::string SimBus::new_inbox() { return concat(name_, '.', ++last_inbox_); }

Task<Status> SimBus::flush(Instant deadline) {
  const bool is_connected = co_await wait_connected(deadline);
  if (closed_) co_return closed_error();
  if (!is_connected || !connected()) co_return not_connected();
  const std::uint64_t losses = losses_;
  const std::uint64_t mine = ++pings_;
  connection_->send(Connection::kOpener, {.kind = BusConnection::Kind::kPing}, SIZE_MAX);
  while (losses_ == losses && pongs_ < mine) {
    ponged_.reset();
    const bool in_time = co_await ponged_.wait(deadline);
    if (!in_time) co_return deadline_exceeded("the bus did not answer in time");
  }
  if (losses_ != losses) co_return unavailable("the connection to the bus was lost");
  co_return ok_status();
}

Task<Status> SimBus::drain(Instant deadline) {
  if (closed_) co_return closed_error();
  draining_ = true;
  for (auto next = subscribers_.upper_bound(kAnswers); next != subscribers_.end(); next = subscribers_.upper_bound(kAnswers)) {
    end(*next->second);
  }
  bool in_time = true;
  while (in_time && has_pending()) {
    handed_out_->reset();
    in_time = co_await handed_out_->wait(deadline);
  }
  Status flushed = ok_status();
  if (in_time && connected()) flushed = co_await flush(deadline);
  closed_ = true;
  connected_.set();  // wakes the waiters: there will be no connection
  if (connection_ != nullptr) connection_->hang_up();
  connection_.reset();
  on_lost();
  if (!in_time) co_return deadline_exceeded("messages were still waiting for next() when the time was over");
  co_return flushed;
}

bool SimBus::has_pending() const {
  return std::any_of(ended_.begin(), ended_.end(), [](const std::weak_ptr<Subscriber>& ended) {
    const std::shared_ptr<Subscriber> subscriber = ended.lock();
    return subscriber != nullptr && !subscriber->empty();
  });
}

void SimBus::on_message(std::uint64_t number, ports::BusMessage message) {
  const auto known = subscribers_.find(number);
  if (known == subscribers_.end()) return;  // it was in flight when the interest ended
  Subscriber& subscriber = *known->second;
  const bool slow = subscriber.size() >= server_.options().max_pending;
  if (slow || !subscriber.add(std::move(message))) subscriber.count_dropped(1);
}

void SimBus::on_answer(ports::BusMessage message) {
  const auto known = requests_.find(message.subject);
  if (known != requests_.end()) known->second->set(std::move(message));
}

void SimBus::on_pong() {
  ++pongs_;
  ponged_.set();
}

// The connection was lost or closed.
void SimBus::on_lost() {
  ++losses_;
  connection_.reset();
  if (!closed_) connected_.reset();
  pongs_ = pings_;
  for (const auto& [inbox, answer] : requests_) {
    answer->set(unavailable("the connection to the bus was lost: the request may have been executed"));
  }
  lost_.set();
  ponged_.set();
}

}  // namespace reliant::sim
