// NatsDaemonRouter: the DaemonRouter over the bus (R34, R42, R61, C3 to C5). It publishes on the daemon's own subjects; to them
// only the holding gateway subscribes, so "no responders" means offline at once. The answer to a request is a stream of
// messages (router/tool_call.h); after kSilence without one, the gateway is considered lost and the call ends UNAVAILABLE. A
// lost answer is read from the durable row, when there is a store (C5).
//
// Gateways serve the subjects of a user, too (C3); no program of this project publishes on those.
// Every request is signed (auth/bus_signature.h), else no gateway acts on it.
// Owner: the worker's composition root; references outlive it. Executor: the logic thread.
#pragma once

#include <memory>
#include <vector>

#include "auth/bus_signer.h"
#include "ports/bus.h"
#include "router/daemon_router.h"
#include "runtime/clock.h"
#include "store/executions.h"

namespace reliant::router {

class NatsDaemonRouter final : public DaemonRouter {
 public:
  // Three times what a gateway lets pass between two "alive" messages.
  static constexpr Duration kSilence = std::chrono::seconds(6);
  // How long held() listens: gateways without the daemon do not answer, so it cannot know when all answers are in.
  static constexpr Duration kGather = std::chrono::milliseconds(500);

  // `clock` tells the database's time (store/database_clock.h): gateways of other machines judge deadlines by it. `executions`
  // is where it reads again what a lost answer said; null: nowhere.
  NatsDaemonRouter(ports::Bus& bus, Clock& clock, auth::BusSigner& signer, store::Executions* executions = nullptr)
      : bus_(bus), clock_(clock), signer_(signer), executions_(executions) {}

  Task<Result<model::ToolResult>> execute(model::ToolRequest request, OutputSink& sink, Instant deadline) override;
  Task<Status> command(model::DaemonCommand command, Instant deadline) override;
  Task<Result<std::vector<model::HeldDaemon>>> held(UserId user, Instant deadline) override;

 private:
  // Publishes the question, and has the answers to it.
  Task<Result<std::unique_ptr<ports::BusSubscription>>> ask(ports::BusMessage question, auth::SignedKind kind,
                                                            Instant deadline);
  Task<Result<model::ToolResult>> follow(ports::BusSubscription& messages, DaemonId daemon, OutputSink& sink, Instant deadline);

  ports::Bus& bus_;
  Clock& clock_;
  auth::BusSigner& signer_;
  store::Executions* executions_;
};

}  // namespace reliant::router
