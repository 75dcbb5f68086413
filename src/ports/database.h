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
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

#include "base/status.h"
#include "runtime/task.h"
#include "runtime/time.h"

namespace reliant::ports {

// Reason of an UNAVAILABLE: the server has been unreachable for a while, so an immediate retry would fail, too.
inline constexpr std::string_view kReasonDatabaseDown = "DATABASE_DOWN";

struct Blob {
  std::string bytes;
  friend bool operator==(const Blob&, const Blob&) = default;
};

// NULL, integer, real, text, bytes.
using Value = std::variant<std::monostate, std::int64_t, double, std::string, Blob>;
// The parameters of a statement: `{user.str(), 5, std::monostate()}`. Not made from an initializer list, which would copy
// every text once more.
class Values {
 public:
  Values() = default;
  template <class... Parts>
    requires(sizeof...(Parts) > 0 && (std::is_constructible_v<Value, Parts> && ...))
  Values(Parts&&... parts) {  // NOLINT(google-explicit-constructor): a list in braces is meant to be one
    list_.reserve(sizeof...(parts));
    (list_.emplace_back(std::forward<Parts>(parts)), ...);
  }

  std::size_t size() const { return list_.size(); }
  const Value& operator[](std::size_t i) const { return list_[i]; }
  template <class Part>
  void add(Part&& part) {
    list_.emplace_back(std::forward<Part>(part));
  }

 private:
  std::vector<Value> list_;
};

// One row of a result, inside of its Rows. The getters abort on a wrong type or index: the schema is ours, so that is a
// defect.
class Row {
 public:
  explicit Row(std::span<const Value> values) : values_(values) {}
  std::size_t size() const { return values_.size(); }
  const Value& operator[](std::size_t column) const { return values_[column]; }
  bool is_null(std::size_t column) const { return std::holds_alternative<std::monostate>(values_[column]); }
  std::int64_t integer(std::size_t column) const;
  const std::string& text(std::size_t column) const;
  const std::string& bytes(std::size_t column) const;
  std::string text_or(std::size_t column, std::string_view fallback) const;

 private:
  std::span<const Value> values_;
};

// What a statement answered: its rows, one after the other in one piece of memory.
class Rows {
 public:
  Rows() = default;
  explicit Rows(std::size_t columns) : columns_(columns) {}

  // Of an implementation: the next value, row by row, made of `parts` where it lies: `add(5)`, `add<std::string>(data, size)`.
  void add(Value value) { place().emplace_back(std::move(value)); }
  template <class T, class... Parts>
  void add(Parts&&... parts) {
    place().emplace_back(std::in_place_type<T>, std::forward<Parts>(parts)...);
  }
  void end_row() { ++size_; }

  std::int64_t changed = 0;  // rows inserted, updated or deleted

  bool empty() const { return size_ == 0; }
  std::size_t size() const { return size_; }
  Row operator[](std::size_t i) const { return Row(std::span(values_).subspan(i * columns_, columns_)); }

  class Iterator {
   public:
    using difference_type = std::ptrdiff_t;
    using value_type = Row;
    Iterator() = default;
    Iterator(const Rows& rows, std::size_t row) : rows_(&rows), row_(row) {}
    Row operator*() const { return (*rows_)[row_]; }
    Iterator& operator++() {
      ++row_;
      return *this;
    }
    Iterator operator++(int) { return Iterator(*rows_, row_++); }
    friend bool operator==(const Iterator&, const Iterator&) = default;

   private:
    const Rows* rows_ = nullptr;
    std::size_t row_ = 0;
  };
  Iterator begin() const { return {*this, 0}; }
  Iterator end() const { return {*this, size_}; }

 private:
  // Most answers have one row, or none.
  std::vector<Value>& place() {
    if (values_.empty()) values_.reserve(columns_);
    return values_;
  }

  std::vector<Value> values_;
  std::size_t columns_ = 0;
  std::size_t size_ = 0;
};

enum class Access {
  kRead,     // one state throughout
  kReadOne,  // one statement, which only reads: a server is asked once, where BEGIN and COMMIT would make it
             // three times
  kWrite,
};

class Transaction {
 public:
  virtual ~Transaction() = default;
  // After any error the transaction is over: only destroy it. So is one of kReadOne after its statement, but
  // for its commit.
  virtual Task<Result<Rows>> execute(std::string_view sql, Values parameters) = 0;
  virtual Task<Status> commit() = 0;
};

class Database {
 public:
  virtual ~Database() = default;
  virtual Task<Result<std::unique_ptr<Transaction>>> begin(Access access, Instant deadline) = 0;
  // Runs a script of several statements without parameters in one transaction (migrations).
  virtual Task<Status> run_script(std::string_view sql, Instant deadline) = 0;
  // The calendar of the machine that the database runs on, when it answered. UNAVAILABLE, DEADLINE_EXCEEDED: it did not.
  virtual Task<Result<WallTime>> wall_now(Instant deadline) = 0;
};

}  // namespace reliant::ports
