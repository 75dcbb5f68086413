#include "adapters/sqlite/sqlite_database.h"

#include <sqlite3.h>

#include <array>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <map>
#include <utility>

#include "base/cause.h"
#include "base/disk_full.h"
#include "base/parameter_list.h"
#include "base/text.h"
#include "runtime/event.h"
#include "runtime/sleep.h"
#include "runtime/this_context.h"

namespace reliant::adapters {

using ports::Access;
using ports::Blob;
using ports::Rows;
using ports::Value;
using ports::Values;

namespace {

constexpr std::size_t kWriter = 0;
constexpr std::size_t kReaders = 4;
constexpr Duration kLockedRetry = std::chrono::milliseconds(5);

// What the port calls an error of SQLite. `extended` is the extended result code.
StatusCode code_of(int extended) {
  switch (extended) {
    case SQLITE_CONSTRAINT_UNIQUE:
    case SQLITE_CONSTRAINT_PRIMARYKEY:
    case SQLITE_CONSTRAINT_ROWID:
      return StatusCode::kAlreadyExists;
    default:
      break;
  }
  switch (extended & 0xff) {
    case SQLITE_CONSTRAINT:
    case SQLITE_READONLY:
      return StatusCode::kFailedPrecondition;
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
      return StatusCode::kAborted;
    case SQLITE_IOERR:
      return StatusCode::kUnavailable;
    case SQLITE_FULL:
    case SQLITE_TOOBIG:
    case SQLITE_NOMEM:
      return StatusCode::kResourceExhausted;
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
      return StatusCode::kDataLoss;
    default:
      return StatusCode::kInternal;
  }
}

}  // namespace

// One connection with its prepared statements. Not shared: the task that holds its lock uses it.
class SqliteConnection {
 public:
  explicit SqliteConnection(sqlite3* handle) : handle_(handle) {}
  SqliteConnection(const SqliteConnection&) = delete;
  SqliteConnection& operator=(const SqliteConnection&) = delete;
  ~SqliteConnection() {
    for (auto& [sql, statement] : statements_) sqlite3_finalize(statement.handle);
    sqlite3_close(handle_);
  }

  Result<Rows> execute(std::string_view sql, const Values& parameters, Access access) {
    TRY_ASSIGN(Statement* const statement, prepared(sql));
    if (access != Access::kWrite && sqlite3_stmt_readonly(statement->handle) == 0)
      return internal_error("a read transaction cannot write: ", sql);
    TRY_OK(bind(*statement, sql, parameters));
    Result<Rows> rows = fetch(statement->handle);
    sqlite3_reset(statement->handle);
    return rows;
  }

  // BEGIN, COMMIT, ROLLBACK: prepared too.
  int run(std::string_view sql) {
    const Result<Statement*> statement = prepared(sql);
    if (!statement.ok()) return sqlite3_extended_errcode(handle_);
    const int result = sqlite3_step((*statement)->handle);
    sqlite3_reset((*statement)->handle);
    return result == SQLITE_DONE || result == SQLITE_ROW ? SQLITE_OK : sqlite3_extended_errcode(handle_);
  }

  Status script(std::string_view sql) {
    return sqlite3_exec(handle_, std::string(sql).c_str(), nullptr, nullptr, nullptr) == SQLITE_OK ? ok_status() : error();
  }

  // Everything that is in `other` replaces what is here. Not within a transaction that has read or written.
  Status copy(SqliteConnection& other) {
    sqlite3_backup* const backup = sqlite3_backup_init(handle_, "main", other.handle_, "main");
    if (backup == nullptr) return error();
    const int result = sqlite3_backup_step(backup, -1);
    sqlite3_backup_finish(backup);
    return result == SQLITE_DONE ? ok_status() : error();
  }

  bool in_transaction() const { return sqlite3_get_autocommit(handle_) == 0; }
  Status error() const {
    const int extended = sqlite3_extended_errcode(handle_);
    const StatusCode code = code_of(extended);
    const std::string cause = concat(file(), ": ", sqlite3_errmsg(handle_));
    if (disk_is_full(extended))
      return with_reason(with_cause(resource_exhausted("there is no room on the disk of the database"), cause),
                         kReasonDiskFull);
    if (code == StatusCode::kDataLoss) return with_cause(data_loss("a database is damaged; restore a copy of it"), cause);
    return with_cause(make_status(code, "the database has refused a statement"), cause);
  }
  // A write was refused for want of room: of the disk, of a quota, or of `ulimit -f`. Then nothing of the transaction is there.
  bool disk_is_full(int extended) const {
    if ((extended & 0xff) == SQLITE_FULL) return true;
    if (extended != SQLITE_IOERR_WRITE) return false;
    const auto no_room = [](int cause) { return cause == ENOSPC || cause == EDQUOT || cause == EFBIG; };
    return no_room(last_errno(SQLITE_FCNTL_JOURNAL_POINTER)) || no_room(last_errno(SQLITE_FCNTL_FILE_POINTER));
  }

