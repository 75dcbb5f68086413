#include "api/chats.h"

#include <algorithm>
#include <chrono>

#include "base/digest.h"
#include "base/text.h"
#include "model/update.h"
#include "store/wall_time.h"
#include "workflow/chat_activities.h"

namespace reliant::api {
namespace {

json::object show(const store::Chat& chat) {
  json::object out;
  out["id"] = chat.id.str();
  out["project_id"] = chat.project.str();
  out["title"] = chat.title;
  out["status"] = std::string(model::to_string(chat.status));
  out["active_daemon_id"] = chat.active_daemon.str();
  out["last_sequence"] = chat.last_sequence;
  out["created_at"] = store::rfc3339(chat.created_at);
  return out;
}

constexpr std::size_t kDigestLength = 16;  // hexadecimal digits
constexpr std::size_t kMostChosen = kMaxIdLength - kDigestLength - 1;

// The id of a chat for which the client has chosen one: `chosen` and a digest of user and choice. Ids are unique among all users,
// so a choice that became the id as it is would be refused when another user has it, and tell so.
ChatId id_for(const UserId& user, const std::string& chosen) {
  const std::string digest = sha256_hex(concat(user.str(), "/", chosen));
  return ChatId(concat(chosen, "-", std::string_view(digest).substr(0, kDigestLength)));
}

}  // namespace

Task<Answer> Chats::create(Call call) {
  CO_TRY_ASSIGN(const json::value body, parse_json(call.request.body));
  JsonReader reader(body);
  store::NewChat chat;
  chat.user = call.user;
  chat.project = ProjectId(reader.required_string("project_id"));
  chat.title = reader.optional_string("title").value_or("");
  chat.active_daemon = DaemonId(reader.optional_string("active_daemon_id").value_or(""));
  const std::string chosen = reader.optional_string("id").value_or("");
  CO_TRY_OK(reader.finish());
  CO_TRY_OK(check_id("project_id", chat.project.str()));
  CO_TRY_OK(check_text("title", chat.title, limits_.title, Empty::kAllowed));
  if (!chat.active_daemon.empty()) CO_TRY_OK(check_id("active_daemon_id", chat.active_daemon.str()));
  if (!chosen.empty()) {
    CO_TRY_OK(check_id("id", chosen));
    if (chosen.size() > kMostChosen)
      co_return invalid_field("id", concat("id has ", chosen.size(), " characters; give at most ", kMostChosen));
    chat.id = id_for(call.user, chosen);
  }
  CO_TRY_ASSIGN(const store::Chat created, co_await store_.chats().create(std::move(chat), call.deadline));
  co_return json_response(201, show(created));
}

Task<Answer> Chats::list(Call call) {
  QueryReader query(call.request);
  const store::PageRequest page = query.page();
  std::optional<ProjectId> project;
  if (const auto text = query.text("project_id")) project.emplace(*text);
  CO_TRY_OK(query.finish());
  if (project) CO_TRY_OK(check_id("project_id", project->str()));
  CO_TRY_ASSIGN(const auto chats, co_await store_.chats().list(call.user, project, page, call.deadline));
  co_return page_response(chats, &show);
}

Task<Answer> Chats::get(Call call) {
  CO_TRY_OK(QueryReader(call.request).finish());
  CO_TRY_ASSIGN(const ChatId id, path_id<ChatId>(call, "chat"));
  CO_TRY_ASSIGN(const store::Chat chat, co_await store_.chats().get(call.user, id, call.deadline));
  co_return json_response(200, show(chat));
}

Task<Answer> Chats::update(Call call) {
  CO_TRY_ASSIGN(const ChatId id, path_id<ChatId>(call, "chat"));
  CO_TRY_ASSIGN(const json::value body, parse_json(call.request.body));
  JsonReader reader(body);
  store::ChatChange change;
  change.title = reader.optional_string("title");
  if (const auto daemon = reader.optional_string("active_daemon_id")) change.active_daemon.emplace(*daemon);
  CO_TRY_OK(reader.finish());
  if (change.title) CO_TRY_OK(check_text("title", *change.title, limits_.title, Empty::kAllowed));
  if (change.active_daemon && !change.active_daemon->empty()) {
    CO_TRY_OK(check_id("active_daemon_id", change.active_daemon->str()));
  }
  CO_TRY_ASSIGN(const store::Chat chat, co_await store_.chats().update(call.user, id, std::move(change), call.deadline));
  co_return json_response(200, show(chat));
}

Task<Answer> Chats::remove(Call call) {
  CO_TRY_ASSIGN(const ChatId id, path_id<ChatId>(call, "chat"));
  CO_TRY_OK(co_await store_.chats().remove(call.user, id, call.deadline));
  co_return no_content();
}

Task<Answer> Chats::cancel(Call call) {
  CO_TRY_ASSIGN(const ChatId id, path_id<ChatId>(call, "chat"));
  CO_TRY_OK(check_no_body(call.request));
  CO_TRY_ASSIGN(const store::Chat chat, co_await store_.chats().get(call.user, id, call.deadline));
  CO_TRY_ASSIGN(const bool cancelling, co_await signaller_.cancel(call.user, chat.id, "", call.deadline));
  co_return json_response(202, {{"cancelling", cancelling}});
}

Task<Answer> Chats::work(Call call) {
  CO_TRY_OK(QueryReader(call.request).finish());
  CO_TRY_ASSIGN(const ChatId id, path_id<ChatId>(call, "chat"));
  CO_TRY_ASSIGN(const store::Chat chat, co_await store_.chats().get(call.user, id, call.deadline));
  Duration waiting{};
  if (chat.status == model::ChatStatus::kRunning) {
    const auto run = co_await workflows_.describe(workflow::chat_workflow_id(chat.id), "", call.deadline);
    if (!run.ok() && run.status().code() != StatusCode::kNotFound) co_return run.status();
    if (run.ok() && run->waiting_since) waiting = std::max(waiting, Duration(clock_.wall_now() - *run->waiting_since));
  }
  co_return json_response(200, {{"status", std::string(model::to_string(chat.status))},
                                {"waiting_for_worker_ms", std::chrono::floor<std::chrono::milliseconds>(waiting).count()}});
}

}  // namespace reliant::api
