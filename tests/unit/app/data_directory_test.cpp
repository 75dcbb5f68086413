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

TEST_F(DataDirectoryTest, HasOneUserEvenWhenItsLockIsRemoved) {
  const auto first = DataDirectory::open(root_);
  ASSERT_TRUE(first.ok());
  std::filesystem::remove(root_ + "/lock");
  const Status second = DataDirectory::open(root_).status();
  EXPECT_EQ(second.code(), StatusCode::kFailedPrecondition);
  EXPECT_NE(message_of(second).find("`lock` has been removed"), std::string_view::npos) << second;
}

TEST_F(DataDirectoryTest, AnOpenDirectoryOfItsOwnIsMadePrivate) {
  for (const char* name : {"/reliant.db", "/reliant.db-wal", "/token", "/api.log.2", "/tls.key", "/tls.crt"}) {
    std::ofstream(root_ + name) << "x";
    ASSERT_EQ(::chmod((root_ + name).c_str(), 0644), 0);
  }
  ASSERT_EQ(::chmod(root_.c_str(), 0755), 0);
  const auto directory = DataDirectory::open(root_);
  ASSERT_TRUE(directory.ok()) << directory.status();
  EXPECT_EQ(mode_of(root_), 0700u);
  for (const char* name : {"/reliant.db", "/reliant.db-wal", "/token", "/api.log.2", "/tls.key"})
    EXPECT_EQ(mode_of(root_ + name), 0600u) << name;
  EXPECT_EQ(mode_of(root_ + "/tls.crt"), 0644u) << "clients are given it";
}

TEST_F(DataDirectoryTest, RefusesADirectoryWithOtherFiles) {
  const auto refused = [this](std::string_view why) {
    const Status status = DataDirectory::open(root_).status();
    EXPECT_EQ(status.code(), StatusCode::kFailedPrecondition);
    EXPECT_EQ(field_of(status), "--data-dir");
    EXPECT_NE(message_of(status).find(why), std::string_view::npos) << status;
  };
  std::ofstream(root_ + "/letter.txt") << "x";
  ASSERT_EQ(::chmod(root_.c_str(), 0755), 0);
  refused(concat("has files that are not of this program (letter.txt): close it to others (chmod 700 ", root_, ")"));
  EXPECT_EQ(mode_of(root_), 0755u);
  EXPECT_FALSE(std::filesystem::exists(root_ + "/lock"));
  std::filesystem::remove(root_ + "/letter.txt");
  ASSERT_EQ(::chmod(root_.c_str(), 01777), 0);
  refused("is shared by several users");
  ASSERT_EQ(::chmod(root_.c_str(), 0700), 0);
  if (::chown(root_.c_str(), 12345, 12345) != 0) return;  // only root can give a directory away
  refused("belongs to another user (number 12345");
}

TEST_F(DataDirectoryTest, CannotBeAFile) {
  std::ofstream(root_ + "/file") << "x";
  EXPECT_EQ(field_of(DataDirectory::open(root_ + "/file").status()), "--data-dir");
  EXPECT_EQ(field_of(DataDirectory::open(root_ + "/file/below").status()), "--data-dir");
}

}  // namespace
}  // namespace reliant::app
