#include "router/nats_daemon_router.h"

#include <algorithm>
#include <map>
#include <utility>

#include "base/text.h"
#include "model/subject.h"
#include "model/tool_messages.h"
#include "router/tool_call.h"

namespace reliant::router {
namespace {

using model::DaemonSubject;

Status check_user(const UserId& user) {
  if (!valid_id(user.str())) return invalid_field("user", "a user id is letters, digits, _ and -");
  return ok_status();
}

Status check_ids(const UserId& user, const DaemonId& daemon) {
  TRY_OK(check_user(user));
  if (!valid_id(daemon.str())) return invalid_field("daemon", "a daemon id is letters, digits, _ and -");
  return ok_status();
}

}  // namespace

Task<Result<std::unique_ptr<ports::BusSubscription>>> NatsDaemonRouter::ask(ports::BusMessage question, auth::SignedKind kind,
                                                                            Instant deadline) {
  ports::SubscribeOptions options;
  options.subject = question.reply_to = bus_.new_inbox();
  CO_TRY_OK(co_await signer_.sign(question, kind, deadline));
  // Interest first: on one connection it is in force before the question is seen.
  CO_TRY_ASSIGN(auto answers, bus_.subscribe(std::move(options)));
  CO_TRY_OK(bus_.publish(std::move(question)));
  co_return answers;
}

Task<Result<model::ToolResult>> NatsDaemonRouter::execute(model::ToolRequest request, OutputSink& sink, Instant deadline) {
  CO_TRY_OK(check_ids(request.user, request.daemon));
  ports::BusMessage question;
  question.subject = daemon_subject(DaemonSubject::kToolRequestSync, request.user, request.daemon);
  question.payload = encode_call(request, sink, clock_, deadline);
  CO_TRY_ASSIGN(const auto messages, co_await ask(std::move(question), auth::SignedKind::kRequest, deadline));
  auto answer = co_await follow(*messages, request.daemon, sink, deadline);
  if (executions_ == nullptr) co_return answer;
  co_return co_await read_again(*executions_, std::move(request), std::move(answer), clock_);
}

Task<Result<model::ToolResult>> NatsDaemonRouter::follow(ports::BusSubscription& messages, DaemonId daemon, OutputSink& sink,
                                                         Instant deadline) {
  ToolAnswer answer(messages, daemon, sink);
  while (true) {
    auto message = co_await messages.next(std::min(deadline, after(clock_.now(), kSilence)));
    if (!message.ok()) {
      if (message.status().code() != StatusCode::kDeadlineExceeded) co_return message.status();
      if (clock_.now() >= deadline) co_return deadline_exceeded("no result from daemon ", daemon.str(), " in time");
      co_return unavailable("the gateway of daemon ", daemon.str(), " fell silent; the tool may still be running");
    }
    if (auto end = co_await answer.add(*std::move(message))) co_return *std::move(end);
  }
}

Task<Status> NatsDaemonRouter::command(model::DaemonCommand command, Instant deadline) {
  CO_TRY_OK(check_ids(command.user, command.daemon));
  ports::BusMessage question;
  question.subject = daemon_subject(DaemonSubject::kCommand, command.user, command.daemon);
  question.payload = model::encode(command);
  CO_TRY_ASSIGN(const auto answers, co_await ask(std::move(question), auth::SignedKind::kCommand, deadline));
  while (true) {
    const auto reply = co_await answers->next(deadline);
    if (!reply.ok()) {
      if (reply.status().code() != StatusCode::kDeadlineExceeded) co_return reply.status();
      co_return deadline_exceeded("no answer from daemon ", command.daemon.str(), " in time");
    }
    if (ports::is_no_responders(*reply)) co_return daemon_offline(command.daemon);
    if (!model::is_command_accepted(reply->payload)) co_return model::decode_command_reply(reply->payload);
  }
}

Task<Result<std::vector<model::HeldDaemon>>> NatsDaemonRouter::held(UserId user, Instant deadline) {
  CO_TRY_OK(check_user(user));
  ports::BusMessage question;
  question.subject = user_subject(DaemonSubject::kToolOnline, user);
  question.payload = model::encode_held_question(user);
  CO_TRY_ASSIGN(const auto answers, co_await ask(std::move(question), auth::SignedKind::kQuestion, deadline));
  const Instant end = std::min(deadline, after(clock_.now(), kGather));
  std::map<DaemonId, model::HeldDaemon> found;
  while (true) {
    const auto message = co_await answers->next(end);
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
