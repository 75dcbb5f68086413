#include "app/holder.h"

#include <poll.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <utility>

#include "adapters/posix/posix_error.h"
#include "app/data_directory.h"
#include "base/text.h"

namespace reliant::app {
namespace {

// Debian's <sys/pidfd.h> forgets that its functions are of C.
int open_process(int process) { return static_cast<int>(::syscall(SYS_pidfd_open, process, 0)); }
int send_signal(int handle, int number) {
  return static_cast<int>(::syscall(SYS_pidfd_send_signal, handle, number, nullptr, 0));
}

}  // namespace

Result<std::optional<Holder>> Holder::of(const std::string& directory) {
  for (;;) {
    const int process = holder_of(directory);
    if (process == 0) return std::nullopt;
    if (process < 0) return failed_precondition(directory, " is in use by a process that is not seen from here");
    adapters::UniqueFd handle(open_process(process));
    if (!handle && errno != ESRCH) return adapters::posix_error(errno, concat("cannot reach process ", process));
    // It is still the one, now that its number cannot become another's.
    if (handle && holder_of(directory) == process) return Holder(process, std::move(handle));
  }
}

Status Holder::signal(int number) const {
  if (send_signal(handle_.get(), number) == 0 || errno == ESRCH) return ok_status();
  return adapters::posix_error(errno, concat("cannot stop process ", process_));
}

bool Holder::wait_for_end(Duration timeout) const {
  pollfd ended{handle_.get(), POLLIN, 0};
  const auto milliseconds = std::chrono::ceil<std::chrono::milliseconds>(timeout).count();
  int found = 0;
  do {
    found = ::poll(&ended, 1, static_cast<int>(milliseconds));
  } while (found < 0 && errno == EINTR);
  return found > 0;
}

}  // namespace reliant::app
