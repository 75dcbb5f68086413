// UnregisteredStreams: the accepted streams whose Register has not arrived yet. They hold none of the slots in which daemons
// are registered (GatewayOptions::max_registrations), so a user who opens streams and sends nothing delays no other user.
//
// Their number is bounded for each token and for each peer address, and in all (src/api/README.md, "Limits"). A new stream
// displaces the oldest one of a full group: a daemon sends Register as soon as its stream is open, so the oldest is the least likely to be a
// daemon's. The token is the one that the stream shows, not yet verified. A displaced stream is refused a second later, so that a
// peer that opens another one at once costs a connection a second and not hundreds; it may still register until then.
//
// Owner: the Gateway; it outlives its entries. Executor: the logic thread.
#pragma once

#include <cstddef>
#include <list>
#include <string>

#include "base/status.h"
#include "ports/link.h"
#include "runtime/event.h"
#include "runtime/task.h"

namespace reliant::gateway {

struct UnregisteredLimits {
  std::size_t of_token = 32;
  std::size_t of_address = 512;  // a whole office may share one
  std::size_t in_all = 2048;
  std::size_t held = 512;  // displaced ones whose refusal waits; beyond them it comes at once
};

class UnregisteredStreams {
 public:
  explicit UnregisteredStreams(UnregisteredLimits limits) : limits_(limits) {}
  UnregisteredStreams(const UnregisteredStreams&) = delete;
  UnregisteredStreams& operator=(const UnregisteredStreams&) = delete;

  class Entry {
   public:
    Entry(UnregisteredStreams& all, const ports::AcceptedLink& link);
    Entry(const Entry&) = delete;
    Entry& operator=(const Entry&) = delete;
    ~Entry();

    // Returns when a newer stream has displaced this one, and it was held: RESOURCE_EXHAUSTED with a retry-after.
    Task<Status> displaced();

   private:
    friend class UnregisteredStreams;
    UnregisteredStreams& all_;
    std::string token_;
    std::string address_;
    Event displaced_;
  };

 private:
  template <class Belongs>
  void make_room(std::size_t limit, Belongs belongs);

  UnregisteredLimits limits_;
  std::size_t held_ = 0;
  std::list<Entry*> entries_;  // the oldest first, without displaced ones
};

}  // namespace reliant::gateway
