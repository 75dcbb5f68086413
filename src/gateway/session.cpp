#include "gateway/session.h"

#include <algorithm>
#include <utility>
#include <variant>

#include "base/cause.h"
#include "base/text.h"
#include "base/utf8.h"
#include "gateway/stream_limits.h"
#include "runtime/deadline.h"
#include "runtime/sleep.h"

namespace reliant::gateway {
namespace {

// Frames waiting for room in the stream. Only requests and acknowledgements go down, so this is never large; a daemon
// that lets so many pile up does not read, and loses its stream.
constexpr std::size_t kOutboundFrames = 1024;
// Chunks that a daemon sends ahead of acknowledgements are fewer (its window), so a waiting execute() never misses one.
constexpr std::size_t kWaitingEvents = 256;
// Reads that were answered, of which the daemon waits to hear: then it is told without anything else to be said.
constexpr std::size_t kAnswered = 128;
// A request whose caller may have died is not started any more when it is older than its own timeout and this.
constexpr Duration kMayStartWithin = std::chrono::seconds(30);

// Two rounds of renewal come within the time in which a gateway beats: the store never knows less than that of a daemon.
constexpr Duration kRenewAfter = model::kGatewayHeartbeat * 2 / 3;

constexpr Duration kNotAskedFor = std::chrono::seconds(1);
// A pause in the reading of a stream, not for a frame each, or there would be as many timers.
constexpr Duration kTooManyFrames = std::chrono::milliseconds(10);
// Of a result besides its bytes: the task and the statement that keep it. So many small results count like few large ones.
constexpr std::size_t kResultOverhead = std::size_t{64} << 10;

struct Superseded {};  // a newer execute() has taken the request over
struct Output {
  proto::ToolOutput frame;
  ByteBudget::Share share;
};
using ExecutionEvent = std::variant<Output, model::ToolResult, Status, Superseded>;

proto::Effect to_proto(model::Effect effect) {
  switch (effect) {
    case model::Effect::kReadOnly: return proto::EFFECT_READ_ONLY;
    case model::Effect::kIdempotent: return proto::EFFECT_IDEMPOTENT;
    case model::Effect::kNonIdempotent: return proto::EFFECT_NON_IDEMPOTENT;
  }
  return proto::EFFECT_NON_IDEMPOTENT;
}

model::ToolResult to_result(proto::ToolFinished frame) {
  model::ToolResult result;
  result.outcome = frame.outcome() == proto::OUTCOME_EXECUTED       ? model::Outcome::kExecuted
                   : frame.outcome() == proto::OUTCOME_NOT_EXECUTED ? model::Outcome::kNotExecuted
                                                                    : model::Outcome::kUnknown;
  result.is_error = frame.is_error();
  result.content = std::move(*frame.mutable_content());
  result.exit_code = frame.exit_code();
  result.output_chunks = frame.output_chunks();
  return result;
}

std::int64_t microseconds_since(Instant begin, Instant now) {
  return std::chrono::ceil<std::chrono::microseconds>(now - begin).count();
}

// Of a result: there is no such request, or it is not this daemon's.
bool was_not_asked_for(const Status& status) {
  return status.code() == StatusCode::kNotFound || status.code() == StatusCode::kPermissionDenied;
}

Status stream_lost(const DaemonId& daemon) {
  return unavailable("the stream of daemon ", daemon.str(), " ended; the tool may still be running there");
}

}  // namespace

// Registered for as long as an execute() waits; taken over by a newer one for the same request.
struct Session::Execution {
  Execution(Session& s, const model::ToolRequest& request)
      : session(s), id(request.id), only_reads(request.effect == model::Effect::kReadOnly), events(kWaitingEvents) {
    Execution*& slot = session.executions_[id];
    if (slot) slot->events.try_send(Superseded{});
    slot = this;
  }
  ~Execution() {
    const auto found = session.executions_.find(id);
    if (found != session.executions_.end() && found->second == this) session.executions_.erase(found);
  }
  Execution(const Execution&) = delete;
  Execution& operator=(const Execution&) = delete;

