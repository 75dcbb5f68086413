#include "router/nats_daemon_router.h"

#include <algorithm>

#include "base/text.h"
#include "model/subject.h"
#include "model/tool_messages.h"
#include "router/local_daemon_router.h"

namespace reliant::router {
namespace {

Status check_ids(const UserId& user, const DaemonId& daemon) {
  if (!valid_id(user.str())) return invalid_field("user", "a user id is letters, digits, _ and -");
  if (!valid_id(daemon.str())) return invalid_field("daemon", "a daemon id is letters, digits, _ and -");
  return ok_status();
}

}  // namespace

Result<std::unique_ptr<ports::BusSubscription>> NatsDaemonRouter::send(const model::ToolRequest& request,
                                                                       const OutputSink& sink, Instant deadline) {
  TRY_OK(check_ids(request.user, request.daemon));
  model::ToolExecutionRequest message;
  message.request = request;
  message.resume_output_after = sink.last_chunk();
  const WallTime until = deadline == kNever ? WallTime::max() : clock_.wall_now() + (deadline - clock_.now());
  message.deadline_ms = std::chrono::duration_cast<std::chrono::milliseconds>(until.time_since_epoch()).count();

  ports::SubscribeOptions options;
  options.subject = bus_.new_inbox();
  ports::BusMessage publication;
  publication.subject = model::daemon_subject(model::DaemonSubject::kToolRequestSync, request.user, request.daemon);
  publication.reply_to = options.subject;
  publication.payload = model::encode(message);
  // Interest first: on one connection it is in force before the request is seen.
  TRY_ASSIGN(auto answers, bus_.subscribe(std::move(options)));
  TRY_OK(bus_.publish(std::move(publication)));
  return answers;
}

Task<Result<model::ToolResult>> NatsDaemonRouter::execute(model::ToolRequest request, OutputSink& sink,
                                                          Instant deadline) {
  CO_TRY_ASSIGN(auto answers, send(request, sink, deadline));
  co_return co_await follow(*answers, request.daemon, sink, deadline);
}

Task<Result<model::ToolResult>> NatsDaemonRouter::follow(ports::BusSubscription& answers, DaemonId daemon,
                                                         OutputSink& sink, Instant deadline) {
  std::string parts;
  while (true) {
    const Instant patience = std::min(deadline, clock_.now() + kSilence);
    auto message = co_await answers.next(patience);
    if (!message.ok()) {
      if (message.status().code() != StatusCode::kDeadlineExceeded) co_return message.status();
      if (clock_.now() >= deadline) co_return deadline_exceeded("no result from daemon ", daemon.str(), " in time");
      co_return unavailable("the gateway of daemon ", daemon.str(), " fell silent; the tool may still be running");
    }
    if (answers.dropped() > 0)
      co_return unavailable("output came faster than it was taken; some of it was dropped and must be asked for again");
    if (ports::is_no_responders(*message)) co_return daemon_offline(daemon);
    auto reply = model::decode_tool_reply(message->payload);
    if (!reply.ok()) co_return unavailable("an answer cannot be read: ", message_of(reply.status()));
    if (auto* chunk = std::get_if<model::ToolOutputChunk>(&*reply)) {
      if (chunk->chunk > sink.last_chunk() + 1 && !chunk->gap)
        co_return unavailable("output was lost on the bus; call again to have it from chunk ", sink.last_chunk() + 1);
      // Chunks already taken come again after a gateway has changed.
      if (chunk->chunk > sink.last_chunk()) co_await sink.on_output(chunk->chunk, std::move(chunk->data), chunk->gap);
    } else if (auto* part = std::get_if<model::ToolResultPart>(&*reply)) {
      parts += part->data;
    } else if (auto* done = std::get_if<model::ToolDone>(&*reply)) {
      done->result.content.insert(0, parts);
      co_return std::move(done->result);
    } else if (auto* refused = std::get_if<model::ToolRefused>(&*reply)) {
      co_return refused->status.ok() ? unavailable("the gateway refused without a reason") : refused->status;
    }
  }
}

Task<Status> NatsDaemonRouter::command(std::string payload, UserId user, DaemonId daemon, Instant deadline) {
  CO_TRY_OK(check_ids(user, daemon));
  ports::BusMessage message;
  message.subject = model::daemon_subject(model::DaemonSubject::kCommand, user, daemon);
  message.payload = std::move(payload);
  auto reply = co_await bus_.request(std::move(message), deadline);
  if (!reply.ok())
    co_return reason_of(reply.status()) == kReasonNoResponders ? daemon_offline(daemon) : reply.status();
  co_return model::decode_command_reply(reply->payload);
}

Task<Status> NatsDaemonRouter::cancel(UserId user, DaemonId daemon, RequestId request, Instant deadline) {
  model::DaemonCommand cancel;
  cancel.kind = model::DaemonCommandKind::kCancel;
  cancel.user = user;
  cancel.daemon = daemon;
  cancel.request = std::move(request);
  co_return co_await command(model::encode(cancel), std::move(user), std::move(daemon), deadline);
}

Task<Result<bool>> NatsDaemonRouter::online(UserId user, DaemonId daemon, Instant deadline) {
  model::DaemonCommand question;
  question.kind = model::DaemonCommandKind::kOnline;
  question.user = user;
  question.daemon = daemon;
  Status answer = co_await command(model::encode(question), std::move(user), std::move(daemon), deadline);
  if (answer.ok()) co_return true;
  if (reason_of(answer) == kReasonDaemonOffline) co_return false;
  co_return answer;
}

}  // namespace reliant::router
