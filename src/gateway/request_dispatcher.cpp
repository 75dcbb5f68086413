#include "gateway/request_dispatcher.h"

#include <algorithm>
#include <utility>
#include <variant>

#include "base/cause.h"
#include "base/finally.h"
#include "base/utf8.h"
#include "gateway/stream_limits.h"
#include "runtime/channel.h"
#include "runtime/sleep.h"

namespace reliant::gateway {
namespace {

// Chunks that a daemon sends ahead of acknowledgements are fewer (its window), so a waiting execute() never misses one.
constexpr std::size_t kWaitingEvents = 256;
// A request whose caller may have died is not started any more when it is older than its own timeout and this.
constexpr Duration kMayStartWithin = std::chrono::seconds(30);

constexpr Duration kNotAskedFor = std::chrono::seconds(1);
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
    case model::Effect::kReadOnly:
      return proto::EFFECT_READ_ONLY;
    case model::Effect::kIdempotent:
      return proto::EFFECT_IDEMPOTENT;
    case model::Effect::kNonIdempotent:
      return proto::EFFECT_NON_IDEMPOTENT;
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

std::int64_t microseconds(Duration took) { return std::chrono::ceil<std::chrono::microseconds>(took).count(); }

// Of a result: there is no such request, or it is not this daemon's.
bool was_not_asked_for(const Status& status) {
  return status.code() == StatusCode::kNotFound || status.code() == StatusCode::kPermissionDenied;
}

proto::GatewayFrame execute_frame(const model::ToolRequest& request, model::Durability durability, std::uint64_t resume_after) {
  proto::GatewayFrame frame;
  proto::ExecuteTool& execute = *frame.mutable_execute_tool();
  execute.set_request_id(request.id.str());
  execute.set_tool(text_from_bytes(request.tool));
  execute.set_arguments(text_from_bytes(request.arguments));
  execute.set_working_directory(text_from_bytes(request.working_directory));
  execute.set_effect(to_proto(request.effect));
  execute.set_unrecorded(durability == model::Durability::kUnrecorded);
  execute.set_timeout_ms(request.timeout_ms);
  execute.set_resume_output_after(resume_after);
  execute.set_chat_id(request.chat.str());
  execute.set_tool_call_id(request.call.str());
  return frame;
}

}  // namespace

// Registered for as long as an execute() waits; taken over by a newer one for the same request.
struct RequestDispatcher::Execution {
  Execution(RequestDispatcher& d, const model::ToolRequest& request)
      : dispatcher(d), id(request.id), durability(model::durability_of(request.effect)), events(kWaitingEvents) {
    Execution*& slot = dispatcher.executions_[id];
    if (slot) slot->events.try_send(Superseded{});
    slot = this;
  }
  ~Execution() {
    const auto found = dispatcher.executions_.find(id);
    if (found != dispatcher.executions_.end() && found->second == this) dispatcher.executions_.erase(found);
  }
  Execution(const Execution&) = delete;
  Execution& operator=(const Execution&) = delete;

