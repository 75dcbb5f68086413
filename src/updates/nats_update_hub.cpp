#include "updates/nats_update_hub.h"

#include <charconv>

#include "base/cause.h"
#include "base/text.h"

namespace reliant::updates {
namespace {

// Ids are valid bus tokens (base/ids.h), so nothing needs encoding.
std::string subject(const UserId& user, const ChatId& chat) { return concat("updates.", user.str(), ".", chat.str()); }

constexpr std::uint64_t kLook = 0;  // a notice that knows of no number: look in the database

std::uint64_t sequence_of(std::string_view payload) {
  std::uint64_t sequence = kLook;  // so does an unreadable notice
  std::from_chars(payload.data(), payload.data() + payload.size(), sequence);
  return sequence;
}

class NatsSubscription final : public UpdateSubscription {
 public:
  NatsSubscription(ports::Bus& bus, std::unique_ptr<ports::BusSubscription> inner) : bus_(bus), inner_(std::move(inner)) {}

  Task<Result<std::uint64_t>> next(Instant deadline) override {
    // What was published before the server knew of this interest is not told to it. Once it does, the reader looks.
    if (!known_ && (co_await bus_.flush(deadline)).ok()) {
      known_ = true;
      co_return kLook;
    }
    auto message = co_await inner_->next(deadline);
    if (!message.ok()) co_return message.status();
    co_return sequence_of(message->payload);
  }

 private:
  ports::Bus& bus_;
  std::unique_ptr<ports::BusSubscription> inner_;
  bool known_ = false;
};

}  // namespace

void NatsUpdateHub::publish(const UserId& user, const ChatId& chat, std::uint64_t sequence) {
  ports::BusMessage notice;
  notice.subject = subject(user, chat);
  notice.payload = concat(sequence);
  if (Status sent = bus_.publish(std::move(notice)); !sent.ok())
    log_.warning("updates.publish.failed", {{"chat", chat.str()}, {"error", described(sent)}});
}

Result<std::unique_ptr<UpdateSubscription>> NatsUpdateHub::subscribe(const UserId& user, const ChatId& chat) {
  ports::SubscribeOptions options;
  options.subject = subject(user, chat);
  options.max_pending = 64;  // a dropped notice is found by the reader's own polling
  TRY_ASSIGN(auto inner, bus_.subscribe(std::move(options)));
  return std::unique_ptr<UpdateSubscription>(std::make_unique<NatsSubscription>(bus_, std::move(inner)));
}

}  // namespace reliant::updates
