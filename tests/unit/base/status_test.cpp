#include "base/status.h"

#include <gtest/gtest.h>

#include <vector>

namespace reliant {
namespace {

std::vector<StatusCode> codes_that(bool (*holds)(StatusCode)) {
  std::vector<StatusCode> codes;
  for (int code = 0; code <= static_cast<int>(StatusCode::kUnauthenticated); ++code) {
    if (holds(static_cast<StatusCode>(code))) codes.push_back(static_cast<StatusCode>(code));
  }
  return codes;
}

TEST(Status, TellsWhatToRepeatFromWhatMayHaveBeenDone) {
  EXPECT_EQ(codes_that(&is_retryable), (std::vector<StatusCode>{StatusCode::kAborted, StatusCode::kUnavailable}));
  EXPECT_EQ(codes_that(&is_outcome_unknown), (std::vector<StatusCode>{StatusCode::kUnknown, StatusCode::kDeadlineExceeded}));
}

}  // namespace
}  // namespace reliant
