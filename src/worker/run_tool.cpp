// run_tool: one tool call, from the request to the stored result (R41, R42, C6, C7).
//
// The request id is the same for every attempt, and the request is a row in the outbox (store/executions.h): once a daemon has
// been given it, only that daemon is asked again, which alone knows whether the tool ran. So an attempt may be repeated for
// ever, and the tool runs once, or its outcome is honestly unknown.
//
// A request that is not recorded (model::Durability) takes the same way without the row: each attempt asks the daemon that is
// the right one then, until it has an answer, and no other attempt or gateway learns of it.
#include <algorithm>
#include <utility>

#include "base/cause.h"
#include "base/json.h"
#include "base/text.h"
#include "runtime/backoff.h"
#include "runtime/race.h"
#include "runtime/sleep.h"
#include "runtime/this_context.h"
#include "worker/activities.h"
#include "worker/chat_writer.h"

namespace reliant::worker {
namespace {

constexpr Duration kHealthyCall = std::chrono::seconds(5);  // a call of at least this duration resets the backoff
// Between two tries to reach the daemon. Short: a daemon that has lost its gateway is back within seconds.
constexpr BackoffPolicy kReachDaemon{.base = std::chrono::milliseconds(100), .cap = std::chrono::seconds(5)};
constexpr Duration kCancelTimeout = std::chrono::seconds(8);
// What routing may take beyond the tool's own time, for one call of the router.
constexpr Duration kRoutingSlack = std::chrono::seconds(30);

model::ToolResult not_executed(std::string content) {
  return model::error_result(model::Outcome::kNotExecuted, std::move(content));
}

// The result of a request that is not sent any more. `sent`: a daemon may have received it.
model::ToolResult given_up(bool sent, std::string_view why) {
  if (!sent) {
    return not_executed(
        concat("DAEMON_OFFLINE: the tool was not run: ", why, ". Tell the user that the daemon must be connected."));
  }
  return model::error_result(model::Outcome::kUnknown,
                             concat("It is not known whether the tool ran: ", why, ". Find out before running it again."));
}

// Of a stored tool message. The tool of one that is damaged has run, and its result is lost.
model::ToolResult result_in(const store::Message& stored) {
  const auto* block = stored.content.empty() ? nullptr : std::get_if<model::ToolResultBlock>(&stored.content.front());
  return block != nullptr ? block->result : model::ToolResult{model::Outcome::kUnknown, true, {}, 0, 0};
}

std::string output_of(const model::ToolResult& told) {
  return workflow::to_json_text(workflow::RunToolOutput{told.outcome, told.is_error});
}

store::NewUpdate started_update(const model::ToolCall& call) {
  store::NewUpdate started;
  started.kind = model::UpdateKind::kToolStarted;
  started.payload = to_json(json::object{{"id", call.id.str()}, {"tool", call.tool}, {"arguments", call.arguments}});
  return started;
}

void note_offline(EventLog& log, const model::ToolRequest& request, Duration took) {
  log.info("worker.daemon.offline", {{"user", request.user.str()},
                                     {"daemon", request.daemon.str()},
                                     {"request_id", request.id.str()},
                                     {"took_us", std::chrono::ceil<std::chrono::microseconds>(took).count()}});
}

void note_asked_again(EventLog& log, const model::ToolRequest& request, const Status& last) {
  log.info("worker.read.asked_again", {{"user", request.user.str()},
                                       {"daemon", request.daemon.str()},
                                       {"request_id", request.id.str()},
                                       {"error", described(last)}});
}

// Stores output as numbered tool_output updates; a chunk that another attempt stored is left out by its number.
class OutputUpdates final : public router::OutputSink {
 public:
  OutputUpdates(ChatWriter& writer, const temporal::ActivityContext& activity, ToolCallId call)
      : writer_(writer), call_(std::move(call)) {
    const auto details = parse_json(activity.info().heartbeat_details);
    const json::object* object = details.ok() ? details->if_object() : nullptr;
    const json::value* last = object ? object->if_contains("last_chunk") : nullptr;
    if (last) last_chunk_ = last->to_number<std::uint64_t>();
  }

