#include "api/reconciler.h"

#include <utility>

#include "base/cause.h"
#include "base/text.h"
#include "runtime/sleep.h"
#include "workflow/chat_activities.h"

namespace reliant::api {
namespace {

using temporal::WorkflowStatus;

constexpr Duration kCallTimeout = std::chrono::seconds(10);
constexpr std::string_view kNotFound = "not_found";

// Continued as new: the engine answers about the run that goes on for it a moment later.
bool may_go_on(WorkflowStatus status) {
  return status == WorkflowStatus::kRunning || status == WorkflowStatus::kContinuedAsNew || status == WorkflowStatus::kUnknown;
}

}  // namespace

Task<void> Reconciler::run() {
  Duration age = Duration::zero();
  for (;;) {
    const Duration pause = random_.duration(options_.interval / 2, options_.interval * 3 / 2);
    co_await sleep_for(age == Duration::zero() ? pause / 20 : pause);
    const Status compared = co_await round(age);
    if (compared.ok()) age = options_.age;
    if (!compared.ok()) log_.warning("api.reconcile.failed", {{"error", described(compared)}});
  }
}

Task<Status> Reconciler::round(Duration age) {
  Status first;
  ChatId last;
  for (;;) {
    CO_TRY_ASSIGN(const auto chats,
                  co_await store_.recoveries().at_work(age, last, options_.batch, after(clock_.now(), kCallTimeout)));
    for (const store::ChatAtWork& chat : chats) {
      last = chat.chat;
      const Status checked = co_await check(chat);
      first.Update(checked);
      // One chat's trouble is not the next one's; only an engine or a database that is away ends the round.
      if (checked.code() == StatusCode::kUnavailable || checked.code() == StatusCode::kDeadlineExceeded) co_return first;
    }
    if (chats.size() < options_.batch) co_return first;
  }
}

Task<Status> Reconciler::check(store::ChatAtWork chat) {
  if (chat.user_disabled) co_return co_await cancel(std::move(chat));
  const auto run = co_await workflows_.describe(workflow::chat_workflow_id(chat.chat), "", after(clock_.now(), kCallTimeout));
  if (run.ok() && may_go_on(run->status)) co_return ok_status();
  if (!run.ok() && run.status().code() != StatusCode::kNotFound) co_return run.status();
  co_return co_await recover(std::move(chat), std::string(run.ok() ? temporal::to_string(run->status) : kNotFound));
}

// Again in each round until the chat is at rest: a message may have been accepted after the signal, which ends what came before.
Task<Status> Reconciler::cancel(store::ChatAtWork chat) {
  CO_TRY_ASSIGN(const auto unanswered,
                co_await store_.recoveries().unanswered(chat.user, chat.chat, after(clock_.now(), kCallTimeout)));
  if (unanswered.empty()) co_return ok_status();
  log_.info("api.chat.of_disabled_user", {{"user", chat.user.str()}, {"chat", chat.chat.str()}});
  std::string request_id = concat("disabled-", unanswered.back().message.str());
  co_return (co_await signaller_.cancel(chat.user, chat.chat, std::move(request_id), after(clock_.now(), kCallTimeout)))
      .status();
}

Task<Status> Reconciler::recover(store::ChatAtWork chat, std::string found) {
  CO_TRY_ASSIGN(store::Recovery recovery,
                co_await store_.recoveries().begin(chat.user, chat.chat, options_.age, after(clock_.now(), kCallTimeout)));
  if (recovery.messages.empty()) co_return ok_status();
  log_.warning("api.chat.recovered", {{"user", chat.user.str()},
                                      {"chat", chat.chat.str()},
                                      {"found", found},
                                      {"messages", recovery.messages.size()},
                                      {"times", recovery.times}});
  if (recovery.times > options_.most_recoveries) co_return co_await give_up(std::move(chat), std::move(recovery));
  // In order: the first one names the turn, and with it the keys of what the lost run has written.
  for (const store::Unsignalled& message : recovery.messages)
    CO_TRY_OK(co_await signaller_.deliver_again(message, recovery.times, after(clock_.now(), kCallTimeout)));
  co_return ok_status();
}

Task<Status> Reconciler::give_up(store::ChatAtWork chat, store::Recovery recovery) {
  store::StatusChange change;
  change.user = chat.user;
  change.chat = chat.chat;
  change.status = model::ChatStatus::kFailed;
  change.error = internal_error("the workflow engine has lost this chat's work ", options_.most_recoveries,
                                " times; send a message to try it again");
  change.answered_up_to = recovery.messages.back().sequence;
  CO_TRY_ASSIGN(const std::uint64_t sequence,
                co_await store_.chats().set_status(std::move(change), after(clock_.now(), kCallTimeout)));
  hub_.publish(chat.user, chat.chat, sequence);
  co_return ok_status();
}

}  // namespace reliant::api
