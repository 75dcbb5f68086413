#include "adapters/posix/posix_process.h"

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <utility>

#include <dirent.h>
#include <fcntl.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>

#include "adapters/posix/posix_error.h"
#include "adapters/posix/process_launch.h"
#include "adapters/posix/unique_fd.h"
#include "base/text.h"
#include "runtime/event.h"
#include "runtime/sleep.h"
#include "runtime/this_context.h"

namespace reliant::adapters {
namespace {

namespace asio = boost::asio;
using ports::ExitStatus;
using ports::ProcessOutput;
using ports::ProcessSignal;

constexpr std::size_t kChunk = 64 * 1024;

// One end of an output pipe that we read.
struct Pipe {
  Pipe(const asio::any_io_executor& executor, UniqueFd fd) : descriptor(executor, fd.release()) {}

  bool open() const { return descriptor.is_open(); }
  void close() {
    boost::system::error_code ignored;
    descriptor.close(ignored);
  }
  // What is there now, without waiting; "" when nothing is. Closes at the end.
  std::string take() {
    if (!open()) return {};
    std::string bytes(std::min(kChunk, left), '\0');
    ssize_t got = 0;
    do {
      got = ::read(descriptor.native_handle(), bytes.data(), bytes.size());
    } while (got < 0 && errno == EINTR);
    if (got < 0 && errno == EAGAIN) {
      if (left != kUnlimited) close();  // after the grace, what is not there does not count
      return {};
    }
    bytes.resize(got > 0 ? static_cast<std::size_t>(got) : 0);
    if (left != kUnlimited) left -= bytes.size();
    if (got <= 0 || left == 0) close();
    return bytes;
  }
  // Only what is in the pipe at this moment will still be read.
  void limit_to_present() {
    if (!open()) return;
    int present = 0;
    if (::ioctl(descriptor.native_handle(), FIONREAD, &present) < 0) present = 0;
    left = static_cast<std::size_t>(present);
    if (left == 0) close();
  }

  static constexpr std::size_t kUnlimited = ~std::size_t{0};
  asio::posix::stream_descriptor descriptor;
  std::size_t left = kUnlimited;
  bool waiting = false;
};

// Owned by the Process and by the handlers that are under way: it lives until the child has been reaped.
class Child : public std::enable_shared_from_this<Child> {
 public:
  Child(const asio::any_io_executor& executor, pid_t pid, UniqueFd pidfd, UniqueFd out, UniqueFd err)
      : pid_(pid), pidfd_(executor, pidfd.release()), out_(executor, std::move(out)), err_(executor, std::move(err)) {}
  ~Child() {
    siginfo_t info{};
    if (!reaped_) ::waitid(P_PID, static_cast<id_t>(pid_), &info, WEXITED | WNOHANG);
  }

  void watch() {
    pidfd_.async_wait(asio::posix::stream_descriptor::wait_read,
                      [self = shared_from_this()](const boost::system::error_code& error) {
                        if (!error) self->on_exit();
                      });
  }

  std::optional<ProcessOutput> take() {
    using Stream = ProcessOutput::Stream;
    for (int i = 0; i < 2; ++i) {
      turn_ = turn_ == Stream::kStdout ? Stream::kStderr : Stream::kStdout;  // neither starves the other
      std::string bytes = (turn_ == Stream::kStdout ? out_ : err_).take();
      if (!bytes.empty()) return ProcessOutput{turn_, std::move(bytes)};
    }
    return std::nullopt;
  }
  bool at_end() const { return !out_.open() && !err_.open(); }
  void wait_readable() {
    activity.reset();
    for (Pipe* pipe : {&out_, &err_}) {
      if (!pipe->open() || std::exchange(pipe->waiting, true)) continue;
      pipe->descriptor.async_wait(asio::posix::stream_descriptor::wait_read,
                                  [self = shared_from_this(), pipe](const boost::system::error_code&) {
                                    pipe->waiting = false;
                                    self->activity.set();
                                  });
    }
  }
  void limit_to_present() {
    out_.limit_to_present();
    err_.limit_to_present();
  }

