#include "router/nats_daemon_router.h"

#include <algorithm>
#include <map>
#include <utility>

#include "base/text.h"
#include "model/subject.h"
#include "model/tool_messages.h"
#include "router/local_daemon_router.h"

namespace reliant::router {
namespace {

using model::DaemonSubject;

constexpr Duration kReadAgainPatience = std::chrono::seconds(5);

Status check_user(const UserId& user) {
  if (!valid_id(user.str())) return invalid_field("user", "a user id is letters, digits, _ and -");
  return ok_status();
}

Status check_ids(const UserId& user, const DaemonId& daemon) {
  TRY_OK(check_user(user));
  if (!valid_id(daemon.str())) return invalid_field("daemon", "a daemon id is letters, digits, _ and -");
  return ok_status();
}

std::string request_subject(Lane lane, const UserId& user, const DaemonId& daemon) {
  switch (lane) {
    case Lane::kDaemon: return daemon_subject(DaemonSubject::kToolRequestSync, user, daemon);
    case Lane::kUser: return user_subject(DaemonSubject::kToolRequest, user);
    case Lane::kUserSync: return user_subject(DaemonSubject::kToolRequestSync, user);
  }
  RELIANT_UNREACHABLE("every lane has a subject");
}

// On the user lane a cancel goes to one gateway, other commands to all of them (R48, R49).
std::string command_subject(Lane lane, const model::DaemonCommand& command) {
  if (lane == Lane::kDaemon) return daemon_subject(DaemonSubject::kCommand, command.user, command.daemon);
  const bool one_takes_it = lane == Lane::kUser && command.kind == model::DaemonCommandKind::kCancel;
  return user_subject(one_takes_it ? DaemonSubject::kToolCancel : DaemonSubject::kCommand, command.user);
}

Status lost_content() { return unavailable("a part of the result was lost on the bus; call again"); }

// What came in one message or in several, in order.
class Pieces {
 public:
  // False: some of what came before `at` was lost.
  bool add(std::uint64_t at, std::string data) {
    if (at == 0) {
      data_ = std::move(data);
      return true;
    }
    const bool follows = at == data_.size();
    if (follows) data_ += data;
    return follows;
  }
  std::string take() { return std::exchange(data_, {}); }