  Session& session;
  RequestId id;
  bool only_reads;  // and is recorded nowhere
  bool answered = false;
  Channel<ExecutionEvent> events;
};

Session::Session(Context& context, Clock& clock, EventLog& log, Records& records, PresenceWrites& presence_writes,
                 SessionIdentity identity, std::shared_ptr<UserBudgets> budgets, FrameLimits frames,
                 std::unique_ptr<ports::AcceptedLink> link)
    : clock_(clock),
      log_(log),
      records_(records),
      presence_writes_(presence_writes),
      identity_(std::move(identity)),
      budgets_(std::move(budgets)),
      frames_("frames", "LIMIT_FRAMES", 60 * frames.per_second, frames.at_once),
      link_(std::move(link)),
      outbound_(kOutboundFrames),
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
  scope_.spawn(replay());
  co_await ended_.wait();

  status_.on_closed();
  link_->finish(end_);
  for (auto& [id, execution] : executions_) execution->events.try_send(stream_lost(identity_.daemon));
  for (auto& [id, answer] : cancels_) answer->set(false);
  for (auto& [id, answer] : commands_) answer->set(stream_lost(identity_.daemon));
  log_.info("gateway.session.closed", {{"user", identity_.user.str()},
                                       {"daemon", identity_.daemon.str()},
                                       {"epoch", identity_.epoch},
                                       {"gateway", identity_.gateway.str()},
                                       {"why", described(end_)},
                                       {"reason", reason_of(end_)}});
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
    const Instant patience = status_.next_change();
    auto bytes = co_await link_->receive(patience);
    // Before that, it is what the stream has ended with.
    const bool silent = bytes.status().code() == StatusCode::kDeadlineExceeded && clock_.now() >= patience;
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
  const Status how = (co_await presence_writes_.submit({identity_, connection}, asked + Records::kPatience)).status();
  recorded(connection, asked, how);
  co_return how;
}

bool Session::is_to_be_renewed() const { return clock_.now() - recorded_ >= kRenewAfter; }

void Session::recorded(model::DaemonConnection connection, Instant asked, const Status& how) {
  if (how.ok()) {
    recorded_ = asked;
    log_.debug("gateway.status.written", {{"user", identity_.user.str()},
                                          {"daemon", identity_.daemon.str()},
                                          {"epoch", identity_.epoch},
                                          {"status", to_string(connection)},
                                          {"took_us", microseconds_since(asked, clock_.now())}});
  }
  if (reason_of(how) == kReasonSuperseded) close(how);
}

Task<Status> Session::on_frame(std::string bytes) {
  CO_TRY_OK(check_message_size(bytes.size()));
  proto::DaemonFrame frame;
  if (!frame.ParseFromString(bytes)) co_return invalid_argument("a frame cannot be read as reliant.tools.v1.DaemonFrame");
  bytes = {};
  switch (frame.frame_case()) {
    case proto::DaemonFrame::kToolOutput:
      CO_TRY_OK(check_chunk(frame.tool_output()));
      on_output(std::move(*frame.mutable_tool_output()));
      break;
    case proto::DaemonFrame::kToolFinished: co_await on_finished(std::move(*frame.mutable_tool_finished())); break;
    case proto::DaemonFrame::kCancelDone: {
      const auto waiting = cancels_.find(RequestId(frame.cancel_done().request_id()));
      if (waiting != cancels_.end()) waiting->second->set(true);
      break;
    }
    case proto::DaemonFrame::kCommandDone: on_command_done(frame.command_done()); break;
    case proto::DaemonFrame::kRenewToken:
      if (std::exchange(may_renew_, false)) scope_.spawn(renew_token());
      break;
    case proto::DaemonFrame::kUseToken:
      if (std::exchange(may_use_, false)) scope_.spawn(take_token_up(std::move(*frame.mutable_use_token()->mutable_token())));
      break;
    case proto::DaemonFrame::kRegister: co_return invalid_argument("a stream registers once, with its first frame");
    case proto::DaemonFrame::kHeartbeat:
    case proto::DaemonFrame::kToolAccepted:
    case proto::DaemonFrame::FRAME_NOT_SET: break;  // any frame counts as life; newer kinds may be unknown here
  }
  co_return ok_status();
}