 private:
  // Of the write-ahead log or of the database itself. sqlite3_system_errno() says nothing after a COMMIT.
  int last_errno(int which) const {
    sqlite3_file* file = nullptr;
    int cause = 0;
    if (sqlite3_file_control(handle_, "main", which, &file) != SQLITE_OK || file == nullptr || file->pMethods == nullptr)
      return 0;
    return file->pMethods->xFileControl(file, SQLITE_FCNTL_LAST_ERRNO, &cause) == SQLITE_OK ? cause : 0;
  }

  std::string_view file() const {
    const char* const name = sqlite3_db_filename(handle_, "main");
    return name == nullptr || *name == '\0' ? std::string_view("in memory") : std::string_view(name);
  }

  struct Statement {
    sqlite3_stmt* handle = nullptr;
    std::vector<std::size_t> parameters;  // SQLite counts by first appearance; which $n each of them is
    std::size_t highest = 0;
  };

  // Statements begin alike: most comparisons end with their lengths.
  struct ShorterFirst {
    using is_transparent = void;
    bool operator()(std::string_view a, std::string_view b) const { return a.size() != b.size() ? a.size() < b.size() : a < b; }
  };
  using Statements = std::map<std::string, Statement, ShorterFirst>;
  struct Known {
    std::string_view sql;  // the key in `statements_`
    Statement* statement = nullptr;
  };

  // Few statements of a program have one length and one middle: mostly one comparison is enough.
  Result<Statement*> prepared(std::string_view sql) {
    const std::size_t middle = sql.empty() ? 0 : static_cast<unsigned char>(sql[sql.size() / 2]);
    Known& known = known_[(sql.size() * 7 + middle) % known_.size()];
    if (known.statement == nullptr || known.sql != sql) {
      TRY_ASSIGN(Statements::value_type* const found, looked_up(sql));
      known = {found->first, &found->second};
    }
    return known.statement;
  }

  Result<Statements::value_type*> looked_up(std::string_view sql) {
    if (const auto found = statements_.find(sql); found != statements_.end()) return &*found;
    sqlite3_stmt* handle = nullptr;
    const char* tail = nullptr;
    const int result =
        sqlite3_prepare_v3(handle_, sql.data(), static_cast<int>(sql.size()), SQLITE_PREPARE_PERSISTENT, &handle, &tail);
    if (result != SQLITE_OK) return error();
    Statement statement{handle, {}, 0};
    const bool one = handle != nullptr && tail == sql.data() + sql.size();
    if (!one || !number_parameters(statement)) {
      sqlite3_finalize(handle);
      return internal_error("not one statement with parameters $1, $2, ...: ", sql);
    }
    return &*statements_.emplace(std::string(sql), std::move(statement)).first;
  }

