#include "app/background.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <utility>

#include "adapters/posix/posix_error.h"
#include "app/report.h"
#include "base/text.h"

namespace reliant::app {
namespace {

using adapters::UniqueFd;

// Beyond the timeout: a process that hangs sends nothing.
constexpr Duration kBeyond = std::chrono::seconds(10);

void become_nothing(std::initializer_list<int> descriptors) {
  const UniqueFd nothing(::open("/dev/null", O_RDWR | O_CLOEXEC));
  for (const int descriptor : descriptors) (void)::dup2(nothing.get(), descriptor);
}

// Until the line has come ("1 not yet\n"), the other end was closed, or the timeout has passed.
std::string word_from(int tell, Duration timeout) {
  std::string word;
  pollfd readable{tell, POLLIN, 0};
  const auto milliseconds = std::chrono::ceil<std::chrono::milliseconds>(timeout).count();
  while (!word.ends_with('\n')) {
    const int found = ::poll(&readable, 1, static_cast<int>(milliseconds));
    if (found < 0 && errno == EINTR) continue;
    std::array<char, 4096> some;
    const ssize_t size = found > 0 ? ::read(tell, some.data(), some.size()) : 0;
    if (size <= 0) return found == 0 ? "1 it has said nothing in time\n" : word;
    word.append(some.data(), static_cast<std::size_t>(size));
  }
  return word;
}

// It has said itself what is wrong, on the standard error.
int end_of(pid_t process) {
  int status = 0;
  while (::waitpid(process, &status, 0) < 0 && errno == EINTR) {}
  if (WIFEXITED(status)) return WEXITSTATUS(status);
  return report(failed_precondition("the process was ended by signal ", WTERMSIG(status)));
}

}  // namespace

Result<Background> Background::begin(Duration timeout) {
  std::array<int, 2> ends{};
  if (::pipe2(ends.data(), O_CLOEXEC) != 0) return adapters::posix_error(errno, "cannot make a pipe");
  const UniqueFd listen(ends[0]);
  UniqueFd tell(ends[1]);
  std::fflush(nullptr);
  const pid_t process = ::fork();
  if (process < 0) return adapters::posix_error(errno, "cannot make a process");
  if (process == 0) {
    (void)::setsid();
    become_nothing({STDIN_FILENO});
    return Background(std::move(tell));
  }
  tell = UniqueFd();
  const std::string word = word_from(listen.get(), timeout + kBeyond);
  if (word.empty()) return Background(end_of(process));
  const int code = word[0] - '0';
  std::fprintf(code == 0 ? stdout : stderr, "%s", word.c_str() + 2);
  std::fflush(nullptr);
  return Background(code);
}

void Background::started(int exit_code, const std::string& line) {
  const std::string word = concat(exit_code, " ", line, "\n");
  adapters::write_all(tell_.get(), word, "cannot say so").IgnoreError();  // the starter may have ended
  tell_ = UniqueFd();
  become_nothing({STDOUT_FILENO, STDERR_FILENO});
}

}  // namespace reliant::app
