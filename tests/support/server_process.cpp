#include "support/server_process.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <fstream>
#include <sstream>

#include "base/assert.h"
#include "base/text.h"

namespace reliant::tests {
namespace {

constexpr int kTimeoutMs = 30'000;
constexpr int kPollMs = 5;

class Socket {
 public:
  Socket() : fd_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) { RELIANT_ASSERT(fd_ >= 0, "sockets work"); }
  Socket(const Socket&) = delete;
  Socket& operator=(const Socket&) = delete;
  ~Socket() { ::close(fd_); }
  int fd() const { return fd_; }

 private:
  int fd_;
};

sockaddr_in loopback(int port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<std::uint16_t>(port));
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return address;
}

int bind_to_any_port(int fd) {
  sockaddr_in address = loopback(0);
  socklen_t size = sizeof(address);
  auto* const raw = reinterpret_cast<sockaddr*>(&address);
  RELIANT_ASSERT(::bind(fd, raw, size) == 0, "this machine has a free port");
  RELIANT_ASSERT(::getsockname(fd, raw, &size) == 0, "a bound socket has a name");
  return ntohs(address.sin_port);
}

pid_t spawn(std::vector<std::string>& command, const std::string& log) {
  std::vector<char*> arguments;
  arguments.reserve(command.size() + 1);
  for (std::string& argument : command) arguments.push_back(argument.data());
  arguments.push_back(nullptr);
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
  posix_spawn_file_actions_addopen(&actions, 1, log.c_str(), O_WRONLY | O_CREAT | O_APPEND, 0644);
  posix_spawn_file_actions_adddup2(&actions, 1, 2);
  pid_t pid = 0;
  const int error = ::posix_spawnp(&pid, arguments[0], &actions, nullptr, arguments.data(), environ);
  posix_spawn_file_actions_destroy(&actions);
  RELIANT_ASSERT(error == 0, "a server that a test needs is not installed: run tools/setup");
  return pid;
}

}  // namespace

int free_port() {
  const Socket socket;
  return bind_to_any_port(socket.fd());
}

MuteServer::MuteServer() : fd_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)), port_(bind_to_any_port(fd_)) {
  RELIANT_ASSERT(::listen(fd_, 100) == 0, "a bound socket can listen");  // the kernel accepts
}

MuteServer::~MuteServer() { ::close(fd_); }

bool accepts_connections(int port) {
  const Socket socket;
  const sockaddr_in address = loopback(port);
  return ::connect(socket.fd(), reinterpret_cast<const sockaddr*>(&address), sizeof(address)) == 0;
}

void wait_for(std::string_view what, const std::function<bool()>& condition) {
  for (int waited = 0; waited < kTimeoutMs; waited += kPollMs) {
    if (condition()) return;
    ::poll(nullptr, 0, kPollMs);
  }
  RELIANT_ASSERT(condition(), concat("a test's wait timed out: ", what).c_str());
}

void ServerProcess::start(std::vector<std::string> command, const std::string& log) {
  RELIANT_ASSERT(!running(), "it is started once at a time");
  pid_ = spawn(command, log);
}

bool ServerProcess::exited() {
  if (running() && ::waitpid(pid_, nullptr, WNOHANG) == pid_) pid_ = 0;
  return !running();
}

void ServerProcess::signal(int number) const {
  if (running()) ::kill(pid_, number);
}

// A signal only says so: a thread of it that another core runs goes on until one of them has taken the signal.
void ServerProcess::freeze() {
  if (!running()) return;
  signal(SIGSTOP);
  int status = 0;
  wait_for("a server to freeze", [&] { return ::waitpid(pid_, &status, WUNTRACED | WNOHANG) != 0; });
  if (!WIFSTOPPED(status)) pid_ = 0;
}

void ServerProcess::stop(int number) {
  if (!running()) return;
  ::kill(pid_, number);
  ::kill(pid_, SIGCONT);
  wait_for("the end of a server", [this] { return ::waitpid(pid_, nullptr, WNOHANG) != 0; });
  pid_ = 0;
}

void ServerProcess::kill() { stop(SIGKILL); }

bool try_program(std::vector<std::string> command, const std::string& log) {
  const pid_t pid = spawn(command, log);
  int status = 0;
  wait_for(command[0], [&] { return ::waitpid(pid, &status, WNOHANG) != 0; });
  return status == 0;
}

void run_program(std::vector<std::string> command, const std::string& log) {
  const std::string name = command[0];
  if (try_program(std::move(command), log)) return;
  std::ostringstream printed;
  printed << std::ifstream(log).rdbuf();
  RELIANT_UNREACHABLE(concat(name, " failed: ", printed.str()));
}

}  // namespace reliant::tests
