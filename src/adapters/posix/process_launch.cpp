#include "adapters/posix/process_launch.h"

#include <fcntl.h>
#include <linux/sched.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstdint>

#include "adapters/posix/posix_error.h"
#include "adapters/posix/unique_fd.h"
#include "base/assert.h"

namespace reliant::adapters {
namespace {

constexpr int kReportTo = 3;  // in the child; the first descriptor that no program expects

// All that the child needs, made before it is there.
struct Prepared {
  char* const* argv;
  char* const* environment;
  const char* working_directory;  // null: ours
  const Inherited* inherited;     // null: as we have it
  int in;
  int out;
  int err;
  int report_to;
};

std::vector<char*> pointers_to(std::vector<std::string>& texts) {
  std::vector<char*> pointers;
  pointers.reserve(texts.size() + 1);
  for (std::string& text : texts) pointers.push_back(text.data());
  pointers.push_back(nullptr);
  return pointers;
}

void set_default_dispositions() {
  struct sigaction action{};
  action.sa_handler = SIG_DFL;
  for (int number = 1; number < NSIG; ++number) (void)::sigaction(number, &action, nullptr);  // two refuse it
}

bool set_limits(const Inherited& inherited) {
  rlimit files{};
  if (::getrlimit(RLIMIT_NOFILE, &files) != 0) return false;
  files.rlim_cur = std::min(inherited.open_files, files.rlim_max);
  (void)::umask(inherited.umask);
  return ::setrlimit(RLIMIT_NOFILE, &files) == 0;
}

// In the child, whose memory may be ours: system calls only, and no return. All signals are blocked until our handlers are gone.
[[noreturn]] void become(const Prepared& what) {
  set_default_dispositions();
  (void)::setsid();
  int report_to = what.report_to;
  bool done = ::dup2(what.in, 0) == 0 && ::dup2(what.out, 1) == 1 && ::dup2(what.err, 2) == 2 &&
              ::dup2(report_to, kReportTo) == kReportTo;
  if (done) report_to = kReportTo;
  if (done) ::closefrom(kReportTo + 1);
  if (done) done = ::fcntl(kReportTo, F_SETFD, FD_CLOEXEC) == 0;
  if (done && what.working_directory != nullptr) done = ::chdir(what.working_directory) == 0;
  if (done && what.inherited != nullptr) done = set_limits(*what.inherited);
  if (done) {
    sigset_t none;
    ::sigemptyset(&none);
    (void)::sigprocmask(SIG_SETMASK, &none, nullptr);
    ::execvpe(what.argv[0], what.argv, what.environment);
  }
  const int error = errno;
  (void)!::write(report_to, &error, sizeof error);
  ::_exit(127);
}

// vfork returns twice: in a function of its own, without anything to destroy.
[[gnu::noinline]] pid_t begin_child(const Prepared& what) {
  const pid_t pid = ::vfork();
  if (pid == 0) become(what);
  return pid;
}

// The system call in this very frame: a function of libc would have returned from it in the child, and then in the parent through a
// return address that the child has written over. -errno: refused; on another processor it is left to vfork.
[[gnu::always_inline]] inline long clone_here(const clone_args& child) {
#if defined(__x86_64__)
  long result = SYS_clone3;
  asm volatile("syscall" : "+a"(result) : "D"(&child), "S"(sizeof child) : "rcx", "r11", "memory");
  return result;
#elif defined(__aarch64__)
  register long number asm("x8") = SYS_clone3;
  register long result asm("x0") = reinterpret_cast<long>(&child);
  register long size asm("x1") = sizeof child;
  asm volatile("svc #0" : "+r"(result) : "r"(number), "r"(size) : "memory", "cc");
  return result;
#else
  return -ENOSYS;
#endif
}

// vfork, and the child begins in a cgroup: moving it there took 20 ms, for which vfork would have held this thread up.
[[gnu::noinline]] pid_t begin_child_in(int cgroup, const Prepared& what) {
  clone_args child{};
  child.flags = CLONE_VM | CLONE_VFORK | CLONE_INTO_CGROUP;
  child.exit_signal = SIGCHLD;
  child.cgroup = static_cast<std::uint64_t>(cgroup);
  const long pid = clone_here(child);
  if (pid == 0) become(what);
  return pid < 0 ? -1 : static_cast<pid_t>(pid);
}

// 0: the program runs.
int reported_error(int from) {
  int error = 0;
  ssize_t got = 0;
  do {
    got = ::read(from, &error, sizeof error);
  } while (got < 0 && errno == EINTR);
  return got == sizeof error ? error : 0;
}

}  // namespace

Result<pid_t> launch(Launch what) {
  RELIANT_ASSERT(std::min({what.in, what.out, what.err}) > 2, "the standard descriptors are open (begin_process)");
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) return posix_error(errno, "cannot make a pipe");
  const UniqueFd report_from(ends[0]);
  UniqueFd report_to(ends[1]);
  const std::vector<char*> argv = pointers_to(what.argv);
  const std::vector<char*> environment = pointers_to(what.environment);
  const Prepared prepared{.argv = argv.data(),
                          .environment = environment.data(),
                          .working_directory = what.working_directory.empty() ? nullptr : what.working_directory.c_str(),
                          .inherited = what.inherited ? &*what.inherited : nullptr,
                          .in = what.in,
                          .out = what.out,
                          .err = what.err,
                          .report_to = report_to.get()};
  sigset_t all;
  sigset_t before;
  ::sigfillset(&all);
  ::pthread_sigmask(SIG_SETMASK, &all, &before);
  pid_t pid = what.cgroup >= 0 ? begin_child_in(what.cgroup, prepared) : -1;
  if (pid < 0) pid = begin_child(prepared);  // refused: it is found by its group and its environment
  const int no_child = errno;
  ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
  if (pid < 0) return posix_error(no_child, concat("cannot start ", what.argv[0]));
  report_to = UniqueFd();
  if (const int error = reported_error(report_from.get()); error != 0) {
    ::waitpid(pid, nullptr, 0);
    return posix_error(error, concat("cannot start ", what.argv[0]));
  }
  return pid;
}

}  // namespace reliant::adapters
