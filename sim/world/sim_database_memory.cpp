#include "world/sim_database_memory.h"

#include <utility>

#include "base/assert.h"

namespace reliant::sim {

using adapters::SqliteDatabase;
using ports::Access;
using ports::Transaction;

namespace {

std::unique_ptr<SqliteDatabase> empty_database() {
  auto data = SqliteDatabase::open(":memory:");
  RELIANT_ASSERT(data.ok(), "SQLite opens a database in memory");
  return *std::move(data);
}

Task<Result<std::unique_ptr<SqliteDatabase>>> copy_of(const std::unique_ptr<SqliteDatabase>& data) {
  if (data == nullptr) co_return empty_database();
  co_return co_await data->copy(kNever);
}

}  // namespace

MemoryDatabase::MemoryDatabase(DatabaseBeginnings* beginnings)
    : beginning_(beginnings == nullptr ? nullptr : &beginnings->empty_),
      data_(beginnings == nullptr ? empty_database() : nullptr) {}

Task<Status> MemoryDatabase::go_its_own_way() {
  if (beginning_ == nullptr) co_return ok_status();
  CO_TRY_ASSIGN(data_, co_await copy_of(beginning_->contents));
  beginning_ = nullptr;
  co_return ok_status();
}

// A script that fails changes nothing.
Task<Result<MemoryDatabase::Beginning*>> MemoryDatabase::after(Beginning& before, std::string script) {
  const auto known = before.then.find(script);
  if (known != before.then.end()) co_return known->second.get();
  auto made = std::make_unique<Beginning>();
  CO_TRY_ASSIGN(made->contents, co_await copy_of(before.contents));
  CO_TRY_OK(co_await made->contents->run_script(script, kNever));
  co_return before.then.emplace(std::move(script), std::move(made)).first->second.get();
}

Task<Result<std::unique_ptr<MemoryDatabase>>> MemoryDatabase::copy() {
  auto made = std::make_unique<MemoryDatabase>(nullptr);
  CO_TRY_ASSIGN(made->data_, co_await copy_of(beginning_ == nullptr ? data_ : beginning_->contents));
  co_return made;
}

Task<Result<std::unique_ptr<Transaction>>> MemoryDatabase::begin(Access access, Instant deadline) {
  CO_TRY_OK(co_await go_its_own_way());
  co_return co_await data_->begin(access, deadline);
}

Task<Status> MemoryDatabase::run_script(std::string_view sql, Instant deadline) {
  if (beginning_ == nullptr) co_return co_await data_->run_script(sql, deadline);
  CO_TRY_ASSIGN(beginning_, co_await after(*beginning_, std::string(sql)));
  co_return ok_status();
}

Task<Result<WallTime>> MemoryDatabase::wall_now(Instant deadline) {
  CO_TRY_OK(co_await go_its_own_way());
  co_return co_await data_->wall_now(deadline);
}

}  // namespace reliant::sim
