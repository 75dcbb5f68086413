#include "app/chat_client.h"

#include <algorithm>
#include <charconv>
#include <chrono>
#include <optional>
#include <utility>
#include <vector>

#include "app/chat_list.h"
#include "app/daemon_explanation.h"
#include "base/text.h"
#include "llm/sse_parser.h"
#include "runtime/backoff.h"
#include "runtime/race.h"
#include "runtime/sleep.h"

namespace reliant::app {
namespace {

// Longer than the server's keep-alive: silence beyond it is a dead connection.
constexpr Duration kSilence = std::chrono::seconds(40);
constexpr Duration kBetweenLooks = std::chrono::seconds(2);
constexpr BackoffPolicy kPolicy = {.base = std::chrono::milliseconds(100), .cap = std::chrono::seconds(3)};

std::string text_at(const json::object& object, std::string_view key) {
  const json::value* value = object.if_contains(json::string_view(key.data(), key.size()));
  return value != nullptr && value->is_string() ? std::string(value->as_string().c_str()) : "";
}

std::uint64_t number_at(const json::object& object, std::string_view key) {
  const json::value* value = object.if_contains(json::string_view(key.data(), key.size()));
  if (value == nullptr) return 0;
  boost::system::error_code error;
  const auto number = value->to_number<std::uint64_t>(error);
  return error ? 0 : number;
}

std::vector<json::object> items_of(const json::object& page) {
  std::vector<json::object> out;
  const json::value* items = page.if_contains("items");
  if (items == nullptr || !items->is_array()) return out;
  for (const json::value& item : items->as_array()) {
    if (item.is_object()) out.push_back(item.as_object());
  }
  return out;
}

std::string last_name_of(std::string_view path) {
  const std::size_t slash = path.find_last_of('/');
  const std::string_view name = path.substr(slash == std::string_view::npos ? 0 : slash + 1);
  return name.empty() ? "root" : std::string(name);
}

bool is_settled(model::ChatStatus status) { return status != model::ChatStatus::kRunning; }

}  // namespace

// A chat being watched, across the connections that it takes.
struct ChatClient::Watch {
  std::string chat;
  std::uint64_t seen = 0;           // the last sequence shown
  std::uint64_t settled_after = 0;  // a status counts as the end from this sequence on
  ChatView view;
  bool settled = false;
  Instant heard{};  // when the last update came
};

void ChatClient::print(std::string_view text) {
  std::fwrite(text.data(), 1, text.size(), out_);
  std::fflush(out_);
}

Task<Result<std::string>> ChatClient::project_at(std::string path) {
  std::string cursor;
  do {
    CO_TRY_ASSIGN(const json::object page, co_await api_.call("GET", concat("/projects?limit=200&cursor=", cursor)));
    for (const json::object& project : items_of(page)) {
      if (text_at(project, "path") == path) co_return text_at(project, "id");
    }
    cursor = text_at(page, "next_cursor");
  } while (!cursor.empty());
  json::object body;
  body["name"] = last_name_of(path);
  body["path"] = path;
  CO_TRY_ASSIGN(const json::object project, co_await api_.call("POST", "/projects", std::move(body)));
  co_return text_at(project, "id");
}

Task<Status> ChatClient::send(SendOptions options) {
  std::string chat = options.chat;
  if (chat.empty()) {
    CO_TRY_ASSIGN(const std::string project, co_await project_at(options.project));
    json::object body;
    body["project_id"] = project;
    body["title"] = title_of(options.text);
    body["id"] = api_.new_id("chat_");  // so that a repeated call makes no second chat
    CO_TRY_ASSIGN(const json::object created, co_await api_.call("POST", "/chats", std::move(body)));
    chat = text_at(created, "id");
  }
  json::object body;
  body["text"] = options.text;
  body["client_message_id"] = api_.new_id("cli_");
  CO_TRY_ASSIGN(const json::object accepted, co_await api_.call("POST", concat("/chats/", chat, "/messages"), std::move(body)));
  const std::uint64_t sequence = number_at(accepted, "sequence");
  if (format_ == ViewFormat::kJson) {
    json::object line;
    line["chat_id"] = chat;
    line["message_id"] = text_at(accepted, "message_id");
    line["sequence"] = sequence;
    print(to_json(line) + "\n");
  } else {
    print(concat("chat ", chat, "\n"));
  }
  if (!options.watch) co_return ok_status();
  co_return co_await watch_until(std::move(chat), sequence == 0 ? 0 : sequence - 1, sequence + 1);
}

Task<Status> ChatClient::watch(std::string chat, std::uint64_t from) {
  CO_TRY_ASSIGN(const json::object found, co_await api_.call("GET", concat("/chats/", chat)));
  const std::uint64_t last = number_at(found, "last_sequence");
  const bool running = !is_settled(model::chat_status_from(text_at(found, "status")));
  if (!running && last <= from) co_return ok_status();  // nothing is going on, nothing is to be shown
  co_return co_await watch_until(std::move(chat), from, running ? last + 1 : last);
}

Task<Status> ChatClient::watch_until(std::string chat, std::uint64_t from, std::uint64_t settled_after) {
  Watch watch{std::move(chat), from, settled_after, ChatView(out_, format_)};
  watch.heard = api_.clock().now();
  Backoff backoff(kPolicy, api_.random());
  Instant last_success = api_.clock().now();
  for (;;) {
    const std::uint64_t before = watch.seen;
    const auto first = co_await race(follow_once(watch), tell_waiting(watch));
    const Status& ended = std::get<0>(first);
    if (watch.settled) break;
    if (!ended.ok() && ended.code() != StatusCode::kUnavailable && ended.code() != StatusCode::kDeadlineExceeded) {
      co_return ended;
    }
    if (watch.seen > before || ended.ok()) {
      last_success = api_.clock().now();
      backoff.reset();
    }
    const Duration pause = backoff.next();
    if (after(api_.clock().now(), pause) > after(last_success, kReconnectTimeout)) co_return ended;
    co_await sleep_for(pause);
  }
  if (watch.view.status() == model::ChatStatus::kFailed) co_return aborted("the chat failed: ", watch.view.error());
  if (watch.view.status() == model::ChatStatus::kCancelled) co_return aborted("the chat was cancelled");
  co_return ok_status();
}

// Runs beside a connection and never ends: a slow model and a missing worker look alike in the updates. An answer that does not
// come is left out; the connection's own end is what counts.
Task<Status> ChatClient::tell_waiting(Watch& watch) {
  Instant say_at{};
  for (;;) {
    const Instant heard = watch.heard;
    const Instant now = api_.clock().now();
    co_await sleep_until(std::max(after(heard, kQuiet), after(now, kBetweenLooks)));
    if (watch.heard != heard || api_.clock().now() < say_at) continue;
    const auto work = co_await api_.call("GET", concat("/chats/", watch.chat, "/work"));
    const std::uint64_t milliseconds = work.ok() ? number_at(*work, "waiting_for_worker_ms") : 0;
    const std::chrono::milliseconds waiting(static_cast<std::int64_t>(milliseconds));
    if (waiting < kQuiet) continue;
    watch.view.show_waiting(waiting);
    say_at = after(api_.clock().now(), kSaidAgainAfter);
  }
}

// One connection. OK: the server ended it, or what was waited for has happened.
Task<Status> ChatClient::follow_once(Watch& watch) {
  CO_TRY_ASSIGN(const auto response, co_await api_.open_updates(watch.chat, watch.seen));
  llm::SseParser parser;
  for (;;) {
    CO_TRY_ASSIGN(const std::optional<std::string> bytes, co_await response->read(after(api_.clock().now(), kSilence)));
    if (!bytes) co_return ok_status();
    std::vector<llm::SseEvent> events;
    CO_TRY_OK(parser.feed(*bytes, events));
    for (const llm::SseEvent& event : events) {
      std::uint64_t sequence = 0;
      std::from_chars(event.id.data(), event.id.data() + event.id.size(), sequence);
      if (sequence != watch.seen + 1) co_return unavailable("the server left out update ", watch.seen + 1);
      CO_TRY_OK(watch.view.show(sequence, event.event, event.data));
      watch.seen = sequence;
      watch.heard = api_.clock().now();
      const auto status = watch.view.status();
      watch.settled = sequence >= watch.settled_after && status && is_settled(*status);
      if (watch.settled) co_return ok_status();
    }
  }
}

Task<Status> ChatClient::show(std::string chat) {
  CO_TRY_ASSIGN(const json::object found, co_await api_.call("GET", concat("/chats/", chat)));
  if (format_ == ViewFormat::kText) {
    const std::string title = text_at(found, "title");
    print(concat("chat ", chat, ": ", text_at(found, "status"), title.empty() ? "" : ", ", title, "\n"));
  } else {
    print(to_json(found) + "\n");
  }
  ChatView view(out_, format_);
  std::string cursor = "0";
  do {
    CO_TRY_ASSIGN(const json::object page,
                  co_await api_.call("GET", concat("/chats/", chat, "/messages?limit=200&cursor=", cursor)));
    for (const json::object& message : items_of(page)) {
      if (format_ == ViewFormat::kJson) {
        print(to_json(message) + "\n");
      } else {
        view.show_stored(message);
      }
    }
    cursor = text_at(page, "next_cursor");
  } while (!cursor.empty());
  co_return ok_status();
}

Task<Status> ChatClient::list() {
  std::vector<ChatLine> lines;
  std::string cursor;
  do {
    CO_TRY_ASSIGN(const json::object page, co_await api_.call("GET", concat("/chats?limit=200&cursor=", cursor)));
    for (const json::object& chat : items_of(page)) {
      if (format_ == ViewFormat::kJson) {
        print(to_json(chat) + "\n");
        continue;
      }
      lines.push_back({.id = text_at(chat, "id"),
                       .status = text_at(chat, "status"),
                       .created_at = text_at(chat, "created_at"),
                       .title = text_at(chat, "title")});
    }
    cursor = text_at(page, "next_cursor");
  } while (!cursor.empty());
  print(chat_table(lines, api_.clock().wall_now()));
  co_return ok_status();
}

Task<Result<std::string>> ChatClient::last() {
  CO_TRY_ASSIGN(const json::object page, co_await api_.call("GET", "/chats?limit=1"));
  const std::vector<json::object> chats = items_of(page);
  if (chats.empty()) co_return not_found("you have no chat yet; `reliant chat send TEXT` begins one");
  co_return text_at(chats[0], "id");
}

Task<Status> ChatClient::cancel(std::string chat) {
  CO_TRY_ASSIGN(const json::object answer, co_await api_.call("POST", concat("/chats/", chat, "/cancel")));
  const json::value* cancelling = answer.if_contains("cancelling");
  const bool was_running = cancelling != nullptr && cancelling->is_bool() && cancelling->as_bool();
  if (format_ == ViewFormat::kJson) {
    print(to_json(answer) + "\n");
  } else {
    print(was_running ? "cancelling\n" : "nothing was running\n");
  }
  co_return ok_status();
}

Task<Status> ChatClient::explain_daemon(std::string chat) {
  CO_TRY_ASSIGN(const json::object answer, co_await api_.call("GET", concat("/chats/", chat, "/daemon")));
  print(format_ == ViewFormat::kJson ? to_json(answer) + "\n" : daemon_explanation(answer));
  co_return ok_status();
}

}  // namespace reliant::app
