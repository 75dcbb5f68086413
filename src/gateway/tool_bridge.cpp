#include "gateway/tool_bridge.h"

#include <algorithm>

#include "base/cause.h"
#include "base/text.h"
#include "router/daemon_router.h"
#include "runtime/race.h"
#include "runtime/sleep.h"

namespace reliant::gateway {
namespace {

using model::DaemonSubject;

constexpr std::string_view kQueueGroup = "gateways";
// For the daemon to do what it was commanded: more than it takes to end a tool in order.
constexpr Duration kCommandTime = std::chrono::seconds(10);

// A part of output or content, so that a message stays below the bus's limit (C42). JSON may double bytes that are not
// UTF-8 and escapes others; the rest is the message's own fields.
std::size_t part_size(const ports::Bus& bus) { return std::max<std::size_t>(bus.max_payload() / 8, 256); }

constexpr Duration kSigningTimeout = std::chrono::seconds(3);
// The longest that a tool may take, and that a request may wait for its end. A sender's numbers are not trusted with arithmetic.
constexpr std::int64_t kMaxTimeoutMs = 24LL * 60 * 60 * 1000;
constexpr std::int64_t kMaxWaitMs = 2 * kMaxTimeoutMs;

auth::SignedKind kind_of(DaemonSubject subject) {
  switch (subject) {
    case DaemonSubject::kToolRequest:
    case DaemonSubject::kToolRequestSync:
      return auth::SignedKind::kRequest;
    case DaemonSubject::kToolCancel:
    case DaemonSubject::kCommand:
      return auth::SignedKind::kCommand;
    case DaemonSubject::kToolOnline:
      return auth::SignedKind::kQuestion;
  }
  RELIANT_UNREACHABLE("every subject carries one kind of message");
}

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
  Answer(ports::Bus& bus, EventLog& log, const ports::BusMessage& to)
      : bus_(bus), log_(log), inbox_(to.reply_to), attempt_(model::attempt_of(to.headers)) {}

  bool send(const model::ToolReply& reply) {
    if (inbox_.empty()) return true;  // no reply subject: the durable row has the outcome
    if (broken_) return false;
    ports::BusMessage message;
    message.subject = inbox_;
    if (!attempt_.empty()) message.headers[std::string(model::kAttemptHeader)] = attempt_;
    message.payload = model::encode(reply);
    if (Status sent = bus_.publish(std::move(message)); !sent.ok()) {
      log_.warning("gateway.answer.failed", {{"error", described(sent)}});
      broken_ = true;
    }
    return !broken_;
  }

  // Output that is too large for one message goes piece by piece.
  bool send_output(model::ToolOutputChunk chunk) {
    const std::size_t limit = part_size(bus_);
    std::size_t sent = 0;
    for (; chunk.data.size() - sent > limit; sent += limit)
      if (!send(model::ToolOutputChunk{chunk.chunk, chunk.data.substr(sent, limit), chunk.gap, true, sent})) return false;
    chunk.data.erase(0, sent);
    chunk.at = sent;
    return send(std::move(chunk));
  }

  // Content that is too large for one message goes ahead in parts.
  void send_result(model::ToolReply reply, std::size_t limit) {
    if (auto* done = std::get_if<model::ToolDone>(&reply)) {
      std::string& content = done->result.content;
      std::size_t sent = 0;
      for (; content.size() - sent > limit; sent += limit)
        if (!send(model::ToolResultPart{content.substr(sent, limit), sent})) return;
      content.erase(0, sent);
      done->at = sent;
    }
    send(reply);
  }

 private:
  ports::Bus& bus_;
  EventLog& log_;
  std::string inbox_;
  std::string attempt_;
  bool broken_ = false;
};

// Passes output on. What could not be published is not counted as taken, so it is not acknowledged either.
class NatsToolBridge::OutputToBus final : public router::OutputSink {
 public:
  OutputToBus(Answer& answer, std::uint64_t last_chunk) : answer_(answer), last_chunk_(last_chunk) {}
  Task<void> on_output(std::uint64_t chunk, std::string data, bool gap) override {
    if (answer_.send_output({chunk, std::move(data), gap})) last_chunk_ = chunk;
    co_return;
  }
  std::uint64_t last_chunk() const override { return last_chunk_; }