  static bool number_parameters(Statement& statement) {
    const int count = sqlite3_bind_parameter_count(statement.handle);
    for (int index = 1; index <= count; ++index) {
      const char* const name = sqlite3_bind_parameter_name(statement.handle, index);
      if (name == nullptr || *name != '$') return false;
      const std::string_view digits(name + 1);
      std::size_t number = 0;
      const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), number);
      if (error != std::errc() || end != digits.data() + digits.size() || number == 0) return false;
      statement.parameters.push_back(number);
      statement.highest = std::max(statement.highest, number);
    }
    return true;
  }

  // The values outlive the step, so they are not copied.
  static Status bind(const Statement& statement, std::string_view sql, const Values& values) {
    if (statement.highest != values.size())
      return internal_error(values.size(), " parameters for $1..$", statement.highest, ": ", sql);
    for (std::size_t i = 0; i < statement.parameters.size(); ++i) {
      const int result = bind_one(statement.handle, static_cast<int>(i + 1), values[statement.parameters[i] - 1]);
      if (result != SQLITE_OK)
        return with_cause(make_status(code_of(result), "the database has refused a parameter"),
                          concat("$", statement.parameters[i]));
    }
    return ok_status();
  }

  static int bind_one(sqlite3_stmt* statement, int index, const Value& value) {
    switch (value.index()) {
      case 1:
        return sqlite3_bind_int64(statement, index, std::get<std::int64_t>(value));
      case 2:
        return sqlite3_bind_double(statement, index, std::get<double>(value));
      case 3: {
        const auto& text = std::get<std::string>(value);
        return sqlite3_bind_text64(statement, index, text.data(), text.size(), SQLITE_STATIC, SQLITE_UTF8);
      }
      case 4: {
        const std::string& bytes = std::get<Blob>(value).bytes;
        return sqlite3_bind_blob64(statement, index, bytes.data(), bytes.size(), SQLITE_STATIC);
      }
      default:
        return sqlite3_bind_null(statement, index);
    }
  }

  Result<Rows> fetch(sqlite3_stmt* statement) {
    const std::int64_t before = sqlite3_total_changes64(handle_);
    const int columns = sqlite3_column_count(statement);
    Rows rows(static_cast<std::size_t>(columns));
    for (;;) {
      const int result = sqlite3_step(statement);
      if (result == SQLITE_DONE) break;
      if (result != SQLITE_ROW) return error();
      for (int column = 0; column < columns; ++column) add_value(rows, statement, column);
      rows.end_row();
    }
    if (sqlite3_total_changes64(handle_) != before) rows.changed = sqlite3_changes64(handle_);
    return rows;
  }

  static void add_value(Rows& rows, sqlite3_stmt* statement, int column) {
    switch (sqlite3_column_type(statement, column)) {
      case SQLITE_INTEGER:
        return rows.add<std::int64_t>(sqlite3_column_int64(statement, column));
      case SQLITE_FLOAT:
        return rows.add<double>(sqlite3_column_double(statement, column));
      case SQLITE_TEXT: {
        const auto* text = reinterpret_cast<const char*>(sqlite3_column_text(statement, column));
        return rows.add<std::string>(text, static_cast<std::size_t>(sqlite3_column_bytes(statement, column)));
      }
      case SQLITE_BLOB: {
        const auto* bytes = static_cast<const char*>(sqlite3_column_blob(statement, column));
        const auto size = static_cast<std::size_t>(sqlite3_column_bytes(statement, column));
        return rows.add<Blob>(size == 0 ? std::string() : std::string(bytes, size));
      }
      default:
        return rows.add<std::monostate>();
    }
  }

  sqlite3* handle_;
  Statements statements_;
  std::array<Known, 64> known_{};  // by length and middle; what is not here is looked up
};

namespace {

Status cannot_open(std::string_view path, sqlite3* handle, int result) {
  const int primary = result & 0xff;
  const std::string start = concat("cannot open database ", path, ": ");
  const int cause = handle == nullptr ? 0 : sqlite3_system_errno(handle);
  if (primary == SQLITE_CANTOPEN && (cause == EMFILE || cause == ENFILE))
    return resource_exhausted(start, std::strerror(cause), "; allow this process more open files (ulimit -n)");
  if (primary == SQLITE_BUSY || primary == SQLITE_LOCKED)
    return unavailable(start, "it is locked by another program; stop that program or use another file");
  if (primary == SQLITE_NOTADB || primary == SQLITE_CORRUPT)
    return data_loss(start, "the file is not a SQLite database or is damaged; move it away or restore a copy");
  if (primary == SQLITE_CANTOPEN) return failed_precondition(start, "its directory must exist and be writable by this user");
  if (primary == SQLITE_READONLY) return failed_precondition(start, "the file must be writable by this user");
  return failed_precondition(start, handle == nullptr ? sqlite3_errstr(result) : sqlite3_errmsg(handle));
}

Status no_turn() { return deadline_exceeded("timed out waiting for a database connection"); }

std::string pragmas(bool in_memory, SqliteDurability durability) {
  // Small pages: a change costs a copy of its page for the rollback, and no disk here wants large ones. The journal of a
  // database in memory is there too, and nothing of it is ever synced.
  if (in_memory) return "PRAGMA page_size=1024; PRAGMA temp_store=MEMORY; PRAGMA secure_delete=OFF;";
  return concat("PRAGMA journal_mode=WAL; PRAGMA synchronous=", durability == SqliteDurability::kPower ? "FULL" : "NORMAL",
                ";");
}

Result<std::unique_ptr<SqliteConnection>> connect(const std::string& path, SqliteDurability durability) {
  const bool in_memory = path == ":memory:";
  sqlite3* handle = nullptr;
  int result =
      sqlite3_open_v2(path.c_str(), &handle, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX, nullptr);
  if (result == SQLITE_OK) sqlite3_extended_result_codes(handle, 1);
  if (result == SQLITE_OK) result = sqlite3_db_config(handle, SQLITE_DBCONFIG_ENABLE_FKEY, 1, nullptr);
  if (result == SQLITE_OK && sqlite3_db_readonly(handle, "main") == 1) result = SQLITE_READONLY;
  if (result == SQLITE_OK) result = sqlite3_exec(handle, pragmas(in_memory, durability).c_str(), nullptr, nullptr, nullptr);
  if (result == SQLITE_OK) return std::make_unique<SqliteConnection>(handle);
  Status status = cannot_open(path, handle, result);
  sqlite3_close(handle);
  return status;
}

}  // namespace

