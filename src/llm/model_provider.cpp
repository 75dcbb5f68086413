#include "llm/model_provider.h"

#include <charconv>

#include "absl/strings/cord.h"

namespace reliant::llm {

namespace {

const absl::string_view kRetryAfterUrl = "reliant/retry-after-ns";

}  // namespace

Status with_retry_after(Status status, Duration delay) {
  const std::string text = concat(delay.count());
  if (!status.ok()) status.SetPayload(kRetryAfterUrl, absl::Cord(absl::string_view(text.data(), text.size())));
  return status;
}

Duration retry_after_of(const Status& status) {
  const auto payload = status.GetPayload(kRetryAfterUrl);
  if (!payload) return Duration::zero();
  const std::string text(*payload);
  Duration::rep nanoseconds = 0;
  std::from_chars(text.data(), text.data() + text.size(), nanoseconds);
  return Duration(nanoseconds);
}

}  // namespace reliant::llm
