#include "gateway/unregistered_streams.h"

#include <algorithm>
#include <chrono>

namespace reliant::gateway {
namespace {

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
    : all_(all),
      token_(token_of(link.metadata())),
      address_(link.peer().substr(0, link.peer().rfind(':'))) {  // without its port
  all_.make_room(all_.limits_.of_token, [this](const Entry* other) { return other->token_ == token_; });
  all_.make_room(all_.limits_.of_address, [this](const Entry* other) { return other->address_ == address_; });
  all_.make_room(all_.limits_.in_all, [](const Entry*) { return true; });
  all_.entries_.push_back(this);
}

UnregisteredStreams::Entry::~Entry() { all_.entries_.remove(this); }

Task<Status> UnregisteredStreams::Entry::displaced() {
  co_await displaced_.wait();
  co_return with_retry_after(resource_exhausted("too many streams of this token or address wait for their Register; send it "
                                                "as soon as the stream is open, or come again in a while"),
                             kComeAgainAfter);
}

}  // namespace reliant::gateway
