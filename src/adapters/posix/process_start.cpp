#include "adapters/posix/process_start.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <thread>

#include "base/assert.h"

namespace reliant::adapters {
namespace {

// Three databases with four readers and three files each, pipes of tools, sockets.
constexpr rlim_t kFewestFiles = 128;

rlimit file_limit() {
  rlimit limit{};
  RELIANT_ASSERT(::getrlimit(RLIMIT_NOFILE, &limit) == 0, "a process may ask for its limits");
  return limit;
}

void open_standard_descriptors() {
  for (int descriptor = 0; descriptor <= 2; ++descriptor) {
    // The lowest number that is free is this one.
    if (::fcntl(descriptor, F_GETFD) < 0 && errno == EBADF) (void)::open("/dev/null", O_RDWR);
  }
}

}  // namespace

Inherited begin_process() {
  open_standard_descriptors();
  const Inherited inherited{.umask = ::umask(077), .open_files = file_limit().rlim_cur};
  (void)allow_all_open_files();  // whether they are enough, check_open_files() says
  return inherited;
}

void survive_failed_writes() {
  (void)std::signal(SIGPIPE, SIG_IGN);
  (void)std::signal(SIGXFSZ, SIG_IGN);
}

void exit_within(Duration time, int code) {
  const auto milliseconds = static_cast<int>(std::chrono::ceil<std::chrono::milliseconds>(time).count());
  std::thread([milliseconds, code] {
    (void)::poll(nullptr, 0, milliseconds);
    std::_Exit(code);
  }).detach();
}

rlim_t allow_all_open_files() {
  rlimit limit = file_limit();
  const rlim_t before = limit.rlim_cur;
  limit.rlim_cur = limit.rlim_max;
  return ::setrlimit(RLIMIT_NOFILE, &limit) == 0 ? limit.rlim_cur : before;
}

Status check_open_files() {
  const rlim_t allowed = file_limit().rlim_cur;
  if (allowed >= kFewestFiles) return ok_status();
  return failed_precondition("this process may open only ", allowed, " files and connections; allow it ", kFewestFiles,
                             " at least (ulimit -Hn, LimitNOFILE= of systemd)");
}

}  // namespace reliant::adapters
