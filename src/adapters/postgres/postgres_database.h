// PostgresDatabase: the database port on a PostgreSQL server (R16, R56, C26). Every transaction is SERIALIZABLE, so that what
// SQLite shows in the simulator is what PostgreSQL does; a transaction that loses a conflict ends with ABORTED, and its
// caller retries it (store/transact.h).
//
// A pool of connections, each with a thread of its own; begin() waits for one of them, in the order of the calls. Each call
// ends at the deadline of its begin() or after `call_timeout`, also when the server hangs, or when its caller is
// destroyed: the connection is then given up, and a commit that was under way is in doubt. All of them end within 2 s when the
// server has fallen silent on every connection (adapters/postgres/postgres_database_silence.h); a statement that takes long does
// not end them.
// Owner: the composition root; it outlives its transactions. Executor: the logic thread, which nothing here ever blocks;
// the destructor joins the threads (adapters/postgres_database_session.h).
// Failures: see ports/database.h. UNAVAILABLE also when there is no server to connect to, with reason DATABASE_DOWN once it has
// been so for kDownAfter: then one call in kProbeEvery tries to connect, and the others fail at once. The same reason while the
// server is silent: then no call tries.
#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "adapters/asio/asio_executor.h"
#include "adapters/postgres/postgres_database_session.h"
#include "adapters/postgres/postgres_database_silence.h"
#include "ports/database.h"
#include "runtime/channel.h"
#include "runtime/one_shot.h"
#include "runtime/scope.h"

namespace reliant::adapters {

// What /debug/db shows (R33).
struct DatabaseLoad {
  std::size_t connections = 0;      // the pool
  std::size_t in_use = 0;           // of those
  std::size_t waiting_writers = 0;  // the write queue: transactions that wait for a connection
  std::size_t waiting_readers = 0;
};

class PostgresDatabase final : public ports::Database {
 public:
  static constexpr Duration kDownAfter = std::chrono::seconds(1);
  static constexpr Duration kProbeEvery = std::chrono::milliseconds(200);

  // Does not connect yet. INVALID_ARGUMENT: the URL.
  static Result<std::unique_ptr<PostgresDatabase>> open(AsioExecutor& executor, PostgresOptions options);
  PostgresDatabase(const PostgresDatabase&) = delete;
  PostgresDatabase& operator=(const PostgresDatabase&) = delete;
  ~PostgresDatabase() override;

  // OK: the server answers. What a program asks when it starts (R32, R54): it waits until `deadline` for a server that is silent.
  // UNAVAILABLE says why not.
  Task<Status> check(Instant deadline);
  DatabaseLoad load() const;

  Task<Result<std::unique_ptr<ports::Transaction>>> begin(ports::Access access, Instant deadline) override;
  Task<Status> run_script(std::string_view sql, Instant deadline) override;
  Task<Result<WallTime>> wall_now(Instant deadline) override;

 private:
  friend class PostgresTransaction;
  struct Turn {
    std::size_t session;
  };
  class Holder;
  // Nullopt: the server is silent, and the call was given up.
  using Answer = OneShot<std::optional<PostgresDatabaseSession::Reply>>;

  PostgresDatabase(AsioExecutor& executor, PostgresOptions options, const std::string& connection,
                   const std::string& brief_connection);
  PostgresDatabaseSession::Reply noted(PostgresDatabaseSession::Reply reply);
  bool is_down() const;
  void give_up_all();
  void probe(PostgresDatabaseSilence::Probe kind, std::function<void(Status)> told);
  Task<Result<Turn>> take_turn(ports::Access access, Instant deadline);
  void pass_on(Turn turn);
  Task<Status> ask_once(Instant deadline);
  // Waits for a call whose caller was destroyed, until the call's timeout. Without an answer, the connection is given up.
  void watch(Turn turn, std::shared_ptr<Answer> answer, Instant until);

  AsioExecutor& executor_;
  PostgresOptions options_;
  std::shared_ptr<Inbox> inbox_;
  std::vector<std::unique_ptr<PostgresDatabaseSession>> sessions_;
  std::vector<std::shared_ptr<Answer>> under_way_;  // the call of each session; null: none
  PostgresDatabaseSession brief_probe_;             // connected while they are used
  PostgresDatabaseSession patient_probe_;
  // Those with nothing to do; the last one used is used again first, since it is connected.
  std::vector<Turn> idle_;
  Channel<Turn> turns_;  // hands a free session to the first waiting call
  std::size_t waiting_writers_ = 0;
  std::size_t waiting_readers_ = 0;
  // Since the first of `failures_` attempts to connect in a row that failed.
  Instant down_since_{};
  std::size_t failures_ = 0;
  Instant next_probe_{};
  PostgresDatabaseSilence silence_;
  TaskScope abandoned_;  // calls whose callers were destroyed
};

}  // namespace reliant::adapters
