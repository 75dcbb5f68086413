#include "cluster/user_lane_router.h"

#include <algorithm>
#include <utility>

#include "base/text.h"
#include "model/subject.h"
#include "model/tool_messages.h"
#include "router/tool_call.h"

namespace reliant::sim {
namespace {

using model::DaemonSubject;
using router::daemon_offline;

}  // namespace

// A request with a given reply subject may share it with other requests: then its answers carry its attempt.
Task<Result<UserLaneRouter::Answers>> UserLaneRouter::ask(ports::BusMessage question, auth::SignedKind kind, Instant deadline) {
  Answers answers;
  if (question.reply_to.empty()) {
    question.reply_to = bus_.new_inbox();
  } else {
    answers.attempt = bus_.new_inbox();
    question.headers[std::string(model::kAttemptHeader)] = answers.attempt;
  }
  CO_TRY_OK(co_await signer_.sign(question, kind, deadline));
  ports::SubscribeOptions options;
  options.subject = question.reply_to;
  CO_TRY_ASSIGN(answers.messages, bus_.subscribe(std::move(options)));
  CO_TRY_OK(bus_.publish(std::move(question)));
  co_return answers;
}

Task<Result<ports::BusMessage>> UserLaneRouter::next(Answers& answers, Instant deadline) {
  while (true) {
    auto message = co_await answers.messages->next(deadline);
    if (!message.ok() || answers.attempt.empty() || ports::is_no_responders(*message)) co_return message;
    if (model::attempt_of(message->headers) == answers.attempt) co_return message;
  }
}

Task<Result<model::ToolResult>> UserLaneRouter::execute(model::ToolRequest request, router::OutputSink& sink,
                                                        Instant deadline) {
  ports::BusMessage question;
  question.subject =
      user_subject(lane_ == Lane::kUser ? DaemonSubject::kToolRequest : DaemonSubject::kToolRequestSync, request.user);
  question.payload = router::encode_call(request, sink, clock_, deadline);
  if (lane_ == Lane::kUser) question.reply_to = model::tool_response_subject(request.user, request.id);
  CO_TRY_ASSIGN(Answers answers, co_await ask(std::move(question), auth::SignedKind::kRequest, deadline));
  auto answer = co_await follow(std::move(answers), request.daemon, sink, deadline);
  if (executions_ == nullptr) co_return answer;
  co_return co_await router::read_again(*executions_, std::move(request), std::move(answer), clock_);
}

Status UserLaneRouter::nobody_answers(const DaemonId& daemon, bool heard) const {
  if (heard) return unavailable("the gateway of daemon ", daemon.str(), " fell silent; the tool may still be running");
  // Every gateway has received it, and none holds the daemon (C4), unless the request or the answer was lost.
  if (lane_ == Lane::kUserSync) {
    return with_reason(unavailable("no gateway answers for daemon ", daemon.str(), "; it is offline, or the answer was lost"),
                       router::kReasonDaemonSilent);
  }
  return unavailable("no gateway has taken the request for daemon ", daemon.str(), "; call again");
}

Task<Result<model::ToolResult>> UserLaneRouter::follow(Answers answers, DaemonId daemon, router::OutputSink& sink,
                                                       Instant deadline) {
  router::ToolAnswer answer(*answers.messages, daemon, sink);
  bool heard = false;
  while (true) {
    const Duration timeout = heard ? router::NatsDaemonRouter::kSilence : kFirstAnswer;
    auto message = co_await next(answers, std::min(deadline, after(clock_.now(), timeout)));
    if (!message.ok()) {
      if (message.status().code() != StatusCode::kDeadlineExceeded) co_return message.status();
      if (clock_.now() >= deadline) co_return deadline_exceeded("no result from daemon ", daemon.str(), " in time");
      co_return nobody_answers(daemon, heard);
    }
    heard = true;
    if (auto end = co_await answer.add(*std::move(message))) co_return *std::move(end);
  }
}

// A cancel goes to one gateway on kUser, other commands to all of them (R48, R49).
Task<Status> UserLaneRouter::command(model::DaemonCommand command, Instant deadline) {
  const bool one_takes_it = lane_ == Lane::kUser && command.kind == model::DaemonCommandKind::kCancel;
  ports::BusMessage question;
  question.subject = user_subject(one_takes_it ? DaemonSubject::kToolCancel : DaemonSubject::kCommand, command.user);
  question.payload = model::encode(command);
  CO_TRY_ASSIGN(Answers answers, co_await ask(std::move(question), auth::SignedKind::kCommand, deadline));
  bool accepted = false;
  while (true) {
    const Instant timeout = accepted ? deadline : std::min(deadline, after(clock_.now(), kFirstAnswer));
    const auto reply = co_await next(answers, timeout);
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

Task<Result<std::vector<model::HeldDaemon>>> UserLaneRouter::held(UserId user, Instant deadline) {
  return by_daemon_.held(std::move(user), deadline);
}

std::unique_ptr<router::DaemonRouter> router_on(Lane lane, ports::Bus& bus, Clock& clock, auth::BusSigner& signer,
                                                store::Executions* executions) {
  if (lane == Lane::kDaemon) return std::make_unique<router::NatsDaemonRouter>(bus, clock, signer, executions);
  return std::make_unique<UserLaneRouter>(lane, bus, clock, signer, executions);
}

}  // namespace reliant::sim
