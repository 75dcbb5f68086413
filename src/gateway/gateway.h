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
#include "gateway/stream_limits.h"
#include "gateway/streams_by_address.h"
#include "gateway/unregistered_streams.h"
#include "ports/link.h"
#include "router/daemon_router.h"
#include "runtime/clock.h"
#include "runtime/scope.h"
#include "runtime/semaphore.h"
#include "store/group_commit.h"

namespace reliant::gateway {

struct GatewayOptions {
  GatewayId id;
  std::string listen_address;      // "host:port"
  std::string advertised_address;  // sent to daemons; "" = where it really listens
  // R83, as the seeds have it: a newly connected daemon replaces every other daemon of its user, on whichever gateway. All
  // gateways must agree on it.
  bool single_daemon_per_user = false;
  // Registrations under way at a time, from the arrival of Register to the database's answer. A further stream is
  // refused with a retry-after, each somewhat later than the one before: as fast as registrations complete. Enough to keep a
  // database busy, few enough for each to be done in time.
  std::size_t max_registrations = 64;
  UnregisteredLimits unregistered;             // streams whose Register has not arrived
  std::size_t max_streams_per_address = 8192;  // registered or not; 0: any number, as behind a proxy
  FrameLimits frames;                          // of one stream
  std::int64_t max_daemons_per_user = 100;     // ids that a user's daemons may have registered with; 0: any number
  KindsAsIds kinds_as_ids = KindsAsIds::kRefused;
};

class Gateway final : public router::DaemonSessions {
 public:
  static constexpr Duration kRegistrationTime = std::chrono::seconds(10);  // from accept to the Register frame
  // Draining, so many daemons are sent on at a time, so that they do not all arrive elsewhere at once.
  static constexpr std::size_t kDrainBatch = 20;
  static constexpr Duration kDrainPause = std::chrono::milliseconds(50);
  // By then a stream whose token was revoked has ended, as long as the database answers.
  static constexpr Duration kTokensLookedUpEvery = std::chrono::seconds(10);
  static constexpr Duration kRenewEvery = std::chrono::seconds(10);   // the presence of its sessions
  static constexpr Duration kLongestWait = std::chrono::seconds(30);  // the longest retry-after of a burst

  // References outlive the gateway.
  Gateway(Context& context, Clock& clock, EventLog& log, ports::LinkTransport& links, Records& records, GatewayOptions options);
  ~Gateway() override;

  // Told of every session; set before start(). May be left out: then the daemons are known to this process only.
  void set_observer(SessionObserver& observer) { observer_ = &observer; }

  // Listens and serves from now on. ALREADY_EXISTS: the address is in use. UNAVAILABLE: no database.
  Task<Status> start();
  // Sends the daemons on to other gateways (C43), waits until they have gone or `deadline`, and closes what is left.
  Task<void> stop(Instant deadline);
  // For readiness (C35): OK while daemons may come; UNAVAILABLE says why not: before start(), and from stop() on.
  Status ready() const;
  const std::string& address() const;

  Task<Result<model::ToolResult>> execute(model::ToolRequest request, router::OutputSink& sink, Instant deadline) override;
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
  Task<void> renew_presence();
  Task<void> look_tokens_up();
  Task<void> end_revoked();
  Task<void> serve(std::unique_ptr<ports::AcceptedLink> link);
  Task<void> hold(std::shared_ptr<Session> session, proto::Registered greeting);
  Task<void> add_addresses(proto::Registered& greeting);
  Task<void> look_for_others();
  Task<Result<std::vector<Result<std::int64_t>>>> accept(std::vector<Arrival> arrivals);
  std::pair<std::string, std::string> who(const Arrival& arrival) const;
  Status crowded();
  Status too_many_streams() const;
  Task<Result<proto::Register>> read_registration(ports::AcceptedLink& link);
  Task<Result<std::shared_ptr<Session>>> open(std::unique_ptr<ports::AcceptedLink>& link, proto::Registered& greeting);
  Task<Result<SessionIdentity>> enrol(const ports::AcceptedLink& link, proto::Register registration);
  std::shared_ptr<UserBudgets> budgets_of(const UserId& user);
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
  store::GroupCommit<Arrival, std::int64_t> registrations_;
  PresenceWrites presence_writes_;
  Semaphore registration_permits_;
  Duration registration_takes_ = std::chrono::milliseconds(100);  // of late
  Instant next_turn_{};                                           // that has been promised
  std::size_t greeted_ = 0;                                       // sessions
  std::vector<std::string> others_;                               // live gateways, as the database said when it last answered
  StreamsByAddress streams_by_address_;
  UnregisteredStreams unregistered_;
  std::map<UserId, std::weak_ptr<UserBudgets>> budgets_;  // of users whose daemons it holds
  std::map<Key, std::shared_ptr<Session>> sessions_;
  Event a_session_ended_;
  TaskScope scope_;  // last: its tasks use everything above
};

}  // namespace reliant::gateway
