#include "daemon/registration.h"

#include <algorithm>
#include <charconv>
#include <utility>

#include "base/assert.h"
#include "base/json.h"
#include "base/text.h"

namespace reliant::daemon {
namespace {

constexpr std::size_t kLargestAnswer = 64 * 1024;

Task<Result<std::string>> body_of(ports::HttpResponse& response, Instant deadline) {
  std::string body;
  for (;;) {
    CO_TRY_ASSIGN(auto part, co_await response.read(deadline));
    if (!part) co_return body;
    body += *part;
    if (body.size() > kLargestAnswer) co_return unavailable("the server's answer does not end");
  }
}

// What the server says when it refuses. Something in between answers without our error object: that passes.
Status refusal(const ports::HttpResponse& response, const std::string& body) {
  Status status = unavailable("the server answered HTTP ", response.status());
  const auto parsed = parse_json(body);
  if (const json::object* error = parsed.ok() ? parsed->if_object() : nullptr) {
    const json::value* code = error->if_contains("code");
    const json::value* message = error->if_contains("message");
    const json::value* reason = error->if_contains("reason");
    if (code != nullptr && code->is_string())
      status = make_status(code_from_name(std::string_view(code->as_string())),
                           message != nullptr && message->is_string() ? std::string_view(message->as_string()) : "");
    if (reason != nullptr && reason->is_string())
      status = with_reason(std::move(status), std::string_view(reason->as_string()));
  }
  const auto header = response.headers().find("retry-after");
  std::int64_t seconds = 0;
  if (header == response.headers().end()) return status;
  const std::string& text = header->second;
  if (std::from_chars(text.data(), text.data() + text.size(), seconds).ec != std::errc() || seconds <= 0) return status;
  return with_retry_after(std::move(status), std::chrono::seconds(std::min<std::int64_t>(seconds, 3600)));
}

}  // namespace

Registration::Registration(ports::HttpClient& http, std::vector<std::string> servers, std::string session_token)
    : http_(http), servers_(std::move(servers)), session_token_(std::move(session_token)) {
  RELIANT_ASSERT(!servers_.empty(), "a registration is given at least one server");
}

Task<Result<Registered>> Registration::register_daemon(DaemonId daemon, std::string name, Instant deadline) {
  if (session_token_.empty()) co_return unauthenticated("there is no user's token to register this machine with");
  ports::HttpRequest request;
  request.method = "POST";
  request.url = concat(servers_[next_++ % servers_.size()], "/api/v2/daemons/register");
  request.headers["authorization"] = concat("Bearer ", session_token_);
  request.headers["content-type"] = "application/json";
  request.body = to_json(json::object{{"daemon_id", daemon.str()}, {"name", name}});
  CO_TRY_ASSIGN(const auto response, co_await http_.send(std::move(request), deadline));
  CO_TRY_ASSIGN(const std::string body, co_await body_of(*response, deadline));
  if (response->status() != 201) co_return refusal(*response, body);

  CO_TRY_ASSIGN(const json::value answer, parse_json(body));
  Registered registered;
  JsonReader reader(answer);
  registered.user = UserId(reader.required_string("user_id"));
  registered.token = reader.required_string("token");
  if (const Status read = reader.finish_ignoring_unknown(); !read.ok())
    co_return unavailable("the server's answer cannot be read: ", message_of(read));
  co_return registered;
}

}  // namespace reliant::daemon
