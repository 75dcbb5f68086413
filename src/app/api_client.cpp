#include "app/api_client.h"

#include <optional>
#include <utility>

#include "runtime/backoff.h"
#include "runtime/scope.h"
#include "runtime/sleep.h"
#include "runtime/this_context.h"

namespace reliant::app {
namespace {

constexpr Duration kAnswerTime = std::chrono::seconds(35);  // the server's own limit, and the way
constexpr std::size_t kMaxAnswer = 64 * 1024 * 1024;
constexpr BackoffPolicy kPolicy = {.base = std::chrono::milliseconds(100), .cap = std::chrono::seconds(2)};

Task<Result<std::string>> read_all(ports::HttpResponse& response, Instant deadline) {
  std::string body;
  for (;;) {
    CO_TRY_ASSIGN(const std::optional<std::string> part, co_await response.read(deadline));
    if (!part) co_return body;
    body += *part;
    if (body.size() > kMaxAnswer) co_return resource_exhausted("the server's answer is too long");
  }
}

std::string text_at(const json::object& object, std::string_view key) {
  const json::value* value = object.if_contains(json::string_view(key.data(), key.size()));
  return value != nullptr && value->is_string() ? std::string(value->as_string().c_str()) : "";
}

Status error_of(int http, const std::string& body) {
  const auto parsed = parse_json(body);
  if (!parsed.ok() || !parsed->is_object() || text_at(parsed->as_object(), "code").empty()) {
    return unavailable("the server answered ", http, " and no error of ours; is this a reliant server?");
  }
  const json::object& error = parsed->as_object();
  Status status = make_status(code_from_name(text_at(error, "code")), text_at(error, "message"));
  if (const std::string field = text_at(error, "field"); !field.empty()) status = with_field(status, field);
  if (const std::string reason = text_at(error, "reason"); !reason.empty()) status = with_reason(status, reason);
  return status;
}

bool may_repeat(const Status& status) {
  if (reason_of(status) == ports::kReasonHostNotFound) return false;
  return is_retryable(status.code()) || status.code() == StatusCode::kDeadlineExceeded;
}

}  // namespace

ports::HttpRequest ApiClient::request(std::string method, const std::string& path) const {
  ports::HttpRequest out;
  out.method = std::move(method);
  out.url = concat(server_.url, "/api/v2", path);
  out.headers["authorization"] = concat("Bearer ", server_.token);
  return out;
}

Task<Result<json::object>> ApiClient::attempt(ports::HttpRequest request) {
  const Instant deadline = after(clock_.now(), kAnswerTime);
  CO_TRY_ASSIGN(const auto response, co_await http_.send(std::move(request), deadline));
  CO_TRY_ASSIGN(const std::string body, co_await read_all(*response, deadline));
  if (response->status() >= 300) co_return error_of(response->status(), body);
  if (body.empty()) co_return json::object();
  CO_TRY_ASSIGN(json::value value, parse_json(body));
  if (!value.is_object()) co_return unavailable("the server's answer is no JSON object; is this a reliant server?");
  co_return std::move(value.as_object());
}

Task<Result<json::object>> ApiClient::call(std::string method, std::string path, json::object body) {
  ports::HttpRequest asked = request(std::move(method), path);
  if (!body.empty()) {
    asked.headers["content-type"] = "application/json";
    asked.body = to_json(body);
  }
  const Instant give_up = after(clock_.now(), options_.timeout);
  std::string failure;
  TaskScope beside(co_await ThisContext{});
  if (options_.notice != nullptr) beside.spawn(tell_of_wait(give_up, failure));
  co_return co_await call_until(give_up, std::move(asked), failure);
}

// `failure`: of the last attempt.
Task<Result<json::object>> ApiClient::call_until(Instant give_up, ports::HttpRequest request, std::string& failure) {
  Backoff backoff(kPolicy, random_);
  for (;;) {
    auto answer = co_await attempt(request);
    if (answer.ok() || !may_repeat(answer.status())) co_return answer;
    const Duration pause = backoff.next();
    if (after(clock_.now(), pause) >= give_up) co_return answer;
    failure = message_of(answer.status());
    co_await sleep_for(pause);
  }
}

Task<void> ApiClient::tell_of_wait(Instant give_up, const std::string& failure) const {
  co_await sleep_for(kQuiet);
  const auto left = std::chrono::ceil<std::chrono::seconds>(give_up - clock_.now()).count();
  if (left <= 0) co_return;
  options_.notice(failure.empty() ? concat("waiting for ", server_.url)
                                  : concat("waiting for ", server_.url, " (", failure, "); giving up in ", left, " s"));
}

Task<Result<std::unique_ptr<ports::HttpResponse>>> ApiClient::open_updates(std::string chat, std::uint64_t after_sequence) {
  const Instant deadline = after(clock_.now(), kAnswerTime);
  ports::HttpRequest asked = request("GET", concat("/chats/", chat, "/updates?after=", after_sequence));
  asked.headers["accept"] = "text/event-stream";
  CO_TRY_ASSIGN(auto response, co_await http_.send(std::move(asked), deadline));
  if (response->status() == 200) co_return std::move(response);
  CO_TRY_ASSIGN(const std::string body, co_await read_all(*response, deadline));
  co_return error_of(response->status(), body);
}

}  // namespace reliant::app