  Status signal(int number) const {
    if (!exited.is_set() || group_is_alive()) {
      if (::kill(-pid_, number) == 0) return ok_status();
      if (errno != ESRCH) return posix_error(errno, concat("cannot signal process group ", pid_));
    }
    return not_found("nothing is left of process group ", pid_);
  }

  // The Process is gone. `clean`: it had exited and all its output was read, so what it left running was
  // meant to stay.
  void abandon(bool clean) {
    if (!clean) ::kill(-pid_, SIGKILL);
    out_.close();
    err_.close();
    abandoned_ = true;
    if (exited.is_set()) reap();
  }

  pid_t pid() const { return pid_; }

  Event exited;
  Event activity;  // some pipe may have become readable, or the child has exited
  ExitStatus status;

 private:
  void on_exit() {
    siginfo_t info{};
    if (::waitid(P_PID, static_cast<id_t>(pid_), &info, WEXITED | WNOHANG | WNOWAIT) == 0) {
      if (info.si_code == CLD_EXITED)
        status.code = info.si_status;
      else
        status.signal = info.si_status;
    }
    boost::system::error_code ignored;
    pidfd_.close(ignored);
    exited.set();
    activity.set();
    if (abandoned_) reap();
  }
  void reap() {
    siginfo_t info{};
    ::waitid(P_PID, static_cast<id_t>(pid_), &info, WEXITED | WNOHANG);
    reaped_ = true;
  }
  // A zombie still counts for kill(2), and our child is one: so look for members that run.
  bool group_is_alive() const {
    const std::unique_ptr<DIR, int (*)(DIR*)> proc(::opendir("/proc"), &::closedir);
    if (!proc) return true;
    while (const dirent* entry = ::readdir(proc.get())) {
      if (entry->d_name[0] < '0' || entry->d_name[0] > '9') continue;
      const UniqueFd stat(::open(concat("/proc/", entry->d_name, "/stat").c_str(), O_RDONLY | O_CLOEXEC));
      char text[1024];
      const ssize_t size = stat ? ::read(stat.get(), text, sizeof text - 1) : -1;
      if (size <= 0) continue;
      text[size] = '\0';
      const char* name_end = std::strrchr(text, ')');
      char state = 0;
      long parent = 0;
      long group = 0;
      if (!name_end || std::sscanf(name_end + 1, " %c %ld %ld", &state, &parent, &group) != 3) continue;
      if (group == pid_ && state != 'Z' && state != 'X') return true;
    }
    return false;
  }

  pid_t pid_;
  bool reaped_ = false;
  bool abandoned_ = false;
  ProcessOutput::Stream turn_ = ProcessOutput::Stream::kStderr;
  asio::posix::stream_descriptor pidfd_;
  Pipe out_;
  Pipe err_;
};

class PosixProcess final : public ports::Process {
 public:
  PosixProcess(std::shared_ptr<Child> child, Duration grace) : child_(std::move(child)), grace_(grace) { child_->watch(); }
  PosixProcess(const PosixProcess&) = delete;
  PosixProcess& operator=(const PosixProcess&) = delete;
  ~PosixProcess() override { child_->abandon(read_to_end_ && child_->exited.is_set()); }

  std::int64_t pid() const override { return child_->pid(); }

  Task<Result<std::optional<ProcessOutput>>> read(Instant deadline) override {
    const Executor& executor = *(co_await ThisContext{}).executor;
    for (;;) {
      if (auto output = child_->take()) co_return output;
      if (child_->at_end()) {
        read_to_end_ = true;
        co_return std::nullopt;
      }
      const Instant now = executor.now();
      if (child_->exited.is_set() && !drain_until_) drain_until_ = after(now, grace_);
      if (drain_until_ && now >= *drain_until_) {
        child_->limit_to_present();
        continue;
      }
      if (now >= deadline) co_return deadline_exceeded("the process has written nothing");
      child_->wait_readable();
      co_await child_->activity.wait(std::min(deadline, drain_until_.value_or(kNever)));
    }
  }

