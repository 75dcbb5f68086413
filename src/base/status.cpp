#include "base/status.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdint>

#include "absl/strings/cord.h"

namespace reliant {
namespace {

constexpr std::string_view kFieldUrl = "reliant/field";
constexpr std::string_view kReasonUrl = "reliant/reason";
constexpr std::string_view kRetryAfterUrl = "reliant/retry-after-ns";

struct CodeRow {
  StatusCode code;
  std::string_view name;
  int http;
};

// google/rpc/code.proto.
constexpr std::array kCodes = {
    CodeRow{StatusCode::kOk, "OK", 200},
    CodeRow{StatusCode::kCancelled, "CANCELLED", 499},
    CodeRow{StatusCode::kUnknown, "UNKNOWN", 500},
    CodeRow{StatusCode::kInvalidArgument, "INVALID_ARGUMENT", 400},
    CodeRow{StatusCode::kDeadlineExceeded, "DEADLINE_EXCEEDED", 504},
    CodeRow{StatusCode::kNotFound, "NOT_FOUND", 404},
    CodeRow{StatusCode::kAlreadyExists, "ALREADY_EXISTS", 409},
    CodeRow{StatusCode::kPermissionDenied, "PERMISSION_DENIED", 403},
    CodeRow{StatusCode::kUnauthenticated, "UNAUTHENTICATED", 401},
    CodeRow{StatusCode::kResourceExhausted, "RESOURCE_EXHAUSTED", 429},
    CodeRow{StatusCode::kFailedPrecondition, "FAILED_PRECONDITION", 400},
    CodeRow{StatusCode::kAborted, "ABORTED", 409},
    CodeRow{StatusCode::kOutOfRange, "OUT_OF_RANGE", 400},
    CodeRow{StatusCode::kUnimplemented, "UNIMPLEMENTED", 501},
    CodeRow{StatusCode::kInternal, "INTERNAL", 500},
    CodeRow{StatusCode::kUnavailable, "UNAVAILABLE", 503},
    CodeRow{StatusCode::kDataLoss, "DATA_LOSS", 500},
};

// Debian's Abseil has a string_view of its own.
absl::string_view view(std::string_view text) { return {text.data(), text.size()}; }

std::string payload(const Status& status, std::string_view url) {
  auto cord = status.GetPayload(view(url));
  return cord ? std::string(*cord) : std::string();
}

}  // namespace

Status with_field(Status status, std::string_view field) {
  if (!status.ok()) status.SetPayload(view(kFieldUrl), absl::Cord(view(field)));
  return status;
}

Status with_reason(Status status, std::string_view reason) {
  if (!status.ok()) status.SetPayload(view(kReasonUrl), absl::Cord(view(reason)));
  return status;
}

std::string field_of(const Status& status) { return payload(status, kFieldUrl); }
std::string reason_of(const Status& status) { return payload(status, kReasonUrl); }

Status with_retry_after(Status status, std::chrono::nanoseconds wait) {
  const std::string text = std::to_string(wait.count());
  if (!status.ok()) status.SetPayload(view(kRetryAfterUrl), absl::Cord(view(text)));
  return status;
}

std::chrono::nanoseconds retry_after_of(const Status& status) {
  const std::string text = payload(status, kRetryAfterUrl);
  std::int64_t nanoseconds = 0;
  std::from_chars(text.data(), text.data() + text.size(), nanoseconds);
  return std::chrono::nanoseconds(std::max<std::int64_t>(nanoseconds, 0));
}

Status invalid_field(std::string_view field, std::string_view message) { return with_field(invalid_argument(message), field); }

std::string_view code_name(StatusCode code) {
  for (const auto& row : kCodes)
    if (row.code == code) return row.name;
  return "UNKNOWN";
}

StatusCode code_from_name(std::string_view name) {
  for (const auto& row : kCodes)
    if (row.name == name) return row.code;
  return StatusCode::kUnknown;
}

int http_status(StatusCode code) {
  for (const auto& row : kCodes)
    if (row.code == code) return row.http;
  return 500;
}

bool is_retryable(StatusCode code) { return code == StatusCode::kAborted || code == StatusCode::kUnavailable; }

bool is_outcome_unknown(StatusCode code) { return code == StatusCode::kDeadlineExceeded || code == StatusCode::kUnknown; }

}  // namespace reliant
