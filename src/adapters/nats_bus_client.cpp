#include "adapters/nats_bus_client.h"

#include <nats/nats.h>

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <cstdlib>
#include <functional>
#include <map>
#include <mutex>
#include <thread>
#include <utility>

#include "base/split.h"
#include "base/text.h"

namespace reliant::adapters {

namespace {

using SteadyTime = std::chrono::steady_clock::time_point;

constexpr std::size_t kEventBytes = 64;  // what an event costs besides its message
constexpr std::string_view kEncodedValue = "=%";
constexpr std::string_view kHexDigits = "0123456789abcdef";
// How long one attempt to flush takes; there is another one after it.
constexpr std::int64_t kFlushMilliseconds = 1000;
constexpr std::string_view kPlainScheme = "nats://";
constexpr std::string_view kTlsScheme = "tls://";

std::int64_t milliseconds(Duration duration) {
  return std::chrono::duration_cast<std::chrono::milliseconds>(duration).count();
}

std::string last_error(natsStatus status) {
  natsStatus known = status;
  const char* text = nats_GetLastError(&known);
  return text == nullptr || *text == '\0' ? std::string(natsStatus_GetText(status)) : std::string(text);
}

// A NATS message as ours. The header values of a message that has several of one name: the first.
ports::BusMessage taken(natsMsg* message) {
  ports::BusMessage out;
  out.subject = natsMsg_GetSubject(message);
  if (const char* reply = natsMsg_GetReply(message)) out.reply_to = reply;
  out.payload.assign(natsMsg_GetData(message), static_cast<std::size_t>(natsMsg_GetDataLength(message)));
  const char** keys = nullptr;
  int count = 0;
  if (natsMsgHeader_Keys(message, &keys, &count) != NATS_OK) return out;
  for (int i = 0; i < count; ++i) {
    const char* value = nullptr;
    if (natsMsgHeader_Get(message, keys[i], &value) == NATS_OK) out.headers.emplace(keys[i], value_of_nats_header(value));
  }
  std::free(static_cast<void*>(keys));
  return out;
}

struct MessageDeleter {
  void operator()(natsMsg* message) const { natsMsg_Destroy(message); }
};
struct OptionsDeleter {
  void operator()(natsOptions* options) const { natsOptions_Destroy(options); }
};

natsStatus send(natsConnection* connection, const ports::BusMessage& message) {
  const char* reply = message.reply_to.empty() ? nullptr : message.reply_to.c_str();
  const int size = static_cast<int>(message.payload.size());
  if (message.headers.empty())
    return reply == nullptr
               ? natsConnection_Publish(connection, message.subject.c_str(), message.payload.data(), size)
               : natsConnection_PublishRequest(connection, message.subject.c_str(), reply, message.payload.data(), size);
  natsMsg* raw = nullptr;
  natsStatus status = natsMsg_Create(&raw, message.subject.c_str(), reply, message.payload.data(), size);
  const std::unique_ptr<natsMsg, MessageDeleter> made(raw);
  for (const auto& [name, value] : message.headers)
    if (status == NATS_OK) status = natsMsgHeader_Set(raw, name.c_str(), value.c_str());
  return status == NATS_OK ? natsConnection_PublishMsg(connection, raw) : status;
}

}  // namespace

Result<std::vector<std::string>> parse_nats_urls(std::string_view urls) {
  std::vector<std::string> out;
  for (const std::string_view url : split_at_commas(urls)) {
    std::string_view host = url;
    for (const std::string_view scheme : {kPlainScheme, kTlsScheme})
      if (host.starts_with(scheme)) host.remove_prefix(scheme.size());
    if (const std::size_t at = host.rfind('@'); at != std::string_view::npos) host.remove_prefix(at + 1);
    const bool other_scheme = host.find("://") != std::string_view::npos || host.find('/') != std::string_view::npos;
    if (host.empty() || other_scheme || host.find_first_of(" \t\r\n") != std::string_view::npos)
      return invalid_argument("`", host, "` is not the address of a NATS server: it should look like nats://host:4222");
    out.emplace_back(url);
  }
  if (out.empty()) return invalid_argument("the address of the NATS server is missing: it looks like nats://host:4222");
  return out;
}

std::string nats_header_value(std::string value) {
  constexpr std::string_view kBlank = " \t";
  const bool plain = !value.empty() && kBlank.find(value.front()) == std::string_view::npos &&
                     kBlank.find(value.back()) == std::string_view::npos && !value.starts_with(kEncodedValue) &&
                     value.find('\0') == std::string::npos;
  if (plain) return value;
  std::string out(kEncodedValue);
  for (const char c : value) {
    const auto byte = static_cast<unsigned char>(c);
    out += kHexDigits[byte >> 4];
    out += kHexDigits[byte & 15];
  }
  return out;
}

// What others have sent and only looks like ours stays as it is.
std::string value_of_nats_header(std::string_view header) {
  if (!header.starts_with(kEncodedValue) || header.size() % 2 != 0) return std::string(header);
  std::string out;
  for (std::size_t i = kEncodedValue.size(); i < header.size(); i += 2) {
    const std::size_t high = kHexDigits.find(header[i]);
    const std::size_t low = kHexDigits.find(header[i + 1]);
    if (high == std::string_view::npos || low == std::string_view::npos) return std::string(header);
    out += static_cast<char>(high << 4 | low);
  }
  return out;
}

// --- from the library's threads to the logic thread ------------------------------------------------------------------

class NatsBusClient::Mailbox final : public std::enable_shared_from_this<Mailbox> {
 public:
  struct Event {
    enum class Kind : std::uint8_t { kConnected, kLost, kMessage, kDrained, kFlushed, kComplaint, kClosed };
    Kind kind;
    std::uint64_t number = 0;
    std::uint64_t life = 0;
    std::size_t size = 0;
    std::string text = {};
    ports::BusMessage message = {};
  };