void Session::on_output(proto::ToolOutput frame) {
  // Nobody waits: not acknowledged, so the daemon keeps it for whoever asks next.
  const auto found = executions_.find(RequestId(frame.request_id()));
  if (found == executions_.end()) return;
  // Dropped, it is a gap, which the call answers with UNAVAILABLE.
  auto share = budgets_->output.try_take(frame.ByteSizeLong());
  if (share) found->second->events.try_send(Output{std::move(frame), *std::move(share)});
}

// Whoever waits knows how it was asked for; a daemon of an older version may have recorded what nobody asked it to.
// Returns when there is room for the result.
Task<void> Session::on_finished(proto::ToolFinished frame) {
  const auto waiting = executions_.find(RequestId(frame.request_id()));
  const bool somebody = waiting != executions_.end();
  bound_content(frame);
  if (somebody && waiting->second->only_reads) {
    hand_on(*waiting->second, std::move(frame));
    co_return;
  }
  if (!somebody && frame.unrecorded()) co_return;
  const std::size_t bytes = frame.ByteSizeLong() + kResultOverhead;
  ByteBudget::Share of_session = co_await results_.take(bytes);
  ByteBudget::Share of_user = co_await budgets_->results.take(bytes);
  if (!ended_.is_set()) scope_.spawn(keep_result(std::move(frame), {std::move(of_session), std::move(of_user)}));
}

void Session::hand_on(Execution& waiting, proto::ToolFinished frame) {
  if (std::exchange(waiting.answered, true)) return;  // one answer is enough
  const bool older = !frame.unrecorded();  // its journal offers the result until it hears of it
  model::ToolResult result = to_result(std::move(frame));
  log_.debug("gateway.read.answered", {{"request_id", waiting.id.str()},
                                       {"user", identity_.user.str()},
                                       {"daemon", identity_.daemon.str()},
                                       {"epoch", identity_.epoch},
                                       {"outcome", model::to_string(result.outcome)}});
  if (older) {
    acknowledge(waiting.id);
  } else {
    answered_.push_back(waiting.id.str());
    if (answered_.size() >= kAnswered) send({});
  }
  waiting.events.try_send(std::move(result));
}

bool Session::token_is_due() const {
  if (!identity_.renewal || clock_.wall_now() < identity_.renewal->from) return false;
  return !token_offered_ || clock_.now() - *token_offered_ >= identity_.renewal->every;
}

void Session::offer_token() {
  token_offered_ = clock_.now();
  may_renew_ = true;
  proto::GatewayFrame frame;
  frame.mutable_token_due();
  send(std::move(frame));
}

Task<void> Session::renew_token() {
  auto token = co_await records_.renew_token(identity_);
  if (!token.ok()) {  // offered again later
    log_.warning("gateway.token.not_renewed", {{"daemon", identity_.daemon.str()}, {"error", described(token.status())}});
    co_return;
  }
  log_.info("gateway.token.issued",
            {{"user", identity_.user.str()}, {"daemon", identity_.daemon.str()}, {"epoch", identity_.epoch}});
  may_use_ = true;
  proto::GatewayFrame frame;
  frame.mutable_new_token()->set_token(*std::move(token));
  send(std::move(frame));
}

