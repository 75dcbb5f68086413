#include "workload/chat_watcher.h"

#include <algorithm>
#include <charconv>
#include <utility>

#include "base/ids.h"
#include "base/text.h"
#include "kernel/digest.h"
#include "kernel/option.h"
#include "runtime/sleep.h"

namespace reliant::sim {
namespace {

constexpr Duration kSilence = std::chrono::seconds(45);  // three keepalives of the API
// The scripts' mark in front of the chat's id, by which a text in a foreign chat is recognized.
constexpr std::string_view kMark = "mark-";

std::string_view line_of(std::string_view frame, std::string_view name) {
  for (std::size_t from = 0; from < frame.size();) {
    const std::size_t end = std::min(frame.find('\n', from), frame.size());
    const std::string_view line = frame.substr(from, end - from);
    if (line.starts_with(name)) return line.substr(name.size());
    from = end + 1;
  }
  return {};
}

// The first mark in the text that is not this chat's; "" when there is none. A part of a text may end within a mark.
std::string_view foreign_mark(std::string_view text, std::string_view chat) {
  for (std::size_t at = text.find(kMark); at != std::string_view::npos; at = text.find(kMark, at + 1)) {
    const std::string_view rest = text.substr(at + kMark.size());
    const auto end = std::ranges::find_if(rest, [](char c) { return !valid_id(std::string_view(&c, 1)); });
    const std::string_view mark = rest.substr(0, static_cast<std::size_t>(end - rest.begin()));
    if (!chat.starts_with(mark)) return mark;
  }
  return {};
}

}  // namespace

ChatWatcher::ChatWatcher(RestClient client, Node& node, std::string user, std::string chat, std::int64_t drops)
    : client_(std::move(client)),
      node_(node),
      user_(std::move(user)),
      chat_(std::move(chat)),
      drops_(drops),
      random_(node.random(concat("watch/", chat_))) {}

Task<void> ChatWatcher::run() {
  for (;;) {
    const Status status = co_await follow_once();
    if (status.code() == StatusCode::kUnavailable || status.code() == StatusCode::kDeadlineExceeded) continue;
    node_.log().error("client.stream.refused",
                      {{"user", user_}, {"chat", chat_}, {"code", code_name(status.code())}, {"error", message_of(status)}});
    co_return;
  }
}

// One stream, to its end. UNAVAILABLE: retry.
Task<Status> ChatWatcher::follow_once() {
  CO_TRY_ASSIGN(const auto stream, co_await client_.follow(concat("/chats/", chat_, "/updates?after=", last_)));
  node_.log().debug("client.stream.opened", {{"chat", chat_}, {"after", last_}});
  std::string buffer;
  for (;;) {
    CO_TRY_ASSIGN(auto part, co_await stream->read(after(node_.clock().now(), kSilence)));
    if (!part) co_return unavailable("the stream has ended");
    buffer += *part;
    std::size_t from = 0;
    for (std::size_t end; (end = buffer.find("\n\n", from)) != std::string::npos; from = end + 2) {
      if (!take(std::string_view(buffer).substr(from, end - from))) continue;
      if (random_.chance(static_cast<std::uint64_t>(drops_), kMillion)) co_return unavailable("dropped by the client");
    }
    buffer.erase(0, from);
  }
}

// False: a comment.
bool ChatWatcher::take(std::string_view frame) {
  const std::string_view id = line_of(frame, "id: ");
  if (id.empty()) return false;
  std::uint64_t sequence = 0;
  std::from_chars(id.data(), id.data() + id.size(), sequence);
  const std::string_view kind = line_of(frame, "event: ");
  const std::string_view data = line_of(frame, "data: ");
  node_.log().debug("client.update", {{"user", user_},
                                      {"chat", chat_},
                                      {"sequence", sequence},
                                      {"kind", kind},
                                      {"digest", static_cast<std::int64_t>(digest(data, kHashSeed))},
                                      {"foreign", foreign_mark(data, chat_)}});
  last_ = sequence;
  if (kind == "status") note_status(data);
  return true;
}

void ChatWatcher::note_status(std::string_view data) {
  const auto payload = parse_json(data);
  if (!payload.ok() || !payload->is_object()) return;
  const json::value* status = payload->as_object().if_contains("status");
  if (status == nullptr || !status->is_string() || status->as_string() == "running") return;
  last_end_ = last_;
  moved_.set();
  moved_.reset();
}

Task<bool> ChatWatcher::wait_for_end(std::uint64_t sequence, Instant deadline) {
  while (last_end_ <= sequence) {
    if (!co_await moved_.wait(deadline)) co_return last_end_ > sequence;
  }
  co_return true;
}

}  // namespace reliant::sim
