#include "base/cause.h"

#include <gtest/gtest.h>

namespace reliant {
namespace {

TEST(Cause, IsBesideTheMessageAndNotInIt) {
  const Status status =
      with_reason(with_cause(unavailable("cannot connect to the database"), "host \"db\", port 5432"), "DOWN");
  EXPECT_EQ(message_of(status), "cannot connect to the database");
  EXPECT_EQ(described(status), "cannot connect to the database: host \"db\", port 5432");
  EXPECT_EQ(reason_of(status), "DOWN");
}

TEST(Cause, IsOfAFailureThatHasOne) {
  EXPECT_EQ(described(unavailable("gone")), "gone");
  EXPECT_EQ(described(with_cause(unavailable("gone"), "")), "gone");
  EXPECT_TRUE(with_cause(ok_status(), "none").ok());
  EXPECT_EQ(described(ok_status()), "");
}

}  // namespace
}  // namespace reliant
