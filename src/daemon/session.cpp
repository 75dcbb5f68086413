#include "daemon/session.h"

#include <algorithm>
#include <utility>

#include "base/text.h"
#include "base/utf8.h"
#include "model/daemon_status.h"
#include "runtime/sleep.h"

namespace reliant::daemon {
namespace {

// Since the last frame, which may have been taken a little late: a link gives up a peer that has frozen no sooner than 30 s after
// it (GrpcLinkOptions). Hardly less: the daemons of a gateway that dies then would not spread (Daemon::wait_after).
constexpr Duration kSilent = model::kGatewayHeartbeat - std::chrono::milliseconds(10);

proto::Outcome to_proto(model::Outcome outcome) {
  switch (outcome) {
    case model::Outcome::kExecuted:
      return proto::OUTCOME_EXECUTED;
    case model::Outcome::kNotExecuted:
      return proto::OUTCOME_NOT_EXECUTED;
    case model::Outcome::kUnknown:
      return proto::OUTCOME_UNKNOWN;
  }
  return proto::OUTCOME_UNKNOWN;
}

proto::DaemonFrame finished_frame(const RequestId& id, model::ToolResult result, model::Durability durability) {
  proto::DaemonFrame frame;
  proto::ToolFinished& finished = *frame.mutable_tool_finished();
  finished.set_request_id(id.str());
  finished.set_outcome(to_proto(result.outcome));
  finished.set_is_error(result.is_error);
  finished.set_content(std::move(result.content));
  finished.set_exit_code(result.exit_code);
  finished.set_output_chunks(result.output_chunks);
  finished.set_unrecorded(durability == model::Durability::kUnrecorded);
  return frame;
}

}  // namespace

Task<Result<proto::Registered>> Session::introduce(ports::Link& link, proto::Register registration, Instant deadline) {
  proto::DaemonFrame hello;
  *hello.mutable_register_() = std::move(registration);
  // A gateway that refuses may do so before it has read this: its status says more than the failed send.
  const Status sent = co_await link.send(hello.SerializeAsString(), deadline);
  auto bytes = co_await link.receive(deadline);
  if (!bytes.ok()) co_return bytes.status();
  if (!*bytes) co_return sent.ok() ? unavailable("the gateway ended the stream at once") : sent;
  proto::GatewayFrame frame;
  if (!frame.ParseFromString(**bytes) || !frame.has_registered())
    co_return unavailable("the first frame of the gateway is not Registered");
  co_return std::move(*frame.mutable_registered());
}

Session::Session(Context& context, Clock& clock, Runner& runner, std::unique_ptr<ports::Link> link, Duration heartbeat)
    : clock_(clock), runner_(runner), heartbeat_(heartbeat), link_(std::move(link)), heard_(clock.now()), scope_(context) {}

Session::~Session() { runner_.clear_listener(this); }

void Session::start() {
  runner_.set_listener(this);
  for (const RequestId& id : runner_.records().offers()) offers_[id] = Offer{clock_.now()};
  scope_.spawn(read_frames());
  scope_.spawn(write_frames());
  scope_.spawn(beat(heartbeat_));
}

void Session::close() {
  runner_.clear_listener(this);
  closing_ = true;  // the writer half-closes after what it is sending
  work_.set();
}

void Session::finish(Status why) {
  if (ended()) return;
  end_ = std::move(why);
  fell_silent_ = clock_.now() - heard_ >= kSilent;
  runner_.clear_listener(this);
  link_->cancel();
  gone_.set();
  changed_.set();
}

// --- reading -----------------------------------------------------------------------------------------------

Task<void> Session::read_frames() {
  for (;;) {
    // The gateway sends a heartbeat every 30 s, so silence means that the gateway or the connection is lost.
    const Instant silent_at = after(clock_.now(), model::kDisconnectedAfter);
    auto bytes = co_await link_->receive(silent_at);
    // An earlier DEADLINE_EXCEEDED is the status with which the gateway ended the stream.
    if (bytes.status().code() == StatusCode::kDeadlineExceeded && clock_.now() >= silent_at) {
      finish(unavailable("nothing was heard from the gateway for 120 s"));
      co_return;
    }
    if (!bytes.ok() || !*bytes) {
      finish(bytes.ok() ? unavailable("the gateway ended the stream") : bytes.status());
      co_return;
    }
    heard_ = clock_.now();
    if (Status understood = on_frame(**bytes); !understood.ok()) {
      finish(std::move(understood));
      co_return;
    }
  }
}

Status Session::on_frame(const std::string& bytes) {
  proto::GatewayFrame frame;
  if (!frame.ParseFromString(bytes)) return unavailable("a frame of the gateway cannot be read");
  for (const std::string& id : frame.answered()) on_acknowledged(RequestId(id));
  switch (frame.frame_case()) {
    case proto::GatewayFrame::kExecuteTool:
      on_execute(std::move(*frame.mutable_execute_tool()));
      break;
    case proto::GatewayFrame::kCancelTool:
      on_cancel(frame.cancel_tool());
      break;
    case proto::GatewayFrame::kOutputAck: {
      const RequestId id(frame.output_ack().request_id());
      runner_.acknowledge_output(id, frame.output_ack().chunk());
      if (const auto found = followed_.find(id); found != followed_.end()) {
        Followed& followed = found->second;
        followed.acknowledged = std::max(followed.acknowledged, std::min(frame.output_ack().chunk(), followed.sent));
        work_.set();
      }
      break;
    }
    case proto::GatewayFrame::kResultAck:
      on_acknowledged(RequestId(frame.result_ack().request_id()));
      break;
    case proto::GatewayFrame::kDrain:
      drain_ = std::move(*frame.mutable_drain());
      changed_.set();
      break;
    case proto::GatewayFrame::kCommand:
      on_command(frame.command());
      break;
    case proto::GatewayFrame::kTokenDue:
      on_token_due();
      break;
    case proto::GatewayFrame::kNewToken:
      if (keep_token_ && !std::exchange(taking_up_, true))
        scope_.spawn(take_up(std::move(*frame.mutable_new_token()->mutable_token())));
      break;
    case proto::GatewayFrame::kRegistered:
    case proto::GatewayFrame::kHeartbeat:
    case proto::GatewayFrame::FRAME_NOT_SET:
      break;  // any frame counts as life; newer kinds may be unknown here
  }
  return ok_status();
}

void Session::on_execute(proto::ExecuteTool request) {
  if (closing_) return;
  if (!request.without_output()) {
    Followed& followed = followed_[RequestId(request.request_id())];
    followed = Followed{};
    followed.sent = followed.acknowledged = request.resume_output_after();
  }
  runner_.execute(std::move(request));
}

void Session::on_acknowledged(RequestId id) {
  followed_.erase(id);
  offers_.erase(id);
  runner_.acknowledge_result(id);
}

void Session::on_cancel(const proto::CancelTool& cancel) {
  if (closing_) return;
  runner_.cancel(RequestId(cancel.request_id()),
                 cancel.unrecorded() ? model::Durability::kUnrecorded : model::Durability::kRecorded);
}

void Session::on_command(const proto::Command& command) {
  Status status;
  switch (command.command_case()) {
    case proto::Command::kKillProcess:
      if (!runner_.kill(RequestId(command.kill_process().request_id())))
        status = not_found("request ", command.kill_process().request_id(), " is not running on this daemon");
      break;
    case proto::Command::kReloadConfig:
      status = reload_ ? reload_() : failed_precondition("this daemon was started without a configuration to read again");
      break;
    case proto::Command::COMMAND_NOT_SET:
      status = unimplemented("this daemon does not know the command; upgrade it");
      break;
  }
  proto::DaemonFrame frame;
  proto::CommandDone& done = *frame.mutable_command_done();
  done.set_command_id(command.command_id());
  done.set_code(static_cast<std::int32_t>(status.code()));
  done.set_message(text_from_bytes(message_of(status)));
  done.set_reason(text_from_bytes(reason_of(status)));
  queue(std::move(frame));
}

void Session::on_token_due() {
  if (!keep_token_ || taking_up_) return;
  proto::DaemonFrame frame;
  frame.mutable_renew_token();
  queue(std::move(frame));
}

// The old token is valid until the gateway has seen the new one, which is on the disk by then.
Task<void> Session::take_up(std::string token) {
  const Status kept = co_await keep_token_(token);
  taking_up_ = false;
  if (!kept.ok()) co_return;  // it is offered again
  proto::DaemonFrame frame;
  frame.mutable_use_token()->set_token(std::move(token));
  queue(std::move(frame));
}

// --- what the Runner tells ---------------------------------------------------------------------------------

void Session::queue(proto::DaemonFrame frame) {
  control_.push_back(std::move(frame));
  work_.set();
}

void Session::on_accepted(const RequestId& id) {
  proto::DaemonFrame frame;
  frame.mutable_tool_accepted()->set_request_id(id.str());
  queue(std::move(frame));
}

void Session::on_output(const RequestId& id, std::uint64_t last_chunk) {
  const auto found = followed_.find(id);
  if (found == followed_.end()) return;
  found->second.last = std::max(found->second.last, last_chunk);
  work_.set();
}

void Session::on_finished(const RequestId& id, model::Durability durability) {
  if (durability == model::Durability::kUnrecorded && !followed_.contains(id)) return;
  offers_[id] = Offer{.since = clock_.now(), .durability = durability};
  work_.set();
}

void Session::on_cancel_done(const RequestId& id, bool was_running) {
  proto::DaemonFrame frame;
  frame.mutable_cancel_done()->set_request_id(id.str());
  frame.mutable_cancel_done()->set_was_running(was_running);
  queue(std::move(frame));
}

// --- writing -----------------------------------------------------------------------------------------------

Task<void> Session::beat(Duration interval) {
  for (std::int64_t number = 1;; ++number) {
    co_await sleep_for(interval);
    proto::DaemonFrame frame;
    frame.mutable_heartbeat()->set_number(number);
    queue(std::move(frame));
  }
}

Task<void> Session::write_frames() {
  for (;;) {
    bool idle = false;
    work_.reset();
    const Status written = co_await write_next(idle);
    if (!written.ok()) {
      finish(written);
      co_return;
    }
    if (!idle) continue;
    if (closing_) {
      (void)link_->half_close();
      co_return;
    }
    co_await work_.wait(next_offer());
  }
}

Task<Status> Session::write_next(bool& idle) {
  if (!control_.empty()) {
    proto::DaemonFrame frame = std::move(control_.front());
    control_.pop_front();
    co_return co_await send(std::move(frame));
  }
  idle = closing_;
  if (closing_) co_return ok_status();
  if (auto id = next_result()) co_return co_await send_result(*std::move(id));
  if (auto id = next_output()) co_return co_await send_chunk(*std::move(id));
  idle = true;
  co_return ok_status();
}

Task<Status> Session::send(proto::DaemonFrame frame) {
  return link_->send(frame.SerializeAsString(), after(clock_.now(), model::kDisconnectedAfter));
}

// When an offer is to be sent: at once, but not before the output that belongs to it, and again after a
// while.
Instant Session::due(const RequestId& id, const Offer& offer) const {
  if (offer.sent) return after(offer.since, kOfferAgain);
  const auto followed = followed_.find(id);
  const bool behind = followed != followed_.end() && followed->second.sent < followed->second.last;
  return behind ? after(offer.since, kOutputStalled) : offer.since;
}

std::optional<RequestId> Session::next_result() {
  for (const auto& [id, offer] : offers_) {
    if (due(id, offer) <= clock_.now()) return id;
  }
  return std::nullopt;
}

Instant Session::next_offer() const {
  Instant next = kNever;
  for (const auto& [id, offer] : offers_) next = std::min(next, due(id, offer));
  return next;
}

// The first request after the one that had its turn, so that a chatty one does not starve the others.
std::optional<RequestId> Session::next_output() {
  auto at = followed_.upper_bound(last_output_);
  for (std::size_t looked = 0; looked < followed_.size(); ++looked, ++at) {
    if (at == followed_.end()) at = followed_.begin();
    if (at->second.has_next()) return at->first;
  }
  return std::nullopt;
}

Task<Status> Session::send_result(RequestId id) {
  const model::Durability durability = offers_[id].durability;
  offers_[id] = Offer{clock_.now(), true, durability};
  std::optional<model::ToolResult> result = co_await runner_.records().result(id, durability);
  if (!offers_.contains(id)) co_return ok_status();  // acknowledged in between
  if (durability == model::Durability::kUnrecorded) {
    offers_.erase(id);  // sent once: a caller that misses it retries
    const auto followed = followed_.find(id);
    if (result && followed != followed_.end() && !followed->second.has_next()) followed_.erase(followed);
  }
  if (!result) co_return ok_status();  // offered again later
  co_return co_await send(finished_frame(id, *std::move(result), durability));
}

Task<Status> Session::send_chunk(RequestId id) {
  last_output_ = id;
  const std::uint64_t sent = followed_[id].sent;
  std::optional<OutputChunk> chunk = co_await runner_.records().output_after(id, sent);
  const auto found = followed_.find(id);
  if (found == followed_.end() || found->second.sent != sent) co_return ok_status();  // requested again in between
  Followed& followed = found->second;
  if (!chunk) {
    // Gone, or not to be read: the result says how many there were.
    followed.sent = followed.acknowledged = followed.last;
    co_return ok_status();
  }
  const bool gap = chunk->number != sent + 1;
  if (gap) followed.acknowledged = std::max(followed.acknowledged, chunk->number - 1);  // nothing to wait for there
  followed.sent = chunk->number;
  followed.last = std::max(followed.last, chunk->number);
  proto::DaemonFrame frame;
  proto::ToolOutput& output = *frame.mutable_tool_output();
  output.set_request_id(id.str());
  output.set_chunk(chunk->number);
  output.set_data(std::move(chunk->data));
  output.set_gap(gap);
  co_return co_await send(std::move(frame));
}

}  // namespace reliant::daemon
