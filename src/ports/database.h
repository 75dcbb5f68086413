// Database: SQL with serializable transactions, written once for SQLite and Postgres. Placeholders are $1, $2 …; the
// statement text is a literal (it is prepared once and cached by its text).
//
// Owner: the composition root. Executor: the logic thread; calls suspend while the engine works. A Transaction is used by
// one task, one statement at a time; destroying it without commit rolls back.
//
// Errors, the same from every implementation:
//   ABORTED              serialization failure or deadlock: nothing was written, run the whole transaction again
//   UNAVAILABLE          the connection was lost before the commit was sent: nothing was written, may be run again
//   UNKNOWN + COMMIT_UNKNOWN  lost while committing: it may or may not be written; settle it by a key of the row
//   ALREADY_EXISTS       a unique constraint; FAILED_PRECONDITION: another constraint
//   DEADLINE_EXCEEDED    the writer's turn did not come in time; nothing was written
//   INTERNAL             the SQL is wrong (a defect)
#pragma once

#include <cstdint>
#include <initializer_list>
#include <memory>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/status.h"
#include "runtime/task.h"
#include "runtime/time.h"

namespace reliant::ports {

struct Blob {
  std::string bytes;
  friend bool operator==(const Blob&, const Blob&) = default;
};

// NULL, integer, real, text, bytes.
using Value = std::variant<std::monostate, std::int64_t, double, std::string, Blob>;
using Values = std::vector<Value>;

// One row of a result. The getters abort on a wrong type or index: the schema is ours, so that is a defect.
class Row {
 public:
  explicit Row(Values values) : values_(std::move(values)) {}
  std::size_t size() const { return values_.size(); }
  const Value& operator[](std::size_t column) const { return values_[column]; }
  bool is_null(std::size_t column) const { return std::holds_alternative<std::monostate>(values_[column]); }
  std::int64_t integer(std::size_t column) const;
  const std::string& text(std::size_t column) const;
  const std::string& bytes(std::size_t column) const;
  std::string text_or(std::size_t column, std::string_view fallback) const;

 private:
  Values values_;
};

struct Rows {
  std::vector<Row> rows;
  std::int64_t changed = 0;  // rows inserted, updated or deleted

  bool empty() const { return rows.empty(); }
  std::size_t size() const { return rows.size(); }
  const Row& operator[](std::size_t i) const { return rows[i]; }
  auto begin() const { return rows.begin(); }
  auto end() const { return rows.end(); }
};

enum class Access { kRead, kWrite };

class Transaction {
 public:
  virtual ~Transaction() = default;
  // After any error the transaction is over: only destroy it.
  virtual Task<Result<Rows>> execute(std::string_view sql, Values parameters) = 0;
  virtual Task<Status> commit() = 0;
};

class Database {
 public:
  virtual ~Database() = default;
  virtual Task<Result<std::unique_ptr<Transaction>>> begin(Access access, Instant deadline) = 0;
  // Runs a script of several statements without parameters in one transaction (migrations).
  virtual Task<Status> run_script(std::string_view sql, Instant deadline) = 0;
};

}  // namespace reliant::ports
