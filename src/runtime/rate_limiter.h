// RateLimiter: how often a user, an address or a stream may do something (C50), in this process: so many a minute, and a burst at
// once. Exact, without a timer: it remembers for each of them when the next one would be due at the even rate.
#pragma once

#include <cstdint>
#include <map>
#include <string>

#include "base/ids.h"
#include "base/status.h"
#include "runtime/time.h"

namespace reliant {

class RateLimiter {
 public:
  // `what`: "messages", for the text that a user reads. `reason`: the reason code for programs.
  RateLimiter(std::string what, std::string reason, std::int64_t per_minute, std::int64_t burst);

  // RESOURCE_EXHAUSTED, with the limit in words and when to come back.
  Status admit(const UserId& user, Instant now) { return admit(user.str(), now); }
  Status admit(const std::string& whose, Instant now);
  // What admit() would answer, without counting; a `whose` that was never admitted is not remembered.
  Status check(const std::string& whose, Instant now) const;

 private:
  static constexpr std::size_t kManyUsers = 10'000;

  std::string what_;
  std::string reason_;
  std::int64_t per_minute_;
  Duration interval_;
  Duration ahead_;  // how far the due time may be ahead of now
  std::map<std::string, Instant> due_;
  std::size_t sweep_at_ = kManyUsers;  // entries; then idle ones are evicted
};

}  // namespace reliant
