#include "adapters/posix/process_start.h"

#include <sys/resource.h>
#include <sys/stat.h>

#include <gtest/gtest.h>

namespace reliant::adapters {
namespace {

// A soft limit, as long as it lives.
class FileLimit {
 public:
  explicit FileLimit(rlim_t files) {
    EXPECT_EQ(::getrlimit(RLIMIT_NOFILE, &before_), 0);
    const rlimit few{.rlim_cur = files, .rlim_max = before_.rlim_max};
    EXPECT_EQ(::setrlimit(RLIMIT_NOFILE, &few), 0);
  }
  FileLimit(const FileLimit&) = delete;
  FileLimit& operator=(const FileLimit&) = delete;
  ~FileLimit() { EXPECT_EQ(::setrlimit(RLIMIT_NOFILE, &before_), 0); }

  rlim_t hard() const { return before_.rlim_max; }
  static rlim_t now() {
    rlimit now{};
    EXPECT_EQ(::getrlimit(RLIMIT_NOFILE, &now), 0);
    return now.rlim_cur;
  }

 private:
  rlimit before_{};
};

TEST(ProcessStart, RaisesTheFileLimitToTheHardLimit) {
  const FileLimit limit(64);
  EXPECT_EQ(allow_all_open_files(), limit.hard());
  EXPECT_EQ(FileLimit::now(), limit.hard());
}

TEST(ProcessStart, SetsAPrivateUmaskAndKeepsTheInheritedOne) {
  const FileLimit limit(64);
  const mode_t before = ::umask(027);
  const Inherited inherited = begin_process();
  EXPECT_EQ(::umask(before), 077u);
  EXPECT_EQ(inherited.umask, 027u);
  EXPECT_EQ(inherited.open_files, 64u);
  EXPECT_EQ(FileLimit::now(), limit.hard());
}

TEST(ProcessStart, RejectsATooLowFileLimit) {
  EXPECT_TRUE(check_open_files().ok());
  const FileLimit limit(40);
  const Status refused = check_open_files();
  EXPECT_EQ(refused.code(), StatusCode::kFailedPrecondition);
  EXPECT_NE(message_of(refused).find("only 40 files"), std::string_view::npos) << refused;
  EXPECT_NE(message_of(refused).find("ulimit -Hn"), std::string_view::npos) << refused;
}

}  // namespace
}  // namespace reliant::adapters
