// StreamsByAddress: how many streams each peer address has open, registered or not. A new one beyond the limit is refused, since
// those that are there may be daemons at work (UnregisteredStreams displaces the oldest instead).
//
// Owner: the Gateway; it outlives its places. Executor: the logic thread.
#pragma once

#include <cstddef>
#include <map>
#include <string>
#include <utility>

namespace reliant::gateway {

class StreamsByAddress {
 public:
  // Of one address; 0: any number.
  explicit StreamsByAddress(std::size_t most) : most_(most) {}
  StreamsByAddress(const StreamsByAddress&) = delete;
  StreamsByAddress& operator=(const StreamsByAddress&) = delete;

  class Place {
   public:
    Place(StreamsByAddress& all, std::string address) : all_(all), address_(std::move(address)) { ++all_.open_[address_]; }
    Place(const Place&) = delete;
    Place& operator=(const Place&) = delete;
    ~Place() {
      const auto found = all_.open_.find(address_);
      if (--found->second == 0) all_.open_.erase(found);
    }
    bool is_beyond() const { return all_.most_ != 0 && all_.open_.find(address_)->second > all_.most_; }

   private:
    StreamsByAddress& all_;
    std::string address_;
  };

 private:
  std::size_t most_;
  std::map<std::string, std::size_t> open_;
};

}  // namespace reliant::gateway