// Holds its connection's turn until it is over: committed, failed or destroyed.
class SqliteTransaction final : public ports::Transaction {
 public:
  SqliteTransaction(SqliteDatabase& database, SqliteDatabase::Turn turn, SqliteConnection& connection, Access access)
      : database_(database), turn_(turn), connection_(&connection), access_(access) {}
  ~SqliteTransaction() override { end(); }

  Task<Result<Rows>> execute(std::string_view sql, Values parameters) override {
    if (connection_ == nullptr) co_return internal_error("the transaction is over: ", sql);
    Result<Rows> rows = connection_->execute(sql, parameters, access_);
    has_read_ = rows.ok() && access_ == Access::kReadOne;
    if (!rows.ok() || has_read_) end();
    co_return rows;
  }

  Task<Status> commit() override {
    if (std::exchange(has_read_, false)) co_return ok_status();
    if (connection_ == nullptr) co_return internal_error("the transaction is over: commit");
    if (access_ == Access::kWrite && database_.committer_) co_return co_await commit_elsewhere();
    const Status status = connection_->in_transaction() ? committed(*connection_) : ok_status();
    end();
    co_return status;
  }

 private:
  // Also rolled back, when it could not be committed.
  static Status committed(SqliteConnection& connection) {
    const int result = connection.run("COMMIT");
    if (result == SQLITE_OK) return ok_status();
    Status status = connection.error();
    // The disk failed while the commit was written: whether it is there is known only after the file is
    // read again.
    if ((result & 0xff) == SQLITE_IOERR && !connection.disk_is_full(result))
      status = with_reason(unknown("the commit is in doubt: ", message_of(status)), kReasonCommitUnknown);
    if (connection.in_transaction()) connection.run("ROLLBACK");
    return status;
  }

  // The connection is the committer's until it is done; this transaction may be gone then.
  Task<Status> commit_elsewhere() {
    auto status = std::make_shared<Status>();
    auto done = std::make_shared<Event>();
    SqliteConnection& connection = *std::exchange(connection_, nullptr);
    database_.committer_->run([&connection, status] { *status = committed(connection); },
                              [&database = database_, turn = turn_, done] {
                                database.pass_on(turn);
                                done->set();
                              });
    co_await done->wait();
    co_return *status;
  }

  void end() {
    if (connection_ == nullptr) return;
    if (connection_->in_transaction()) connection_->run("ROLLBACK");
    connection_ = nullptr;
    database_.pass_on(turn_);
  }

  SqliteDatabase& database_;
  SqliteDatabase::Turn turn_;
  SqliteConnection* connection_;
  Access access_;
  bool has_read_ = false;  // its one statement
};

Result<std::unique_ptr<SqliteDatabase>> SqliteDatabase::open(std::string path, SqliteDurability durability,
                                                             std::unique_ptr<SqliteCommitter> committer) {
  TRY_ASSIGN(auto writer, connect(path, durability));
  std::unique_ptr<SqliteDatabase> database(new SqliteDatabase(std::move(path), std::move(writer)));
  database->committer_ = std::move(committer);
  return database;
}

SqliteDatabase::SqliteDatabase(std::string path, std::unique_ptr<SqliteConnection> writer)
    : path_(std::move(path)), in_memory_(path_ == ":memory:"), connections_(1 + kReaders), writers_(1), readers_(kReaders) {
  connections_[kWriter] = std::move(writer);
  pass_on(Turn{kWriter});
  for (std::size_t reader = 1; reader <= kReaders; ++reader) pass_on(Turn{reader});
}

