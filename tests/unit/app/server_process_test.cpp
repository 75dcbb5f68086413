#include "app/server_process.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <stdexcept>
#include <string>

#include "app/report.h"
#include "base/text.h"
#include "runtime/sleep.h"

namespace reliant::app {
namespace {

using testing::ExitedWithCode;

class ServerProcessTest : public testing::Test {
 protected:
  ServerProcessTest() {
    std::string directory = (std::filesystem::temp_directory_path() / "server_process_XXXXXX").string();
    directory_ = mkdtemp(directory.data());
  }
  ~ServerProcessTest() override { std::filesystem::remove_all(directory_); }

  std::string log() const {
    std::ostringstream text;
    text << std::ifstream(directory_ + "/test.log").rdbuf();
    return text.str();
  }
  // Runs one process from its start to its end: in a death test, which is a process of its own.
  void run(Task<Status> (*life)(ServerProcess&)) {
    auto process = ServerProcess::open(
        {.role = "test", .data_dir = directory_, .log = {.file = directory_ + "/test.log"}, .grace = std::chrono::seconds(1)});
    if (!process.ok()) std::_Exit(99);
    std::_Exit((*process)->run(life(**process)));
  }

  std::string directory_;
};

Task<Status> throw_at_once(ServerProcess&) {
  throw std::runtime_error("thrown by the life");
  co_return ok_status();
}

Task<void> throw_soon() {
  co_await sleep_for(std::chrono::milliseconds(1));
  throw std::runtime_error("thrown by a task");
}

Task<Status> lose_a_task(ServerProcess& process) {
  TaskScope scope(process.context());
  scope.spawn(throw_soon());
  (void)co_await process.until_asked_to_stop("ready");
  co_return ok_status();
}

Task<Status> lose_a_callback(ServerProcess& process) {
  process.executor().post([] { throw std::bad_alloc(); });
  (void)co_await process.until_asked_to_stop("ready");
  co_return ok_status();
}

Task<Status> fail_in_order(ServerProcess&) { co_return unavailable("the port is taken"); }

TEST_F(ServerProcessTest, EndsWhenAnExceptionLeavesItsMainTask) {
  EXPECT_EXIT(run(&throw_at_once), ExitedWithCode(kInternalError), "left one of its tasks: thrown by the life");
  EXPECT_NE(log().find("process.failed"), std::string::npos) << log();
  EXPECT_NE(log().find("thrown by the life"), std::string::npos) << log();
}

TEST_F(ServerProcessTest, EndsWhenAnExceptionLeavesATaskThatNoTaskJoins) {
  EXPECT_EXIT(run(&lose_a_task), ExitedWithCode(kInternalError), "left one of its tasks: thrown by a task");
  EXPECT_NE(log().find("thrown by a task"), std::string::npos) << log();
}

TEST_F(ServerProcessTest, EndsWhenAnExceptionLeavesACallback) {
  EXPECT_EXIT(run(&lose_a_callback), ExitedWithCode(kInternalError), "bad_alloc");
}

TEST_F(ServerProcessTest, ReportsAStatusOfItsMainTaskWithoutAnInternalError) {
  EXPECT_EXIT(run(&fail_in_order), ExitedWithCode(kFailed), "the port is taken");
  EXPECT_EQ(log().find("process.failed"), std::string::npos) << log();
}

}  // namespace
}  // namespace reliant::app
