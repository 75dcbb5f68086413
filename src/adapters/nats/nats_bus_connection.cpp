#include "adapters/nats/nats_bus_connection.h"

#include <utility>

#include <fcntl.h>

#include "adapters/nats/nats_bus_message.h"
#include "adapters/nats/nats_bus_nkey.h"

namespace reliant::adapters {

namespace {

std::int64_t milliseconds(Duration duration) { return std::chrono::duration_cast<std::chrono::milliseconds>(duration).count(); }

struct OptionsDeleter {
  void operator()(natsOptions* options) const { natsOptions_Destroy(options); }
};

}  // namespace

std::string nats_error(natsStatus status) {
  natsStatus known = status;
  const char* text = nats_GetLastError(&known);
  return text == nullptr || *text == '\0' ? std::string(natsStatus_GetText(status)) : std::string(text);
}

NatsBusConnection::NatsBusConnection(Client client, std::function<void()> on_end)
    : client_(std::move(client)), on_end_(std::move(on_end)) {}

// --- the client's thread ---------------------------------------------------------------------------------------------

natsStatus NatsBusConnection::open(const NatsOptions& options, const std::vector<std::string>& urls) {
  natsOptions* made = nullptr;
  natsStatus status = natsOptions_Create(&made);
  const std::unique_ptr<natsOptions, OptionsDeleter> kept(made);
  auto interest = std::make_unique<Interest>(shared_from_this());
  if (status == NATS_OK) status = configure(made, options, urls, interest.get());
  if (status == NATS_OK) status = secure(made, options, urls);
  if (status == NATS_OK) status = natsConnection_Connect(&handle_, made);
  if (status == NATS_OK) interest.release();  // until on_closed; a connection that never was is not said to be closed
  return status;
}

natsStatus NatsBusConnection::configure(natsOptions* made, const NatsOptions& options, const std::vector<std::string>& urls,
                                        Interest* all) {
  std::vector<const char*> servers;
  servers.reserve(urls.size());
  for (const std::string& url : urls) servers.push_back(url.c_str());
  for (const natsStatus status : {
           natsOptions_SetServers(made, servers.data(), static_cast<int>(servers.size())),
           natsOptions_SetName(made, options.name.c_str()),
           natsOptions_SetEventLoop(made, this, &on_attach, &on_read, &on_write, &on_detach),
           natsOptions_SetAllowReconnect(made, false),        // a new connection instead
           natsOptions_SetSendAsap(made, true),               // no thread that collects what is to be written
           natsOptions_UseGlobalMessageDelivery(made, true),  // keeps the order between subscriptions
           natsOptions_SetTimeout(made, milliseconds(options.connect_timeout)),
           natsOptions_SetPingInterval(made, 0),  // the client pings
           natsOptions_SetClosedCB(made, &on_closed, all),
           natsOptions_SetErrorHandler(made, &on_error, all),
       })
    if (status != NATS_OK) return status;
  return NATS_OK;
}

natsStatus NatsBusConnection::secure(natsOptions* made, const NatsOptions& options, const std::vector<std::string>& urls) {
  natsStatus status = NATS_OK;
  if (wants_tls(options, urls)) status = natsOptions_SetSecure(made, true);
  if (status == NATS_OK && !options.ca_file.empty())
    status = natsOptions_LoadCATrustedCertificates(made, options.ca_file.c_str());
  if (status == NATS_OK && !options.certificate_file.empty())
    status = natsOptions_LoadCertificatesChain(made, options.certificate_file.c_str(), options.key_file.c_str());
  if (status == NATS_OK && !options.credentials_file.empty())
    status = natsOptions_SetUserCredentialsFromFiles(made, options.credentials_file.c_str(), nullptr);
  if (status == NATS_OK && !options.nkey_file.empty()) {
    const auto key = read_nats_nkey(options.nkey_file);
    if (!key.ok()) return NATS_ILLEGAL_STATE;
    status = natsOptions_SetNKeyFromSeed(made, key->c_str(), options.nkey_file.c_str());
  }
  return status;
}

natsStatus NatsBusConnection::flush() { return natsConnection_FlushTimeout(handle_, milliseconds(kFlushTimeout)); }

void NatsBusConnection::close() {
  if (handle_ == nullptr) return;
  {
    // The library closes its socket, and frees what TLS needs of it, also while it is read: no thread may read by then.
    const std::lock_guard lock(mutex_);
    closing_ = true;
  }
  natsConnection_Close(handle_);  // first: else every subscription would write its end
  const std::lock_guard lock(mutex_);
  subscriptions_.clear();
  natsConnection_Destroy(std::exchange(handle_, nullptr));
}

std::string NatsBusConnection::error() {
  const char* text = nullptr;
  if (handle_ != nullptr) natsConnection_GetLastError(handle_, &text);
  return text == nullptr || *text == '\0' ? "the connection was lost" : text;
}

std::size_t NatsBusConnection::max_payload() { return static_cast<std::size_t>(natsConnection_GetMaxPayload(handle_)); }

// --- the logic thread ------------------------------------------------------------------------------------------------

void NatsBusConnection::publish(const ports::BusMessage& message) {
  const std::lock_guard lock(mutex_);
  if (handle_ == nullptr) return;
  const natsStatus status = adapters::publish(handle_, message);
  // The server may take less than the one before: this message is lost, the connection is not.
  if (status != NATS_OK && status != NATS_MAX_PAYLOAD) end();
}

void NatsBusConnection::subscribe(std::uint64_t number, const std::string& subject, const std::string& group) {
  const std::lock_guard lock(mutex_);
  if (handle_ != nullptr && try_to_subscribe(number, subject, group) != NATS_OK) end();
}

natsStatus NatsBusConnection::try_to_subscribe(std::uint64_t number, const std::string& subject, const std::string& group) {
  auto interest = std::make_unique<Interest>(shared_from_this(), number);
  natsSubscription* made = nullptr;
  const natsStatus status =
      group.empty()
          ? natsConnection_Subscribe(&made, handle_, subject.c_str(), &on_message, interest.get())
          : natsConnection_QueueSubscribe(&made, handle_, subject.c_str(), group.c_str(), &on_message, interest.get());
  if (status != NATS_OK) return status;
  subscriptions_.emplace(number, made);
  // Until on_complete. If the subscription was closed in this very moment it leaks: a callback may still be under way.
  return natsSubscription_SetOnCompleteCB(made, &on_complete, interest.release());
}

void NatsBusConnection::unsubscribe(std::uint64_t number) {
  const std::lock_guard lock(mutex_);
  subscriptions_.erase(number);
}

void NatsBusConnection::drain(std::uint64_t number) {
  const std::lock_guard lock(mutex_);
  const auto known = subscriptions_.find(number);
  if (known != subscriptions_.end() && natsSubscription_DrainTimeout(known->second.get(), 0) != NATS_OK) end();
}

void NatsBusConnection::write() {
  const std::lock_guard lock(mutex_);
  if (handle_ != nullptr) natsConnection_ProcessWriteEvent(handle_);
}

void NatsBusConnection::read() {
  const std::lock_guard lock(mutex_);
  if (handle_ == nullptr || closing_) return;
  natsConnection_ProcessReadEvent(handle_);
}

void NatsBusConnection::end() {
  ended_ = true;
  on_end_();
}

// --- nats.c's event loop interface -----------------------------------------------------------------------------------

// The library closes its socket at any time. This is a duplicate of that descriptor, so its number cannot be reused
// while a task waits on it.
natsStatus NatsBusConnection::on_attach(void** self, void* loop, natsConnection*, natsSock socket) {
  auto& connection = *static_cast<NatsBusConnection*>(loop);
  *self = loop;
  connection.socket_ = UniqueFd(::fcntl(socket, F_DUPFD_CLOEXEC, 0));
  if (!connection.socket_) return NATS_SYS_ERROR;
  connection.attached_ = true;
  return NATS_OK;
}

natsStatus NatsBusConnection::on_read(void* self, bool add) {
  if (!add) static_cast<NatsBusConnection*>(self)->attached_ = false;
  return NATS_OK;
}

natsStatus NatsBusConnection::on_write(void* self, bool add) {
  auto& connection = *static_cast<NatsBusConnection*>(self);
  const Client& client = connection.client_;
  connection.unwritten_ = add;
  // The logic thread looks after what it has handed over itself.
  if (add && !client.executor.runs_here()) client.writes->post([&listener = client.listener] { listener.on_unwritten(); });
  return NATS_OK;
}

natsStatus NatsBusConnection::on_detach(void* self) {
  static_cast<NatsBusConnection*>(self)->attached_ = false;
  return NATS_OK;
}

// --- nats.c's threads ------------------------------------------------------------------------------------------------

void NatsBusConnection::on_message(natsConnection*, natsSubscription*, natsMsg* message, void* closure) {
  const auto& interest = *static_cast<Interest*>(closure);
  const Client& client = interest.connection->client_;
  ports::BusMessage came = taken(message);
  natsMsg_Destroy(message);
  client.inbox->post([&listener = client.listener, number = interest.number, came = std::move(came)]() mutable {
    listener.on_message(number, std::move(came));
  });
}

void NatsBusConnection::on_complete(void* closure) {
  const std::unique_ptr<Interest> interest(static_cast<Interest*>(closure));
  const Client& client = interest->connection->client_;
  client.inbox->post([&listener = client.listener, connection = interest->connection, number = interest->number] {
    listener.on_drained(*connection, number);
  });
}

void NatsBusConnection::on_closed(natsConnection*, void* closure) {
  const std::unique_ptr<Interest> interest(static_cast<Interest*>(closure));
  interest->connection->end();
}

void NatsBusConnection::on_error(natsConnection*, natsSubscription*, natsStatus status, void* closure) {
  const Client& client = static_cast<Interest*>(closure)->connection->client_;
  client.inbox->post([&listener = client.listener, what = nats_error(status)] { listener.on_complaint(what); });
}

}  // namespace reliant::adapters
