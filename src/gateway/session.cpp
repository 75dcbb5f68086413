#include "gateway/session.h"

#include <algorithm>
#include <utility>

#include "base/cause.h"
#include "base/finally.h"
#include "base/text.h"
#include "gateway/stream_limits.h"
#include "runtime/deadline.h"
#include "runtime/sleep.h"

namespace reliant::gateway {
namespace {

// Frames waiting for room in the stream. Only requests and acknowledgements go down, so this is never large; a daemon
// that lets so many pile up does not read, and loses its stream.
constexpr std::size_t kOutboundFrames = 1024;
// Unacknowledged answers of reads; at this number the acknowledgement is sent by itself, without another frame.
constexpr std::size_t kAnswered = 128;
// Two rounds of renewal come within the time in which a gateway beats: the store never knows less than that of a daemon.
constexpr Duration kRenewAfter = model::kGatewayHeartbeat * 2 / 3;

// A pause in the reading of a stream, not for a frame each, or there would be as many timers.
constexpr Duration kTooManyFrames = std::chrono::milliseconds(10);
}  // namespace

Session::Session(Context& context, Clock& clock, EventLog& log, Records& records, PresenceWrites& presence_writes,
                 SessionIdentity identity, std::shared_ptr<UserBudgets> budgets, FrameLimits frames,
                 std::unique_ptr<ports::AcceptedLink> link)
    : clock_(clock),
      log_(log),
      presence_writes_(presence_writes),
      identity_(std::move(identity)),
      frames_("frames", "LIMIT_FRAMES", 60 * frames.per_second, frames.at_once),
      link_(std::move(link)),
      outbound_(kOutboundFrames),
      requests_(clock, log, records, identity_, std::move(budgets), *this),
      token_renewal_(clock, log, records, identity_, *this),
      scope_(context) {}

Session::~Session() = default;

Task<void> Session::run(proto::Registered greeting) {
  proto::GatewayFrame frame;
  *frame.mutable_registered() = std::move(greeting);
  send(std::move(frame));
  status_.on_connected(clock_.now());
  recorded_ = clock_.now();  // by the registration
  log_.info("gateway.session.opened", {{"user", identity_.user.str()},
                                       {"daemon", identity_.daemon.str()},
                                       {"epoch", identity_.epoch},
                                       {"gateway", identity_.gateway.str()}});
  scope_.spawn(write_frames());
  scope_.spawn(beat());
  scope_.spawn(read_frames());
  scope_.spawn(requests_.replay());
  co_await ended_.wait();

  status_.on_closed();
  link_->finish(end_);
  requests_.end();
  for (auto& [id, answer] : commands_) answer->set(stream_lost(identity_.daemon));
  const std::string reason = reason_of(end_);
  log_.info("gateway.session.closed", {{"user", identity_.user.str()},
                                       {"daemon", identity_.daemon.str()},
                                       {"epoch", identity_.epoch},
                                       {"gateway", identity_.gateway.str()},
                                       {"why", end_.ok() ? "the daemon ended the stream" : described(end_)},
                                       {"reason", reason.empty() ? std::string(code_name(end_.code())) : reason}});
}

void Session::close(Status why) {
  if (ended_.is_set()) return;
  end_ = std::move(why);
  ended_.set();
}

void Session::drain(std::vector<std::string> addresses, Duration retry_after) {
  proto::GatewayFrame frame;
  frame.mutable_drain()->set_retry_after_ms(std::chrono::duration_cast<std::chrono::milliseconds>(retry_after).count());
  for (std::string& address : addresses) frame.mutable_drain()->add_gateway_addresses(std::move(address));
  send(std::move(frame));
}

void Session::send(proto::GatewayFrame frame) {
  if (!outbound_.try_send(std::move(frame)))
    close(resource_exhausted("the daemon does not read what it is sent; connect again"));
}

void Session::send_answered(const RequestId& request) {
  answered_.push_back(request.str());
  if (answered_.size() >= kAnswered) send({});
}

Task<void> Session::write_frames() {
  while (true) {
    auto frame = co_await outbound_.recv();
    if (!frame) co_return;
    for (std::string& id : answered_) frame->add_answered(std::move(id));
    answered_.clear();
    Status sent = co_await link_->send(frame->SerializeAsString(), clock_.now() + model::kDisconnectedAfter);
    if (!sent.ok()) {
      close(std::move(sent));
      co_return;
    }
  }
}

Task<void> Session::beat() {
  for (std::int64_t number = 1;; ++number) {
    co_await sleep_for(model::kGatewayHeartbeat);
    proto::GatewayFrame frame;
    frame.mutable_heartbeat()->set_number(number);
    send(std::move(frame));
  }
}

Task<void> Session::read_frames() {
  while (true) {
    const Instant silent_at = status_.next_change();
    auto bytes = co_await link_->receive(silent_at);
    // Before that, it is what the stream has ended with.
    const bool silent = bytes.status().code() == StatusCode::kDeadlineExceeded && clock_.now() >= silent_at;
    if (!bytes.ok() && !silent) {
      close(bytes.status());
      co_return;
    }
    if (!silent && !*bytes) {
      close(ok_status());  // the daemon said goodbye
      co_return;
    }
    const bool changed = silent ? status_.advance(clock_.now()) : status_.on_frame(clock_.now());
    if (changed) {
      log_.info("gateway.session.status", {{"user", identity_.user.str()},
                                           {"daemon", identity_.daemon.str()},
                                           {"epoch", identity_.epoch},
                                           {"status", to_string(status_.connection())}});
    }
    if (status_.connection() == model::DaemonConnection::kDisconnected) {
      close(deadline_exceeded("nothing was heard from the daemon for 120 s"));
      co_return;
    }
    if (changed) scope_.spawn(record_connection());
    if (silent) continue;
    if (!frames_.admit("", clock_.now()).ok())
      co_await sleep_for(kTooManyFrames);  // waits for no event: it slows the peer down
    if (Status understood = co_await on_frame(**std::move(bytes)); !understood.ok()) {
      close(std::move(understood));
      co_return;
    }
  }
}

Task<void> Session::record_connection() { (void)co_await record(status_.connection()); }

Task<Status> Session::record(model::DaemonConnection connection) {
  const Instant asked = clock_.now();
  const Status how = (co_await presence_writes_.submit({identity_, connection}, asked + Records::kWriteTimeout)).status();
  recorded(connection, asked, how);
  co_return how;
}

bool Session::is_to_be_renewed() const { return clock_.now() - recorded_ >= kRenewAfter; }

void Session::recorded(model::DaemonConnection connection, Instant asked, const Status& how) {
  if (how.ok()) {
    recorded_ = asked;
    const auto took = std::chrono::ceil<std::chrono::microseconds>(clock_.now() - asked);
    log_.debug("gateway.status.written", {{"user", identity_.user.str()},
                                          {"daemon", identity_.daemon.str()},
                                          {"epoch", identity_.epoch},
                                          {"status", to_string(connection)},
                                          {"took_us", took.count()}});
  }
  close_if_superseded(how);
}

Task<Status> Session::on_frame(std::string bytes) {
  CO_TRY_OK(check_message_size(bytes.size()));
  proto::DaemonFrame frame;
  if (!frame.ParseFromString(bytes)) co_return invalid_argument("a frame cannot be read as reliant.tools.v1.DaemonFrame");
  bytes = {};
  switch (frame.frame_case()) {
    case proto::DaemonFrame::kToolOutput:
      CO_TRY_OK(check_chunk(frame.tool_output()));
      requests_.on_output(std::move(*frame.mutable_tool_output()));
      break;
    case proto::DaemonFrame::kToolFinished:
      co_await requests_.on_finished(std::move(*frame.mutable_tool_finished()));
      break;
    case proto::DaemonFrame::kCancelDone:
      requests_.on_cancel_done(RequestId(frame.cancel_done().request_id()));
      break;
    case proto::DaemonFrame::kCommandDone:
      on_command_done(frame.command_done());
      break;
    case proto::DaemonFrame::kRenewToken:
      scope_.spawn(token_renewal_.on_renew());
      break;
    case proto::DaemonFrame::kUseToken:
      scope_.spawn(token_renewal_.on_use(std::move(*frame.mutable_use_token()->mutable_token())));
      break;
    case proto::DaemonFrame::kRegister:
      co_return invalid_argument("a stream registers once, with its first frame");
    case proto::DaemonFrame::kHeartbeat:
    case proto::DaemonFrame::kToolAccepted:
    case proto::DaemonFrame::FRAME_NOT_SET:
      break;  // any frame counts as life; newer kinds may be unknown here
  }
  co_return ok_status();
}

Task<Result<model::ToolResult>> Session::execute(model::ToolRequest request, router::OutputSink& sink, Instant deadline) {
  return requests_.execute(std::move(request), sink, deadline);
}

model::HeldDaemon Session::held() const { return {identity_.daemon, identity_.epoch, identity_.gateway, status_.connection()}; }

Task<Status> Session::command(model::DaemonCommand command, Instant deadline) {
  proto::Command frame;
  switch (command.kind) {
    case model::DaemonCommandKind::kOnline:
      co_return ok_status();
    case model::DaemonCommandKind::kUnknown:
      co_return model::unknown_command(command);
    case model::DaemonCommandKind::kCancel:
      co_return co_await requests_.cancel(std::move(command.request), deadline);
    case model::DaemonCommandKind::kKill:
      frame.mutable_kill_process()->set_request_id(command.request.str());
      break;
    case model::DaemonCommandKind::kReload:
      frame.mutable_reload_config();
      break;
  }
  co_return co_await pass_on(std::move(frame), deadline);
}

Task<Status> Session::pass_on(proto::Command command, Instant deadline) {
  OneShot<Status> answer;
  const std::string id = concat(++last_command_);
  commands_.emplace(id, &answer);
  const Finally forget([&] { commands_.erase(id); });
  command.set_command_id(id);
  proto::GatewayFrame frame;
  *frame.mutable_command() = std::move(command);
  send(std::move(frame));
  if (ended_.is_set()) co_return stream_lost(identity_.daemon);
  auto done = co_await answer.wait(deadline);
  if (!done) co_return deadline_exceeded("the daemon did not answer the command in time; it may be of an older version");
  co_return *std::move(done);
}

void Session::on_command_done(const proto::CommandDone& frame) {
  const auto waiting = commands_.find(frame.command_id());
  if (waiting == commands_.end()) return;
  Status status;
  if (frame.code() != 0)
    status = make_status(static_cast<StatusCode>(frame.code()), beginning_of(frame.message(), kMaxComplaint));
  waiting->second->set(frame.reason().empty() || status.ok() ? status : with_reason(status, frame.reason()));
}

}  // namespace reliant::gateway