  Task<Result<ExitStatus>> wait(Instant deadline) override {
    if (!co_await child_->exited.wait(deadline)) co_return deadline_exceeded("the process still runs");
    co_return child_->status;
  }

  Status signal(ProcessSignal signal) override {
    switch (signal) {
      case ProcessSignal::kInterrupt:
        return child_->signal(SIGINT);
      case ProcessSignal::kTerminate:
        return child_->signal(SIGTERM);
      case ProcessSignal::kKill:
        return child_->signal(SIGKILL);
    }
    RELIANT_UNREACHABLE("all signals are listed");
  }

 private:
  std::shared_ptr<Child> child_;
  Duration grace_;
  std::optional<Instant> drain_until_;
  bool read_to_end_ = false;
};

struct PipeEnds {
  UniqueFd read;
  UniqueFd write;
};

Result<PipeEnds> make_pipe() {
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) return posix_error(errno, "cannot make a pipe");
  PipeEnds pipe{UniqueFd(ends[0]), UniqueFd(ends[1])};
  if (::fcntl(pipe.read.get(), F_SETFL, O_NONBLOCK) != 0) return posix_error(errno, "cannot make a pipe");
  return pipe;
}

Result<UniqueFd> make_standard_input(const std::string& content) {
  UniqueFd fd(content.empty() ? ::open("/dev/null", O_RDONLY | O_CLOEXEC) : ::memfd_create("stdin", MFD_CLOEXEC));
  if (!fd) return posix_error(errno, "cannot make the standard input");
  if (content.empty()) return fd;
  TRY_OK(write_all(fd.get(), content, "the standard input"));
  if (::lseek(fd.get(), 0, SEEK_SET) != 0) return posix_error(errno, "cannot make the standard input");
  return fd;
}

std::vector<std::string> merged_environment(const std::vector<std::string>& inherited,
                                            const std::map<std::string, std::string>& added) {
  std::vector<std::string> merged;
  for (const std::string& entry : inherited) {
    if (!added.contains(entry.substr(0, entry.find('=')))) merged.push_back(entry);
  }
  for (const auto& [name, value] : added) merged.push_back(concat(name, "=", value));
  return merged;
}

Status check(const ports::ProcessSpec& spec) {
  if (spec.argv.empty() || spec.argv[0].empty()) return invalid_argument("a process needs the name of a program");
  for (const std::string& argument : spec.argv) {
    if (argument.find('\0') != std::string::npos) return invalid_argument("an argument holds a NUL byte");
  }
  if (spec.working_directory.empty()) return ok_status();
  struct stat info{};
  if (::stat(spec.working_directory.c_str(), &info) != 0 || !S_ISDIR(info.st_mode))
    return not_found("working directory ", spec.working_directory, " does not exist");
  return ok_status();
}

// "NAME=value" of a process that runs, as it was started with it; "" when it has no such variable, is a zombie, or belongs to
// another user.
std::string environment_entry(pid_t pid, const std::string& prefix) {
  constexpr std::size_t kMost = 4 << 20;  // more than the kernel gives a program
  const UniqueFd fd(::open(concat("/proc/", pid, "/environ").c_str(), O_RDONLY | O_CLOEXEC));
  std::string all;
  while (fd && all.size() < kMost) {
    char piece[4096];
    const ssize_t got = ::read(fd.get(), piece, sizeof piece);
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) break;
    all.append(piece, static_cast<std::size_t>(got));
  }
  for (std::size_t at = 0; at < all.size(); at = std::min(all.find('\0', at), all.size()) + 1) {
    if (all.compare(at, prefix.size(), prefix) == 0) return all.substr(at, all.find('\0', at) - at);
  }
  return {};
}

