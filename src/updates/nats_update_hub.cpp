#include "updates/nats_update_hub.h"

#include <charconv>

#include "base/text.h"

namespace reliant::updates {
namespace {

// Ids are valid bus tokens (base/ids.h), so nothing needs encoding.
std::string subject(const UserId& user, const ChatId& chat) {
  return concat("updates.", user.str(), ".", chat.str());
}

std::uint64_t sequence_of(std::string_view payload) {
  std::uint64_t sequence = 0;  // an unreadable notice still says "look"
  std::from_chars(payload.data(), payload.data() + payload.size(), sequence);
  return sequence;
}

class NatsSubscription final : public UpdateSubscription {
 public:
  explicit NatsSubscription(std::unique_ptr<ports::BusSubscription> inner) : inner_(std::move(inner)) {}

  Task<Result<std::uint64_t>> next(Instant deadline) override {
    auto message = co_await inner_->next(deadline);
    if (!message.ok()) co_return message.status();
    co_return sequence_of(message->payload);
  }

 private:
  std::unique_ptr<ports::BusSubscription> inner_;
};

}  // namespace

void NatsUpdateHub::publish(const UserId& user, const ChatId& chat, std::uint64_t sequence) {
  ports::BusMessage notice;
  notice.subject = subject(user, chat);
  notice.payload = concat(sequence);
  if (Status sent = bus_.publish(std::move(notice)); !sent.ok())
    log_.warning("updates.publish.failed", {{"chat", chat.str()}, {"error", message_of(sent)}});
}

Result<std::unique_ptr<UpdateSubscription>> NatsUpdateHub::subscribe(const UserId& user, const ChatId& chat) {
  ports::SubscribeOptions options;
  options.subject = subject(user, chat);
  options.max_pending = 64;  // a dropped notice is found by the reader's own polling
  TRY_ASSIGN(auto inner, bus_.subscribe(std::move(options)));
  return std::unique_ptr<UpdateSubscription>(std::make_unique<NatsSubscription>(std::move(inner)));
}

}  // namespace reliant::updates
