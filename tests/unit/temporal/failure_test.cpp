// Statuses as failures and payloads as JSON, both ways, ours and those of other SDKs.

#include "temporal/failure.h"

#include <gtest/gtest.h>

#include <string>

#include "base/utf8.h"
#include "temporal/activity.h"
#include "temporal/payload.h"
#include "temporal/rpc_caller.h"

namespace reliant::temporal {
namespace {

using ::temporal::api::failure::v1::Failure;
namespace enums = ::temporal::api::enums::v1;

TEST(FailureConversion, GivesEveryCodeBackWithItsMessageFieldAndReason) {
  for (int code = 1; code <= 16; ++code) {
    const auto expected = static_cast<StatusCode>(code);
    const Status status = with_reason(with_field(Status(expected, "it is so"), "text"), "WHY");
    const Status back = status_from(failure_from(status));
    EXPECT_EQ(back.code(), expected);
    EXPECT_EQ(message_of(back), "it is so");
    if (expected == StatusCode::kCancelled) continue;  // has a failure of its own, without details
    EXPECT_EQ(field_of(back), "text");
    EXPECT_EQ(reason_of(back), "WHY");
  }
}

TEST(FailureConversion, MarksRetryableFailures) {
  EXPECT_FALSE(failure_from(unavailable("x")).application_failure_info().non_retryable());
  EXPECT_FALSE(failure_from(internal_error("x")).application_failure_info().non_retryable());
  EXPECT_TRUE(failure_from(invalid_argument("x")).application_failure_info().non_retryable());
  EXPECT_TRUE(failure_from(permission_denied("x")).application_failure_info().non_retryable());
  EXPECT_TRUE(failure_from(failed_precondition("x")).application_failure_info().non_retryable());
}

TEST(FailureConversion, CarriesTheRetryDelay) {
  const Failure busy = failure_from(with_retry_after(resource_exhausted("x"), std::chrono::milliseconds(1500)));
  EXPECT_EQ(busy.application_failure_info().next_retry_delay().seconds(), 1);
  EXPECT_EQ(busy.application_failure_info().next_retry_delay().nanos(), 500'000'000);
  EXPECT_FALSE(failure_from(unavailable("x")).application_failure_info().has_next_retry_delay());
}

TEST(RetryDelay, IsTheServersUnlessTheFailureNamesOne) {
  ActivityInfo attempt;
  attempt.backoff = std::chrono::seconds(4);
  EXPECT_EQ(retry_delay(attempt, unavailable("x")), Duration(std::chrono::seconds(4)));
  EXPECT_EQ(retry_delay(attempt, with_retry_after(unavailable("x"), std::chrono::seconds(9))),
            Duration(std::chrono::seconds(9)));
  EXPECT_EQ(retry_delay(attempt, invalid_argument("x")), std::nullopt);
  attempt.backoff.reset();
  EXPECT_EQ(retry_delay(attempt, unavailable("x")), std::nullopt) << "it was the last attempt";
}

TEST(FailureConversion, CarriesTextWhateverTheStatusHolds) {
  const Failure failure = failure_from(invalid_argument("Ger\xE4t \xff\xfe ", std::string(50'000, 'x')));
  EXPECT_TRUE(is_valid_utf8(failure.message()));
  EXPECT_TRUE(failure.message().starts_with("Ger\uFFFDt "));
  EXPECT_LE(failure.message().size(), 8'192u);
  Failure read;
  EXPECT_TRUE(read.ParseFromString(failure.SerializeAsString()));
}

TEST(FailureConversion, FindsTheCauseInsideAnActivitysFailure) {
  Failure failure;
  failure.set_message("Activity task failed");
  failure.mutable_activity_failure_info()->set_activity_id("1");
  *failure.mutable_cause() = failure_from(not_found("no such file"));
  EXPECT_EQ(status_from(failure), not_found("no such file"));
  failure.clear_cause();
  EXPECT_EQ(status_from(failure), unknown("Activity task failed"));
}

TEST(FailureConversion, ATimeoutIsDeadlineExceededWithItsKind) {
  Failure failure;
  failure.set_message("activity Heartbeat timeout");
  failure.mutable_timeout_failure_info()->set_timeout_type(enums::TIMEOUT_TYPE_HEARTBEAT);
  const Status status = status_from(failure);
  EXPECT_EQ(status.code(), StatusCode::kDeadlineExceeded);
  EXPECT_EQ(reason_of(status), "HEARTBEAT");
}

TEST(FailureConversion, FailuresOfAnotherSdkAreUnknown) {
  Failure failure;
  failure.set_message("boom");
  failure.set_source("TypeScriptSDK");
  failure.mutable_application_failure_info()->set_type("Error");
  *failure.mutable_application_failure_info()->mutable_details() = json_payloads("[1, 2");
  EXPECT_EQ(status_from(failure), unknown("boom"));
  failure.mutable_application_failure_info()->set_type("OK");
  EXPECT_FALSE(status_from(failure).ok());
  EXPECT_FALSE(status_from(Failure()).ok());
}

TEST(Payloads, CarryJsonTexts) {
  EXPECT_EQ(json_text(json_payloads("{\"a\":1}")).value_or("?"), "{\"a\":1}");
  EXPECT_EQ(json_payloads("").payloads_size(), 0);
  EXPECT_EQ(json_text(json_payloads("")).value_or("?"), "");
}

TEST(Payloads, DistinguishNullFromUnreadable) {
  ::temporal::api::common::v1::Payloads payloads;
  (*payloads.add_payloads()->mutable_metadata())["encoding"] = "binary/null";
  EXPECT_EQ(json_text(payloads).value_or("?"), "");
  (*payloads.mutable_payloads(0)->mutable_metadata())["encoding"] = "binary/protobuf";
  EXPECT_EQ(json_text(payloads).status().code(), StatusCode::kInvalidArgument);
  payloads.mutable_payloads(0)->clear_metadata();
  EXPECT_EQ(json_text(payloads).status().code(), StatusCode::kInvalidArgument);
}

TEST(RepeatedCalls, AreTheRetryableCodes) {
  EXPECT_TRUE(may_repeat(unavailable("x")));
  EXPECT_TRUE(may_repeat(resource_exhausted("slow down")));
  EXPECT_FALSE(may_repeat(resource_exhausted("grpc: received message larger than max (5 vs. 4)")));
  EXPECT_FALSE(may_repeat(not_found("x")));
  EXPECT_FALSE(may_repeat(deadline_exceeded("x")));
  EXPECT_FALSE(may_repeat(ok_status()));
}

}  // namespace
}  // namespace reliant::temporal
