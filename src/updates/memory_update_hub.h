// MemoryUpdateHub: the UpdateHub of one process (R11). Destroying the hub or a subscription in any order is safe.
#pragma once

#include <map>
#include <memory>
#include <set>
#include <utility>

#include "updates/update_hub.h"

namespace reliant::updates {

class MemoryUpdateHub final : public UpdateHub {
 public:
  MemoryUpdateHub();
  ~MemoryUpdateHub() override;

  void publish(const UserId& user, const ChatId& chat, std::uint64_t sequence) override;
  Result<std::unique_ptr<UpdateSubscription>> subscribe(const UserId& user, const ChatId& chat) override;
  std::size_t subscriptions() const;  // alive now: zero when nothing leaks

 private:
  class Subscription;
  struct Registry;  // shared with the subscriptions, which may outlive the hub

  std::shared_ptr<Registry> registry_;
};

}  // namespace reliant::updates
