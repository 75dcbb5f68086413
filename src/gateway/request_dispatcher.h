// RequestDispatcher: the tool requests of one session. It hands them down the stream, passes their output and results to the
// callers that wait, and keeps the results of recorded requests.
//
// A request belongs to the daemon, not to the stream: when the stream ends, every execute() that waits here answers
// UNAVAILABLE and the run goes on over there; calling again with the same id, at any gateway, takes it up (C8).
//
//                       recorded                                       unrecorded (model::Durability)
//   execute             dispatched in the store, which fences it (C2)  sent at once
//   result              durable before it is acknowledged and told     told; without a caller it stays at the daemon a while
//   cancel              in the store, so that it outlives the stream   passed on to the stream there is, or fails
//   left open before    replayed                                       unknown: the caller asks again (C7)
//
// No write fences an unrecorded request: a stream that was replaced may be handed it, and answer it, until its gateway hears
// that it was replaced: by the notice of the newer stream's gateway, when it renews its presence, or, when an answer takes
// longer than kDoubtful, by asking the store (C2).
//
// The results that wait for the store are bounded (UserBudgets): at the bound the stream is not read on.
//
// Owner: the Session. Executor: the logic thread. Errors of execute() and cancel() are those of router::DaemonRouter.
#pragma once

#include <cstdint>
#include <map>
#include <memory>

#include "base/event_log.h"
#include "base/ids.h"
#include "gateway/records.h"
#include "gateway/session_stream.h"
#include "model/tool.h"
#include "router/daemon_router.h"
#include "runtime/byte_budget.h"
#include "runtime/clock.h"
#include "runtime/one_shot.h"
#include "runtime/task.h"

namespace reliant::gateway {

// What all sessions of one user at this gateway may hold at a time, in bytes (src/api/README.md, "Limits").
struct UserBudgets {
  ByteBudget results{std::size_t{4} << 20};  // that wait for the store; while it is full the streams are not read
  ByteBudget output{std::size_t{32} << 20};  // that waits to be passed on; more is dropped, and read again from the daemon
};

class RequestDispatcher {
 public:
  static constexpr Duration kDoubtful = std::chrono::seconds(1);

  // References outlive it.
  RequestDispatcher(Clock& clock, EventLog& log, Records& records, const SessionIdentity& identity,
                    std::shared_ptr<UserBudgets> budgets, SessionStream& stream);
  ~RequestDispatcher();

  // As DaemonRouter::execute, for this daemon.
  Task<Result<model::ToolResult>> execute(model::ToolRequest request, router::OutputSink& sink, Instant deadline);
  // OK: the daemon has confirmed it, or the request had ended.
  Task<Status> cancel(RequestId request, Instant deadline);
  // Takes up what earlier streams of the daemon left open, so that a result comes to be even if its caller has died (C6).
  Task<void> replay();
  // The stream has ended: every waiting call answers UNAVAILABLE.
  void end();

  void on_output(proto::ToolOutput frame);
  // Returns when there is room for the result.
  Task<void> on_finished(proto::ToolFinished frame);
  void on_cancel_done(const RequestId& request);

 private:
  struct Execution;
  struct UnderWay {
    ByteBudget::Share of_session;
    ByteBudget::Share of_user;
  };

  Execution* waiting_for(const RequestId& request) const;
  Task<Result<store::Execution>> begin(model::ToolRequest request);
  Task<Result<model::ToolResult>> follow(Execution& execution, router::OutputSink& sink, Instant deadline);
  Task<void> take_up(store::Execution left_open);
  Task<void> store_result(proto::ToolFinished frame, UnderWay under_way);
  void forward_result(Execution& waiting, proto::ToolFinished frame);
  void acknowledge(const RequestId& request);
  void send_cancel(const RequestId& request, model::Durability durability);
  void log_routed(const Execution& execution, std::uint64_t resume_after, Duration took);

  Clock& clock_;
  EventLog& log_;
  Records& records_;
  const SessionIdentity& identity_;
  std::shared_ptr<UserBudgets> budgets_;
  SessionStream& stream_;
  ByteBudget results_{std::size_t{2} << 20};    // of this stream; see UserBudgets::results
  std::map<RequestId, Execution*> executions_;  // the newest execute() of each request
  std::map<RequestId, OneShot<Status>*> cancels_;
};

}  // namespace reliant::gateway
