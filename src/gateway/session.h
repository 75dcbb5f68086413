// Session: one accepted stream of one daemon, from its registration to its end. It gives the stream's frames their
// meaning: keeps the daemon's status (model/daemon_status.h), beats, hands requests down and results up, and keeps
// control frames ahead of everything else.
//
// A request belongs to the daemon, not to the stream: when the stream ends, every execute() that waits here answers
// UNAVAILABLE and the run goes on over there; calling again with the same id, at any gateway, takes it up (C8). A result
// is recorded as durable before it is acknowledged to the daemon and before anybody hears of it.
//
// A request of a tool that only reads is recorded nowhere, neither here nor by the daemon: running it again does no harm, so
// whoever misses the answer asks again (C7). It goes down at once, and its result is handed to who waits; a
// result that nobody waits for stays with the daemon for a while. No write fences it: a stream that was replaced may be
// handed such a request, and answer it, until its gateway hears that it was replaced: by the notice of the newer stream's
// gateway, when it renews its presence, or, when an answer takes longer than kDoubtful, by asking the store (C2). Nor is its
// cancel recorded: it is passed on to the stream there is, or fails.
//
// What a daemon sends is bounded (gateway/stream_limits.h), and so is what of it waits here: while the store lags behind the
// results, the stream is not read on.
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
#include "model/daemon_status.h"
#include "model/tool.h"
#include "model/tool_messages.h"
#include "ports/link.h"
#include "reliant/tools/v1/daemon.pb.h"
#include "router/daemon_router.h"
#include "runtime/byte_budget.h"
#include "runtime/channel.h"
#include "runtime/clock.h"
#include "runtime/event.h"
#include "runtime/one_shot.h"
#include "runtime/rate_limiter.h"
#include "runtime/scope.h"
#include "store/group_commit.h"

namespace reliant::gateway {

using PresenceWrites = store::GroupCommit<Presence, std::monostate>;

// Of one stream. Beyond it the stream is read more slowly, and HTTP/2 keeps its peer from sending: a daemon whose tool floods its
// output is slowed down, not refused. An honest one stays below: each call of a tool is one frame or two, and output is sent in
// chunks.
struct FrameLimits {
  std::int64_t per_second = 20'000;
  std::int64_t at_once = 20'000;
};

// What all sessions of one user at this gateway may hold at a time, in bytes (README, "Limits").
struct UserBudgets {
  ByteBudget results{std::size_t{4} << 20};  // that wait for the store; the streams are not read on meanwhile
  ByteBudget output{std::size_t{32} << 20};  // that waits to be passed on; more is dropped, and read again from the daemon
};

class Session {
 public:
  static constexpr Duration kDoubtful = std::chrono::seconds(1);

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
  void close(Status why);
  // Tells the daemon where to go before this gateway stops (C43).
  void drain(std::vector<std::string> addresses, Duration retry_after);
  // Whether the daemon is to be told that its token should be renewed, and telling it.
  bool token_is_due() const;
  void offer_token();
  // Asks the store whether this stream still is the newest, and ends it if not.
  void check_epoch() { scope_.spawn(record_connection()); }

  // The lease of its presence, which the gateway renews for all its sessions together.
  bool is_to_be_renewed() const;
  Presence presence() const { return {identity_, status_.connection()}; }
  // Together with those of others; superseded, it ends.
  Task<Status> record(model::DaemonConnection connection);
  void recorded(model::DaemonConnection connection, Instant asked, const Status& how);

  // As DaemonRouter::execute and command, for this daemon.
  Task<Result<model::ToolResult>> execute(model::ToolRequest request, router::OutputSink& sink, Instant deadline);
  Task<Status> command(model::DaemonCommand command, Instant deadline);
  model::HeldDaemon held() const;

 private:
  struct Execution;
  struct UnderWay {
    ByteBudget::Share of_session;
    ByteBudget::Share of_user;
  };

  Task<void> write_frames();
  Task<void> beat();
  Task<void> read_frames();
  Task<Status> on_frame(std::string bytes);
  void on_output(proto::ToolOutput frame);
  Task<void> on_finished(proto::ToolFinished frame);
  void on_command_done(const proto::CommandDone& frame);
  Task<void> replay();
  Task<void> take_up(store::Execution left_open);
  void send_cancel(const RequestId& request, bool unrecorded = false);
  Task<void> keep_result(proto::ToolFinished frame, UnderWay under_way);
  void hand_on(Execution& waiting, proto::ToolFinished frame);
  void acknowledge(const RequestId& request);
  Task<void> renew_token();
  Task<void> take_token_up(std::string token);
  Task<void> record_connection();
  void send(proto::GatewayFrame frame);
  Task<Status> cancel(RequestId request, Instant deadline);
  Task<Status> pass_on(proto::Command command, Instant deadline);
  Task<Result<model::ToolResult>> read(model::ToolRequest request, router::OutputSink& sink, Instant deadline);
  Task<Result<model::ToolResult>> follow(Execution& execution, router::OutputSink& sink, Instant deadline);
  proto::GatewayFrame execute_frame(const model::ToolRequest& request, std::uint64_t resume_after) const;

  Clock& clock_;
  EventLog& log_;
  Records& records_;
  PresenceWrites& presence_writes_;
  SessionIdentity identity_;
  std::shared_ptr<UserBudgets> budgets_;
  ByteBudget results_{std::size_t{2} << 20};  // of this stream; see UserBudgets::results
  RateLimiter frames_;
  std::unique_ptr<ports::AcceptedLink> link_;
  model::DaemonStatus status_;
  Instant recorded_{};  // when its presence was written last
  std::optional<Instant> token_offered_;  // last
  bool may_renew_ = false;                // the daemon was offered a token, and has not asked for it yet
  bool may_use_ = false;                  // it was sent one, and has not used it yet
  std::map<RequestId, Execution*> executions_;  // the newest execute() of each request
  std::vector<std::string> answered_;           // reads; the daemon is told with the next frame
  std::map<RequestId, OneShot<bool>*> cancels_;
  std::map<std::string, OneShot<Status>*> commands_;
  std::int64_t last_command_ = 0;
  Channel<proto::GatewayFrame> outbound_;
  Event ended_;
  Status end_;
  TaskScope scope_;  // last: its tasks use everything above
};

}  // namespace reliant::gateway