// Should this fail, the daemon uses its new token with its next registration. The session stands on it before the old one is
// revoked: the gateway's look at its tokens may come in between.
Task<void> Session::take_token_up(std::string token) {
  auto caller = co_await records_.authenticate(std::move(token));
  if (!caller.ok() || caller->user != identity_.user || caller->daemon != identity_.daemon) {
    log_.warning("gateway.token.not_renewed",
                 {{"daemon", identity_.daemon.str()},
                  {"error", caller.ok() ? "the daemon has sent another daemon's token" : described(caller.status())}});
    co_return;
  }
  identity_.token = caller->token;
  identity_.renewal = caller->renewal;
  const Status used = co_await records_.use_token(std::move(caller->token));
  if (!used.ok()) {
    log_.warning("gateway.token.not_renewed", {{"daemon", identity_.daemon.str()}, {"error", described(used)}});
    co_return;
  }
  log_.info("gateway.token.taken_up",
            {{"user", identity_.user.str()}, {"daemon", identity_.daemon.str()}, {"epoch", identity_.epoch}});
}

void Session::acknowledge(const RequestId& request) {
  proto::GatewayFrame ack;
  ack.mutable_result_ack()->set_request_id(request.str());
  send(std::move(ack));
}

Task<void> Session::keep_result(proto::ToolFinished frame, [[maybe_unused]] UnderWay until_it_is_kept) {
  const RequestId request(frame.request_id());
  const Instant asked = clock_.now();
  const std::size_t bytes = frame.ByteSizeLong();
  log_.debug("gateway.result.begun", {{"user", identity_.user.str()},
                                      {"daemon", identity_.daemon.str()},
                                      {"epoch", identity_.epoch},
                                      {"bytes", bytes}});
  auto durable = co_await records_.finish_execution(identity_, request, to_result(std::move(frame)));
  log_.debug("gateway.result.ended", {{"user", identity_.user.str()},
                                      {"daemon", identity_.daemon.str()},
                                      {"epoch", identity_.epoch},
                                      {"bytes", bytes}});
  if (!durable.ok()) {
    if (reason_of(durable.status()) == kReasonSuperseded) close(durable.status());
    // Not acknowledged: the daemon offers the result again, and whoever waits calls again.
    const auto waiting = executions_.find(request);
    if (waiting != executions_.end()) waiting->second->events.try_send(durable.status());
    // It keeps its share for a while, so that a flood of such results is slow.
    if (was_not_asked_for(durable.status())) co_await sleep_for(kNotAskedFor);  // waits for no event (executor timer)
    co_return;
  }
  log_.info("gateway.result.kept", {{"request_id", request.str()},
                                    {"user", identity_.user.str()},
                                    {"daemon", identity_.daemon.str()},
                                    {"epoch", identity_.epoch},
                                    {"outcome", model::to_string(durable->outcome)},
                                    {"took_us", microseconds_since(asked, clock_.now())}});
  acknowledge(request);
  const auto waiting = executions_.find(request);
  if (waiting != executions_.end()) waiting->second->events.try_send(*std::move(durable));
}

proto::GatewayFrame Session::execute_frame(const model::ToolRequest& request, std::uint64_t resume_after) const {
  proto::GatewayFrame frame;
  proto::ExecuteTool& execute = *frame.mutable_execute_tool();
  execute.set_request_id(request.id.str());
  execute.set_tool(text_from_bytes(request.tool));
  execute.set_arguments(text_from_bytes(request.arguments));
  execute.set_working_directory(text_from_bytes(request.working_directory));
  execute.set_effect(to_proto(request.effect));
  execute.set_timeout_ms(request.timeout_ms);
  execute.set_resume_output_after(resume_after);
  execute.set_chat_id(request.chat.str());
  execute.set_tool_call_id(request.call.str());
  return frame;
}