// Those of this moment, without us.
std::vector<pid_t> all_processes() {
  std::vector<pid_t> all;
  const std::unique_ptr<DIR, int (*)(DIR*)> proc(::opendir("/proc"), &::closedir);
  while (const dirent* entry = proc ? ::readdir(proc.get()) : nullptr) {
    const auto pid = static_cast<pid_t>(std::strtol(entry->d_name, nullptr, 10));
    if (pid > 1 && pid != ::getpid()) all.push_back(pid);
  }
  return all;
}

// Kills `pid` if it is still the process that has `entry`: the number may have been given to another one since.
void kill_process(pid_t pid, const std::string& prefix, const std::string& entry) {
  const UniqueFd pidfd(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0)));
  if (!pidfd || environment_entry(pid, prefix) != entry) return;
  if (::getpgid(pid) == pid) ::kill(-pid, SIGKILL);
  ::syscall(SYS_pidfd_send_signal, pidfd.get(), SIGKILL, nullptr, 0);
}

}  // namespace

// Again and again until none is found: a process that is about to be killed may have started another one.
Task<Result<std::set<std::string>>> PosixProcesses::kill_by_environment(std::string name, std::set<std::string> values,
                                                                        Instant deadline) {
  constexpr Duration kPause = std::chrono::milliseconds(10);
  const Executor& executor = *(co_await ThisContext{}).executor;
  const std::string prefix = name + "=";
  std::set<std::string> killed;
  for (;;) {
    bool found = false;
    if (cgroups_ && name == cgroup_variable_) {
      for (const std::string& value : values) {
        if (!cgroups_->kill(value)) continue;
        found = true;
        killed.insert(value);
      }
    }
    for (const pid_t pid : all_processes()) {
      const std::string entry = environment_entry(pid, prefix);
      if (entry.empty() || !values.contains(entry.substr(prefix.size()))) continue;
      found = true;
      killed.insert(entry.substr(prefix.size()));
      kill_process(pid, prefix, entry);
    }
    if (!found) co_return killed;
    if (executor.now() >= deadline)
      co_return deadline_exceeded("processes with ", join({killed.begin(), killed.end()}, ", "), " in ", name, " do not end");
    co_await sleep_for(kPause);
  }
}

Task<Result<std::unique_ptr<ports::Process>>> PosixProcesses::spawn(ports::ProcessSpec spec) {
  CO_TRY_OK(check(spec));
  CO_TRY_ASSIGN(PipeEnds out, make_pipe());
  CO_TRY_ASSIGN(PipeEnds err, make_pipe());
  CO_TRY_ASSIGN(const UniqueFd in, make_standard_input(spec.standard_input));
  const auto mark = spec.environment.find(cgroup_variable_);
  const UniqueFd cgroup = cgroups_ && mark != spec.environment.end() ? cgroups_->enter(mark->second) : UniqueFd();
  Launch what{.argv = std::move(spec.argv),
              .environment = merged_environment(environment_, spec.environment),
              .working_directory = std::move(spec.working_directory),
              .inherited = inherited_,
              .cgroup = cgroup ? cgroup.get() : -1,
              .in = in.get(),
              .out = out.write.get(),
              .err = err.write.get()};
  const std::string program = what.argv[0];
  CO_TRY_ASSIGN(const pid_t pid, launch(std::move(what)));
  // Only this class reaps its children, so the pid is still the child's, even if it has exited.
  UniqueFd pidfd(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0)));
  if (!pidfd) {
    const int error = errno;
    ::kill(-pid, SIGKILL);
    ::waitpid(pid, nullptr, 0);
    co_return posix_error(error, concat("cannot watch ", program));
  }
  auto child =
      std::make_shared<Child>(executor_.io_executor(), pid, std::move(pidfd), std::move(out.read), std::move(err.read));
  co_return std::make_unique<PosixProcess>(std::move(child), grace_);
}

}  // namespace reliant::adapters
