// UserLaneRouter: a DaemonRouter that sends on the subjects of a user (R42, R48, R49, C3). Gateways serve them for foreign
// clients, which do not know the daemon's holder; the outcome is the same as on a daemon's own subjects.
//
//   kUser      tools.request.{user}: one gateway receives it, and forwards it once; the answer is on tools.response.…
//   kUserSync  tools.request.sync.{user}: every gateway receives it; no answer within kFirstAnswer: DAEMON_SILENT (a command:
//              offline)
//
// Owner and executor: as NatsDaemonRouter.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "router/nats_daemon_router.h"

namespace reliant::sim {

enum class Lane : std::uint8_t { kDaemon, kUser, kUserSync };  // kDaemon: the lane of our programs

class UserLaneRouter final : public router::DaemonRouter {
 public:
  // The timeout for a gateway's acknowledgement of the request.
  static constexpr Duration kFirstAnswer = std::chrono::seconds(3);

  UserLaneRouter(Lane lane, ports::Bus& bus, Clock& clock, auth::BusSigner& signer, store::Executions* executions)
      : lane_(lane), bus_(bus), clock_(clock), signer_(signer), executions_(executions), by_daemon_(bus, clock, signer) {}

  Task<Result<model::ToolResult>> execute(model::ToolRequest request, router::OutputSink& sink, Instant deadline) override;
  Task<Status> command(model::DaemonCommand command, Instant deadline) override;
  Task<Result<std::vector<model::HeldDaemon>>> held(UserId user, Instant deadline) override;

 private:
  // The subscription to the answers to one request.
  struct Answers {
    std::unique_ptr<ports::BusSubscription> messages;
    std::string attempt;  // "": every answer belongs to the request
  };

  Task<Result<Answers>> ask(ports::BusMessage question, auth::SignedKind kind, Instant deadline);
  // The next message for this attempt; errors as BusSubscription::next.
  static Task<Result<ports::BusMessage>> next(Answers& answers, Instant deadline);
  Task<Result<model::ToolResult>> follow(Answers answers, DaemonId daemon, router::OutputSink& sink, Instant deadline);
  Status nobody_answers(const DaemonId& daemon, bool heard) const;

  Lane lane_;
  ports::Bus& bus_;
  Clock& clock_;
  auth::BusSigner& signer_;
  store::Executions* executions_;
  router::NatsDaemonRouter by_daemon_;
};

std::unique_ptr<router::DaemonRouter> router_on(Lane lane, ports::Bus& bus, Clock& clock, auth::BusSigner& signer,
                                                store::Executions* executions = nullptr);

}  // namespace reliant::sim