Task<Result<model::ToolResult>> Session::execute(model::ToolRequest request, router::OutputSink& sink,
                                                 Instant deadline) {
  if (request.effect == model::Effect::kReadOnly) co_return co_await read(std::move(request), sink, deadline);
  Execution execution(*this, request);
  const Instant asked = clock_.now();
  auto begun = co_await records_.begin_execution(identity_, request);
  if (!begun.ok()) {
    if (reason_of(begun.status()) == kReasonSuperseded) close(begun.status());
    co_return begun.status();
  }
  if (begun->result) co_return *std::move(begun->result);
  if (ended_.is_set()) co_return stream_lost(identity_.daemon);
  if (begun->cancel_asked) {
    // Not to be started any more (C9). The daemon answers how it has ended, or ends it.
    send_cancel(request.id);
    co_return co_await follow(execution, sink, deadline);
  }
  log_.info("gateway.request.routed", {{"request_id", request.id.str()},
                                       {"user", identity_.user.str()},
                                       {"daemon", identity_.daemon.str()},
                                       {"epoch", identity_.epoch},
                                       {"resume_after", sink.last_chunk()},
                                       {"took_us", microseconds_since(asked, clock_.now())}});
  send(execute_frame(request, sink.last_chunk()));
  co_return co_await follow(execution, sink, deadline);
}

Task<Result<model::ToolResult>> Session::read(model::ToolRequest request, router::OutputSink& sink, Instant deadline) {
  if (ended_.is_set()) co_return stream_lost(identity_.daemon);
  Execution execution(*this, request);
  log_.debug("gateway.read.routed", {{"request_id", request.id.str()},
                                     {"user", identity_.user.str()},
                                     {"daemon", identity_.daemon.str()},
                                     {"epoch", identity_.epoch},
                                     {"resume_after", sink.last_chunk()}});
  proto::GatewayFrame frame = execute_frame(request, sink.last_chunk());
  frame.mutable_execute_tool()->set_unrecorded(true);
  send(std::move(frame));
  co_return co_await follow(execution, sink, deadline);
}

// What earlier streams of the daemon left open is taken up, so that a result comes to be even if its caller has died (C6).
Task<void> Session::replay() {
  auto open = co_await records_.open_executions(identity_);
  if (!open.ok()) {
    log_.warning("gateway.replay.failed", {{"daemon", identity_.daemon.str()}, {"error", described(open.status())}});
    co_return;  // whoever waits asks again
  }
  for (store::Execution& left_open : *open) {
    if (ended_.is_set()) co_return;
    co_await take_up(std::move(left_open));
  }
}

Task<void> Session::take_up(store::Execution left_open) {
  const RequestId id = left_open.request.id;
  const Instant asked = clock_.now();
  const Duration may_take = std::chrono::milliseconds(left_open.request.timeout_ms) + kMayStartWithin;
  const bool too_old = clock_.wall_now() - left_open.created_at > may_take;
  if (executions_.contains(id)) co_return;  // its caller is here
  auto begun = co_await records_.begin_execution(identity_, left_open.request);
  if (!begun.ok()) {
    if (reason_of(begun.status()) == kReasonSuperseded) close(begun.status());
    co_return;
  }
  if (begun->result || ended_.is_set() || executions_.contains(id)) co_return;
  log_.info("gateway.request.replayed", {{"request_id", id.str()},
                                         {"user", identity_.user.str()},
                                         {"daemon", identity_.daemon.str()},
                                         {"epoch", identity_.epoch},
                                         {"state", to_string(left_open.state)},
                                         {"cancelled", begun->cancel_asked},
                                         {"took_us", microseconds_since(asked, clock_.now())}});
  if (begun->cancel_asked) {
    send_cancel(id);
    co_return;
  }
  proto::GatewayFrame frame = execute_frame(begun->request, 0);
  frame.mutable_execute_tool()->set_without_output(true);
  frame.mutable_execute_tool()->set_must_not_start(too_old);
  send(std::move(frame));
}

void Session::send_cancel(const RequestId& request, bool unrecorded) {
  proto::GatewayFrame frame;
  frame.mutable_cancel_tool()->set_request_id(request.str());
  frame.mutable_cancel_tool()->set_unrecorded(unrecorded);
  send(std::move(frame));
}

