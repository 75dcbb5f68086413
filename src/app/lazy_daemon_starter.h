// LazyDaemonStarter: runs the monolith's own daemon from the first authenticated request on (R13), or from
// the moment somebody else needs it: at boot if that was asked for (C46), and after a restart that found
// chats in the middle of their work (R25).
//
// Owner: the composition root, after the daemon. Executor: the logic thread. A daemon that ends by itself is
// logged.
#pragma once

#include "api/auth.h"
#include "base/event_log.h"
#include "daemon/daemon.h"
#include "runtime/scope.h"

namespace reliant::app {

class LazyDaemonStarter final : public api::FirstRequestObserver {
 public:
  LazyDaemonStarter(Context& context, EventLog& log, daemon::Daemon& daemon) : log_(log), daemon_(daemon), scope_(context) {}

  void on_first_request(const UserId&) override { start(); }
  void start();  // once; afterwards it does nothing
  Task<void> stop(Instant deadline);

 private:
  Task<void> serve();

  EventLog& log_;
  daemon::Daemon& daemon_;
  bool started_ = false;
  TaskScope scope_;
};

}  // namespace reliant::app
