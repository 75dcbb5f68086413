// PostgresServer: a PostgreSQL on a free port of this machine, in a directory of its own; fast: what it commits survives its
// own end, not that of the machine.
//
// It refuses to run as root, so a root's test runs it as the user "postgres" that its package has made.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "support/server_process.h"

namespace reliant::tests {

class PostgresServer {
 public:
  PostgresServer();
  PostgresServer(const PostgresServer&) = delete;
  PostgresServer& operator=(const PostgresServer&) = delete;
  ~PostgresServer() { kill(); }  // in the way that leaves no shared memory behind

  std::string url(std::string_view database = "postgres") const;
  int port() const { return port_; }
  // Of an empty schema of its own: as good as a database, and made in a moment.
  std::string new_schema();
  void execute(std::string_view sql) const;  // as its superuser, in the database "postgres"
  // Again on the same port.
  void start();
  void stop() { process_.stop(SIGINT); }   // "fast": connections are ended, transactions rolled back
  void kill() { process_.stop(SIGQUIT); }  // "immediate": as in a crash
  // With all its children, which are what clients talk to.
  void freeze() { signal_all(SIGSTOP); }
  void thaw() { signal_all(SIGCONT); }

 private:
  void signal_all(int number);
  std::vector<std::string> as_owner(std::vector<std::string> command) const;
  std::string tool(std::string_view name) const;

  TemporaryDirectory directory_;
  int port_ = 0;
  int schemas_ = 0;
  ServerProcess process_;
};

// One for the whole test program, started when it is first asked for.
PostgresServer& shared_postgres();

}  // namespace reliant::tests
