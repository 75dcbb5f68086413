#include "adapters/nats/nats_bus_client.h"

#include <condition_variable>
#include <deque>
#include <mutex>
#include <optional>
#include <thread>
#include <utility>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/bind_executor.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>

#include "adapters/nats/nats_bus_connection.h"
#include "adapters/nats/nats_bus_mailbox.h"

namespace reliant::adapters {

namespace {

namespace asio = boost::asio;
using SteadyTime = std::chrono::steady_clock::time_point;
using Connection = NatsBusConnection;
using Event = NatsBusEvent;
using Mailbox = NatsBusMailbox;

constexpr std::size_t kCommandBytes = 64;  // what a command costs besides its message
// What is handed to nats.c before the socket is tried. What has been handed over can no more be called off.
constexpr std::size_t kWriteAtOnce = std::size_t{64} << 10;
// A server that answers no ping for so many intervals is taken for lost.
constexpr int kSilences = 2;

}  // namespace

// --- the client's thread ---------------------------------------------------------------------------------------------

// Keeps a connection: makes one, flushes it when asked and every `ping_interval`, closes it when it has ended or its server is
// silent, makes the next. (The library's own pings would close the socket while it is read.)
class NatsBusClient::Keeper final {
 public:
  Keeper(std::shared_ptr<Mailbox> mailbox, NatsOptions options, std::vector<std::string> urls, Random random)
      : mailbox_(std::move(mailbox)), options_(std::move(options)), urls_(std::move(urls)), random_(random) {
    thread_ = std::thread([this] { run(); });
  }
  Keeper(const Keeper&) = delete;
  Keeper& operator=(const Keeper&) = delete;
  ~Keeper() {
    close();
    thread_.join();
  }

  // Of the life that there is, or none.
  void flush(std::uint64_t life, std::uint64_t number) {
    {
      const std::lock_guard lock(signal_->mutex);
      flushes_.push_back({.life = life, .number = number});
    }
    signal_->changed.notify_all();
  }
  void close() {
    {
      const std::lock_guard lock(signal_->mutex);
      close_ = true;
    }
    signal_->changed.notify_all();
  }

 private:
  // Shared with the connections, whose last callbacks may come when the keeper is gone.
  struct Signal {
    std::mutex mutex;
    std::condition_variable changed;
  };
  struct Flush {
    std::uint64_t life;
    std::uint64_t number;
  };

  void run();
  std::string serve(Connection& connection);  // why it ended
  natsStatus flush(Connection& connection, const std::vector<Flush>& asked);
  bool closing() {
    const std::lock_guard lock(signal_->mutex);
    return close_;
  }

  const std::shared_ptr<Mailbox> mailbox_;
  const NatsOptions options_;
  const std::vector<std::string> urls_;
  Random random_;
  std::shared_ptr<Signal> signal_ = std::make_shared<Signal>();
  // Both under signal_->mutex.
  std::vector<Flush> flushes_;
  bool close_ = false;
  std::thread thread_;
};

void NatsBusClient::Keeper::run() {
  std::uint64_t life = 0;
  while (!closing()) {
    auto connection = std::make_shared<Connection>(++life, mailbox_, [signal = signal_] {
      { const std::lock_guard ended(signal->mutex); }
      signal->changed.notify_all();
    });
    const natsStatus status = connection->open(options_, urls_);
    std::string why = status == NATS_OK ? "" : nats_error(status);
    if (status == NATS_OK) {
      mailbox_->put({.kind = Event::Kind::kConnected,
                     .life = life,
                     .size = connection->max_payload(),
                     .connection = connection});
      why = serve(*connection);
    }
    connection->close();
    mailbox_->put({.kind = Event::Kind::kLost, .text = std::move(why)});
    const Duration pause = random_.duration(options_.reconnect_low, options_.reconnect_high);
    std::unique_lock lock(signal_->mutex);
    signal_->changed.wait_for(lock, pause, [this] { return close_; });
  }
  mailbox_->put({.kind = Event::Kind::kClosed});
  nats_ReleaseThreadMemory();
}

std::string NatsBusClient::Keeper::serve(Connection& connection) {
  std::unique_lock lock(signal_->mutex);
  for (;;) {
    signal_->changed.wait_for(lock, options_.ping_interval,
                              [&] { return close_ || connection.ended() || !flushes_.empty(); });
    if (close_ || connection.ended()) return connection.error();
    std::vector<Flush> asked;
    asked.swap(flushes_);
    lock.unlock();
    const natsStatus status = flush(connection, asked);
    if (status == NATS_TIMEOUT && !connection.ended()) return "the server is silent";
    if (status != NATS_OK) return connection.error();
    lock.lock();
  }
}

// A ping, too: nobody need have asked. Counted in tries, not by the clock: while this process stood still, no server could have
// answered it.
natsStatus NatsBusClient::Keeper::flush(Connection& connection, const std::vector<Flush>& asked) {
  const auto tries = kSilences * std::chrono::ceil<std::chrono::seconds>(options_.ping_interval) / Connection::kFlushPatience;
  natsStatus status = NATS_TIMEOUT;
  for (std::int64_t i = 0; i < tries && status == NATS_TIMEOUT && !connection.ended() && !closing(); ++i)
    status = connection.flush();
  for (const Flush& flush : asked)
    if (status == NATS_OK && flush.life == connection.life())
      mailbox_->put({.kind = Event::Kind::kFlushed, .number = flush.number, .life = flush.life});
  return status;
}

// --- the logic thread ------------------------------------------------------------------------------------------------

struct NatsBusClient::Command {
  enum class Kind : std::uint8_t { kPublish, kSubscribe, kUnsubscribe, kOpenDesk, kCloseDesk, kDrain, kFlush };
  Kind kind;
  std::uint64_t life = 0;
  std::uint64_t number = 0;  // of a subscription, of a desk, of a flush
  std::string group = {};
  ports::BusMessage message = {};  // of a subscription: the subject
  SteadyTime expires = SteadyTime::max();
  std::size_t bytes = 0;
};

// Between the listener and the connection of the time, whose socket it waits at.
class NatsBusClient::Pump final : public std::enable_shared_from_this<Pump> {
 public:
  Pump(AsioExecutor& executor, Listener& listener, std::size_t max_unsent)
      : executor_(executor), listener_(listener), max_unsent_(max_unsent) {}

