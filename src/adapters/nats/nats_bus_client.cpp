#include "adapters/nats/nats_bus_client.h"

#include <condition_variable>
#include <mutex>
#include <thread>
#include <utility>

#include <boost/asio/any_io_executor.hpp>

namespace reliant::adapters {

namespace {

namespace asio = boost::asio;
using Connection = NatsBusConnection;

constexpr std::size_t kCommandBytes = 64;  // what a command costs besides its message
// Bytes handed to nats.c before a write to the socket is tried. What nats.c has can no longer be withdrawn.
constexpr std::size_t kWriteAtOnce = std::size_t{64} << 10;
// A server that answers no ping for this many intervals is considered lost.
constexpr int kSilences = 2;

}  // namespace

// --- the client's thread ---------------------------------------------------------------------------------------------

// Keeps a connection: makes one, flushes it when asked and every `ping_interval`, closes it when it has ended or its server is
// silent, makes the next. (The library's own pings would close the socket while it is read.)
class NatsBusClient::Keeper final {
 public:
  Keeper(NatsBusClient& client, NatsOptions options, std::vector<std::string> urls, Random random)
      : client_(client), options_(std::move(options)), urls_(std::move(urls)), random_(random) {
    thread_ = std::thread([this] { run(); });
  }
  Keeper(const Keeper&) = delete;
  Keeper& operator=(const Keeper&) = delete;
  ~Keeper() {
    close();
    thread_.join();
  }

