// SessionObserver: told when a gateway begins and ends to hold a daemon's stream.
#pragma once

#include "base/ids.h"

namespace reliant::gateway {

class SessionObserver {
 public:
  virtual ~SessionObserver() = default;
  virtual void session_opened(const UserId& user, const DaemonId& daemon) = 0;
  virtual void session_closed(const UserId& user, const DaemonId& daemon) = 0;
};

}  // namespace reliant::gateway