  Task<void> on_output(std::uint64_t chunk, std::string data, bool gap) override {
    store::NewUpdate update;
    update.kind = model::UpdateKind::kToolOutput;
    update.position = static_cast<std::int64_t>(chunk);
    update.payload = to_json(json::object{{"id", call_.str()}, {"chunk", chunk}, {"gap", gap}, {"text", data}});
    co_await writer_.write(std::move(update));
    last_chunk_ = chunk;
  }
  std::uint64_t last_chunk() const override { return last_chunk_; }

 private:
  ChatWriter& writer_;
  ToolCallId call_;
  std::uint64_t last_chunk_ = 0;
};

}  // namespace

struct ChatActivities::ToolRun {
  temporal::ActivityContext& activity;
  workflow::RunToolInput input;
  std::string key;  // of the result's message
  RequestId request;
  store::ToolCallState state;
  ChatWriter& writer;
  model::Durability durability = model::Durability::kRecorded;
  bool announced = false;
  bool cancelled = false;

  const model::ToolCall& call() const { return input.planned.call; }
};

// R90 to R95: the chat's own choice, or the default. DAEMON_OFFLINE: none can be used now; later there may be one.
Task<Result<DaemonId>> ChatActivities::choose_daemon(ToolRun& run, DaemonId chosen) {
  router::SelectionRequest request{.session = model::daemon_selector_of_chat(chosen)};
  CO_TRY_ASSIGN(const auto resolved, co_await resolver_.resolve(run.input.user, std::move(request), store_deadline()));
  if (!resolved.daemon) co_return with_reason(unavailable(resolved.problem), kReasonDaemonOffline);
  if (resolved.must_resume) CO_TRY_OK(co_await bring_up(run, *resolved.daemon));
  ports_.log.info("worker.daemon.chosen", {{"user", run.input.user.str()},
                                           {"chat", run.input.chat.str()},
                                           {"request_id", run.request.str()},
                                           {"daemon", resolved.daemon->str()},
                                           {"source", router::to_string(resolved.source)}});
  co_return *resolved.daemon;
}

Task<Status> ChatActivities::bring_up(ToolRun& run, DaemonId daemon) {
  ports_.log.info("worker.daemon.resumed", {{"user", run.input.user.str()}, {"daemon", daemon.str()}});
  auto ended = co_await race(ports_.control_plane->resume(run.input.user, daemon, after(ports_.clock.now(), kResumeTimeout)),
                             run.activity.cancelled().wait());
  const Status* resumed = std::get_if<0>(&ended);
  if (resumed == nullptr) co_return cancelled("the tool call was cancelled before it was sent");
  if (resumed->ok()) co_return ok_status();
  co_return with_reason(unavailable("daemon ", daemon.str(), " could not be brought up: ", message_of(*resumed)),
                        kReasonDaemonOffline);
}

Task<Status> ChatActivities::look(ToolRun& run) {
  CO_TRY_ASSIGN(run.state, co_await ports_.store.tool_calls().find(run.input.user, run.input.chat, run.key, run.request,
                                                                   store_deadline()));
  co_return ok_status();
}

// Of a call that has to wait for a daemon, or will never be sent to one: the user sees it all the same.
Task<void> ChatActivities::announce(ToolRun& run) {
  if (!std::exchange(run.announced, true)) co_await run.writer.write(started_update(run.call()));
}

Task<Result<store::Execution>> ChatActivities::begin_request(ToolRun& run) {
  // What was sent once is sent again as it was, to whom it was.
  if (run.state.execution) co_return *run.state.execution;
  const tools::ToolDescriptor& tool = ports_.tools.find(run.call().tool)->descriptor();
  DaemonId daemon;  // none for a tool of the server's own (R41)
  if (tool.runs_on == model::RunsOn::kDaemon) {
    CO_TRY_ASSIGN(daemon, co_await choose_daemon(run, run.state.chosen));
  }
  store::ToolCallStart start;
  start.stream = {run.key};
  start.started = started_update(run.call());
  model::ToolRequest& request = start.request;
  request.id = run.request;
  request.user = run.input.user;
  request.daemon = daemon;
  request.chat = run.input.chat;
  request.call = run.call().id;
  request.tool = run.call().tool;
  request.arguments = run.call().arguments;
  request.working_directory = run.state.working_directory;
  request.effect = tool.effect;
  request.timeout_ms = run.input.planned.timeout_ms;
  CO_TRY_ASSIGN(auto started, co_await ports_.store.tool_calls().start(std::move(start), store_deadline()));
  ports_.hub.publish(run.input.user, run.input.chat, started.last_sequence);
  co_return std::move(started.execution);
}

Task<Result<model::ToolResult>> ChatActivities::run_on_daemon(ToolRun& run, model::ToolRequest request) {
  OutputUpdates sink(run.writer, run.activity, run.call().id);
  Backoff backoff(kReachDaemon, random_);
  const Duration tool_time = std::chrono::milliseconds(request.timeout_ms) + kRoutingSlack;
  Instant reachable = ports_.clock.now();       // when the daemon was last known to be there
  bool sent = run.activity.info().attempt > 1;  // or may have been
  while (true) {
    const Instant asked = ports_.clock.now();
    auto result = co_await ports_.router.execute(request, sink, asked + tool_time);
    if (result.ok()) {
      // Of a request without a row, another daemon may have been sent it before this one, which has not run it.
      const bool elsewhere = sent && run.durability == model::Durability::kUnrecorded;
      if (elsewhere && result->outcome == model::Outcome::kNotExecuted) result->outcome = model::Outcome::kUnknown;
      co_return result;
    }
    if (!router::is_unanswered(result.status())) co_return result.status();
    const bool silent = reason_of(result.status()) == router::kReasonDaemonSilent;
    const bool offline = silent || reason_of(result.status()) == kReasonDaemonOffline;
    sent = sent || silent;
    if (offline) note_offline(ports_.log, request, ports_.clock.now() - asked);
    if (!offline) {
      if (run.durability == model::Durability::kUnrecorded) note_asked_again(ports_.log, request, result.status());
      sent = true;
      reachable = ports_.clock.now();
      // A daemon that is there and gone again, time after time, is asked as seldom as one that is not there.
      if (reachable - asked >= kHealthyCall) backoff.reset();
    } else if (ports_.clock.now() - reachable >= kDaemonTimeout) {
      co_return co_await give_up(run, sent, result.status());
    }
    co_await sleep_for(backoff.next());
  }
}

// The wait is over. From here on no gateway sends a recorded request any more, so what it was last is what it stays: never
// sent, or sent, and then only the daemon knows.
Task<Result<model::ToolResult>> ChatActivities::give_up(ToolRun& run, bool sent, Status last) {
  if (run.durability == model::Durability::kUnrecorded) co_return given_up(sent, message_of(last));
  CO_TRY_ASSIGN(const auto lost, co_await ports_.store.executions().lose(run.request, store_deadline()));
  if (lost.result) co_return *lost.result;
  co_return given_up(lost.dispatched(), message_of(last));
}

// Ends when this attempt must stop. A cancel by the user is first passed on to the daemon, whose result then counts.
Task<void> ChatActivities::follow_cancel(ToolRun& run, model::ToolRequest request) {
  co_await run.activity.cancelled().wait();
  if (run.activity.cancel_reason() != temporal::CancelReason::kRequested) co_return;
  run.cancelled = true;
  // Recorded first: then it holds even if the daemon cannot be reached now, and what was not sent yet never will be (C9).
  if (co_await ask_cancel(run)) co_return;
  Status confirmed =
      co_await ports_.router.cancel(request.user, request.daemon, request.id, ports_.clock.now() + kCancelTimeout);
  if (!confirmed.ok()) {
    ports_.log.warning("worker.tool.cancel_failed", {{"chat", request.chat.str()}, {"error", described(confirmed)}});
    co_return;
  }
  co_await sleep_for(kCancelTimeout);  // the result is on its way
}

// True: the request has ended already. A request without a row is sent by this attempt alone, which drops it.
Task<bool> ChatActivities::ask_cancel(ToolRun& run) {
  if (run.durability == model::Durability::kUnrecorded) co_return false;
  const auto recorded = co_await ports_.store.executions().ask_cancel(run.request, std::nullopt, store_deadline());
  co_return recorded.ok() && recorded->result;
}

// Of an attempt that was cancelled: the result that is recorded by now, if there is one.
Task<Result<model::ToolResult>> ChatActivities::result_by_then(ToolRun& run) {
  if (run.cancelled && run.durability == model::Durability::kRecorded) {
    auto recorded = co_await ports_.store.executions().get(run.request, store_deadline());
    if (recorded.ok() && recorded->result) co_return *std::move(recorded->result);
  }
  co_return cancelled("the tool call was given up by this worker");
}

Task<Result<model::ToolResult>> ChatActivities::run_here(ToolRun& run, model::ToolRequest request) {
  class ToSink final : public tools::ToolOutput {
   public:
    explicit ToSink(router::OutputSink& sink) : sink_(sink) {}
    Task<void> write(std::string data) override {
      const std::uint64_t chunk = sink_.last_chunk() + 1;
      co_await sink_.on_output(chunk, std::move(data), false);
    }

   private:
    router::OutputSink& sink_;
  };
  OutputUpdates sink(run.writer, run.activity, run.call().id);
  ToSink output(sink);
  CO_TRY_ASSIGN(auto arguments, parse_json(request.arguments));
  tools::ToolInvocation invocation;
  invocation.request = request.id;
  invocation.arguments = std::move(arguments);
  invocation.working_directory = request.working_directory;
  invocation.deadline = ports_.clock.now() + std::chrono::milliseconds(request.timeout_ms);
  co_return co_await ports_.tools.find(request.tool)->run(std::move(invocation), output);
}

Task<Result<model::ToolResult>> ChatActivities::obtain_result(ToolRun& run) {
  const tools::Tool* tool = ports_.tools.find(run.call().tool);
  const bool readable = parse_json(run.call().arguments).ok();
  if (!tool || !readable) co_await announce(run);
  if (!tool) {
    std::vector<std::string> names;
    for (const auto* descriptor : ports_.tools.descriptors()) names.push_back(descriptor->name);
    co_return not_executed(concat("There is no tool \"", run.call().tool, "\". The tools are: ", join(names, ", "), "."));
  }
  if (!readable) co_return not_executed("The arguments are not a JSON object. Call the tool again with a JSON object.");
  // R41: only what runs on the user's machine makes the round trip.
  run.durability = model::durability_of(tool->descriptor().effect);
  const bool on_daemon = tool->descriptor().runs_on == model::RunsOn::kDaemon;
  const Instant offline_at = ports_.clock.now() + kDaemonTimeout;
  Backoff backoff(kReachDaemon, random_);
  while (true) {
    auto recorded = co_await begin_request(run);
    if (recorded.ok() && recorded->result) co_return *std::move(recorded->result);
    if (recorded.ok() && recorded->state == store::ExecutionState::kLost)
      co_return given_up(recorded->dispatched(), "an earlier attempt gave it up");
    if (recorded.ok() && !on_daemon) co_return co_await run_here(run, std::move(recorded->request));
    if (recorded.ok()) {
      model::ToolRequest to_cancel = recorded->request;
      auto ended = co_await race(run_on_daemon(run, std::move(recorded->request)), follow_cancel(run, std::move(to_cancel)));
      if (auto* result = std::get_if<0>(&ended)) co_return std::move(*result);
      co_return co_await result_by_then(run);
    }
    if (reason_of(recorded.status()) != kReasonDaemonOffline) co_return recorded.status();
    co_await announce(run);
    if (ports_.clock.now() >= offline_at)
      co_return not_executed(concat("DAEMON_OFFLINE: the tool was not run: ", message_of(recorded.status()), "."));
    if (co_await run.activity.cancelled().wait(ports_.clock.now() + backoff.next()))
      co_return cancelled("the tool call was cancelled before it was sent");
    CO_TRY_OK(co_await look(run));  // the user may have chosen another daemon
  }
}

void ChatActivities::log_told(const ToolRun& run, const model::ToolResult& told, Duration took, Duration write) {
  ports_.log.info("worker.tool.finished", {{"user", run.input.user.str()},
                                           {"chat", run.input.chat.str()},
                                           {"request_id", run.request.str()},
                                           {"call", run.call().id.str()},
                                           {"tool", run.call().tool},
                                           {"outcome", model::to_string(told.outcome)},
                                           {"took_us", std::chrono::ceil<std::chrono::microseconds>(took).count()},
                                           {"write_us", std::chrono::ceil<std::chrono::microseconds>(write).count()}});
}

// Of a call whose arguments are too large for a payload: they are in the answer that made the call.
Task<Status> ChatActivities::read_arguments(workflow::RunToolInput& input) {
  const std::string key = to_text({input.turn, input.step, -1});
  CO_TRY_ASSIGN(const auto answer, co_await ports_.store.messages().find(input.user, input.chat, key, store_deadline()));
  auto calls = answer ? model::tool_calls_of(answer->content) : std::vector<model::ToolCall>();
  const auto index = static_cast<std::size_t>(input.index);
  if (index < calls.size() && calls[index].id == input.planned.call.id) input.planned.call = std::move(calls[index]);
  // Otherwise they stay empty, and the tool result says that they cannot be read.
  co_return ok_status();
}

// The same for every attempt and in every run of the workflow, so that a run that goes on for one the engine has lost does
// not run the tool again. An attempt of an older version, which took the run and the activity for the turn and the index,
// may have sent it under another id.
Task<Result<RequestId>> ChatActivities::request_of(const workflow::RunToolInput& input, const temporal::ActivityInfo& info) {
  const ToolCallId& call = input.planned.call.id;
  if (info.attempt > 1) {
    const RequestId older = model::make_request_id(info.workflow_id, info.run_id, info.activity_id, call);
    const auto known = co_await ports_.store.executions().get(older, store_deadline());
    if (known.ok()) co_return older;
    if (known.status().code() != StatusCode::kNotFound) co_return known.status();
  }
  co_return model::make_request_id(info.workflow_id, input.turn.str(), concat(input.step, "/", input.index), call);
}

Task<Result<std::string>> ChatActivities::run_tool(temporal::ActivityContext& activity, std::string text) {
  CO_TRY_ASSIGN(auto input, workflow::from_json_text<workflow::RunToolInput>(text));
  const std::string key = to_text({input.turn, input.step, input.index});
  Context& context = co_await ThisContext{};
  ChatWriter writer(context, ports_.store, ports_.hub, ports_.clock, input.user, input.chat, {key});
  // What the next attempt need not ask for again is what is in the store, not what is in hand.
  writer.on_written([&activity](std::int64_t chunk) {
    if (chunk > 0) activity.heartbeat(to_json(json::object{{"last_chunk", chunk}}));  // 0: tool_started
  });
  CO_TRY_ASSIGN(const RequestId request, co_await request_of(input, activity.info()));
  ToolRun run{activity, std::move(input), key, request, {}, writer};
  CO_TRY_OK(co_await look(run));
  if (run.state.told) co_return output_of(*run.state.told);
  if (run.input.planned.stored) CO_TRY_OK(co_await read_arguments(run.input));

  const Instant asked = ports_.clock.now();
  auto result = co_await obtain_result(run);
  if (!result.ok()) co_return result.status();
  CO_TRY_OK(co_await writer.flush());

  store::ToolResultMessage message;
  message.user = run.input.user;
  message.chat = run.input.chat;
  message.key = key;
  message.call = run.call().id;
  message.tool = run.call().tool;
  message.result = *std::move(result);
  // Where the result may still come to.
  const bool has_row = run.durability == model::Durability::kRecorded;
  if (has_row && message.result.outcome == model::Outcome::kUnknown) message.given_up = run.request;
  const Instant obtained = ports_.clock.now();
  CO_TRY_ASSIGN(const auto appended, co_await ports_.store.messages().append_tool_result(std::move(message), store_deadline()));
  // As it is stored: an earlier attempt may have stored another one, or the result came while it was given up.
  const model::ToolResult told = result_in(appended.message);
  ports_.hub.publish(run.input.user, run.input.chat, appended.last_sequence);
  const Instant stored = ports_.clock.now();
  if (!appended.duplicate) log_told(run, told, stored - asked, stored - obtained);
  if (run.cancelled) co_return cancelled("the tool call was cancelled");
  co_return output_of(told);
}

}  // namespace reliant::worker
