#include "gateway/tool_bridge.h"

#include <algorithm>

#include "base/text.h"
#include "model/subject.h"
#include "runtime/race.h"
#include "runtime/sleep.h"

namespace reliant::gateway {
namespace {

constexpr std::string_view kQueueGroup = "gateways";

// A part of output or content, so that a message stays below the bus's limit (C42). JSON may double bytes that are not
// UTF-8 and escapes others; the rest is the message's own fields.
std::size_t part_size(const ports::Bus& bus) { return std::max<std::size_t>(bus.max_payload() / 8, 256); }

}  // namespace

// The tasks that serve one held daemon; destroying it unsubscribes.
struct NatsToolBridge::Held {
  explicit Held(Context& context) : scope(context) {}
  TaskScope scope;
};

// Where the messages about one request go. A publish that fails ends the answering: the caller notices the silence and
// asks again.
class NatsToolBridge::Answer {
 public:
  Answer(ports::Bus& bus, EventLog& log, std::string inbox) : bus_(bus), log_(log), inbox_(std::move(inbox)) {}

  bool send(const model::ToolReply& reply) {
    if (broken_) return false;
    ports::BusMessage message;
    message.subject = inbox_;
    message.payload = model::encode(reply);
    if (Status sent = bus_.publish(std::move(message)); !sent.ok()) {
      log_.warning("gateway.answer.failed", {{"error", message_of(sent)}});
      broken_ = true;
    }
    return !broken_;
  }

  // Content that is too large for one message goes ahead in parts.
  void send_result(model::ToolReply reply, std::size_t limit) {
    if (auto* done = std::get_if<model::ToolDone>(&reply)) {
      std::string& content = done->result.content;
      std::size_t sent = 0;
      for (; content.size() - sent > limit; sent += limit)
        if (!send(model::ToolResultPart{content.substr(sent, limit)})) return;
      content.erase(0, sent);
    }
    send(reply);
  }

 private:
  ports::Bus& bus_;
  EventLog& log_;
  std::string inbox_;
  bool broken_ = false;
};

// Passes output on. What could not be published is not counted as taken, so it is not acknowledged either.
class NatsToolBridge::OutputToBus final : public router::OutputSink {
 public:
  OutputToBus(Answer& answer, std::uint64_t last_chunk) : answer_(answer), last_chunk_(last_chunk) {}
  Task<void> on_output(std::uint64_t chunk, std::string data, bool gap) override {
    model::ToolOutputChunk message{chunk, std::move(data), gap};
    if (answer_.send(message)) last_chunk_ = chunk;
    co_return;
  }
  std::uint64_t last_chunk() const override { return last_chunk_; }

