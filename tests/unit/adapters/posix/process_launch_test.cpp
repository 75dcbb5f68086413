// What a program of a tool is given besides its arguments (the rest: tests/contract/process_contract.h).
#include "adapters/posix/process_launch.h"

#include <gtest/gtest.h>

#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <sstream>
#include <string>

#include "adapters/posix/unique_fd.h"
#include "support/temporary_directory.h"

namespace reliant::tests {
namespace {

using adapters::UniqueFd;

class IgnoredSignal {
 public:
  explicit IgnoredSignal(int number) : number_(number), before_(std::signal(number, SIG_IGN)) {}
  IgnoredSignal(const IgnoredSignal&) = delete;
  IgnoredSignal& operator=(const IgnoredSignal&) = delete;
  ~IgnoredSignal() { (void)std::signal(number_, before_); }

 private:
  int number_;
  void (*before_)(int);
};

// What bash prints.
std::string output_of(const std::string& script, std::optional<adapters::Inherited> inherited) {
  int ends[2];
  EXPECT_EQ(::pipe2(ends, O_CLOEXEC), 0);
  const UniqueFd read(ends[0]);
  UniqueFd write(ends[1]);
  const UniqueFd nothing(::open("/dev/null", O_RDONLY | O_CLOEXEC));
  const auto pid = adapters::launch({.argv = {"bash", "-c", script},
                                     .environment = {"PATH=/usr/bin:/bin"},
                                     .working_directory = "/",
                                     .inherited = inherited,
                                     .in = nothing.get(),
                                     .out = write.get(),
                                     .err = write.get()});
  EXPECT_TRUE(pid.ok()) << pid.status();
  write = UniqueFd();
  std::string out;
  char buffer[4096];
  for (ssize_t got = 0; (got = ::read(read.get(), buffer, sizeof buffer)) > 0;)
    out.append(buffer, static_cast<std::size_t>(got));
  int status = 0;
  EXPECT_EQ(::waitpid(*pid, &status, 0), *pid);
  return out;
}

TEST(ProcessLaunch, ResetsIgnoredSignalsToTheirDefault) {
  const IgnoredSignal pipe(SIGPIPE);
  const IgnoredSignal size(SIGXFSZ);
  const IgnoredSignal hang_up(SIGHUP);
  const IgnoredSignal last(SIGRTMAX);
  const std::string masks = output_of("sed -nE 's/^Sig(Blk|Ign):\t/0x/p' /proc/self/status", std::nullopt);
  constexpr unsigned long long kOfTheCLibrary = 0x180000000;  // 32 and 33, which no program can set
  std::istringstream lines(masks);
  for (std::string mask; std::getline(lines, mask);) EXPECT_EQ(std::stoull(mask, nullptr, 16) & ~kOfTheCLibrary, 0u) << masks;
  EXPECT_EQ(std::ranges::count(masks, '\n'), 2);
}

TEST(ProcessLaunch, GivesBackTheUmaskAndTheFileLimit) {
  EXPECT_EQ(output_of("umask; ulimit -Sn", adapters::Inherited{.umask = 027, .open_files = 77}), "0027\n77\n");
}

TEST(ProcessLaunch, LeadsASessionAndHasNoOtherDescriptors) {
  const UniqueFd ours(::open("/dev/null", O_RDONLY));  // without O_CLOEXEC
  ASSERT_TRUE(ours);
  EXPECT_EQ(output_of("ps -o sid= -p $$ | tr -d ' ' | grep -qx $$ && echo leads; pwd; ls -m /proc/$$/fd; :", std::nullopt),
            "leads\n/\n0, 1, 2\n");
}

TEST(ProcessLaunch, ReportsWhyAProgramCannotBeStarted) {
  const UniqueFd nothing(::open("/dev/null", O_RDWR | O_CLOEXEC));
  adapters::Launch what{.argv = {"/no/such/program"}, .in = nothing.get(), .out = nothing.get(), .err = nothing.get()};
  EXPECT_EQ(adapters::launch(what).status().code(), StatusCode::kNotFound);
  const TemporaryDirectory directory;
  what.argv = {directory.file("")};
  EXPECT_EQ(adapters::launch(what).status().code(), StatusCode::kPermissionDenied);
  EXPECT_EQ(::waitpid(-1, nullptr, WNOHANG), -1) << "no zombie is left";
}

}  // namespace
}  // namespace reliant::tests
