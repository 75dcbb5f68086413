// A real server that a test starts for itself: a child process in a directory of its own, which dies with the test.
//
// ServerProcess starts, freezes, thaws, stops and kills it; NatsServer and PostgresServer know how theirs is set up and
// when it is ready, and never wait without a limit.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include <signal.h>
#include <sys/types.h>

#include "support/temporary_directory.h"

namespace reliant::tests {

// Of 127.0.0.1, free at this moment.
int free_port();
bool accepts_connections(int port);
// Accepts connections on a port of 127.0.0.1, and answers nothing.
class MuteServer {
 public:
  MuteServer();
  MuteServer(const MuteServer&) = delete;
  MuteServer& operator=(const MuteServer&) = delete;
  ~MuteServer();
  int port() const { return port_; }

 private:
  int fd_;
  int port_;
};

// Asks again and again, for half a minute; aborts the test then, saying `what`.
void wait_for(std::string_view what, const std::function<bool()>& condition);

class ServerProcess {
 public:
  ServerProcess() = default;
  ServerProcess(const ServerProcess&) = delete;
  ServerProcess& operator=(const ServerProcess&) = delete;
  ~ServerProcess() { kill(); }

  // `command` is a program on PATH and its arguments; what it prints goes into the file `log`.
  void start(std::vector<std::string> command, const std::string& log);
  bool running() const { return pid_ > 0; }
  pid_t pid() const { return pid_; }
  bool exited();  // by itself
  void freeze();  // it is there and says nothing; returns when none of its threads runs any more
  void thaw() { signal(SIGCONT); }
  void stop(int number);  // by that signal; returns when it is gone
  void kill();            // at once
  void signal(int number) const;

 private:
  pid_t pid_ = 0;
};

// Runs a program to its end. True: it succeeded.
bool try_program(std::vector<std::string> command, const std::string& log);
// Aborts the test with what it printed when it fails.
void run_program(std::vector<std::string> command, const std::string& log);

}  // namespace reliant::tests