  Mailbox(AsioExecutor& executor, Listener& listener, std::size_t max_bytes)
      : max_bytes_(max_bytes), executor_(&executor), listener_(&listener) {}

  // From any thread.
  void put(Event event) {
    const std::lock_guard lock(mutex_);
    const std::size_t bytes = kEventBytes + ports::wire_size(event.message);
    if (event.kind == Event::Kind::kMessage && bytes_ + bytes > max_bytes_) {
      ++dropped_[event.number];
      return;
    }
    bytes_ += bytes;
    events_.push_back(std::move(event));
    if (executor_ == nullptr || std::exchange(posted_, true)) return;
    executor_->post([self = shared_from_this()] { self->hand_over(); });
  }

  // On the logic thread: nobody listens any more.
  void leave() {
    const std::lock_guard lock(mutex_);
    executor_ = nullptr;
    listener_ = nullptr;
  }

 private:
  void hand_over() {
    std::vector<Event> events;
    std::map<std::uint64_t, std::uint64_t> dropped;
    {
      const std::lock_guard lock(mutex_);
      events.swap(events_);
      dropped.swap(dropped_);
      bytes_ = 0;
      posted_ = false;
    }
    for (Event& event : events) {
      if (listener_ != nullptr) tell(std::move(event));
    }
    for (const auto& [number, count] : dropped) {
      if (listener_ != nullptr) listener_->on_dropped(number, count);
    }
  }

  void tell(Event event) {
    switch (event.kind) {
      case Event::Kind::kConnected: return listener_->on_connected(event.life, event.size);
      case Event::Kind::kLost: return listener_->on_lost(event.text);
      case Event::Kind::kMessage: return listener_->on_message(event.number, std::move(event.message));
      case Event::Kind::kDrained: return listener_->on_drained(event.life, event.number);
      case Event::Kind::kFlushed: return listener_->on_flushed(event.life, event.number);
      case Event::Kind::kComplaint: return listener_->on_complaint(event.text);
      case Event::Kind::kClosed: return listener_->on_closed();
    }
  }

