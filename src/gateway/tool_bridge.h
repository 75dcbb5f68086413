// NATSToolBridge of the seeds (R47 to R49, R61, C3): what a gateway offers on the bus, on two lanes.
//
// Per-daemon lane: for every daemon whose stream it holds, and only while it holds it, it subscribes the daemon's subjects
// in the queue group; so a message for a daemon without a gateway finds no responder, and the caller knows at once (C4).
// User lane, the seeds' own: of tools.request.* and tools.cancel.* one gateway takes each message, and passes it on once, to
// the per-daemon subject, when it does not hold the daemon; tools.request.sync.*, tools.online.* and daemon.command.* are
// heard by every gateway, and only the holder answers.
//
// It acts on what a server has signed (gateway/bus_guard.h). On the user lane a client of the seeds' own, which cannot sign, is heard
// as well if the operator allows it; what it asks is signed here when it is passed on.
//
// It also announces to the other gateways every stream that is accepted here, and releases a daemon when one of them says
// so (C2).
//
// Owner: the gateway's composition root. Executor: the logic thread. References outlive it.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <utility>

#include "auth/bus_signer.h"
#include "auth/key_ring.h"
#include "base/event_log.h"
#include "gateway/bus_guard.h"
#include "gateway/session_observer.h"
#include "model/subject.h"
#include "model/tool_messages.h"
#include "ports/bus.h"
#include "router/daemon_router.h"
#include "runtime/clock.h"
#include "runtime/scope.h"

namespace reliant::gateway {

struct ToolBridgeOptions {
  // R42, R61: of clients on the user lane. Any client that can publish on the bus then runs tools on every user's machine.
  bool allow_unsigned_requests = false;
};

class NatsToolBridge final : public SessionObserver {
 public:
  // A caller that hears nothing for three of these takes the gateway for gone (router::NatsDaemonRouter::kSilence).
  static constexpr Duration kAlive = std::chrono::seconds(2);
  // How long a message that was passed on is watched for an answer that says that somebody has it.
  static constexpr Duration kPassedOn = std::chrono::seconds(3);

  // `clock` tells the database's time; `random` makes nonces.
  NatsToolBridge(Context& context, Clock& clock, EventLog& log, ports::Bus& bus, router::DaemonSessions& sessions,
                 auth::KeyRing& keys, Random random, ToolBridgeOptions options = {});
  ~NatsToolBridge() override;

  void session_opened(const SessionIdentity& session) override;
  void session_closed(const SessionIdentity& session) override;

 private:
  // Who hears a message, and so what one does who does not hold the daemon: answers that it is offline; passes it on;
  // stays silent.
  enum class Reach : std::uint8_t { kHolder, kOne, kAll };
  struct Lane {
    model::DaemonSubject subject;
    Reach reach;
    model::DaemonSubject pass_on_to;  // kOne
  };
  struct Held;
  class Answer;
  class OutputToBus;
  using Key = std::pair<UserId, DaemonId>;
  using Subscription = std::unique_ptr<ports::BusSubscription>;
  using Handler = Task<void> (NatsToolBridge::*)(Lane, ports::BusMessage);

  void serve_user_lane();
  bool serve_held(Held& held, const Key& key, Lane lane, Handler handler);
  Task<void> serve(Subscription interest, Lane lane, Handler handler);
  Task<void> admit(Lane lane, Handler handler, ports::BusMessage message);
  Task<void> announce(ports::BusMessage notice);
  Task<void> run_request(Lane lane, ports::BusMessage message);
  Task<void> run_command(Lane lane, ports::BusMessage message);
  Task<void> run_online(Lane lane, ports::BusMessage message);
  Task<void> run_notice(Lane lane, ports::BusMessage message);
  Task<void> pass_on(Lane lane, Key key, ports::BusMessage message, std::string refusal);
  Task<Status> command_status(model::DaemonCommand command);
  Task<model::ToolReply> execute(model::ToolExecutionRequest message, Answer& answer);
  Status check_address(const Lane& lane, const std::string& subject, const UserId& user, const DaemonId& daemon) const;
  Status check_times(const model::ToolExecutionRequest& message) const;
  void publish(ports::BusMessage message);
  void reply(const ports::BusMessage& to, std::string payload);
  void note(const Lane& lane, const ports::BusMessage& message, const model::ToolRequest& request);

  Context& context_;
  Clock& clock_;
  EventLog& log_;
  ports::Bus& bus_;
  router::DaemonSessions& sessions_;
  auth::BusSigner signer_;
  BusGuard guard_;
  ToolBridgeOptions options_;
  std::map<Key, std::unique_ptr<Held>> held_;
  TaskScope requests_;  // requests run on when their subscription ends: the session answers them
  TaskScope lanes_;     // last: its tasks use everything above
};

}  // namespace reliant::gateway
