// Session: one accepted stream of one daemon, from its registration to its end: its frames, its heartbeat, the daemon's status
// (model/daemon_status.h) and presence, its commands, and its drain.
//
// Its tool requests are the RequestDispatcher's, the renewal of the daemon's token is TokenRenewal's; both use the stream
// through SessionStream. What a daemon sends is bounded (gateway/stream_limits.h), and the stream is not read on while there is
// no room for its results.
//
// Owner: the Gateway, which destroys it after run() has ended. Executor: the logic thread.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "base/event_log.h"
#include "base/ids.h"
#include "gateway/records.h"
#include "gateway/request_dispatcher.h"
#include "gateway/session_stream.h"
#include "gateway/token_renewal.h"
#include "model/daemon_status.h"
#include "model/tool_messages.h"
#include "ports/link.h"
#include "reliant/tools/v1/daemon.pb.h"
#include "router/daemon_router.h"
#include "runtime/channel.h"
#include "runtime/clock.h"
#include "runtime/event.h"
#include "runtime/one_shot.h"
#include "runtime/rate_limiter.h"
#include "runtime/scope.h"
#include "store/group_commit.h"

namespace reliant::gateway {

using PresenceWrites = store::GroupCommit<PresenceRecord, std::monostate>;

// Of one stream. Beyond it the stream is read more slowly, and HTTP/2 keeps its peer from sending: a daemon whose tool floods its
// output is slowed down, not refused. An honest one stays below: each call of a tool is one frame or two, and output is sent in
// chunks.
struct FrameLimits {
  std::int64_t per_second = 20'000;
  std::int64_t at_once = 20'000;
};

class Session final : public SessionStream {
 public:
  // References outlive the session.
  Session(Context& context, Clock& clock, EventLog& log, Records& records, PresenceWrites& presence_writes,
          SessionIdentity identity, std::shared_ptr<UserBudgets> budgets, FrameLimits frames,
          std::unique_ptr<ports::AcceptedLink> link);
  ~Session();

  const SessionIdentity& identity() const { return identity_; }
  model::PublicStatus status() const { return status_.public_status(); }
  Instant last_frame() const { return status_.last_frame(); }

  // Answers the registration with `greeting`, then serves the stream until it ends.
  Task<void> run(proto::Registered greeting);
  // Ends the stream with `why`; run() returns soon after.
  void close(Status why) override;
  // Tells the daemon where to go before this gateway stops (C43).
  void drain(std::vector<std::string> addresses, Duration retry_after);
  void check_epoch() override { spawn(record_connection()); }
  TokenRenewal& token_renewal() { return token_renewal_; }

  // The lease of its presence, which the gateway renews for all its sessions together.
  bool is_to_be_renewed() const;
  PresenceRecord presence() const { return {identity_, status_.connection()}; }
  // Together with those of others; superseded, it ends.
  Task<Status> record(model::DaemonConnection connection);
  void recorded(model::DaemonConnection connection, Instant asked, const Status& how);

  // As DaemonRouter::execute and command, for this daemon.
  Task<Result<model::ToolResult>> execute(model::ToolRequest request, router::OutputSink& sink, Instant deadline);
  Task<Status> command(model::DaemonCommand command, Instant deadline);
  model::HeldDaemon held() const;

 private:
  Task<void> write_frames();
  Task<void> beat();
  Task<void> read_frames();
  Task<Status> on_frame(std::string bytes);
  void on_command_done(const proto::CommandDone& frame);
  Task<void> record_connection();
  void send(proto::GatewayFrame frame) override;
  void send_answered(const RequestId& request) override;
  bool ended() const override { return ended_.is_set(); }
  void spawn(Task<void> task) override { scope_.spawn(std::move(task)); }
  Task<Status> pass_on(proto::Command command, Instant deadline);

  Clock& clock_;
  EventLog& log_;
  PresenceWrites& presence_writes_;
  SessionIdentity identity_;
  RateLimiter frames_;
  std::unique_ptr<ports::AcceptedLink> link_;
  model::DaemonStatus status_;
  Instant recorded_{};                 // when its presence was written last
  std::vector<std::string> answered_;  // unrecorded requests; acknowledged to the daemon with the next frame
  std::map<std::string, OneShot<Status>*> commands_;
  std::int64_t last_command_ = 0;
  Channel<proto::GatewayFrame> outbound_;
  Event ended_;
  Status end_;
  RequestDispatcher requests_;
  TokenRenewal token_renewal_;
  TaskScope scope_;  // last: its tasks use everything above
};

}  // namespace reliant::gateway