  const std::size_t max_bytes_;
  std::mutex mutex_;
  std::vector<Event> events_;
  std::map<std::uint64_t, std::uint64_t> dropped_;
  std::size_t bytes_ = 0;
  bool posted_ = false;
  AsioExecutor* executor_;  // null: left
  Listener* listener_;      // written on the logic thread only, where it is read
};

// --- from the logic thread to the writer -----------------------------------------------------------------------------

struct NatsBusClient::Command {
  enum class Kind : std::uint8_t { kPublish, kSubscribe, kUnsubscribe, kDrain, kFlush };
  Kind kind;
  std::uint64_t life = 0;
  std::uint64_t number = 0;  // of a subscription, of a flush
  std::string group = {};
  ports::BusMessage message = {};  // of a subscription: the subject
  SteadyTime expires = SteadyTime::max();
  std::size_t bytes = 0;
};

// --- one life of the connection --------------------------------------------------------------------------------------

// The library goes on calling back after it was told to close: the object stays until the last of its callbacks has run.
class NatsBusClient::Connection final : public std::enable_shared_from_this<Connection> {
 public:
  // `on_end` is called once, from one of the library's threads.
  Connection(std::uint64_t life, std::shared_ptr<Mailbox> mailbox, std::function<void()> on_end)
      : life_(life), mailbox_(std::move(mailbox)), on_end_(std::move(on_end)) {}

  natsStatus open(const NatsOptions& options, const std::vector<std::string>& urls);
  // The writer thread's. After it, only callbacks.
  void close() {
    if (handle_ != nullptr) natsConnection_Close(handle_);  // first: else every subscription would write its end
    if (flusher_.joinable()) {
      {
        const std::lock_guard lock(flush_mutex_);
        stop_flushing_ = true;
      }
      flush_asked_.notify_all();
      flusher_.join();
    }
    for (const auto& [number, interest] : interests_) natsSubscription_Destroy(interest);
    interests_.clear();
    if (handle_ != nullptr) natsConnection_Destroy(handle_);
    handle_ = nullptr;
  }
  // False: it is of no use any more.
  bool run(const Command& command);

  std::uint64_t life() const { return life_; }
  bool ended() const { return ended_; }
  std::size_t max_payload() { return static_cast<std::size_t>(natsConnection_GetMaxPayload(handle_)); }
  std::string error() {
    const char* text = nullptr;
    if (handle_ != nullptr) natsConnection_GetLastError(handle_, &text);
    return text == nullptr || *text == '\0' ? "the connection was lost" : text;
  }

 private:
  // What a callback of one subscription needs to know.
  struct Interest {
    Connection* connection;
    std::uint64_t number;
  };

  natsStatus configure(natsOptions* made, const NatsOptions& options, const std::vector<std::string>& urls);
  natsStatus secure(natsOptions* made, const NatsOptions& options, const std::vector<std::string>& urls);
  natsStatus subscribe(const Command& command);
  void flush_all();

  static void on_message(natsConnection*, natsSubscription*, natsMsg* message, void* closure) {
    const auto& interest = *static_cast<Interest*>(closure);
    interest.connection->mailbox_->put(
        {.kind = Mailbox::Event::Kind::kMessage, .number = interest.number, .message = taken(message)});
    natsMsg_Destroy(message);
  }
  static void on_complete(void* closure) {
    const std::unique_ptr<Interest> interest(static_cast<Interest*>(closure));
    Connection& connection = *interest->connection;
    connection.mailbox_->put(
        {.kind = Mailbox::Event::Kind::kDrained, .number = interest->number, .life = connection.life_});
    connection.unpin();
  }
  static void on_closed(natsConnection*, void* closure) {
    auto& self = *static_cast<Connection*>(closure);
    self.ended_ = true;
    self.on_end_();
    self.unpin();
  }
  static void on_error(natsConnection*, natsSubscription*, natsStatus status, void* closure) {
    auto& self = *static_cast<Connection*>(closure);
    self.mailbox_->put({.kind = Mailbox::Event::Kind::kComplaint, .text = last_error(status)});
  }

  void pin() { ++pins_; }
  void unpin() {
    if (--pins_ == 0) const std::shared_ptr<Connection> last = std::move(self_);
  }