 private:
  Answer& answer_;
  std::uint64_t last_chunk_;
};

NatsToolBridge::NatsToolBridge(Context& context, Clock& clock, EventLog& log, ports::Bus& bus, router::DaemonSessions& sessions,
                               auth::KeyRing& keys, Random random, ToolBridgeOptions options)
    : context_(context),
      clock_(clock),
      log_(log),
      bus_(bus),
      sessions_(sessions),
      signer_(keys, clock, random),
      guard_(clock, log, keys),
      options_(options),
      requests_(context),
      lanes_(context) {
  serve_user_lane();
}

NatsToolBridge::~NatsToolBridge() = default;

void NatsToolBridge::serve_user_lane() {
  struct Entry {
    std::string pattern;
    std::string_view queue_group;
    Lane lane;
    Handler handler;
  };
  using enum DaemonSubject;
  const Entry entries[] = {
      {every_user_pattern(kToolRequest), kQueueGroup, {kToolRequest, Reach::kOne, kToolRequest}, &NatsToolBridge::run_request},
      {every_user_pattern(kToolCancel), kQueueGroup, {kToolCancel, Reach::kOne, kCommand}, &NatsToolBridge::run_command},
      {every_user_pattern(kToolRequestSync), "", {kToolRequestSync, Reach::kAll, {}}, &NatsToolBridge::run_request},
      {every_user_pattern(kCommand), "", {kCommand, Reach::kAll, {}}, &NatsToolBridge::run_command},
      {every_user_pattern(kToolOnline), "", {kToolOnline, Reach::kAll, {}}, &NatsToolBridge::run_online},
      {std::string(model::kDaemonAcceptedPattern), "", {{}, Reach::kAll, {}}, &NatsToolBridge::run_notice},
  };
  for (const Entry& entry : entries) {
    ports::SubscribeOptions options;
    options.subject = entry.pattern;
    options.queue_group = entry.queue_group;
    auto interest = bus_.subscribe(std::move(options));
    if (interest.ok()) {
      lanes_.spawn(serve(*std::move(interest), entry.lane, entry.handler));
    } else {
      log_.warning("gateway.subscribe.failed", {{"subject", entry.pattern}, {"error", described(interest.status())}});
    }
  }
}

bool NatsToolBridge::serve_held(Held& held, const Key& key, Lane lane, Handler handler) {
  ports::SubscribeOptions options;
  options.subject = daemon_subject(lane.subject, key.first, key.second);
  options.queue_group = kQueueGroup;
  auto interest = bus_.subscribe(std::move(options));
  if (interest.ok()) {
    held.scope.spawn(serve(*std::move(interest), lane, handler));
    return true;
  }
  log_.warning("gateway.subscribe.failed", {{"daemon", key.second.str()}, {"error", described(interest.status())}});
  return false;
}

void NatsToolBridge::session_opened(const SessionIdentity& session) {
  const Key key(session.user, session.daemon);
  auto held = std::make_unique<Held>(context_);
  using enum DaemonSubject;
  const bool served = serve_held(*held, key, {kToolRequestSync, Reach::kHolder, {}}, &NatsToolBridge::run_request) &&
                      serve_held(*held, key, {kToolRequest, Reach::kHolder, {}}, &NatsToolBridge::run_request) &&
                      serve_held(*held, key, {kCommand, Reach::kHolder, {}}, &NatsToolBridge::run_command);
  if (served) held_[key] = std::move(held);

  ports::BusMessage notice;
  notice.subject = model::daemon_accepted_subject(session.user, session.daemon);
  notice.payload = model::encode(model::DaemonAccepted{session.user, session.daemon, session.epoch, session.gateway});
  requests_.spawn(announce(std::move(notice)));  // one that is lost is made up for by the epoch check at the next write
}

void NatsToolBridge::session_closed(const SessionIdentity& session) { held_.erase({session.user, session.daemon}); }

Task<void> NatsToolBridge::serve(Subscription interest, Lane lane, Handler handler) {
  while (true) {
    auto message = co_await interest->next(kNever);
    if (!message.ok()) co_return;  // the bus was closed
    requests_.spawn(admit(lane, handler, *std::move(message)));
  }
}

Task<void> NatsToolBridge::admit(Lane lane, Handler handler, ports::BusMessage message) {
  const bool is_notice = handler == &NatsToolBridge::run_notice;
  const auth::SignedKind kind = is_notice ? auth::SignedKind::kNotice : kind_of(lane.subject);
  const bool may_be_unsigned = options_.allow_unsigned_requests && lane.reach != Reach::kHolder && !is_notice;
  const auto what = may_be_unsigned ? BusGuard::Unsigned::kAccepted : BusGuard::Unsigned::kRefused;
  if (!co_await guard_.admits(message, kind, what)) co_return;
  co_await (this->*handler)(lane, std::move(message));
}

Task<void> NatsToolBridge::announce(ports::BusMessage notice) {
  const Status status = co_await signer_.sign(notice, auth::SignedKind::kNotice, after(clock_.now(), kSigningTimeout));
  if (status.ok()) {
    publish(std::move(notice));
  } else {
    log_.warning("gateway.answer.failed", {{"error", described(status)}});
  }
}

void NatsToolBridge::publish(ports::BusMessage message) {
  if (Status sent = bus_.publish(std::move(message)); !sent.ok())
    log_.warning("gateway.answer.failed", {{"error", described(sent)}});
}

void NatsToolBridge::reply(const ports::BusMessage& to, std::string payload) {
  if (to.reply_to.empty()) return;
  ports::BusMessage message;
  message.subject = to.reply_to;
  message.payload = std::move(payload);
  if (std::string attempt = model::attempt_of(to.headers); !attempt.empty())
    message.headers[std::string(model::kAttemptHeader)] = std::move(attempt);
  publish(std::move(message));
}

// A body names the daemon; it must be one that the subject may address.
Status NatsToolBridge::check_address(const Lane& lane, const std::string& subject, const UserId& user,
                                     const DaemonId& daemon) const {
  TRY_ASSIGN(const model::DaemonAddress address, parse_daemon_subject(lane.subject, subject));
  if (address.user == user && (address.daemon.empty() || address.daemon == daemon)) return ok_status();
  return permission_denied("the message is for another daemon than its subject");
}

Status NatsToolBridge::check_times(const model::ToolExecutionRequest& message) const {
  const auto now = std::chrono::duration_cast<std::chrono::milliseconds>(clock_.wall_now().time_since_epoch()).count();
  if (message.deadline_ms <= now) return deadline_exceeded("the request came after its deadline; it was not started");
  const std::int64_t timeout = message.request.timeout_ms;
  if (timeout < 0 || timeout > kMaxTimeoutMs)
    return invalid_field("timeout_ms", concat("timeout_ms is ", timeout, "; give 0 to ", kMaxTimeoutMs));
  return ok_status();
}

Task<void> NatsToolBridge::run_request(Lane lane, ports::BusMessage message) {
  Answer answer(bus_, log_, message);
  auto request = model::decode_tool_request(message.payload);
  Status refusal = request.status();
  if (refusal.ok()) refusal = check_address(lane, message.subject, request->request.user, request->request.daemon);
  if (!refusal.ok()) {
    // Of a message that every gateway receives, only the holder answers, and this one has no valid daemon.
    if (lane.reach != Reach::kAll) answer.send(model::ToolRefused{std::move(refusal)});
    co_return;
  }
  const Key key(request->request.user, request->request.daemon);
  if (!sessions_.holds(key.first, key.second)) {
    if (lane.reach == Reach::kAll) co_return;
    model::ToolRefused offline{router::daemon_offline(key.second)};
    if (lane.reach == Reach::kOne) {
      co_await pass_on(lane, key, std::move(message), model::encode(std::move(offline)));
    } else {
      answer.send(std::move(offline));
    }
    co_return;
  }
  if (!guard_.takes_first_time(message)) co_return;
  if (Status late = check_times(*request); !late.ok()) {
    log_.warning("gateway.request.late", {{"request_id", request->request.id.str()}, {"daemon", key.second.str()}});
    answer.send(model::ToolRefused{std::move(late)});
    co_return;
  }
  note(lane, message, request->request);
  // Where only the holder listens, its silence means nothing yet; elsewhere it means that no gateway holds the daemon.
  if (lane.reach != Reach::kHolder || model::hops_of(message.headers) > 0) answer.send(model::ToolAccepted{});
  model::ToolReply reply = co_await execute(*std::move(request), answer);
  answer.send_result(std::move(reply), part_size(bus_));
}

void NatsToolBridge::note(const Lane& lane, const ports::BusMessage& message, const model::ToolRequest& request) {
  const bool user_lane = lane.reach != Reach::kHolder || model::hops_of(message.headers) > 0;
  if (!user_lane) return;
  log_.info(lane.reach == Reach::kAll ? "gateway.request.user_sync_lane" : "gateway.request.user_lane",
            {{"user", request.user.str()},
             {"daemon", request.daemon.str()},
             {"request_id", request.id.str()},
             {"hops", model::hops_of(message.headers)}});
}

// To the holder, once (C3). It answers the caller itself; only when no gateway holds the daemon, or the message has been passed
// on already, `refusal` is the answer.
Task<void> NatsToolBridge::pass_on(Lane lane, Key key, ports::BusMessage message, std::string refusal) {
  const int hops = model::hops_of(message.headers);
  if (hops >= model::kMaxHops) {
    reply(message, std::move(refusal));
    co_return;
  }
  ports::BusMessage onward = message;
  onward.subject = daemon_subject(lane.pass_on_to, key.first, key.second);
  onward.headers[std::string(model::kHopsHeader)] = concat(hops + 1);
  if (!onward.headers.contains(std::string(auth::kSignatureHeader))) {
    const Instant until = after(clock_.now(), kSigningTimeout);
    if (!(co_await signer_.sign(onward, kind_of(lane.pass_on_to), until)).ok()) co_return;  // the caller asks again
  }
  log_.info("gateway.request.passed_on", {{"user", key.first.str()}, {"daemon", key.second.str()}, {"hops", hops + 1}});
  if (message.reply_to.empty()) {
    publish(std::move(onward));
    co_return;
  }
  ports::SubscribeOptions options;
  options.subject = message.reply_to;
  auto answers = bus_.subscribe(std::move(options));
  publish(std::move(onward));
  if (!answers.ok()) co_return;
  const Instant until = after(clock_.now(), kPassedOn);
  const std::string attempt = model::attempt_of(message.headers);
  while (true) {
    auto answer = co_await (*answers)->next(until);
    if (!answer.ok()) co_return;  // the caller notices the silence, and asks again
    if (ports::is_no_responders(*answer)) {
      reply(message, std::move(refusal));
      co_return;
    }
    if (model::attempt_of(answer->headers) == attempt) co_return;  // a gateway has it
  }
}

namespace {

template <class Answer>
Task<void> say_alive(Answer& answer) {
  do {
    co_await sleep_for(NatsToolBridge::kAlive);
  } while (answer.send(model::ToolAlive{}));
}

}  // namespace

Task<model::ToolReply> NatsToolBridge::execute(model::ToolExecutionRequest message, Answer& answer) {
  OutputToBus sink(answer, message.resume_output_after);
  const auto now = std::chrono::duration_cast<std::chrono::milliseconds>(clock_.wall_now().time_since_epoch()).count();
  const auto left = std::chrono::milliseconds(std::min(message.deadline_ms - now, kMaxWaitMs));
  const Instant deadline = after(clock_.now(), left);
  auto ended = co_await race(sessions_.execute(std::move(message.request), sink, deadline), say_alive(answer));
  auto* result = std::get_if<0>(&ended);
  // If the bus is lost, no answer reaches the caller any more.
  if (!result) co_return model::ToolRefused{unavailable("the bus was lost")};
  if (!result->ok()) co_return model::ToolRefused{result->status()};
  co_return model::ToolDone{*std::move(*result)};
}

Task<void> NatsToolBridge::run_command(Lane lane, ports::BusMessage message) {
  auto command = model::decode_daemon_command(message.payload);
  Status refusal = command.status();
  if (refusal.ok()) refusal = check_address(lane, message.subject, command->user, command->daemon);
  if (!refusal.ok()) {
    if (lane.reach != Reach::kAll) reply(message, model::encode_command_reply(refusal));
    co_return;
  }
  if (!sessions_.holds(command->user, command->daemon)) {
    if (lane.reach == Reach::kAll) co_return;
    std::string offline = model::encode_command_reply(router::daemon_offline(command->daemon));
    if (lane.reach == Reach::kOne) {
      co_await pass_on(lane, {command->user, command->daemon}, std::move(message), std::move(offline));
    } else {
      reply(message, std::move(offline));
    }
    co_return;
  }
  if (!guard_.takes_first_time(message)) co_return;
  const bool user_lane = lane.reach != Reach::kHolder || model::hops_of(message.headers) > 0;
  if (user_lane) reply(message, model::encode_command_accepted());
  reply(message, model::encode_command_reply(co_await command_status(*std::move(command))));
}

Task<Status> NatsToolBridge::command_status(model::DaemonCommand command) {
  co_return co_await sessions_.command(std::move(command), after(clock_.now(), kCommandTime));
}

Task<void> NatsToolBridge::run_online(Lane lane, ports::BusMessage message) {
  const auto address = parse_daemon_subject(lane.subject, message.subject);
  const auto user = model::decode_held_question(message.payload);
  if (!address.ok() || !user.ok()) co_return;
  if (!user->empty() && *user != address->user)
    co_return guard_.refuse(message, "its body is about another user than its subject");
  const std::vector<model::HeldDaemon> held = sessions_.held(address->user);
  if (!held.empty()) reply(message, model::encode(held));
}

Task<void> NatsToolBridge::run_notice(Lane, ports::BusMessage message) {
  const auto notice = model::decode_daemon_accepted(message.payload);
  if (!notice.ok()) co_return;
  if (message.subject != model::daemon_accepted_subject(notice->user, notice->daemon))
    co_return guard_.refuse(message, "its body is about another daemon than its subject");
  sessions_.superseded(notice->user, notice->daemon, notice->epoch);
}

}  // namespace reliant::gateway