  RequestDispatcher& dispatcher;
  RequestId id;
  model::Durability durability;
  bool answered = false;
  Channel<ExecutionEvent> events;
};

RequestDispatcher::RequestDispatcher(Clock& clock, EventLog& log, Records& records, const SessionIdentity& identity,
                                     std::shared_ptr<UserBudgets> budgets, SessionStream& stream)
    : clock_(clock), log_(log), records_(records), identity_(identity), budgets_(std::move(budgets)), stream_(stream) {}

RequestDispatcher::~RequestDispatcher() = default;

void RequestDispatcher::end() {
  for (auto& [id, execution] : executions_) execution->events.try_send(stream_lost(identity_.daemon));
  for (auto& [id, answer] : cancels_) answer->set(stream_lost(identity_.daemon));
}

RequestDispatcher::Execution* RequestDispatcher::waiting_for(const RequestId& request) const {
  const auto found = executions_.find(request);
  return found == executions_.end() ? nullptr : found->second;
}

// --- down ----------------------------------------------------------------------------------------------------

Task<Result<store::Execution>> RequestDispatcher::begin(model::ToolRequest request) {
  auto begun = co_await records_.begin_execution(identity_, std::move(request));
  stream_.close_if_superseded(begun.status());
  co_return begun;
}

Task<Result<model::ToolResult>> RequestDispatcher::execute(model::ToolRequest request, router::OutputSink& sink,
                                                           Instant deadline) {
  Execution execution(*this, request);
  const Instant asked = clock_.now();
  bool cancelled = false;
  if (execution.durability == model::Durability::kRecorded) {
    auto begun = co_await begin(request);
    CO_TRY_OK(begun.status());
    if (begun->result) co_return *std::move(begun->result);
    cancelled = begun->cancel_asked;
  }
  if (stream_.ended()) co_return stream_lost(identity_.daemon);
  if (cancelled) {
    // Not to be started any more (C9). The daemon answers how it has ended, or ends it.
    send_cancel(request.id, execution.durability);
    co_return co_await follow(execution, sink, deadline);
  }
  log_routed(execution, sink.last_chunk(), clock_.now() - asked);
  stream_.send(execute_frame(request, execution.durability, sink.last_chunk()));
  co_return co_await follow(execution, sink, deadline);
}

void RequestDispatcher::log_routed(const Execution& execution, std::uint64_t resume_after, Duration took) {
  if (execution.durability == model::Durability::kUnrecorded) {
    log_.debug("gateway.read.routed", {{"request_id", execution.id.str()},
                                       {"user", identity_.user.str()},
                                       {"daemon", identity_.daemon.str()},
                                       {"epoch", identity_.epoch},
                                       {"resume_after", resume_after}});
    return;
  }
  log_.info("gateway.request.routed", {{"request_id", execution.id.str()},
                                       {"user", identity_.user.str()},
                                       {"daemon", identity_.daemon.str()},
                                       {"epoch", identity_.epoch},
                                       {"resume_after", resume_after},
                                       {"took_us", microseconds(took)}});
}

Task<Result<model::ToolResult>> RequestDispatcher::follow(Execution& execution, router::OutputSink& sink, Instant deadline) {
  Instant doubtful = execution.durability == model::Durability::kUnrecorded ? after(clock_.now(), kDoubtful) : kNever;
  while (true) {
    auto event = co_await execution.events.recv(std::min(deadline, doubtful));
    if (!event && clock_.now() < deadline) {
      doubtful = kNever;
      stream_.check_epoch();  // it may be another stream by now that should be asked
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
    stream_.send(std::move(ack));
  }
}

Task<void> RequestDispatcher::replay() {
  auto open = co_await records_.open_executions(identity_);
  if (!open.ok()) {
    log_.warning("gateway.replay.failed", {{"daemon", identity_.daemon.str()}, {"error", described(open.status())}});
    co_return;  // the caller retries
  }
  for (store::Execution& left_open : *open) {
    if (stream_.ended()) co_return;
    co_await take_up(std::move(left_open));
  }
}

Task<void> RequestDispatcher::take_up(store::Execution left_open) {
  const RequestId id = left_open.request.id;
  const Instant asked = clock_.now();
  const Duration may_take = std::chrono::milliseconds(left_open.request.timeout_ms) + kMayStartWithin;
  const bool too_old = clock_.wall_now() - left_open.created_at > may_take;
  if (waiting_for(id)) co_return;  // its caller is here
  const auto begun = co_await begin(left_open.request);
  if (!begun.ok() || begun->result || stream_.ended() || waiting_for(id)) co_return;
  log_.info("gateway.request.replayed", {{"request_id", id.str()},
                                         {"user", identity_.user.str()},
                                         {"daemon", identity_.daemon.str()},
                                         {"epoch", identity_.epoch},
                                         {"state", to_string(left_open.state)},
                                         {"cancelled", begun->cancel_asked},
                                         {"took_us", microseconds(clock_.now() - asked)}});
  if (begun->cancel_asked) {
    send_cancel(id, model::Durability::kRecorded);
    co_return;
  }
  proto::GatewayFrame frame = execute_frame(begun->request, model::Durability::kRecorded, 0);
  frame.mutable_execute_tool()->set_without_output(true);
  frame.mutable_execute_tool()->set_must_not_start(too_old);
  stream_.send(std::move(frame));
}

void RequestDispatcher::send_cancel(const RequestId& request, model::Durability durability) {
  proto::GatewayFrame frame;
  frame.mutable_cancel_tool()->set_request_id(request.str());
  frame.mutable_cancel_tool()->set_unrecorded(durability == model::Durability::kUnrecorded);
  stream_.send(std::move(frame));
}

Task<Status> RequestDispatcher::cancel(RequestId request, Instant deadline) {
  OneShot<Status> answer;
  if (!cancels_.emplace(request, &answer).second) co_return aborted("request ", request.str(), " is being cancelled");
  const Finally forget([&] { cancels_.erase(request); });
  // A stream that was replaced speaks to the wrong process (C2).
  const auto open = co_await records_.ask_cancel(identity_, request);
  stream_.close_if_superseded(open.status());
  CO_TRY_OK(open.status());
  if (*open == CancelAsked::kEnded) co_return ok_status();
  send_cancel(request, *open == CancelAsked::kNotRecorded ? model::Durability::kUnrecorded : model::Durability::kRecorded);
  if (stream_.ended()) co_return stream_lost(identity_.daemon);
  auto confirmed = co_await answer.wait(deadline);
  if (!confirmed) co_return deadline_exceeded("the daemon did not confirm the cancel in time");
  co_return *std::move(confirmed);
}

// --- up ------------------------------------------------------------------------------------------------------

void RequestDispatcher::on_cancel_done(const RequestId& request) {
  const auto waiting = cancels_.find(request);
  if (waiting != cancels_.end()) waiting->second->set(ok_status());
}

void RequestDispatcher::on_output(proto::ToolOutput frame) {
  // Without a caller it is not acknowledged, so the daemon keeps it for the next one.
  Execution* const waiting = waiting_for(RequestId(frame.request_id()));
  if (!waiting) return;
  // Dropped, it is a gap, which the call answers with UNAVAILABLE.
  auto share = budgets_->output.try_take(frame.ByteSizeLong());
  if (share) waiting->events.try_send(Output{std::move(frame), *std::move(share)});
}

// The caller knows the durability of its request; a daemon of an older version may have recorded an unrecorded one.
Task<void> RequestDispatcher::on_finished(proto::ToolFinished frame) {
  Execution* const waiting = waiting_for(RequestId(frame.request_id()));
  bound_content(frame);
  const bool recorded = waiting ? waiting->durability == model::Durability::kRecorded : !frame.unrecorded();
  if (!recorded) {
    if (waiting) forward_result(*waiting, std::move(frame));
    co_return;
  }
  const std::size_t bytes = frame.ByteSizeLong() + kResultOverhead;
  ByteBudget::Share of_session = co_await results_.take(bytes);
  ByteBudget::Share of_user = co_await budgets_->results.take(bytes);
  if (!stream_.ended()) stream_.spawn(store_result(std::move(frame), {std::move(of_session), std::move(of_user)}));
}

void RequestDispatcher::forward_result(Execution& waiting, proto::ToolFinished frame) {
  if (std::exchange(waiting.answered, true)) return;  // one answer is enough
  const bool older = !frame.unrecorded();             // its journal offers the result until it hears of it
  model::ToolResult result = to_result(std::move(frame));
  log_.debug("gateway.read.answered", {{"request_id", waiting.id.str()},
                                       {"user", identity_.user.str()},
                                       {"daemon", identity_.daemon.str()},
                                       {"epoch", identity_.epoch},
                                       {"outcome", model::to_string(result.outcome)}});
  if (older) {
    acknowledge(waiting.id);
  } else {
    stream_.send_answered(waiting.id);
  }
  waiting.events.try_send(std::move(result));
}

void RequestDispatcher::acknowledge(const RequestId& request) {
  proto::GatewayFrame ack;
  ack.mutable_result_ack()->set_request_id(request.str());
  stream_.send(std::move(ack));
}

Task<void> RequestDispatcher::store_result(proto::ToolFinished frame, [[maybe_unused]] UnderWay until_it_is_kept) {
  const RequestId request(frame.request_id());
  const Instant asked = clock_.now();
  const std::size_t bytes = frame.ByteSizeLong();
  log_.debug(
      "gateway.result.begun",
      {{"user", identity_.user.str()}, {"daemon", identity_.daemon.str()}, {"epoch", identity_.epoch}, {"bytes", bytes}});
  auto durable = co_await records_.finish_execution(identity_, request, to_result(std::move(frame)));
  log_.debug(
      "gateway.result.ended",
      {{"user", identity_.user.str()}, {"daemon", identity_.daemon.str()}, {"epoch", identity_.epoch}, {"bytes", bytes}});
  if (!durable.ok()) {
    stream_.close_if_superseded(durable.status());
    // Not acknowledged: the daemon offers the result again, and the caller retries.
    if (Execution* const waiting = waiting_for(request)) waiting->events.try_send(durable.status());
    // It keeps its share for a while, so that a flood of such results is slow.
    if (was_not_asked_for(durable.status())) co_await sleep_for(kNotAskedFor);  // waits for no event (executor timer)
    co_return;
  }
  log_.info("gateway.result.kept", {{"request_id", request.str()},
                                    {"user", identity_.user.str()},
                                    {"daemon", identity_.daemon.str()},
                                    {"epoch", identity_.epoch},
                                    {"outcome", model::to_string(durable->outcome)},
                                    {"took_us", microseconds(clock_.now() - asked)}});
  acknowledge(request);
  if (Execution* const waiting = waiting_for(request)) waiting->events.try_send(*std::move(durable));
}

}  // namespace reliant::gateway