  const std::uint64_t life_;
  const std::shared_ptr<Mailbox> mailbox_;
  const std::function<void()> on_end_;
  natsConnection* handle_ = nullptr;
  std::map<std::uint64_t, natsSubscription*> interests_;
  std::atomic<bool> ended_ = false;
  std::atomic<int> pins_ = 0;  // callbacks that are still to come and say that they were the last
  std::shared_ptr<Connection> self_;

  // The server's answer is waited for on a thread of its own, all flushes of that time together.
  std::mutex flush_mutex_;
  std::condition_variable flush_asked_;
  std::vector<std::uint64_t> flushes_;
  bool stop_flushing_ = false;
  std::thread flusher_;
};

natsStatus NatsBusClient::Connection::open(const NatsOptions& options, const std::vector<std::string>& urls) {
  natsOptions* made = nullptr;
  natsStatus status = natsOptions_Create(&made);
  const std::unique_ptr<natsOptions, OptionsDeleter> kept(made);
  if (status == NATS_OK) status = configure(made, options, urls);
  if (status == NATS_OK) status = secure(made, options, urls);
  if (status != NATS_OK) return status;
  self_ = shared_from_this();
  pin();
  status = natsConnection_Connect(&handle_, made);
  if (status == NATS_OK) {
    flusher_ = std::thread([this] { flush_all(); });
  } else {
    unpin();  // a connection that never was is not said to be closed
  }
  return status;
}

natsStatus NatsBusClient::Connection::configure(natsOptions* made, const NatsOptions& options,
                                                const std::vector<std::string>& urls) {
  std::vector<const char*> servers;
  servers.reserve(urls.size());
  for (const std::string& url : urls) servers.push_back(url.c_str());
  for (const natsStatus status : {
           natsOptions_SetServers(made, servers.data(), static_cast<int>(servers.size())),
           natsOptions_SetName(made, options.name.c_str()),
           natsOptions_SetAllowReconnect(made, false),  // a new connection instead
           natsOptions_SetSendAsap(made, true),         // without: a millisecond more for each hop
           natsOptions_UseGlobalMessageDelivery(made, true),  // keeps the order between subscriptions
           natsOptions_SetTimeout(made, milliseconds(options.connect_timeout)),
           natsOptions_SetWriteDeadline(made, milliseconds(options.write_deadline)),
           natsOptions_SetPingInterval(made, milliseconds(options.ping_interval)),
           natsOptions_SetMaxPingsOut(made, 2),
           natsOptions_SetClosedCB(made, &on_closed, this),
           natsOptions_SetErrorHandler(made, &on_error, this),
       })
    if (status != NATS_OK) return status;
  return NATS_OK;
}

natsStatus NatsBusClient::Connection::secure(natsOptions* made, const NatsOptions& options,
                                             const std::vector<std::string>& urls) {
  natsStatus status = NATS_OK;
  const bool tls = !options.ca_file.empty() || !options.certificate_file.empty() ||
                   std::ranges::any_of(urls, [](std::string_view url) { return url.starts_with(kTlsScheme); });
  if (tls) status = natsOptions_SetSecure(made, true);
  if (status == NATS_OK && !options.ca_file.empty())
    status = natsOptions_LoadCATrustedCertificates(made, options.ca_file.c_str());
  if (status == NATS_OK && !options.certificate_file.empty())
    status = natsOptions_LoadCertificatesChain(made, options.certificate_file.c_str(), options.key_file.c_str());
  if (status == NATS_OK && !options.credentials_file.empty())
    status = natsOptions_SetUserCredentialsFromFiles(made, options.credentials_file.c_str(), nullptr);
  return status;
}

bool NatsBusClient::Connection::run(const Command& command) {
  const auto known = interests_.find(command.number);
  switch (command.kind) {
    case Command::Kind::kPublish: {
      if (std::chrono::steady_clock::now() >= command.expires) return true;
      const natsStatus status = send(handle_, command.message);
      // The server may take less than the one before: this message is lost, the connection is not.
      return status == NATS_OK || status == NATS_MAX_PAYLOAD;
    }
    case Command::Kind::kSubscribe: return subscribe(command) == NATS_OK;
    case Command::Kind::kUnsubscribe:
      if (known == interests_.end()) return true;
      natsSubscription_Destroy(known->second);
      interests_.erase(known);
      return true;
    case Command::Kind::kDrain:
      if (known == interests_.end()) return true;
      return natsSubscription_DrainTimeout(known->second, 0) == NATS_OK;
    case Command::Kind::kFlush: {
      const std::lock_guard lock(flush_mutex_);
      flushes_.push_back(command.number);
      flush_asked_.notify_all();
      return true;
    }
  }
  return false;
}

void NatsBusClient::Connection::flush_all() {
  std::unique_lock lock(flush_mutex_);
  for (;;) {
    flush_asked_.wait(lock, [this] { return stop_flushing_ || !flushes_.empty(); });
    if (stop_flushing_) break;
    std::vector<std::uint64_t> asked;
    asked.swap(flushes_);
    lock.unlock();
    natsStatus status = NATS_TIMEOUT;
    while (status == NATS_TIMEOUT && !ended_) status = natsConnection_FlushTimeout(handle_, kFlushMilliseconds);
    for (const std::uint64_t number : asked) {
      if (status == NATS_OK) mailbox_->put({.kind = Mailbox::Event::Kind::kFlushed, .number = number, .life = life_});
    }
    lock.lock();
  }
  lock.unlock();
  nats_ReleaseThreadMemory();
}

natsStatus NatsBusClient::Connection::subscribe(const Command& command) {
  auto interest = std::make_unique<Interest>(this, command.number);
  natsSubscription* made = nullptr;
  const char* subject = command.message.subject.c_str();
  natsStatus status = command.group.empty()
                          ? natsConnection_Subscribe(&made, handle_, subject, &on_message, interest.get())
                          : natsConnection_QueueSubscribe(&made, handle_, subject, command.group.c_str(),
                                                          &on_message, interest.get());
  if (status != NATS_OK) return status;
  Interest* const given = interest.release();
  pin();
  interests_.emplace(command.number, made);
  // The mailbox is what bounds it. Closed in this very moment: `given` and its pin stay, as a callback may be under way.
  natsSubscription_SetPendingLimits(made, -1, -1);
  return natsSubscription_SetOnCompleteCB(made, &on_complete, given);
}

// --- the thread ------------------------------------------------------------------------------------------------------

class NatsBusClient::Writer final {
 public:
  Writer(std::shared_ptr<Mailbox> mailbox, NatsOptions options, std::vector<std::string> urls, Random random)
      : mailbox_(std::move(mailbox)), options_(std::move(options)), urls_(std::move(urls)), random_(random) {
    thread_ = std::thread([this] { run(); });
  }
  Writer(const Writer&) = delete;
  Writer& operator=(const Writer&) = delete;
  ~Writer() {
    {
      const std::lock_guard lock(signal_->mutex);
      stop_ = true;
    }
    signal_->changed.notify_all();
    thread_.join();
  }

