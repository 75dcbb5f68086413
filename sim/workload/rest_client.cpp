#include "workload/rest_client.h"

#include <utility>

#include "base/text.h"
#include "runtime/sleep.h"

namespace reliant::sim {
namespace {

constexpr std::size_t kLargestAnswer = std::size_t{16} << 20;

// The API's error object as a status. A body without one comes from something between client and API.
Status refusal(int http, const std::string& body) {
  const auto parsed = parse_json(body);
  if (!parsed.ok() || !parsed->is_object()) return unavailable("HTTP ", http, " without an error object");
  const json::object& error = parsed->as_object();
  const json::value* code = error.if_contains("code");
  const json::value* message = error.if_contains("message");
  if (code == nullptr || !code->is_string()) return unavailable("HTTP ", http, " without a code");
  return make_status(code_from_name(std::string_view(code->as_string())),
                     message != nullptr && message->is_string() ? std::string(message->as_string()) : std::string());
}

bool may_repeat(StatusCode code) {
  return is_retryable(code) || is_outcome_unknown(code) || code == StatusCode::kResourceExhausted ||
         code == StatusCode::kCancelled;
}

}  // namespace

RestClient::RestClient(ports::HttpClient& http, Node& node, std::string_view label, ApiAccess access)
    : http_(http),
      node_(node),
      access_(std::move(access)),
      random_(node.random(concat("rest/", label))),
      replica_(random_.below(access_.replicas.size())) {}

ports::HttpRequest RestClient::request(std::string method, std::string path, std::string body) {
  ports::HttpRequest request;
  request.method = std::move(method);
  request.url = concat("http://", access_.replicas[replica_], "/api/v2", path);
  request.headers["authorization"] = concat("Bearer ", access_.token);
  if (!body.empty()) request.headers["content-type"] = "application/json";
  request.body = std::move(body);
  return request;
}

Task<Result<RestClient::Answer>> RestClient::attempt(std::string method, std::string path, std::string body) {
  const Instant deadline = after(node_.clock().now(), kReplicaTimeout);
  CO_TRY_ASSIGN(const auto response, co_await http_.send(request(method, path, body), deadline));
  Answer answer;
  answer.status = response->status();
  for (;;) {
    CO_TRY_ASSIGN(auto part, co_await response->read(deadline));
    if (!part) co_return answer;
    answer.body += *part;
    if (answer.body.size() > kLargestAnswer) co_return data_loss("the answer does not end");
  }
}

Task<Result<json::value>> RestClient::call(std::string method, std::string path, std::string body) {
  for (;;) {
    auto answer = co_await attempt(method, path, body);
    Status status = answer.status();
    if (answer.ok() && answer->status < 300) {
      if (answer->body.empty()) co_return json::value(nullptr);
      co_return parse_json(answer->body);
    }
    if (answer.ok()) status = refusal(answer->status, answer->body);
    if (!may_repeat(status.code())) co_return status;
    node_.log().debug("client.retry", {{"method", method}, {"path", path}, {"error", message_of(status)}});
    replica_ = (replica_ + 1) % access_.replicas.size();
    co_await sleep_for(pause());
  }
}

Task<Result<std::unique_ptr<ports::HttpResponse>>> RestClient::follow(std::string path) {
  replica_ = random_.below(access_.replicas.size());
  const Instant deadline = after(node_.clock().now(), kReplicaTimeout);
  auto response = co_await http_.send(request("GET", path, ""), deadline);
  Status status = response.status();
  if (response.ok()) {
    if ((*response)->status() == 200) co_return response;
    std::string body;
    while (body.size() < kLargestAnswer) {
      auto part = co_await (*response)->read(deadline);
      if (!part.ok() || !*part) break;
      body += **part;
    }
    status = refusal((*response)->status(), body);
  }
  if (may_repeat(status.code())) {
    co_await sleep_for(pause());
    co_return unavailable(message_of(status));
  }
  co_return status;
}

}  // namespace reliant::sim
