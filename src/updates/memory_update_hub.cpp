#include "updates/memory_update_hub.h"

#include <vector>

#include "runtime/event.h"

namespace reliant::updates {

struct MemoryUpdateHub::Registry {
  using Key = std::pair<UserId, ChatId>;
  std::map<Key, std::vector<Subscription*>> by_chat;  // in order of subscribing
  bool closed = false;
};

class MemoryUpdateHub::Subscription final : public UpdateSubscription {
 public:
  Subscription(std::shared_ptr<Registry> registry, Registry::Key key) : registry_(std::move(registry)), key_(std::move(key)) {
    registry_->by_chat[key_].push_back(this);
  }
  ~Subscription() override {
    const auto found = registry_->by_chat.find(key_);
    if (found == registry_->by_chat.end()) return;
    std::erase(found->second, this);
    if (found->second.empty()) registry_->by_chat.erase(found);
  }

  Task<Result<std::uint64_t>> next(Instant deadline) override {
    const bool woken = co_await changed_.wait(deadline);
    if (registry_->closed) co_return unavailable("the update hub was closed; subscribe again");
    if (!woken) co_return deadline_exceeded("no update in time");
    changed_.reset();
    co_return latest_;
  }

  void announce(std::uint64_t sequence) {
    if (sequence > latest_) latest_ = sequence;
    changed_.set();
  }
  void close() { changed_.set(); }

 private:
  std::shared_ptr<Registry> registry_;
  Registry::Key key_;
  Event changed_;
  std::uint64_t latest_ = 0;
};

MemoryUpdateHub::MemoryUpdateHub() : registry_(std::make_shared<Registry>()) {}

MemoryUpdateHub::~MemoryUpdateHub() {
  registry_->closed = true;
  for (auto& [key, subscriptions] : registry_->by_chat)
    for (Subscription* subscription : subscriptions) subscription->close();
}

void MemoryUpdateHub::publish(const UserId& user, const ChatId& chat, std::uint64_t sequence) {
  const auto found = registry_->by_chat.find({user, chat});
  if (found == registry_->by_chat.end()) return;
  for (Subscription* subscription : found->second) subscription->announce(sequence);
}

Result<std::unique_ptr<UpdateSubscription>> MemoryUpdateHub::subscribe(const UserId& user, const ChatId& chat) {
  return std::unique_ptr<UpdateSubscription>(std::make_unique<Subscription>(registry_, Registry::Key{user, chat}));
}

std::size_t MemoryUpdateHub::subscriptions() const {
  std::size_t count = 0;
  for (const auto& [key, subscriptions] : registry_->by_chat) count += subscriptions.size();
  return count;
}

}  // namespace reliant::updates