Task<Result<model::ToolResult>> Session::follow(Execution& execution, router::OutputSink& sink, Instant deadline) {
  Instant doubtful = execution.only_reads ? after(clock_.now(), kDoubtful) : kNever;
  while (true) {
    auto event = co_await execution.events.recv(std::min(deadline, doubtful));
    if (!event && clock_.now() < deadline) {
      doubtful = kNever;
      check_epoch();  // it may be another stream by now that should be asked
      continue;
    }
    if (!event) co_return deadline_exceeded("no result of the tool in time; it may still be running");
    if (auto* result = std::get_if<model::ToolResult>(&*event)) co_return std::move(*result);
    if (auto* status = std::get_if<Status>(&*event)) co_return std::move(*status);
    if (std::holds_alternative<Superseded>(*event))
      co_return aborted("a newer call has taken over request ", execution.id.str());
    proto::ToolOutput& output = std::get<Output>(*event).frame;
    const std::uint64_t chunk = output.chunk();
    if (chunk > sink.last_chunk() + 1 && !output.gap())
      co_return unavailable("output was lost on the way; call again to have it from chunk ", sink.last_chunk() + 1);
    if (chunk > sink.last_chunk()) co_await sink.on_output(chunk, std::move(*output.mutable_data()), output.gap());
    proto::GatewayFrame ack;
    ack.mutable_output_ack()->set_request_id(execution.id.str());
    ack.mutable_output_ack()->set_chunk(sink.last_chunk());
    send(std::move(ack));
  }
}

Task<Status> Session::cancel(RequestId request, Instant deadline) {
  OneShot<bool> answer;
  if (!cancels_.emplace(request, &answer).second) co_return aborted("request ", request.str(), " is being cancelled");
  struct Entry {
    std::map<RequestId, OneShot<bool>*>& cancels;
    const RequestId& id;
    ~Entry() { cancels.erase(id); }
  } entry{cancels_, request};
  // A stream that was replaced speaks to the wrong process (C2).
  const auto open = co_await records_.ask_cancel(identity_, request);
  if (reason_of(open.status()) == kReasonSuperseded) close(open.status());
  CO_TRY_OK(open.status());
  if (*open == CancelAsked::kEnded) co_return ok_status();
  send_cancel(request, *open == CancelAsked::kNotRecorded);
  if (ended_.is_set()) co_return stream_lost(identity_.daemon);
  auto confirmed = co_await answer.wait(deadline);
  if (!confirmed) co_return deadline_exceeded("the daemon did not confirm the cancel in time");
  if (!*confirmed) co_return stream_lost(identity_.daemon);
  co_return ok_status();
}

model::HeldDaemon Session::held() const {
  return {identity_.daemon, identity_.epoch, identity_.gateway, status_.connection()};
}

Task<Status> Session::command(model::DaemonCommand command, Instant deadline) {
  proto::Command frame;
  switch (command.kind) {
    case model::DaemonCommandKind::kOnline: co_return ok_status();
    case model::DaemonCommandKind::kUnknown: co_return model::unknown_command(command);
    case model::DaemonCommandKind::kCancel: co_return co_await cancel(std::move(command.request), deadline);
    case model::DaemonCommandKind::kKill: frame.mutable_kill_process()->set_request_id(command.request.str()); break;
    case model::DaemonCommandKind::kReload: frame.mutable_reload_config(); break;
  }
  co_return co_await pass_on(std::move(frame), deadline);
}

Task<Status> Session::pass_on(proto::Command command, Instant deadline) {
  OneShot<Status> answer;
  const std::string id = concat(++last_command_);
  commands_.emplace(id, &answer);
  struct Entry {
    std::map<std::string, OneShot<Status>*>& commands;
    const std::string& id;
    ~Entry() { commands.erase(id); }
  } entry{commands_, id};
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
  if (frame.code() != 0) status = make_status(static_cast<StatusCode>(frame.code()), beginning_of(frame.message(), kMaxComplaint));
  waiting->second->set(frame.reason().empty() || status.ok() ? status : with_reason(status, frame.reason()));
}

}  // namespace reliant::gateway
