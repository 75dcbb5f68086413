// NatsDaemonRouter: the DaemonRouter over the bus (R34, R42, C3, C4). It publishes to the per-daemon subject that the
// holding gateway subscribes; nobody there means offline at once. The answer is a stream of messages on an inbox (see
// model/tool_messages.h); when it falls silent for `silence`, the gateway is taken for gone and the call ends UNAVAILABLE.
#pragma once

#include <memory>

#include "ports/bus.h"
#include "router/daemon_router.h"
#include "runtime/clock.h"

namespace reliant::router {

class NatsDaemonRouter final : public DaemonRouter {
 public:
  // Three times what a gateway lets pass between two "alive" messages.
  static constexpr Duration kSilence = std::chrono::seconds(6);

  // Both outlive the router.
  NatsDaemonRouter(ports::Bus& bus, Clock& clock) : bus_(bus), clock_(clock) {}

  Task<Result<model::ToolResult>> execute(model::ToolRequest request, OutputSink& sink, Instant deadline) override;
  Task<Status> cancel(UserId user, DaemonId daemon, RequestId request, Instant deadline) override;
  Task<Result<bool>> online(UserId user, DaemonId daemon, Instant deadline) override;

 private:
  Result<std::unique_ptr<ports::BusSubscription>> send(const model::ToolRequest& request, const OutputSink& sink,
                                                       Instant deadline);
  Task<Result<model::ToolResult>> follow(ports::BusSubscription& answers, DaemonId daemon, OutputSink& sink,
                                         Instant deadline);
  Task<Status> command(std::string payload, UserId user, DaemonId daemon, Instant deadline);

  ports::Bus& bus_;
  Clock& clock_;
};

}  // namespace reliant::router
