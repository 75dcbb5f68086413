// UserLaneRouter: a DaemonRouter that asks on the subjects of a user (R42, R48, R49, C3). Gateways serve them for clients that are
// none of ours and do not know which gateway holds the daemon; the outcome is the same as on a daemon's own subjects.
//
//   kUser      tools.request.{user}: one gateway takes it, and passes it on once; the answer is on tools.response.…
//   kUserSync  tools.request.sync.{user}: every gateway hears it; no answer within kFirstAnswer: DAEMON_SILENT (a command: offline)
//
// Owner and executor: as NatsDaemonRouter.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "router/nats_daemon_router.h"

namespace reliant::sim {

enum class Lane : std::uint8_t { kDaemon, kUser, kUserSync };  // kDaemon: as our programs ask

class UserLaneRouter final : public router::DaemonRouter {
 public:
  // Until a gateway has said that it has the request.
  static constexpr Duration kFirstAnswer = std::chrono::seconds(3);

  UserLaneRouter(Lane lane, ports::Bus& bus, Clock& clock, auth::BusSigner& signer, store::Executions* executions)
      : lane_(lane), bus_(bus), clock_(clock), signer_(signer), executions_(executions), by_daemon_(bus, clock, signer) {}

  Task<Result<model::ToolResult>> execute(model::ToolRequest request, router::OutputSink& sink, Instant deadline) override;
  Task<Status> command(model::DaemonCommand command, Instant deadline) override;
  Task<Result<std::vector<model::HeldDaemon>>> held(UserId user, Instant deadline) override;

 private:
  // Where the answers to one question come.
  struct Answers {
    std::unique_ptr<ports::BusSubscription> messages;
    std::string attempt;  // "": all of them are ours
  };

  Task<Result<Answers>> ask(ports::BusMessage question, auth::SignedKind kind, Instant deadline);
  // The next message that is for this attempt; errors as BusSubscription::next.
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
