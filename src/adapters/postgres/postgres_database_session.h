// PostgresDatabaseSession: one connection to PostgreSQL and the thread that makes all calls on it, one request after the
// other. libpqxx blocks its caller for as long as the server takes; here it blocks this thread only.
//
// It connects at the first request, and again after a connection was lost. A transaction begins with its first statement.
// Owner: PostgresDatabase, which closes the inbox first. All methods are for the logic thread, which also receives the
// answers. The destructor breaks off what runs and joins the thread; connecting alone cannot be broken off: it ends by its own timeout.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "adapters/asio/inbox.h"
#include "ports/database.h"
#include "runtime/time.h"

namespace reliant::adapters {

struct PostgresOptions {
  std::string url;              // postgres://[user[:password]@]host[:port]/database[?parameter=value&…]
  std::size_t connections = 8;  // at most, and as many threads
  Duration connect_timeout = std::chrono::seconds(5);
  Duration call_timeout = std::chrono::seconds(30);  // a server that is silent for this time is considered lost
  // The server rolls back a transaction that is idle for this time: shorter than any keep-alive (C1).
  Duration idle_in_transaction = std::chrono::seconds(5);
};

// The connection string for libpq. INVALID_ARGUMENT says what a URL looks like (and never shows a password).
Result<std::string> postgres_connection_string(const PostgresOptions& options);

// PostgreSQL's text is UTF-8 without NUL, SQLite's is any bytes: each byte that it would refuse goes there as \x01 and two
// hexadecimal digits, and \x01 itself too. One to one.
std::string postgres_text(std::string_view text);
std::string text_of_postgres(std::string_view stored);
// What the port calls an error of the server's: by its SQLSTATE.
StatusCode code_of_sqlstate(std::string_view state);

// The host of a URL that names another machine and does not demand that libpq verifies it: a machine that poses as the database
// gets the password and the data. Nullopt: this machine, a socket, or sslmode=verify-full or verify-ca.
std::optional<std::string> unverified_postgres_host(std::string_view url);

// Of a reply that could not connect; the reason tells the pool, and no one else. Nothing was asked.
inline constexpr std::string_view kReasonNotConnected = "DATABASE_NOT_CONNECTED";

class PostgresDatabaseSession final {
 public:
  struct Request {
    enum class Kind : std::uint8_t {
      kExecute,
      kCommit,
      kRollback,
      kScript,  // several statements, without parameters, in a transaction of their own
      kProbe    // opens a new connection, waits for an answer of the server, and closes it
    };
    Kind kind;
    ports::Access access = ports::Access::kWrite;
    std::string sql = {};
    ports::Values parameters = {};
  };
  using Reply = Result<ports::Rows>;

  PostgresDatabaseSession(std::shared_ptr<Inbox> inbox, const PostgresOptions& options, std::string connection);
  PostgresDatabaseSession(const PostgresDatabaseSession&) = delete;
  PostgresDatabaseSession& operator=(const PostgresDatabaseSession&) = delete;
  ~PostgresDatabaseSession();

  // After any error but that of kRollback, the transaction is over.
  void ask(Request request, std::function<void(Reply)> told);
  // The server is given up: what runs ends with an error soon.
  void break_off();

 private:
  class Worker;
  std::unique_ptr<Worker> worker_;
};

}  // namespace reliant::adapters
