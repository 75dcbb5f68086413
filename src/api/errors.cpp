#include "api/errors.h"

#include <algorithm>
#include <chrono>

#include "api/router.h"
#include "base/disk_full.h"
#include "base/json.h"
#include "base/text.h"
#include "ports/database.h"

namespace reliant::api {
namespace {

// How the reasons begin that adapters of databases give, with a library's text.
constexpr std::string_view kOfDatabase = "DATABASE_";

bool is_defect(StatusCode code) {
  return code == StatusCode::kInternal || code == StatusCode::kUnknown || code == StatusCode::kDataLoss;
}

// Codes that databases, the bus and Temporal answer with, in their own words: host names, files, statements. What this server
// says itself with such a code has a reason.
bool is_of_a_dependency(const Status& status) {
  const StatusCode code = status.code();
  const std::string reason = reason_of(status);
  const bool said_here = !reason.empty() && !reason.starts_with(kOfDatabase);
  return (is_retryable(code) || code == StatusCode::kDeadlineExceeded || code == StatusCode::kResourceExhausted) && !said_here;
}

// What clients call it. A commit whose end is not known is a server that is away: they may make the call again with the same ids.
StatusCode code_for_client(const Status& status) {
  return reason_of(status) == kReasonCommitUnknown ? StatusCode::kUnavailable : status.code();
}

std::string message_for_client(const Status& status, std::string_view request_id) {
  if (reason_of(status) == kReasonCommitUnknown)
    return concat(
        "the server has lost its database while it wrote this, and cannot tell whether it is written; look, or send the "
        "same again with the same id (its log has it as ",
        request_id, ")");
  if (is_defect(status.code())) return concat("something went wrong on the server; its log has it as ", request_id);
  if (is_of_a_dependency(status))
    return concat("the server cannot do this at the moment; try again in a while (its log has it as ", request_id, ")");
  if (reason_of(status) == kReasonDiskFull)
    return concat("the server has no room left on its disk, and nothing was written (its log has it as ", request_id, ")");
  return std::string(message_of(status));
}

}  // namespace

bool hides_cause(const Status& status) {
  return is_defect(status.code()) || is_of_a_dependency(status) || reason_of(status) == kReasonDiskFull;
}

ports::HttpServerResponse error_response(const Status& status, std::string_view request_id, std::string_view path) {
  const std::string reason = reason_of(status);
  json::object body;
  const StatusCode code = code_for_client(status);
  body["code"] = std::string(code_name(code));
  body["message"] = message_for_client(status, request_id);
  body["field"] = field_of(status);
  body["request_id"] = std::string(request_id);
  // For how long it has been away matters to who tries again here, and to no client.
  if (!reason.empty()) body["reason"] = reason.starts_with(kOfDatabase) ? std::string(ports::kReasonDatabaseDown) : reason;

  ports::HttpServerResponse response;
  response.status = http_status(code);
  response.headers["content-type"] = "application/json";
  response.body = to_json(body);
  if (reason == kReasonDiskFull) response.status = 507;
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
