#include "gateway/unregistered_streams.h"

#include <algorithm>
#include <chrono>

#include "base/finally.h"
#include "base/peer_address.h"
#include "runtime/sleep.h"

namespace reliant::gateway {
namespace {

constexpr Duration kHeldFor = std::chrono::seconds(1);
constexpr Duration kComeAgainAfter = std::chrono::seconds(1);

std::string token_of(const ports::LinkMetadata& metadata) {
  const auto found = metadata.find("authorization");
  return found == metadata.end() ? std::string() : found->second;
}

}  // namespace

template <class Belongs>
void UnregisteredStreams::make_room(std::size_t limit, Belongs belongs) {
  if (static_cast<std::size_t>(std::ranges::count_if(entries_, belongs)) < limit) return;
  const auto oldest = std::ranges::find_if(entries_, belongs);
  (*oldest)->displaced_.set();
  entries_.erase(oldest);
}

UnregisteredStreams::Entry::Entry(UnregisteredStreams& all, const ports::AcceptedLink& link)
    : all_(all), token_(token_of(link.metadata())), address_(network_of_peer(link.peer())) {
  all_.make_room(all_.limits_.of_token, [this](const Entry* other) { return other->token_ == token_; });
  all_.make_room(all_.limits_.of_address, [this](const Entry* other) { return other->address_ == address_; });
  all_.make_room(all_.limits_.in_all, [](const Entry*) { return true; });
  all_.entries_.push_back(this);
}

UnregisteredStreams::Entry::~Entry() { all_.entries_.remove(this); }

Task<Status> UnregisteredStreams::Entry::displaced() {
  co_await displaced_.wait();
  if (all_.held_ < all_.limits_.held) {
    ++all_.held_;
    const Finally released([this] { --all_.held_; });
    co_await sleep_for(kHeldFor);  // waits for no event: the delay is what the peer pays
  }
  co_return with_retry_after(resource_exhausted("too many streams of this token or address wait for their Register; send it "
                                                "as soon as the stream is open, or come again in a while"),
                             kComeAgainAfter);
}

}  // namespace reliant::gateway
