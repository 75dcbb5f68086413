#include "temporal/failure.h"

#include <google/protobuf/util/time_util.h>

#include "base/json.h"
#include "base/utf8.h"
#include "temporal/payload.h"

namespace reliant::temporal {
namespace {

using ::temporal::api::failure::v1::Failure;
namespace enums = ::temporal::api::enums::v1;

constexpr std::string_view kSource = "reliant";
// Bytes. A failure is a part of the history, and goes into the input of the activity that ends the turn.
constexpr std::size_t kLongestMessage = 8 * 1024;

std::string details_of(const Status& status) {
  json::object details;
  const std::string field = field_of(status);
  const std::string reason = reason_of(status);
  if (!field.empty()) details["field"] = field;
  if (!reason.empty()) details["reason"] = reason;
  return details.empty() ? std::string() : to_json(details);
}

// Details that another SDK wrote, or none, leave the status as it is.
Status with_details(Status status, const ::temporal::api::common::v1::Payloads& payloads) {
  const Result<std::string> text = json_text(payloads);
  if (!text.ok() || text->empty()) return status;
  const Result<json::value> value = parse_json(*text);
  if (!value.ok() || !value->is_object()) return status;
  for (const char* key : {"field", "reason"}) {
    const json::value* word = value->as_object().if_contains(key);
    if (word == nullptr || !word->is_string()) continue;
    const std::string_view said(word->get_string().data(), word->get_string().size());
    status = std::string_view(key) == "field" ? with_field(std::move(status), said) : with_reason(std::move(status), said);
  }
  return status;
}

std::string_view reason_of_timeout(enums::TimeoutType type) {
  switch (type) {
    case enums::TIMEOUT_TYPE_START_TO_CLOSE:
      return "START_TO_CLOSE";
    case enums::TIMEOUT_TYPE_SCHEDULE_TO_START:
      return "SCHEDULE_TO_START";
    case enums::TIMEOUT_TYPE_SCHEDULE_TO_CLOSE:
      return "SCHEDULE_TO_CLOSE";
    case enums::TIMEOUT_TYPE_HEARTBEAT:
      return "HEARTBEAT";
    default:
      return "TIMEOUT";
  }
}

Status status_of_application(const Failure& failure) {
  const auto& info = failure.application_failure_info();
  StatusCode code = code_from_name(info.type());
  if (code == StatusCode::kOk) code = StatusCode::kUnknown;
  return with_details(make_status(code, failure.message()), info.details());
}

}  // namespace

bool may_be_attempted_again(const Status& status) {
  const StatusCode code = status.code();
  return is_retryable(code) || is_outcome_unknown(code) || code == StatusCode::kResourceExhausted ||
         code == StatusCode::kInternal;
}

Failure failure_from(const Status& status) {
  Failure failure;
  failure.set_message(text_from_bytes(message_of(status), kLongestMessage));
  failure.set_source(std::string(kSource));
  if (status.code() == StatusCode::kCancelled) {
    failure.mutable_canceled_failure_info();
    return failure;
  }
  auto& info = *failure.mutable_application_failure_info();
  info.set_type(std::string(code_name(status.code())));
  info.set_non_retryable(!may_be_attempted_again(status));
  if (const auto delay = retry_after_of(status); delay > std::chrono::nanoseconds::zero())
    *info.mutable_next_retry_delay() = google::protobuf::util::TimeUtil::NanosecondsToDuration(delay.count());
  const std::string details = details_of(status);
  if (!details.empty()) *info.mutable_details() = json_payloads(details);
  return failure;
}

Status status_from(const Failure& failure) {
  switch (failure.failure_info_case()) {
    case Failure::kApplicationFailureInfo:
      return status_of_application(failure);
    case Failure::kTimeoutFailureInfo:
      return with_reason(deadline_exceeded(failure.message()),
                         reason_of_timeout(failure.timeout_failure_info().timeout_type()));
    case Failure::kCanceledFailureInfo:
      return cancelled(failure.message());
    case Failure::kTerminatedFailureInfo:
      return aborted(failure.message());
    case Failure::kActivityFailureInfo:
    case Failure::kChildWorkflowExecutionFailureInfo:
      if (failure.has_cause()) return status_from(failure.cause());
      return unknown(failure.message());
    default:
      return unknown(failure.message());
  }
}

}  // namespace reliant::temporal
