// What only the real files have: some are read without the turn of a thread.
#include "adapters/posix/posix_filesystem.h"

#include <gtest/gtest.h>

#include <fstream>
#include <string>

#include <fcntl.h>
#include <sys/uio.h>

#include "adapters/asio/asio_executor.h"
#include "adapters/posix/unique_fd.h"
#include "runtime/scope.h"
#include "support/temporary_directory.h"

namespace reliant::tests {
namespace {

constexpr std::size_t kLimit = 1 << 20;

Task<void> read(ports::Filesystem& files, std::string path, std::string& content) {
  Result<std::string> got = co_await files.read(std::move(path), kLimit);
  content = got.ok() ? *got : std::string(message_of(got.status()));
}

Task<void> write(ports::Filesystem& files, std::string path, std::string content) {
  EXPECT_TRUE((co_await files.write(std::move(path), std::move(content), 0644)).ok());
}

Task<void> look(const std::string& content, std::string& seen) {
  seen = content;
  co_return;
}

// Whether the kernel says what it has in memory of a file of this file system; not all do.
bool kernel_tells(const std::string& path) {
  const adapters::UniqueFd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  char byte = 0;
  const iovec room{.iov_base = &byte, .iov_len = 1};
  return ::preadv2(fd.get(), &room, 1, 0, RWF_NOWAIT) == 1;
}

class PosixFilesystemTest : public testing::Test {
 protected:
  std::string file_with(const std::string& content) {
    const std::string path = directory.file("file");
    std::ofstream(path) << content;
    return path;
  }
  bool run(const std::string& content) {
    return executor.run_loop_until([&] { return !content.empty(); }, std::chrono::seconds(20));
  }

  TemporaryDirectory directory;
  adapters::AsioExecutor executor;
  adapters::PosixFilesystem files{executor};
  TaskScope scope{executor, 0};
};

TEST_F(PosixFilesystemTest, ReadsASmallFileThatIsInMemoryAtOnce) {
  const std::string path = file_with("small");
  std::string content;
  std::string seen;
  scope.spawn(read(files, path, content));
  scope.spawn(look(content, seen));
  ASSERT_TRUE(run(content));
  EXPECT_EQ(content, "small");
  EXPECT_EQ(seen, kernel_tells(path) ? "small" : "");
}

TEST_F(PosixFilesystemTest, ReadsALargeOneOnItsThread) {
  const std::string large(100'000, 'x');
  std::string content;
  std::string seen = "not looked";
  scope.spawn(read(files, file_with(large), content));
  scope.spawn(look(content, seen));
  ASSERT_TRUE(run(content));
  EXPECT_EQ(content, large);
  EXPECT_EQ(seen, "");
}

TEST_F(PosixFilesystemTest, ReadsWhatWasWrittenBefore) {
  const std::string path = file_with("old");
  std::string content;
  scope.spawn(write(files, path, "new"));
  scope.spawn(read(files, path, content));
  ASSERT_TRUE(run(content));
  EXPECT_EQ(content, "new");
}

}  // namespace
}  // namespace reliant::tests