 private:
  std::string data_;
};

}  // namespace

Task<Result<NatsDaemonRouter::Answers>> NatsDaemonRouter::ask(ports::BusMessage question, auth::SignedKind kind,
                                                              std::string answer_subject, Instant deadline) {
  Answers answers;
  ports::SubscribeOptions options;
  if (answer_subject.empty()) {
    options.subject = bus_.new_inbox();
  } else {
    options.subject = std::move(answer_subject);
    answers.attempt = bus_.new_inbox();
    question.headers[std::string(model::kAttemptHeader)] = answers.attempt;
  }
  question.reply_to = options.subject;
  CO_TRY_OK(co_await signer_.sign(question, kind, deadline));
  // Interest first: on one connection it is in force before the question is seen.
  CO_TRY_ASSIGN(answers.messages, bus_.subscribe(std::move(options)));
  CO_TRY_OK(bus_.publish(std::move(question)));
  co_return answers;
}

Task<Result<NatsDaemonRouter::Answers>> NatsDaemonRouter::send(const model::ToolRequest& request, const OutputSink& sink,
                                                               Instant deadline) {
  CO_TRY_OK(check_ids(request.user, request.daemon));
  model::ToolExecutionRequest message;
  message.request = request;
  message.resume_output_after = sink.last_chunk();
  const WallTime until = deadline == kNever ? WallTime::max() : clock_.wall_now() + (deadline - clock_.now());
  message.deadline_ms = std::chrono::duration_cast<std::chrono::milliseconds>(until.time_since_epoch()).count();

  ports::BusMessage publication;
  publication.subject = request_subject(options_.lane, request.user, request.daemon);
  publication.payload = model::encode(message);
  const bool named = options_.lane == Lane::kUser;
  co_return co_await ask(std::move(publication), auth::SignedKind::kRequest,
                         named ? model::tool_response_subject(request.user, request.id) : "", deadline);
}

Task<Result<ports::BusMessage>> NatsDaemonRouter::next(Answers& answers, Instant deadline) {
  while (true) {
    auto message = co_await answers.messages->next(deadline);
    if (!message.ok() || answers.attempt.empty() || ports::is_no_responders(*message)) co_return message;
    if (model::attempt_of(message->headers) == answers.attempt) co_return message;
  }
}

Task<Result<model::ToolResult>> NatsDaemonRouter::execute(model::ToolRequest request, OutputSink& sink,
                                                          Instant deadline) {
  CO_TRY_ASSIGN(auto answers, co_await send(request, sink, deadline));
  auto result = co_await follow(std::move(answers), request.daemon, sink, deadline);
  if (result.ok() || options_.executions == nullptr || !is_unanswered(result.status())) co_return result;
  if (model::durability_of(request.effect) == model::Durability::kUnrecorded) co_return result;  // in no row
  co_return co_await read_again(std::move(request.id), result.status());
}

Task<Result<model::ToolResult>> NatsDaemonRouter::read_again(RequestId request, Status lost) {
  const Instant deadline = after(clock_.now(), kReadAgainPatience);
  auto execution = co_await options_.executions->get(std::move(request), deadline);
  if (execution.ok() && execution->result) co_return *std::move(execution->result);
  co_return lost;
}

Status NatsDaemonRouter::nobody_answers(const DaemonId& daemon, bool heard) const {
  if (heard) return unavailable("the gateway of daemon ", daemon.str(), " fell silent; the tool may still be running");
  // Every gateway has heard it, and none holds the daemon (C4), unless the request or the answer was lost.
  if (options_.lane == Lane::kUserSync) {
    return with_reason(unavailable("no gateway answers for daemon ", daemon.str(), "; it is offline, or the answer was lost"),
                       kReasonDaemonSilent);
  }
  return unavailable("no gateway has taken the request for daemon ", daemon.str(), "; call again");
}

Task<Result<model::ToolResult>> NatsDaemonRouter::follow(Answers answers, DaemonId daemon, OutputSink& sink,
                                                         Instant deadline) {
  Pieces output;
  Pieces content;
  bool heard = false;
  while (true) {
    const Duration patience = heard || options_.lane == Lane::kDaemon ? kSilence : kFirstAnswer;
    auto message = co_await next(answers, std::min(deadline, after(clock_.now(), patience)));
    if (!message.ok()) {
      if (message.status().code() != StatusCode::kDeadlineExceeded) co_return message.status();
      if (clock_.now() >= deadline) co_return deadline_exceeded("no result from daemon ", daemon.str(), " in time");
      co_return nobody_answers(daemon, heard || options_.lane == Lane::kDaemon);
    }
    heard = true;
    if (answers.messages->dropped() > 0)
      co_return unavailable("output came faster than it was taken; some of it was dropped and must be asked for again");
    if (ports::is_no_responders(*message)) co_return daemon_offline(daemon);
    auto reply = model::decode_tool_reply(message->payload);
    if (!reply.ok()) {
      if (field_of(reply.status()) == "type") continue;  // a newer gateway says more than we know: it is alive
      co_return unavailable("an answer cannot be read: ", message_of(reply.status()));
    }
    if (auto* chunk = std::get_if<model::ToolOutputChunk>(&*reply)) {
      const bool whole = output.add(chunk->at, std::move(chunk->data));
      if (!whole || (chunk->chunk > sink.last_chunk() + 1 && !chunk->gap))
        co_return unavailable("output was lost on the bus; call again to have it from chunk ", sink.last_chunk() + 1);
      if (chunk->more) continue;
      // Chunks already taken come again after a gateway has changed.
      if (chunk->chunk > sink.last_chunk()) co_await sink.on_output(chunk->chunk, output.take(), chunk->gap);
    } else if (auto* part = std::get_if<model::ToolResultPart>(&*reply)) {
      if (!content.add(part->at, std::move(part->data))) co_return lost_content();
    } else if (auto* done = std::get_if<model::ToolDone>(&*reply)) {
      if (!content.add(done->at, std::move(done->result.content))) co_return lost_content();
      done->result.content = content.take();
      co_return std::move(done->result);
    } else if (auto* refused = std::get_if<model::ToolRefused>(&*reply)) {
      co_return refused->status.ok() ? unavailable("the gateway refused without a reason") : refused->status;
    }
  }
}

Task<Status> NatsDaemonRouter::command(model::DaemonCommand command, Instant deadline) {
  CO_TRY_OK(check_ids(command.user, command.daemon));
  ports::BusMessage question;
  question.subject = command_subject(options_.lane, command);
  question.payload = model::encode(command);
  CO_TRY_ASSIGN(Answers answers, co_await ask(std::move(question), auth::SignedKind::kCommand, "", deadline));
  bool accepted = options_.lane == Lane::kDaemon;  // there, nobody would be known at once
  while (true) {
    const Instant patience = accepted ? deadline : std::min(deadline, after(clock_.now(), kFirstAnswer));
    const auto reply = co_await next(answers, patience);
    if (!reply.ok()) {
      if (reply.status().code() != StatusCode::kDeadlineExceeded) co_return reply.status();
      if (!accepted && clock_.now() < deadline) co_return daemon_offline(command.daemon);
      co_return deadline_exceeded("no answer from daemon ", command.daemon.str(), " in time");
    }
    if (ports::is_no_responders(*reply)) co_return daemon_offline(command.daemon);
    if (!model::is_command_accepted(reply->payload)) co_return model::decode_command_reply(reply->payload);
    accepted = true;
  }
}

Task<Status> NatsDaemonRouter::cancel(UserId user, DaemonId daemon, RequestId request, Instant deadline) {
  return command(
      make_command(model::DaemonCommandKind::kCancel, std::move(user), std::move(daemon), std::move(request)), deadline);
}

Task<Result<bool>> NatsDaemonRouter::online(UserId user, DaemonId daemon, Instant deadline) {
  Status answer = co_await command(
      make_command(model::DaemonCommandKind::kOnline, std::move(user), std::move(daemon), RequestId()), deadline);
  if (answer.ok()) co_return true;
  if (reason_of(answer) == kReasonDaemonOffline) co_return false;
  co_return answer;
}

Task<Result<std::vector<model::HeldDaemon>>> NatsDaemonRouter::held(UserId user, Instant deadline) {
  CO_TRY_OK(check_user(user));
  ports::BusMessage question;
  question.subject = user_subject(DaemonSubject::kToolOnline, user);
  question.payload = model::encode_held_question(user);
  CO_TRY_ASSIGN(Answers answers, co_await ask(std::move(question), auth::SignedKind::kQuestion, "", deadline));
  const Instant end = std::min(deadline, after(clock_.now(), kGather));
  std::map<DaemonId, model::HeldDaemon> found;
  while (true) {
    const auto message = co_await next(answers, end);
    if (!message.ok() && message.status().code() != StatusCode::kDeadlineExceeded) co_return message.status();
    if (!message.ok() || ports::is_no_responders(*message)) break;
    const auto list = model::decode_held_daemons(message->payload);
    if (!list.ok()) co_return unavailable("an answer cannot be read: ", message_of(list.status()));
    // A gateway that has not noticed yet that it was superseded may answer, too.
    for (const model::HeldDaemon& daemon : *list) {
      model::HeldDaemon& known = found[daemon.daemon];
      if (known.epoch <= daemon.epoch) known = daemon;
    }
  }
  std::vector<model::HeldDaemon> all;
  all.reserve(found.size());
  for (auto& [id, daemon] : found) all.push_back(std::move(daemon));
  co_return all;
}

}  // namespace reliant::router
