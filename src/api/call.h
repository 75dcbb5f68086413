// Call: one request of a known user on its way through the api, and what the endpoints have in common:
// reading a body or a query strictly (an unknown name is an error that names it), and answering in JSON.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "auth/unknown_tokens.h"
#include "base/ids.h"
#include "base/json.h"
#include "base/status.h"
#include "ports/http_server.h"
#include "runtime/time.h"
#include "store/page.h"

namespace reliant::api {

struct Limits {
  std::size_t text = 256 * 1024;  // bytes of a message
  std::size_t title = 200;
  std::size_t path = 4096;
  // Of one user (C50). Rates and streams in one process; chats in all.
  std::size_t streams_per_user = 64;
  std::int64_t changes_per_minute = 1200;  // requests other than GET
  std::int64_t changes_at_once = 200;
  std::int64_t messages_per_minute = 600;
  std::int64_t messages_at_once = 100;
  std::int64_t registrations_per_minute = 60;
  std::int64_t token_days = 3650;  // that a token may be asked for at most
  std::int64_t running_chats = 100;
  std::int64_t projects = 1000;  // 0, of these four: any number
  std::int64_t chats = 10'000;
  std::int64_t tokens = 1000;  // not revoked
  std::int64_t stored_bytes = std::int64_t{2} << 30;
  std::size_t call_bytes = std::size_t{16} << 20;  // that a user's calls hold at a time: bodies and answers
  auth::UnknownTokenLimits unknown_tokens;         // from one address
};

struct Call {
  ports::HttpServerRequest request;
  std::string request_id;
  UserId user;
  TokenId token;   // that the call came with
  std::string id;  // of the path
  Instant deadline = kNever;
};

using Answer = Result<ports::HttpServerResponse>;

ports::HttpServerResponse json_response(int status, const json::object& body);
ports::HttpServerResponse no_content();

template <class T>
ports::HttpServerResponse page_response(const store::Page<T>& page, json::object (*show)(const T&)) {
  json::array items;
  for (const T& item : page.items) items.push_back(show(item));
  return json_response(200, {{"items", std::move(items)}, {"next_cursor", page.next_cursor}});
}

// The id of the path, if it can be one at all; otherwise NOT_FOUND, "no such <what>".
template <class AnyId>
Result<AnyId> path_id(const Call& call, std::string_view what) {
  if (!valid_id(call.id)) return not_found(what, " \"", call.id, "\" does not exist");
  return AnyId(call.id);
}

enum class Empty : std::uint8_t { kAllowed, kRefused };

// INVALID_ARGUMENT naming the field: too long, empty, or with a character that no database keeps.
Status check_text(std::string_view field, std::string_view text, std::size_t most_bytes, Empty empty);
// INVALID_ARGUMENT naming the field: not of the form of an id (base/ids.h).
Status check_id(std::string_view field, std::string_view text);

// Reads the query strictly: take every known parameter, then `finish()`.
class QueryReader {
 public:
  explicit QueryReader(const ports::HttpServerRequest& request) : request_(request) {}

  std::optional<std::string> text(std::string_view name);
  std::optional<std::uint64_t> number(std::string_view name);
  store::PageRequest page();  // "cursor" and "limit"

  Status finish();

 private:
  const ports::HttpServerRequest& request_;
  std::vector<std::string_view> known_;
  Status status_;
};

// For endpoints whose body has nothing to say: it is absent or {}.
Status check_no_body(const ports::HttpServerRequest& request);

}  // namespace reliant::api
