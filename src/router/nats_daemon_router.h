// NatsDaemonRouter: the DaemonRouter over the bus (R34, R42, R61, C3 to C5). The answer to a request is a stream of messages
// (see model/tool_messages.h); when it falls silent for kSilence, the gateway is taken for gone and the call ends
// UNAVAILABLE. An answer that was lost is looked for in the durable row, when there is a store (C5).
//
// Lanes, all with the same outcome:
//   kDaemon    tools.request.sync.{user}.{daemon}, subscribed by the holder only: nobody there means offline at once
//   kUser      tools.request.{user}: one gateway takes it, and passes it on once; the answer is on tools.response.…
//   kUserSync  tools.request.sync.{user}: every gateway hears it; no answer within kFirstAnswer: DAEMON_SILENT (a command: offline)
//
// Everything that it asks is signed (auth/bus_signature.h), else no gateway acts on it.
// Owner: the worker's composition root; references outlive it. Executor: the logic thread.
#pragma once

#include <memory>
#include <string>

#include "auth/bus_signer.h"
#include "ports/bus.h"
#include "router/daemon_router.h"
#include "runtime/clock.h"
#include "store/executions.h"

namespace reliant::router {

enum class Lane : std::uint8_t { kDaemon, kUser, kUserSync };

struct NatsRouterOptions {
  Lane lane = Lane::kDaemon;
  store::Executions* executions = nullptr;  // to read again what a lost answer said; outlives the router
};

class NatsDaemonRouter final : public DaemonRouter {
 public:
  // Three times what a gateway lets pass between two "alive" messages.
  static constexpr Duration kSilence = std::chrono::seconds(6);
  // On the user lane, until a gateway has said that it has the request.
  static constexpr Duration kFirstAnswer = std::chrono::seconds(3);
  // How long held() listens: those who hold nothing stay silent, so it cannot know when all have spoken.
  static constexpr Duration kGather = std::chrono::milliseconds(500);

  // `clock` tells the database's time (store/database_clock.h): gateways of other machines judge deadlines by it.
  NatsDaemonRouter(ports::Bus& bus, Clock& clock, auth::BusSigner& signer, NatsRouterOptions options = {})
      : bus_(bus), clock_(clock), signer_(signer), options_(options) {}

  Task<Result<model::ToolResult>> execute(model::ToolRequest request, OutputSink& sink, Instant deadline) override;
  Task<Status> cancel(UserId user, DaemonId daemon, RequestId request, Instant deadline) override;
  Task<Result<bool>> online(UserId user, DaemonId daemon, Instant deadline) override;
  Task<Status> command(model::DaemonCommand command, Instant deadline) override;
  Task<Result<std::vector<model::HeldDaemon>>> held(UserId user, Instant deadline) override;

 private:
  // Where the answers to one question come.
  struct Answers {
    std::unique_ptr<ports::BusSubscription> messages;
    std::string attempt;  // "": all of them are ours
  };

  Task<Result<Answers>> ask(ports::BusMessage question, auth::SignedKind kind, std::string answer_subject, Instant deadline);
  Task<Result<Answers>> send(const model::ToolRequest& request, const OutputSink& sink, Instant deadline);
  // The next message that is for this attempt; errors as BusSubscription::next.
  Task<Result<ports::BusMessage>> next(Answers& answers, Instant deadline);
  Task<Result<model::ToolResult>> follow(Answers answers, DaemonId daemon, OutputSink& sink, Instant deadline);
  Status nobody_answers(const DaemonId& daemon, bool heard) const;
  Task<Result<model::ToolResult>> read_again(RequestId request, Status lost);

  ports::Bus& bus_;
  Clock& clock_;
  auth::BusSigner& signer_;
  NatsRouterOptions options_;
};

}  // namespace reliant::router