Task<Result<std::unique_ptr<SqliteDatabase>>> SqliteDatabase::copy(Instant deadline) {
  RELIANT_ASSERT(in_memory_, "a file is copied as a file");
  CO_TRY_ASSIGN(const auto turn, co_await begin(Access::kRead, deadline));
  CO_TRY_ASSIGN(auto copied, connect(path_, SqliteDurability::kProcess));
  CO_TRY_OK(copied->copy(*connections_[kWriter]));
  co_return std::unique_ptr<SqliteDatabase>(new SqliteDatabase(path_, std::move(copied)));
}

SqliteDatabase::~SqliteDatabase() = default;

void SqliteDatabase::pass_on(Turn turn) {
  const bool room = (turn.connection == kWriter ? writers_ : readers_).try_send(Turn(turn));
  RELIANT_ASSERT(room, "a turn is passed on once");
}

Result<SqliteConnection*> SqliteDatabase::connection_of(Turn turn) {
  std::unique_ptr<SqliteConnection>& connection = connections_[turn.connection];
  if (connection == nullptr) {
    TRY_ASSIGN(connection, connect(path_, SqliteDurability::kProcess));
  }
  return connection.get();
}

// Only another program can hold the file's lock here; SQLite's own waiting would stop the whole thread.
Task<Status> SqliteDatabase::begin_on(SqliteConnection& connection, Access access, Instant deadline) {
  Context& context = co_await ThisContext{};
  // In memory no other writer can intervene before the first statement that writes.
  const std::string_view sql = access == Access::kWrite && !in_memory_ ? "BEGIN IMMEDIATE" : "BEGIN";
  for (;;) {
    const int result = connection.run(sql);
    if (result == SQLITE_OK) co_return ok_status();
    if ((result & 0xff) != SQLITE_BUSY) co_return connection.error();
    if (context.executor->now() >= deadline) co_return deadline_exceeded("database ", path_, " is locked by another program");
    co_await sleep_for(kLockedRetry);
  }
}

Task<Result<std::unique_ptr<ports::Transaction>>> SqliteDatabase::begin(Access access, Instant deadline) {
  const std::optional<Turn> turn = co_await turns(access).recv(deadline);
  if (!turn) co_return no_turn();
  co_return co_await begin_in(*turn, access, deadline);
}

Task<Result<std::unique_ptr<ports::Transaction>>> SqliteDatabase::begin_in(Turn turn, Access access, Instant deadline) {
  Result<SqliteConnection*> connection = connection_of(turn);
  if (!connection.ok()) {
    pass_on(turn);
    co_return connection.status();
  }
  // From here on the transaction passes the turn on, also when this task is destroyed while it waits.
  auto transaction = std::make_unique<SqliteTransaction>(*this, turn, **connection, access);
  // In memory the lock alone excludes other callers: a read needs no snapshot. One statement is a
  // transaction by itself.
  const bool alone = access == Access::kReadOne || (in_memory_ && access == Access::kRead);
  if (!alone) CO_TRY_OK(co_await begin_on(**connection, access, deadline));
  co_return std::unique_ptr<ports::Transaction>(std::move(transaction));
}

Task<Result<WallTime>> SqliteDatabase::wall_now(Instant deadline) {
  CO_TRY_ASSIGN(const auto transaction, co_await begin(Access::kRead, deadline));
  // Days since noon of the first day of the Julian calendar, to the millisecond.
  CO_TRY_ASSIGN(const Rows rows,
                co_await transaction->execute("SELECT CAST(ROUND((julianday('now') - 2440587.5) * 86400000) AS INTEGER)", {}));
  const WallTime now{std::chrono::milliseconds(rows[0].integer(0))};
  CO_TRY_OK(co_await transaction->commit());
  co_return now;
}

Task<Status> SqliteDatabase::run_script(std::string_view sql, Instant deadline) {
  const std::string script(sql);
  const std::optional<Turn> turn = co_await turns(Access::kWrite).recv(deadline);
  if (!turn) co_return no_turn();
  CO_TRY_ASSIGN(const auto transaction, co_await begin_in(*turn, Access::kWrite, deadline));
  CO_TRY_OK(connections_[kWriter]->script(script));
  co_return co_await transaction->commit();
}

}  // namespace reliant::adapters
