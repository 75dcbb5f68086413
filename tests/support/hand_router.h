// A router whose daemons are reachable when the test says so. It runs no tools: no test that uses it calls one.
#pragma once

#include <set>
#include <vector>

#include "base/ids.h"
#include "base/status.h"
#include "router/daemon_router.h"
#include "runtime/sleep.h"

namespace reliant::tests {

class HandRouter final : public router::DaemonRouter {
 public:
  Task<Result<model::ToolResult>> execute(model::ToolRequest, router::OutputSink&, Instant) override {
    co_return failed_precondition("this router runs no tools");
  }
  Task<Status> cancel(UserId, DaemonId, RequestId, Instant) override {
    co_return failed_precondition("this router runs no tools");
  }
  Task<Status> command(model::DaemonCommand, Instant) override {
    co_return failed_precondition("this router sends no commands");
  }
  Task<Result<std::vector<model::HeldDaemon>>> held(UserId, Instant) override { co_return std::vector<model::HeldDaemon>(); }
  Task<Result<bool>> online(UserId, DaemonId daemon, Instant) override {
    co_await yield();
    asked.push_back(daemon);
    if (silent) co_return deadline_exceeded("no gateway answers");
    co_return reachable.contains(daemon);
  }

  std::set<DaemonId> reachable;
  bool silent = false;
  std::vector<DaemonId> asked;
};

}  // namespace reliant::tests
