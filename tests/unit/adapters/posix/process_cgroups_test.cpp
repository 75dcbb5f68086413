// What a tool leaves behind is found by its cgroup. Where the machine gives this test no cgroup, only the absence is tested.
#include "adapters/posix/process_cgroups.h"

#include <gtest/gtest.h>

#include <unistd.h>

#include <chrono>
#include <fstream>
#include <set>
#include <string>

#include "adapters/asio/asio_executor.h"
#include "adapters/posix/posix_process.h"
#include "base/text.h"
#include "runtime/deadline.h"
#include "runtime/scope.h"

namespace reliant::tests {
namespace {

using adapters::AsioExecutor;
using adapters::PosixProcesses;
using adapters::ProcessCgroups;
using std::chrono::seconds;

constexpr const char* kVariable = "RELIANT_TEST_MARK";
// It says its number when it has left everything by which it could be found.
constexpr const char* kLeavesAProcess = "env -i /usr/bin/setsid /bin/sh -c 'echo $$; exec /usr/bin/sleep 1000' &";

bool runs(const std::string& pid) {
  std::ifstream stat("/proc/" + pid + "/stat");
  std::string text;
  std::getline(stat, text);
  const std::size_t name_end = text.rfind(')');
  return name_end != std::string::npos && text.compare(name_end + 2, 1, "Z") != 0;
}

// The first line that `script` prints.
Task<std::string> first_line(ports::Processes& processes, std::string script, std::string mark) {
  auto process =
      co_await processes.spawn({.argv = {"bash", "-c", std::move(script)}, .environment = {{kVariable, std::move(mark)}}});
  EXPECT_TRUE(process.ok()) << process.status();
  std::string out;
  while (out.find('\n') == std::string::npos) {
    const auto part = co_await (*process)->read(kNever);
    if (!part.ok() || !*part) break;
    out += (*part)->bytes;
  }
  (void)co_await (*process)->wait(kNever);
  co_return out.substr(0, out.find('\n'));
}

class ProcessCgroupsTest : public ::testing::Test {
 public:
  void run(Task<void> body) {
    scope_.spawn(std::move(body));
    EXPECT_TRUE(executor_.run_loop_until([this] { return scope_.size() == 0; }, seconds(30)));
  }

  AsioExecutor executor_;
  PosixProcesses processes_{executor_, {"PATH=/usr/bin:/bin"}};
  const std::string mark_ = concat("mark-", ::getpid());
  TaskScope scope_{executor_, 0};
};

TEST_F(ProcessCgroupsTest, FindsAProcessThatClearedItsEnvironmentAndLeftItsGroup) {
  auto cgroups = ProcessCgroups::open();
  if (!cgroups) GTEST_SKIP() << "this process may make no cgroup";
  processes_.use_cgroups(*std::move(cgroups), kVariable);
  const auto body = [](ProcessCgroupsTest& test) -> Task<void> {
    const std::string pid = co_await first_line(test.processes_, kLeavesAProcess, test.mark_);
    EXPECT_TRUE(runs(pid));
    const auto killed = co_await test.processes_.kill_by_environment(kVariable, {test.mark_, "mark-of-nothing"},
                                                                     after(test.executor_.now(), seconds(10)));
    EXPECT_TRUE(killed.ok()) << killed.status();
    EXPECT_EQ(*killed, std::set<std::string>{test.mark_});
    EXPECT_FALSE(runs(pid));
    EXPECT_TRUE((co_await test.processes_.kill_by_environment(kVariable, {test.mark_}, kNever))->empty());
  };
  run(body(*this));
}

TEST_F(ProcessCgroupsTest, IsFoundAgainByTheNextProcess) {
  auto first = ProcessCgroups::open();
  if (!first) GTEST_SKIP() << "this process may make no cgroup";
  processes_.use_cgroups(*std::move(first), kVariable);
  const auto body = [](ProcessCgroupsTest& test) -> Task<void> {
    const std::string pid = co_await first_line(test.processes_, kLeavesAProcess, test.mark_);
    PosixProcesses next(test.executor_, {});
    next.use_cgroups(*ProcessCgroups::open(), kVariable);
    const auto killed = co_await next.kill_by_environment(kVariable, {test.mark_}, after(test.executor_.now(), seconds(10)));
    EXPECT_EQ(*killed, std::set<std::string>{test.mark_});
    EXPECT_FALSE(runs(pid));
  };
  run(body(*this));
}

TEST(ProcessCgroups, RejectsInvalidNames) {
  ProcessCgroups none("/nowhere");
  for (const std::string mark : {"", "..", "a/b", "a b"}) {
    EXPECT_FALSE(none.enter(mark)) << mark;
    EXPECT_FALSE(none.kill(mark)) << mark;
  }
  EXPECT_FALSE(none.enter("good"));  // the kernel refuses
  EXPECT_FALSE(none.kill("good"));
}

}  // namespace
}  // namespace reliant::tests