  bool put(Command command, std::size_t limit) {
    {
      const std::lock_guard lock(signal_->mutex);
      if (unsent_ > 0 && unsent_ + command.bytes > limit) return false;
      unsent_ += command.bytes;
      commands_.push_back(std::move(command));
    }
    signal_->changed.notify_all();
    return true;
  }
  void close() {
    {
      const std::lock_guard lock(signal_->mutex);
      close_ = true;
    }
    signal_->changed.notify_all();
  }
  std::size_t limit() const { return options_.max_unsent; }

 private:
  // Shared with the connections, whose last callbacks may come when the writer is gone.
  struct Signal {
    std::mutex mutex;
    std::condition_variable changed;
  };

  void run();
  void serve(Connection& connection);
  // False: something broke, or everything was done.
  bool work(Connection& connection, std::unique_lock<std::mutex>& lock);
  bool over() const { return stop_ || (close_ && commands_.empty()); }

  const std::shared_ptr<Mailbox> mailbox_;
  const NatsOptions options_;
  const std::vector<std::string> urls_;
  Random random_;
  std::shared_ptr<Signal> signal_ = std::make_shared<Signal>();
  // All under signal_->mutex.
  std::vector<Command> commands_;
  std::size_t unsent_ = 0;
  bool close_ = false;
  bool stop_ = false;
  std::thread thread_;
};

void NatsBusClient::Writer::run() {
  std::uint64_t life = 0;
  std::unique_lock lock(signal_->mutex);
  while (!stop_ && !close_) {
    lock.unlock();
    auto connection = std::make_shared<Connection>(++life, mailbox_, [signal = signal_] {
      { const std::lock_guard ended(signal->mutex); }
      signal->changed.notify_all();
    });
    const natsStatus status = connection->open(options_, urls_);
    std::string why = status == NATS_OK ? "" : last_error(status);
    if (status == NATS_OK) {
      mailbox_->put({.kind = Mailbox::Event::Kind::kConnected, .life = life, .size = connection->max_payload()});
      serve(*connection);
      why = connection->error();
    }
    connection->close();
    mailbox_->put({.kind = Mailbox::Event::Kind::kLost, .text = std::move(why)});
    const Duration pause = random_.duration(options_.reconnect_low, options_.reconnect_high);
    lock.lock();
    commands_.clear();  // of that life
    unsent_ = 0;
    signal_->changed.wait_for(lock, pause, [this] { return stop_ || close_; });
  }
  lock.unlock();
  mailbox_->put({.kind = Mailbox::Event::Kind::kClosed});
  nats_ReleaseThreadMemory();
}

void NatsBusClient::Writer::serve(Connection& connection) {
  std::unique_lock lock(signal_->mutex);
  for (;;) {
    signal_->changed.wait(lock, [&] { return stop_ || close_ || connection.ended() || !commands_.empty(); });
    if (over() || connection.ended() || !work(connection, lock)) return;
  }
}

bool NatsBusClient::Writer::work(Connection& connection, std::unique_lock<std::mutex>& lock) {
  std::vector<Command> batch;
  batch.swap(commands_);
  for (const Command& command : batch) {
    lock.unlock();
    const bool good = command.life != connection.life() || connection.run(command);
    lock.lock();
    if (!good || stop_) return false;
    unsent_ -= command.bytes;
  }
  return true;
}

// --- the client ------------------------------------------------------------------------------------------------------

NatsBusClient::NatsBusClient(AsioExecutor& executor, Listener& listener, NatsOptions options,
                             std::vector<std::string> urls, Random random)
    : mailbox_(std::make_shared<Mailbox>(executor, listener, options.max_unread)),
      writer_(std::make_unique<Writer>(mailbox_, std::move(options), std::move(urls), random)) {}

NatsBusClient::~NatsBusClient() { mailbox_->leave(); }

bool NatsBusClient::publish(std::uint64_t life, ports::BusMessage message, SteadyTime expires) {
  Command command{.kind = Command::Kind::kPublish, .life = life, .message = std::move(message), .expires = expires};
  command.bytes = kEventBytes + command.message.subject.size() + ports::wire_size(command.message);
  return writer_->put(std::move(command), writer_->limit());
}

void NatsBusClient::subscribe(std::uint64_t life, std::uint64_t subscription, std::string subject, std::string group) {
  Command command{.kind = Command::Kind::kSubscribe,
                  .life = life,
                  .number = subscription,
                  .group = std::move(group)};
  command.message.subject = std::move(subject);
  writer_->put(std::move(command), SIZE_MAX);
}

void NatsBusClient::unsubscribe(std::uint64_t life, std::uint64_t subscription) {
  writer_->put({.kind = Command::Kind::kUnsubscribe, .life = life, .number = subscription}, SIZE_MAX);
}

void NatsBusClient::drain(std::uint64_t life, std::uint64_t subscription) {
  writer_->put({.kind = Command::Kind::kDrain, .life = life, .number = subscription}, SIZE_MAX);
}

void NatsBusClient::flush(std::uint64_t life, std::uint64_t number) {
  writer_->put({.kind = Command::Kind::kFlush, .life = life, .number = number}, SIZE_MAX);
}

void NatsBusClient::close() { writer_->close(); }

}  // namespace reliant::adapters
