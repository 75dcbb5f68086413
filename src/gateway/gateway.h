// Gateway: the role that holds the streams of users' tools daemons (R44 to R49, R52). It accepts streams, checks who they
// are, gives each the next epoch of its daemon (C2), serves it as a Session, and offers the daemons it holds to the
// process (DaemonSessions) and, through its observer, to the bus.
//
// Owner: the composition root; destroyed after run() has ended or with the process. Executor: the logic thread.
// Destructible at any time.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "base/event_log.h"
#include "gateway/records.h"
#include "gateway/session.h"
#include "gateway/session_observer.h"
#include "ports/link.h"
#include "router/daemon_router.h"
#include "runtime/clock.h"
#include "runtime/scope.h"

namespace reliant::gateway {

struct GatewayOptions {
  GatewayId id;
  std::string listen_address;      // "host:port"
  std::string advertised_address;  // what daemons are told; "" = where it really listens
  // R83, as the seeds have it: a newly connected daemon replaces every other daemon of its user, on whichever gateway. All
  // gateways must agree on it.
  bool single_daemon_per_user = false;
};

class Gateway final : public router::DaemonSessions {
 public:
  static constexpr Duration kRegistrationTime = std::chrono::seconds(10);  // from accept to the Register frame
  // Draining, so many daemons are sent on at a time, so that they do not all arrive elsewhere at once.
  static constexpr std::size_t kDrainBatch = 20;
  static constexpr Duration kDrainPause = std::chrono::milliseconds(50);

  // References outlive the gateway.
  Gateway(Context& context, Clock& clock, EventLog& log, ports::LinkTransport& links, Records& records,
          GatewayOptions options);
  ~Gateway() override;

  // Told of every session; set before start(). May be left out: then the daemons are known to this process only.
  void set_observer(SessionObserver& observer) { observer_ = &observer; }

  // Listens and serves from now on. ALREADY_EXISTS: the address is in use. UNAVAILABLE: no database.
  Task<Status> start();
  // Sends the daemons on to other gateways (C43), waits until they have gone or `deadline`, and closes what is left.
  Task<void> stop(Instant deadline);
  const std::string& address() const;

  Task<Result<model::ToolResult>> execute(model::ToolRequest request, router::OutputSink& sink,
                                          Instant deadline) override;
  Task<Status> command(model::DaemonCommand command, Instant deadline) override;
  bool holds(const UserId& user, const DaemonId& daemon) const override;
  std::vector<model::HeldDaemon> held(const UserId& user) const override;
  void superseded(const UserId& user, const DaemonId& daemon, std::int64_t epoch) override;
  std::size_t session_count() const { return sessions_.size(); }
  // As this gateway sees it now; kDisconnected when it does not hold the daemon.
  model::PublicStatus status(const UserId& user, const DaemonId& daemon) const;
  // When anything was last heard of a daemon that it holds.
  Instant last_frame(const UserId& user, const DaemonId& daemon) const;

 private:
  using Key = std::pair<UserId, DaemonId>;

  Task<void> accept_links();
  Task<void> announce();
  Task<void> lose_overdue();
  Task<void> serve(std::unique_ptr<ports::AcceptedLink> link);
  Task<Result<proto::Register>> read_registration(ports::AcceptedLink& link);
  Task<Result<std::shared_ptr<Session>>> open(std::unique_ptr<ports::AcceptedLink>& link, proto::Registered& greeting);
  Task<void> send_on(std::vector<std::string> others, Instant deadline);
  std::shared_ptr<Session> find(const UserId& user, const DaemonId& daemon) const;

  Context& context_;
  Clock& clock_;
  EventLog& log_;
  ports::LinkTransport& links_;
  Records& records_;
  GatewayOptions options_;
  SessionObserver* observer_ = nullptr;
  bool draining_ = false;
  std::unique_ptr<ports::LinkListener> listener_;
  std::map<Key, std::shared_ptr<Session>> sessions_;
  Event a_session_ended_;
  TaskScope scope_;  // last: its tasks use everything above
};

}  // namespace reliant::gateway
