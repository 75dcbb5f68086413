#include "temporal/engine/limits.h"

#include <utility>

#include "base/text.h"

namespace reliant::temporal::engine {

namespace {

constexpr std::size_t kKeptOfAFailure = 16u << 10;  // of the message of one that is too large

// At most `bytes` of valid UTF-8, cut at a character.
std::string beginning(const std::string& text, std::size_t bytes) {
  if (text.size() <= bytes) return text;
  while (bytes > 0 && (static_cast<unsigned char>(text[bytes]) & 0xc0u) == 0x80u) --bytes;
  return text.substr(0, bytes);
}

}  // namespace

bool is_too_large(const google::protobuf::MessageLite& blob) { return blob.ByteSizeLong() > kBlobLimit; }

Status check_blob(const google::protobuf::MessageLite& blob) {
  return is_too_large(blob) ? invalid_argument(kBlobTooLarge) : ok_status();
}

Status check_memo(const api::common::v1::Memo& memo) {
  return is_too_large(memo) ? invalid_field("memo", "Memo size exceeds limit.") : ok_status();
}

Status check_search_attributes(const api::common::v1::SearchAttributes& attributes) {
  if (attributes.ByteSizeLong() <= kSearchAttributesLimit) return ok_status();
  return invalid_field("search_attributes", concat("total size of search attributes ", attributes.ByteSizeLong(),
                                                   " exceeds size limit ", kSearchAttributesLimit));
}

Status check_length(std::string_view name, std::string_view value) {
  return value.size() > kIdLimit ? invalid_field(name, concat(name, " length exceeds limit.")) : ok_status();
}

api::failure::v1::Failure size_failure(std::string_view message) {
  api::failure::v1::Failure failure;
  failure.set_message(std::string(message));
  failure.mutable_server_failure_info()->set_non_retryable(true);
  return failure;
}

api::failure::v1::Failure bounded_failure(api::failure::v1::Failure failure) {
  if (!is_too_large(failure)) return failure;
  api::failure::v1::Failure bounded = size_failure("Failure exceeds size limit.");
  auto& cause = *bounded.mutable_cause();
  cause.set_message(beginning(failure.message(), kKeptOfAFailure));
  cause.set_source(beginning(failure.source(), kIdLimit));
  if (failure.has_application_failure_info()) {
    auto& info = *cause.mutable_application_failure_info();
    info.set_type(beginning(failure.application_failure_info().type(), kIdLimit));
    info.set_non_retryable(failure.application_failure_info().non_retryable());
  }
  return bounded;
}

}  // namespace reliant::temporal::engine
