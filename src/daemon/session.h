// Session: one stream to one gateway, from its registration to its end. It tells the gateway what the Runner
// has, and the Runner what the gateway wants; it keeps nothing that must survive it.
//
// One writer, so one order: control frames first, then results, then output, the requests in turn. Output is
// sent for requests that the gateway has asked for on this stream, from where it says it has it, and at most
// kWindow chunks ahead of the acknowledgements. A result follows the output before it, unless that stalls; it
// is offered again until the gateway has made it durable (C6, C8). The result of an unrecorded request is sent once for each
// time that it was asked for on this stream.
//
// Owner: the Daemon. Executor: the logic thread. It ends by itself when the stream does, or when nothing was
// heard for 120 s (R80); `end()` says why.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/ids.h"
#include "daemon/runner.h"
#include "ports/link.h"
#include "reliant/tools/v1/daemon.pb.h"
#include "runtime/clock.h"
#include "runtime/event.h"
#include "runtime/scope.h"

namespace reliant::daemon {

class Session final : public RunListener {
 public:
  static constexpr std::uint64_t kWindow = 64;                             // chunks not acknowledged, of one request
  static constexpr Duration kOfferAgain = std::chrono::seconds(30);        // a result that was not acknowledged
  static constexpr Duration kOutputStalled = std::chrono::seconds(5);      // then the result goes ahead of it
  static constexpr Duration kRegistrationTime = std::chrono::seconds(10);  // until the gateway has answered

  // Registers on a link that has just been opened. The error is the gateway's refusal, or UNAVAILABLE.
  static Task<Result<proto::Registered>> introduce(ports::Link& link, proto::Register registration, Instant deadline);

  // On a stream that is registered. References outlive the session.
  Session(Context& context, Clock& clock, Runner& runner, std::unique_ptr<ports::Link> link, Duration heartbeat);
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;
  ~Session();

  void start();
  // What ReloadConfig does; without it there is nothing to read again.
  void set_reload(std::function<Status()> reload) { reload_ = std::move(reload); }
  // How a new token is kept; without it the gateway is asked for none.
  void set_keep_token(std::function<Task<Status>(std::string)> keep) { keep_token_ = std::move(keep); }
  // Says goodbye: no more frames from us. The stream ends when the gateway has heard it.
  void close();

  // Set when the stream has ended, or the gateway wants us to go elsewhere.
  Event& changed() { return changed_; }
  Event& gone() { return gone_; }  // the stream has ended
  bool ended() const { return gone_.is_set(); }
  const Status& end() const { return end_; }
  // It ended when a beat of the gateway was overdue (R80): that has frozen, or the way to it is cut. One that dies has beaten
  // until then.
  bool fell_silent() const { return fell_silent_; }
  // Where to go (C43); nullopt: stay.
  const std::optional<proto::Drain>& drain() const { return drain_; }

  void on_accepted(const RequestId& id) override;
  void on_output(const RequestId& id, std::uint64_t last_chunk) override;
  void on_finished(const RequestId& id, model::Durability durability) override;
  void on_cancel_done(const RequestId& id, bool was_running) override;

 private:
  // A request that the gateway has asked for on this stream.
  struct Followed {
    std::uint64_t sent = 0;
    std::uint64_t acknowledged = 0;
    std::uint64_t last = 0;  // chunk there is
    bool has_next() const { return sent < last && sent - acknowledged < kWindow; }
  };
  struct Offer {
    Instant since;  // when it was first seen here, or last sent
    bool sent = false;
    model::Durability durability = model::Durability::kRecorded;
  };

  Task<void> read_frames();
  Status on_frame(const std::string& bytes);
  void on_execute(proto::ExecuteTool request);
  void on_command(const proto::Command& command);
  void on_acknowledged(RequestId id);
  void on_cancel(const proto::CancelTool& cancel);
  void on_token_due();
  Task<void> take_up(std::string token);
  Task<void> beat(Duration interval);
  Task<void> write_frames();
  Task<Status> write_next(bool& idle);
  Task<Status> send(proto::DaemonFrame frame);
  Task<Status> send_result(RequestId id);
  Task<Status> send_chunk(RequestId id);
  std::optional<RequestId> next_result();
  std::optional<RequestId> next_output();
  Instant next_offer() const;
  Instant due(const RequestId& id, const Offer& offer) const;
  void queue(proto::DaemonFrame frame);
  void finish(Status why);

  Clock& clock_;
  Runner& runner_;
  Duration heartbeat_;
  std::unique_ptr<ports::Link> link_;
  std::deque<proto::DaemonFrame> control_;
  std::map<RequestId, Followed> followed_;
  std::map<RequestId, Offer> offers_;
  RequestId last_output_;  // whose turn it was
  std::function<Status()> reload_;
  std::function<Task<Status>(std::string)> keep_token_;
  bool taking_up_ = false;  // a new token
  Event work_;
  Event changed_;
  Event gone_;
  bool closing_ = false;
  Instant heard_;  // a frame of the gateway, last
  bool fell_silent_ = false;
  Status end_;
  std::optional<proto::Drain> drain_;
  TaskScope scope_;  // last: its tasks use everything above
};

}  // namespace reliant::daemon