  std::shared_ptr<Mailbox> mailbox() {
    mailbox_ = std::make_shared<Mailbox>(executor_, [this](Event event) { take(std::move(event)); });
    return mailbox_;
  }
  void set_keeper(Keeper& keeper) { keeper_ = &keeper; }

  bool put(Command command) {
    if (command.kind == Command::Kind::kPublish && unsent_ > 0 && unsent_ + command.bytes > max_unsent_) return false;
    unsent_ += command.bytes;
    commands_.push_back(std::move(command));
    write_soon();
    return true;
  }
  void close() {
    closing_ = true;
    write_soon();
  }
  // The client goes; handlers that are under way find nothing left.
  void leave() {
    gone_ = true;
    mailbox_->leave();
    let_go();
  }

 private:
  void take(Event event);
  void begin(std::uint64_t life, std::size_t max_payload, std::shared_ptr<Connection> connection);
  void let_go();
  void wait_readable();
  void wait_writable();
  // Handlers of an earlier life may still be under way.
  bool serves(const std::shared_ptr<Connection>& connection) const { return !gone_ && connection_ == connection; }
  void write_soon();
  void write();
  void hand_over_some();
  void run(const Command& command);

  AsioExecutor& executor_;
  Listener& listener_;
  const std::size_t max_unsent_;
  std::shared_ptr<Mailbox> mailbox_;
  Keeper* keeper_ = nullptr;
  std::shared_ptr<Connection> connection_;  // null: not connected
  std::optional<asio::posix::stream_descriptor> socket_;
  std::deque<Command> commands_;  // not handed to nats.c yet
  std::size_t unsent_ = 0;        // their bytes
  bool write_asked_ = false;
  bool socket_is_full_ = false;
  bool closing_ = false;
  bool gone_ = false;
};

void NatsBusClient::Pump::take(Event event) {
  switch (event.kind) {
    case Event::Kind::kConnected: return begin(event.life, event.size, std::move(event.connection));
    case Event::Kind::kWrite: return write_soon();
    case Event::Kind::kMessage: return listener_.on_message(event.number, std::move(event.message));
    case Event::Kind::kNoResponders: return listener_.on_no_responders(event.number);
    case Event::Kind::kDrained: return listener_.on_drained(event.life, event.number);
    case Event::Kind::kFlushed: return listener_.on_flushed(event.life, event.number);
    case Event::Kind::kComplaint: return listener_.on_complaint(event.text);
    case Event::Kind::kLost:
      let_go();
      return listener_.on_lost(event.text);
    case Event::Kind::kClosed: return listener_.on_closed();
  }
}

void NatsBusClient::Pump::begin(std::uint64_t life, std::size_t max_payload, std::shared_ptr<Connection> connection) {
  connection_ = std::move(connection);
  socket_.emplace(executor_.io_executor(), connection_->take_socket().release());
  wait_readable();
  listener_.on_connected(life, max_payload);
  write_soon();
}

void NatsBusClient::Pump::let_go() {
  connection_.reset();
  socket_.reset();
  socket_is_full_ = false;
  commands_.clear();  // of that life
  unsent_ = 0;
  if (closing_ && keeper_ != nullptr) keeper_->close();
}

// One read at a time: what came has its turn before the next one.
void NatsBusClient::Pump::wait_readable() {
  if (!connection_->attached()) return;
  socket_->async_wait(asio::posix::stream_descriptor::wait_read,
                      [self = shared_from_this(), of = connection_](const boost::system::error_code& error) {
                        if (error || !self->serves(of)) return;
                        of->read();
                        if (of->has_unwritten()) self->write_soon();  // it has answered a ping
                        self->wait_readable();
                      });
}

// At the end of the turn, everything that it has brought forth together.
void NatsBusClient::Pump::write_soon() {
  if (std::exchange(write_asked_, true)) return;
  executor_.run_at_end_of_batch([self = shared_from_this()] {
    self->write_asked_ = false;
    if (!self->gone_) self->write();
  });
}

void NatsBusClient::Pump::write() {
  while (connection_ && !socket_is_full_) {
    hand_over_some();
    if (connection_->has_unwritten()) connection_->write();
    if (connection_->has_unwritten()) return wait_writable();
    if (commands_.empty()) break;
  }
  if (closing_ && commands_.empty() && !socket_is_full_) keeper_->close();
}

void NatsBusClient::Pump::wait_writable() {
  if (!connection_->attached()) return;
  socket_is_full_ = true;
  socket_->async_wait(asio::posix::stream_descriptor::wait_write,
                      [self = shared_from_this(), of = connection_](const boost::system::error_code& error) {
                        if (error || !self->serves(of)) return;
                        self->socket_is_full_ = false;
                        self->write_soon();
                      });
}

void NatsBusClient::Pump::hand_over_some() {
  for (std::size_t handed_over = 0; !commands_.empty() && handed_over < kWriteAtOnce;) {
    const Command command = std::move(commands_.front());
    commands_.pop_front();
    unsent_ -= command.bytes;
    handed_over += command.bytes;
    if (command.life == connection_->life()) run(command);
  }
}

void NatsBusClient::Pump::run(const Command& command) {
  switch (command.kind) {
    case Command::Kind::kPublish:
      if (command.expires == SteadyTime::max() || std::chrono::steady_clock::now() < command.expires)
        connection_->publish(command.message);
      return;
    case Command::Kind::kSubscribe:
      return connection_->subscribe(command.number, command.message.subject, command.group);
    case Command::Kind::kUnsubscribe: return connection_->unsubscribe(command.number);
    case Command::Kind::kOpenDesk: return connection_->open_desk(command.number, command.message.subject);
    case Command::Kind::kCloseDesk: return connection_->close_desk(command.number);
    case Command::Kind::kDrain: return connection_->drain(command.number);
    case Command::Kind::kFlush: return keeper_->flush(command.life, command.number);
  }
}

// --- the client ------------------------------------------------------------------------------------------------------

NatsBusClient::NatsBusClient(AsioExecutor& executor, Listener& listener, NatsOptions options,
                             std::vector<std::string> urls, Random random)
    : pump_(std::make_shared<Pump>(executor, listener, options.max_unsent)),
      keeper_(std::make_unique<Keeper>(pump_->mailbox(), std::move(options), std::move(urls), random)) {
  pump_->set_keeper(*keeper_);
}

NatsBusClient::~NatsBusClient() { pump_->leave(); }

bool NatsBusClient::publish(std::uint64_t life, ports::BusMessage message, SteadyTime expires) {
  Command command{.kind = Command::Kind::kPublish, .life = life, .message = std::move(message), .expires = expires};
  command.bytes = kCommandBytes + command.message.subject.size() + ports::wire_size(command.message);
  return pump_->put(std::move(command));
}

void NatsBusClient::subscribe(std::uint64_t life, std::uint64_t subscription, std::string subject, std::string group) {
  Command command{.kind = Command::Kind::kSubscribe,
                  .life = life,
                  .number = subscription,
                  .group = std::move(group)};
  command.message.subject = std::move(subject);
  pump_->put(std::move(command));
}

void NatsBusClient::unsubscribe(std::uint64_t life, std::uint64_t subscription) {
  pump_->put({.kind = Command::Kind::kUnsubscribe, .life = life, .number = subscription});
}

void NatsBusClient::open_desk(std::uint64_t life, std::uint64_t desk, std::string pattern) {
  Command command{.kind = Command::Kind::kOpenDesk, .life = life, .number = desk};
  command.message.subject = std::move(pattern);
  pump_->put(std::move(command));
}

void NatsBusClient::close_desk(std::uint64_t life, std::uint64_t desk) {
  pump_->put({.kind = Command::Kind::kCloseDesk, .life = life, .number = desk});
}

void NatsBusClient::drain(std::uint64_t life, std::uint64_t subscription) {
  pump_->put({.kind = Command::Kind::kDrain, .life = life, .number = subscription});
}

void NatsBusClient::flush(std::uint64_t life, std::uint64_t number) {
  pump_->put({.kind = Command::Kind::kFlush, .life = life, .number = number});
}

void NatsBusClient::close() { pump_->close(); }

}  // namespace reliant::adapters
