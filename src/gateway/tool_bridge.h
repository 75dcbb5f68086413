// NATSToolBridge of the seeds (R47, R61, C3): what a gateway offers on the bus. For every daemon whose stream it holds, and
// only while it holds it, it subscribes the daemon's subjects in the queue group; so a message for a daemon that nobody
// holds finds no responder, and the caller knows at once (C4).
//
// Owner: the gateway's composition root. Executor: the logic thread. References outlive it.
#pragma once

#include <map>
#include <memory>
#include <utility>

#include "base/event_log.h"
#include "gateway/session_observer.h"
#include "model/tool_messages.h"
#include "ports/bus.h"
#include "router/daemon_router.h"
#include "runtime/clock.h"
#include "runtime/scope.h"

namespace reliant::gateway {

class NatsToolBridge final : public SessionObserver {
 public:
  // A caller that hears nothing for three of these takes the gateway for gone (router::NatsDaemonRouter::kSilence).
  static constexpr Duration kAlive = std::chrono::seconds(2);

  NatsToolBridge(Context& context, Clock& clock, EventLog& log, ports::Bus& bus, router::DaemonSessions& sessions);
  ~NatsToolBridge() override;

  void session_opened(const UserId& user, const DaemonId& daemon) override;
  void session_closed(const UserId& user, const DaemonId& daemon) override;

 private:
  struct Held;
  class Answer;
  class OutputToBus;
  using Key = std::pair<UserId, DaemonId>;

  Task<void> serve_requests(Key key, std::unique_ptr<ports::BusSubscription> requests);
  Task<void> serve_commands(Key key, std::unique_ptr<ports::BusSubscription> commands);
  Task<void> run_request(Key key, ports::BusMessage message);
  Task<void> run_command(Key key, ports::BusMessage message);
  Task<model::ToolReply> execute(Key key, model::ToolExecutionRequest message, Answer& answer);
  Result<model::ToolExecutionRequest> read_request(const Key& key, const std::string& payload) const;

  Context& context_;
  Clock& clock_;
  EventLog& log_;
  ports::Bus& bus_;
  router::DaemonSessions& sessions_;
  std::map<Key, std::unique_ptr<Held>> held_;
  TaskScope requests_;  // requests run on when their subscription ends: the session answers them
};

}  // namespace reliant::gateway
