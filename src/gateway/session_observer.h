// SessionObserver: told when a gateway begins and ends to hold a daemon's stream.
#pragma once

#include "gateway/records.h"

namespace reliant::gateway {

class SessionObserver {
 public:
  virtual ~SessionObserver() = default;
  virtual void session_opened(const SessionIdentity& session) = 0;
  virtual void session_closed(const SessionIdentity& session) = 0;
};

}  // namespace reliant::gateway
