#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>

#include "app/data_directory.h"

namespace reliant::app {
namespace {

class DataDirectoryTest : public testing::Test {
 protected:
  DataDirectoryTest() {
    std::string name = testing::TempDir() + "reliant-data.XXXXXX";
    root_ = ::mkdtemp(name.data());
  }
  ~DataDirectoryTest() override { std::filesystem::remove_all(root_); }

  static mode_t mode_of(const std::string& path) {
    struct stat info{};
    return ::stat(path.c_str(), &info) == 0 ? info.st_mode & 0777 : 0;
  }

  std::string root_;
};

TEST_F(DataDirectoryTest, IsMadePrivate) {
  const auto directory = DataDirectory::open(root_ + "/a/b");
  ASSERT_TRUE(directory.ok()) << directory.status();
  EXPECT_EQ(mode_of(root_ + "/a/b"), 0700u);
  ASSERT_TRUE(directory->write_private("token", "secret\n").ok());
  EXPECT_EQ(mode_of(root_ + "/a/b/token"), 0600u);
  EXPECT_EQ(*directory->read_line("token"), "secret");
  EXPECT_EQ(*directory->read_line("absent"), std::nullopt);
  EXPECT_EQ(peek_line(root_ + "/a/b", "token"), "secret");
}

TEST_F(DataDirectoryTest, HasOneUserAtATime) {
  {
    const auto first = DataDirectory::open(root_);
    ASSERT_TRUE(first.ok());
    const Status second = DataDirectory::open(root_).status();
    EXPECT_EQ(second.code(), StatusCode::kFailedPrecondition);
    EXPECT_EQ(field_of(second), "--data-dir");
    EXPECT_NE(message_of(second).find(concat("process ", ::getpid())), std::string_view::npos);
  }
  EXPECT_TRUE(DataDirectory::open(root_).ok());
}

TEST_F(DataDirectoryTest, CannotBeAFile) {
  std::ofstream(root_ + "/file") << "x";
  EXPECT_EQ(field_of(DataDirectory::open(root_ + "/file").status()), "--data-dir");
  EXPECT_EQ(field_of(DataDirectory::open(root_ + "/file/below").status()), "--data-dir");
}

}  // namespace
}  // namespace reliant::app