 private:
  Answer& answer_;
  std::uint64_t last_chunk_;
};

NatsToolBridge::NatsToolBridge(Context& context, Clock& clock, EventLog& log, ports::Bus& bus,
                               router::DaemonSessions& sessions)
    : context_(context), clock_(clock), log_(log), bus_(bus), sessions_(sessions), requests_(context) {}

NatsToolBridge::~NatsToolBridge() = default;

void NatsToolBridge::session_opened(const UserId& user, const DaemonId& daemon) {
  const Key key(user, daemon);
  ports::SubscribeOptions requests;
  requests.subject = model::daemon_subject(model::DaemonSubject::kToolRequestSync, user, daemon);
  requests.queue_group = kQueueGroup;
  ports::SubscribeOptions commands;
  commands.subject = model::daemon_subject(model::DaemonSubject::kCommand, user, daemon);
  commands.queue_group = kQueueGroup;
  auto request_interest = bus_.subscribe(std::move(requests));
  auto command_interest = bus_.subscribe(std::move(commands));
  if (!request_interest.ok() || !command_interest.ok()) {
    const Status why = request_interest.ok() ? command_interest.status() : request_interest.status();
    log_.warning("gateway.subscribe.failed", {{"daemon", daemon.str()}, {"error", message_of(why)}});
    return;
  }
  auto held = std::make_unique<Held>(context_);
  held->scope.spawn(serve_requests(key, *std::move(request_interest)));
  held->scope.spawn(serve_commands(key, *std::move(command_interest)));
  held_[key] = std::move(held);
}

void NatsToolBridge::session_closed(const UserId& user, const DaemonId& daemon) { held_.erase({user, daemon}); }

Task<void> NatsToolBridge::serve_requests(Key key, std::unique_ptr<ports::BusSubscription> requests) {
  while (true) {
    auto message = co_await requests->next(kNever);
    if (!message.ok()) co_return;  // the bus was closed
    requests_.spawn(run_request(key, *std::move(message)));
  }
}

Task<void> NatsToolBridge::serve_commands(Key key, std::unique_ptr<ports::BusSubscription> commands) {
  while (true) {
    auto message = co_await commands->next(kNever);
    if (!message.ok()) co_return;
    requests_.spawn(run_command(key, *std::move(message)));
  }
}

Result<model::ToolExecutionRequest> NatsToolBridge::read_request(const Key& key, const std::string& payload) const {
  TRY_ASSIGN(auto message, model::decode_tool_request(payload));
  // The subject decides whose daemon runs it; a body that says otherwise is not believed.
  if (message.request.user != key.first || message.request.daemon != key.second)
    return permission_denied("the request is for another daemon than its subject");
  const auto now = std::chrono::duration_cast<std::chrono::milliseconds>(clock_.wall_now().time_since_epoch()).count();
  if (message.deadline_ms <= now) return deadline_exceeded("the request came after its deadline; it was not started");
  return message;
}

Task<void> NatsToolBridge::run_request(Key key, ports::BusMessage message) {
  Answer answer(bus_, log_, std::move(message.reply_to));
  auto request = read_request(key, message.payload);
  if (!request.ok()) {
    answer.send(model::ToolRefused{request.status()});
    co_return;
  }
  answer.send(model::ToolAccepted{});
  model::ToolReply reply = co_await execute(key, *std::move(request), answer);
  answer.send_result(std::move(reply), part_size(bus_));
}

namespace {

Task<Result<model::ToolResult>> run(router::DaemonSessions& sessions, model::ToolRequest request,
                                    router::OutputSink& sink, Instant deadline) {
  co_return co_await sessions.execute(std::move(request), sink, deadline);
}

template <class Answer>
Task<void> say_alive(Answer& answer) {
  do {
    co_await sleep_for(NatsToolBridge::kAlive);
  } while (answer.send(model::ToolAlive{}));
}

}  // namespace

Task<model::ToolReply> NatsToolBridge::execute(Key key, model::ToolExecutionRequest message, Answer& answer) {
  if (!sessions_.holds(key.first, key.second))
    co_return model::ToolRefused{with_reason(unavailable("the daemon has just gone"), kReasonDaemonOffline)};
  OutputToBus sink(answer, message.resume_output_after);
  const Duration left = WallTime(std::chrono::milliseconds(message.deadline_ms)) - clock_.wall_now();
  const Instant deadline = clock_.now() + left;
  auto ended = co_await race(run(sessions_, std::move(message.request), sink, deadline), say_alive(answer));
  auto* result = std::get_if<0>(&ended);
  // The other way round the caller cannot be told anything any more.
  if (!result) co_return model::ToolRefused{unavailable("the bus was lost")};
  if (!result->ok()) co_return model::ToolRefused{result->status()};
  co_return model::ToolDone{*std::move(*result)};
}

Task<void> NatsToolBridge::run_command(Key key, ports::BusMessage message) {
  Status status;
  auto command = model::decode_daemon_command(message.payload);
  if (!command.ok()) {
    status = command.status();
  } else if (command->user != key.first || command->daemon != key.second) {
    status = permission_denied("the command is for another daemon than its subject");
  } else if (!sessions_.holds(key.first, key.second)) {
    status = with_reason(unavailable("the daemon has just gone"), kReasonDaemonOffline);
  } else if (command->kind == model::DaemonCommandKind::kCancel) {
    const Instant deadline = clock_.now() + std::chrono::seconds(10);
    status = co_await sessions_.cancel(key.first, key.second, std::move(command->request), deadline);
  }
  if (message.reply_to.empty()) co_return;
  ports::BusMessage reply;
  reply.subject = std::move(message.reply_to);
  reply.payload = model::encode_command_reply(status);
  if (Status sent = bus_.publish(std::move(reply)); !sent.ok())
    log_.warning("gateway.answer.failed", {{"error", message_of(sent)}});
}

}  // namespace reliant::gateway
