#include "app/log_file.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>
#include <iterator>

#include "support/temporary_directory.h"

namespace reliant::app {
namespace {

class LogFileTest : public testing::Test {
 protected:
  LogFile open(LogRotation rotation) { return *LogFile::open(path(""), rotation); }
  std::string path(const std::string& suffix) const { return directory_.file("server.log") + suffix; }
  std::string content(const std::string& suffix) const {
    std::ifstream in(path(suffix));
    return std::string(std::istreambuf_iterator<char>(in), {});
  }
  bool exists(const std::string& suffix) const { return std::filesystem::exists(path(suffix)); }

  tests::TemporaryDirectory directory_;
};

TEST_F(LogFileTest, RotatesWhenFullAndKeepsTheConfiguredNumber) {
  LogFile log = open({.largest = 10, .files = 3});
  for (const char* line : {"aaaa\n", "bbbb\n", "cccc\n", "dddd\n", "eeee\n", "ffff\n", "gggg\n"}) log.write(line);
  EXPECT_EQ(content(""), "gggg\n");
  EXPECT_EQ(content(".1"), "eeee\nffff\n");
  EXPECT_EQ(content(".2"), "cccc\ndddd\n");
  EXPECT_FALSE(exists(".3"));
  struct stat info{};
  ASSERT_EQ(::stat(path("").c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777, 0600u);
}

TEST_F(LogFileTest, AppendsToAnExistingFile) {
  open({.largest = 10, .files = 2}).write("aaaa\n");
  LogFile log = open({.largest = 10, .files = 2});
  log.write("bbbb\n");
  EXPECT_EQ(content(""), "aaaa\nbbbb\n");
  log.write("cccc\n");
  EXPECT_EQ(content(".1"), "aaaa\nbbbb\n");
}

TEST_F(LogFileTest, WritesALineThatIsLargerThanAFile) {
  LogFile log = open({.largest = 10, .files = 2});
  log.write("a line that is longer than that\n");
  log.write("b\n");
  EXPECT_EQ(content(".1"), "a line that is longer than that\n");
  EXPECT_EQ(content(""), "b\n");
}

TEST_F(LogFileTest, GoesOnWhenItCannotBeRenamed) {
  LogFile log = open({.largest = 10, .files = 2});
  std::filesystem::create_directories(path(".1") + "/in the way");
  for (const char* line : {"aaaa\n", "bbbb\n", "cccc\n", "dddd\n"}) log.write(line);
  EXPECT_EQ(content(""), "aaaa\nbbbb\ncccc\ndddd\n");
}

TEST_F(LogFileTest, NamesTheInvalidFlag) {
  const Status status = LogFile::open(directory_.file("no/such/directory/log")).status();
  EXPECT_EQ(field_of(status), "--log-file");
}

}  // namespace
}  // namespace reliant::app
