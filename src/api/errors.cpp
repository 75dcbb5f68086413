#include "api/errors.h"

#include <algorithm>
#include <chrono>

#include "api/router.h"
#include "base/json.h"
#include "base/text.h"

namespace reliant::api {
namespace {

bool is_ours(StatusCode code) {
  return code == StatusCode::kInternal || code == StatusCode::kUnknown || code == StatusCode::kDataLoss;
}

}  // namespace

ports::RpcResponse error_response(const Status& status, std::string_view request_id, std::string_view path) {
  const std::string reason = reason_of(status);
  // What went wrong inside is for the log, which has it under the same id.
  const std::string message =
      is_ours(status.code()) ? concat("something went wrong on the server; its log has it as ", request_id)
                             : std::string(message_of(status));
  json::object body;
  body["code"] = std::string(code_name(status.code()));
  body["message"] = message;
  body["field"] = field_of(status);
  body["request_id"] = std::string(request_id);
  if (!reason.empty()) body["reason"] = reason;

  ports::RpcResponse response;
  response.status = http_status(status.code());
  response.headers["content-type"] = "application/json";
  response.body = to_json(body);
  if (reason == kReasonMethodNotAllowed) {
    response.status = 405;
    response.headers["allow"] = allowed_methods(path);
  }
  if (response.status == 401) response.headers["www-authenticate"] = "Bearer";
  if (response.status == 429 || response.status == 503) {
    const auto wait = std::chrono::ceil<std::chrono::seconds>(retry_after_of(status));
    response.headers["retry-after"] = concat(std::max<std::int64_t>(wait.count(), 1));
  }
  return response;
}

}  // namespace reliant::api