  // --- from the logic thread ---
  void flush(std::uint64_t number) {
    {
      const std::lock_guard lock(signal_->mutex);
      flush_asked_ = number;
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

  void run();
  void keep_one();
  std::string serve(Connection& connection);  // why it ended
  natsStatus ping(Connection& connection);
  bool closing() {
    const std::lock_guard lock(signal_->mutex);
    return close_;
  }
  // On the logic thread, until the client has left.
  template <class Work>
  void post(Work work) {
    client_.of_connections_.inbox->post([&client = client_, work = std::move(work)] { work(client); });
  }

  NatsBusClient& client_;
  const NatsOptions options_;
  const std::vector<std::string> urls_;
  Random random_;
  std::shared_ptr<Signal> signal_ = std::make_shared<Signal>();
  // Both under signal_->mutex.
  std::uint64_t flush_asked_ = 0;
  bool close_ = false;
  std::uint64_t flushed_ = 0;  // the thread's
  std::thread thread_;
};

void NatsBusClient::Keeper::run() {
  while (!closing()) {
    keep_one();
    const Duration pause = random_.duration(options_.reconnect_low, options_.reconnect_high);
    std::unique_lock lock(signal_->mutex);
    signal_->changed.wait_for(lock, pause, [this] { return close_; });
  }
  post([](NatsBusClient& client) { client.listener_.on_closed(); });
  nats_ReleaseThreadMemory();
}

void NatsBusClient::Keeper::keep_one() {
  auto connection = std::make_shared<Connection>(client_.of_connections_, [signal = signal_] {
    { const std::lock_guard ended(signal->mutex); }
    signal->changed.notify_all();
  });
  const natsStatus status = connection->open(options_, urls_);
  std::string why = status == NATS_OK ? "" : nats_error(status);
  if (status == NATS_OK) {
    post([connection, size = connection->max_payload()](NatsBusClient& client) { client.begin(connection, size); });
    why = serve(*connection);
  }
  connection->close();
  post([why](NatsBusClient& client) { client.lose(why); });
}

std::string NatsBusClient::Keeper::serve(Connection& connection) {
  std::unique_lock lock(signal_->mutex);
  for (;;) {
    signal_->changed.wait_for(lock, options_.ping_interval,
                              [&] { return close_ || connection.ended() || flush_asked_ > flushed_; });
    if (close_ || connection.ended()) return connection.error();
    const std::uint64_t number = flush_asked_;
    lock.unlock();
    const natsStatus status = ping(connection);
    if (status == NATS_TIMEOUT && !connection.ended()) return "the server is silent";
    if (status != NATS_OK) return connection.error();
    if (number > flushed_) post([number](NatsBusClient& client) { client.listener_.on_flushed(number); });
    flushed_ = number;
    lock.lock();
  }
}

// Counted in tries, not by the clock: while this process stood still, no server could have answered it.
natsStatus NatsBusClient::Keeper::ping(Connection& connection) {
  const auto tries = kSilences * std::chrono::ceil<std::chrono::seconds>(options_.ping_interval) / Connection::kFlushTimeout;
  natsStatus status = NATS_TIMEOUT;
  for (std::int64_t i = 0; i < tries && status == NATS_TIMEOUT && !connection.ended() && !closing(); ++i)
    status = connection.flush();
  return status;
}

// --- the logic thread ------------------------------------------------------------------------------------------------

NatsBusClient::NatsBusClient(AsioExecutor& executor, Listener& listener, std::size_t max_unsent)
    : executor_(executor),
      listener_(listener),
      max_unsent_(max_unsent),
      of_connections_{.executor = executor, .listener = *this} {}

NatsBusClient::~NatsBusClient() = default;

std::shared_ptr<NatsBusClient> NatsBusClient::start(AsioExecutor& executor, Listener& listener, NatsOptions options,
                                                    std::vector<std::string> urls, Random random) {
  std::shared_ptr<NatsBusClient> client(new NatsBusClient(executor, listener, options.max_unsent));
  client->keeper_ = std::make_unique<Keeper>(*client, std::move(options), std::move(urls), random);
  return client;
}

void NatsBusClient::leave() {
  of_connections_.inbox->close();
  of_connections_.writes->close();
  connection_.reset();
  socket_.reset();
  keeper_.reset();
}

void NatsBusClient::begin(std::shared_ptr<Connection> connection, std::size_t max_payload) {
  connection_ = std::move(connection);
  socket_.emplace(executor_.io_executor(), connection_->take_socket().release());
  wait_readable();
  listener_.on_connected(max_payload);
  write_soon();
}

void NatsBusClient::lose(const std::string& why) {
  connection_.reset();
  socket_.reset();
  socket_is_full_ = false;
  commands_.clear();
  unsent_ = 0;
  if (closing_) keeper_->close();
  listener_.on_lost(why);
}

void NatsBusClient::on_message(std::uint64_t subscription, ports::BusMessage message) {
  listener_.on_message(subscription, std::move(message));
}

void NatsBusClient::on_drained(const Connection& of, std::uint64_t subscription) {
  if (connection_.get() == &of) listener_.on_drained(subscription);
}

// One read at a time: what it brought is handled before the next read.
void NatsBusClient::wait_readable() {
  if (!connection_->attached()) return;
  socket_->async_wait(asio::posix::stream_descriptor::wait_read,
                      [self = shared_from_this(), of = connection_](const boost::system::error_code& error) {
                        if (error || !self->serves(of)) return;
                        of->read();
                        if (of->has_unwritten()) self->write_soon();  // it has answered a ping
                        self->wait_readable();
                      });
}

void NatsBusClient::wait_writable() {
  if (!connection_->attached()) return;
  socket_is_full_ = true;
  socket_->async_wait(asio::posix::stream_descriptor::wait_write,
                      [self = shared_from_this(), of = connection_](const boost::system::error_code& error) {
                        if (error || !self->serves(of)) return;
                        self->socket_is_full_ = false;
                        self->write_soon();
                      });
}

// Writes at the end of the batch, so that all its messages go out together.
void NatsBusClient::write_soon() {
  if (std::exchange(write_asked_, true)) return;
  executor_.run_at_end_of_batch([self = shared_from_this()] {
    self->write_asked_ = false;
    if (self->keeper_ != nullptr) self->write();
  });
}

void NatsBusClient::write() {
  while (connection_ && !socket_is_full_) {
    hand_over_some();
    if (connection_->has_unwritten()) connection_->write();
    if (connection_->has_unwritten()) return wait_writable();
    if (commands_.empty()) break;
  }
  if (closing_ && commands_.empty() && !socket_is_full_) keeper_->close();
}

void NatsBusClient::hand_over_some() {
  for (std::size_t handed_over = 0; !commands_.empty() && handed_over < kWriteAtOnce;) {
    Command command = std::move(commands_.front());
    commands_.pop_front();
    unsent_ -= command.bytes;
    handed_over += command.bytes;
    const bool expired = command.expires != SteadyTime::max() && std::chrono::steady_clock::now() >= command.expires;
    if (!expired) command.run(*connection_);
  }
}

void NatsBusClient::put(Command command) {
  if (!connection_) return;
  unsent_ += command.bytes;
  commands_.push_back(std::move(command));
  write_soon();
}

bool NatsBusClient::publish(ports::BusMessage message, SteadyTime expires) {
  const std::size_t bytes = kCommandBytes + message.subject.size() + ports::wire_size(message);
  if (unsent_ > 0 && unsent_ + bytes > max_unsent_) return false;
  put({[message = std::move(message)](Connection& connection) { connection.publish(message); }, bytes, expires});
  return true;
}

void NatsBusClient::subscribe(std::uint64_t subscription, std::string subject, std::string group) {
  put({[subscription, subject = std::move(subject), group = std::move(group)](Connection& connection) {
    connection.subscribe(subscription, subject, group);
  }});
}

void NatsBusClient::unsubscribe(std::uint64_t subscription) {
  put({[subscription](Connection& connection) { connection.unsubscribe(subscription); }});
}

void NatsBusClient::drain(std::uint64_t subscription) {
  put({[subscription](Connection& connection) { connection.drain(subscription); }});
}

void NatsBusClient::flush(std::uint64_t number) {
  put({[this, number](Connection&) { keeper_->flush(number); }});
}

void NatsBusClient::close() {
  closing_ = true;
  write_soon();
}

}  // namespace reliant::adapters
