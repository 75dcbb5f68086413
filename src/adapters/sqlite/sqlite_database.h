// SqliteDatabase: the database port on one SQLite file, or in memory (":memory:"). One writer at a time, so
// transactions are serializable as they stand; the answer to "database is locked" is a queue of coroutines,
// not a busy loop.
//
// A file is in WAL mode: writers go through one connection in the order in which they came, readers see the
// snapshot of their first statement, on connections of their own, and neither waits for the other. In memory
// there is one connection and readers queue with the writers.
// Owner: the composition root; it outlives its transactions. Executor: the logic thread, on which SQLite
// works at once (its calls are short, but for commits that go to the disk: see open()), so only the wait for a turn
// suspends. Destroying a waiter leaves the queue, destroying a transaction rolls back and passes the turn on, both at once.
// Failures: see ports/database.h. Of its own: RESOURCE_EXHAUSTED (disk full), DATA_LOSS (the file is
// damaged). That two processes do not use one file is the lock of the data directory; another program that
// holds the file makes writers wait.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <absl/functional/any_invocable.h>

#include "ports/database.h"
#include "runtime/channel.h"

namespace reliant::adapters {

class SqliteConnection;

enum class SqliteDurability : std::uint8_t {
  kProcess,  // a commit survives the end of the process; power loss may take the last ones
  kPower,    // a commit survives power loss, at the price of one fsync: the daemon's journal
};

// Makes commits elsewhere, so that the logic thread does not wait for the disk: SqliteCommitThread. The database owns it; its
// destructor ends what was begun.
class SqliteCommitter {
 public:
  virtual ~SqliteCommitter() = default;
  // `work` off the logic thread, one after the other, and then `told` on the logic thread, unless this is gone by then.
  virtual void run(absl::AnyInvocable<void()> work, absl::AnyInvocable<void()> told) = 0;
};

class SqliteDatabase final : public ports::Database {
 public:
  // Creates the file when there is none. The error says what to do about it: FAILED_PRECONDITION (no such
  // directory, not writable, no WAL here), UNAVAILABLE (locked by another program), DATA_LOSS (not a
  // database).
  //
  // With a committer, the logic thread does not wait for the disk. A transaction that is destroyed while it commits is
  // committed, and its turn passed on after that.
  static Result<std::unique_ptr<SqliteDatabase>> open(std::string path,
                                                      SqliteDurability durability = SqliteDurability::kProcess,
                                                      std::unique_ptr<SqliteCommitter> committer = nullptr);
  ~SqliteDatabase() override;

  // Of a database in memory: another one that holds what this one holds between two of its transactions.
  Task<Result<std::unique_ptr<SqliteDatabase>>> copy(Instant deadline);

  // Whether a begin() now would not have to wait for a connection.
  bool has_turn(ports::Access access) const { return !turns(access).empty(); }
  Task<Result<std::unique_ptr<ports::Transaction>>> begin(ports::Access access, Instant deadline) override;
  Task<Status> run_script(std::string_view sql, Instant deadline) override;
  Task<Result<WallTime>> wall_now(Instant deadline) override;  // of this machine, to the millisecond

 private:
  friend class SqliteTransaction;
  struct Turn {
    std::size_t connection;
  };

  SqliteDatabase(std::string path, std::unique_ptr<SqliteConnection> writer);
  Task<Status> begin_on(SqliteConnection& connection, ports::Access access, Instant deadline);
  Task<Result<std::unique_ptr<ports::Transaction>>> begin_in(Turn turn, ports::Access access, Instant deadline);
  Result<SqliteConnection*> connection_of(Turn turn);
  void pass_on(Turn turn);
  // In memory readers and writers take the same turn.
  const Channel<Turn>& turns(ports::Access access) const {
    return in_memory_ || access == ports::Access::kWrite ? writers_ : readers_;
  }
  Channel<Turn>& turns(ports::Access access) { return in_memory_ || access == ports::Access::kWrite ? writers_ : readers_; }

  std::string path_;
  bool in_memory_;
  std::vector<std::unique_ptr<SqliteConnection>> connections_;  // the writer, then readers, opened when needed
  Channel<Turn> writers_;
  Channel<Turn> readers_;
  std::unique_ptr<SqliteCommitter> committer_;  // null: commits are made at once. Last: it uses the connections
};

}  // namespace reliant::adapters
