#include "support/postgres_server.h"

#include <pwd.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>

#include "base/assert.h"
#include "base/text.h"

// libpqxx 6.4 loses the answer (2 kB) of the call in which a connection was lost; for other errors it does not. Tests
// of lost connections under AddressSanitizer ask this.
extern "C" const char* __lsan_default_suppressions() { return "leak:libpqxx"; }  // NOLINT: the sanitizer's name

namespace reliant::tests {
namespace {

constexpr const char* kOwner = "postgres";
constexpr const char* kPrograms = "/usr/lib/postgresql";

// Of the newest version that is installed.
std::string program_folder() {
  std::vector<std::string> versions;
  std::error_code none;
  for (const auto& version : std::filesystem::directory_iterator(kPrograms, none))
    if (std::filesystem::exists(version.path() / "bin" / "initdb")) versions.push_back(version.path() / "bin");
  RELIANT_ASSERT(!versions.empty(), "PostgreSQL is not installed: run tools/setup");
  return *std::ranges::max_element(versions);
}

// Of a process and all that it has started.
std::vector<pid_t> family_of(pid_t parent) {
  std::vector<pid_t> family{parent};
  for (std::size_t i = 0; i < family.size(); ++i) {
    std::ifstream children(concat("/proc/", family[i], "/task/", family[i], "/children"));
    for (pid_t child = 0; children >> child;) family.push_back(child);
  }
  return family;
}

}  // namespace

PostgresServer::PostgresServer() {
  if (::geteuid() == 0) {
    const passwd* owner = ::getpwnam(kOwner);
    RELIANT_ASSERT(owner != nullptr, "PostgreSQL's package makes the user postgres");
    const int given = ::chown(directory_.path().c_str(), owner->pw_uid, owner->pw_gid);
    RELIANT_ASSERT(given == 0, "root may give its directory away");
  }
  run_program(as_owner({tool("initdb"), "--pgdata", directory_.file("data"), "--username", "reliant", "--auth", "trust",
                        "--encoding", "UTF8", "--locale", "C", "--no-sync"}),
              directory_.file("initdb.log"));
  start();
}

std::string PostgresServer::tool(std::string_view name) const { return concat(program_folder(), "/", name); }

std::vector<std::string> PostgresServer::as_owner(std::vector<std::string> command) const {
  std::vector<std::string> all{"setpriv", "--pdeathsig", "QUIT"};
  if (::geteuid() == 0) {
    for (const char* part : {"--reuid", kOwner, "--regid", kOwner, "--clear-groups", "--"}) all.emplace_back(part);
  }
  std::ranges::move(command, std::back_inserter(all));
  return all;
}

std::string PostgresServer::url(std::string_view database) const {
  return concat("postgres://reliant@127.0.0.1:", port_, "/", database);
}

void PostgresServer::start() {
  const bool any_port = port_ == 0;
  do {  // another process may have taken the port in between
    if (any_port) port_ = free_port();
    std::vector<std::string> command{tool("postgres"),           "-D", directory_.file("data"),     "-p", concat(port_), "-k",
                                     directory_.path().string(), "-c", "listen_addresses=127.0.0.1"};
    for (const char* setting : {"fsync=off", "full_page_writes=off", "max_connections=60", "shared_buffers=32MB",
                                "autovacuum=off", "logging_collector=off"}) {
      command.emplace_back("-c");
      command.emplace_back(setting);
    }
    process_.start(as_owner(std::move(command)), directory_.file("log"));
    wait_for("PostgreSQL", [this] { return process_.exited() || accepts_connections(port_); });
  } while (process_.exited());
  // It listens before it can answer.
  wait_for("PostgreSQL",
           [this] { return try_program({tool("psql"), "-qAtX", "-c", "SELECT 1", url()}, directory_.file("ready.log")); });
}

void PostgresServer::execute(std::string_view sql) const {
  run_program({tool("psql"), "-qAtX", "-v", "ON_ERROR_STOP=1", "-c", std::string(sql), url()}, directory_.file("psql.log"));
}

std::string PostgresServer::new_schema() {
  const std::string name = concat("test", ++schemas_);
  execute(concat("CREATE SCHEMA ", name));
  return concat(url(), "?options=-csearch_path%3D", name);
}

void PostgresServer::signal_all(int number) {
  for (const pid_t process : family_of(process_.pid())) ::kill(process, number);
}

PostgresServer& shared_postgres() {
  static PostgresServer server;
  return server;
}

}  // namespace reliant::tests
