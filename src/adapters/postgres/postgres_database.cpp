#include "adapters/postgres/postgres_database.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "base/assert.h"
#include "base/finally.h"
#include "base/text.h"
#include "runtime/race.h"
#include "runtime/sleep.h"

namespace reliant::adapters {

using ports::Access;
using ports::Rows;
using ports::Values;
using Kind = PostgresDatabaseSession::Request::Kind;

namespace {

constexpr Duration kBriefProbe = std::chrono::seconds(2);  // libpq knows no shorter time

template <class... Parts>
Status down(const Parts&... parts) {
  return with_reason(unavailable(parts...), ports::kReasonDatabaseDown);
}

// An error is the server's own unless the connection had one.
bool says_something(const Status& reply) {
  return reply.code() != StatusCode::kUnavailable && reply.code() != StatusCode::kUnknown;
}

}  // namespace

// The use of a session by one task: gives it back, when it has nothing more to do, wherever the task ends.
class PostgresDatabase::Holder {
 public:
  Holder(PostgresDatabase& database, Turn turn) : database_(&database), turn_(turn) {}
  Holder(const Holder&) = delete;
  Holder& operator=(const Holder&) = delete;
  ~Holder() {
    if (asked_ != nullptr) {
      call_ended();
      database_->watch(turn_, std::move(asked_), until_);
    }
    end();
  }

  bool over() const { return over_; }
  // DEADLINE_EXCEEDED: no answer in time; DATABASE_DOWN: the server is silent. The connection was given up.
  Task<PostgresDatabaseSession::Reply> ask(PostgresDatabaseSession::Request request, Instant deadline) {
    auto answer = std::make_shared<Answer>();
    session().ask(std::move(request), [database = database_, answer](PostgresDatabaseSession::Reply reply) {
      answer->set(database->noted(std::move(reply)));
    });
    until_ = std::min(deadline, after(database_->executor_.now(), database_->options_.call_timeout));
    asked_ = database_->under_way_[turn_.session] = answer;
    answered_ = false;
    database_->silence_.call_begins();
    auto told = co_await answer->wait(until_);
    call_ended();
    asked_ = nullptr;
    if (!told) {
      session().break_off();
      co_return deadline_exceeded("the database did not answer in time");
    }
    if (!*told) co_return down("the database does not answer");
    answered_ = true;
    co_return **std::move(told);
  }
  // Whether the last call had an answer.
  bool answered() const { return answered_; }
  // Behind what is under way; what was not committed is rolled back.
  void end() {
    if (std::exchange(over_, true)) return;
    session().ask({.kind = Kind::kRollback}, [database = database_, turn = turn_](const auto&) { database->pass_on(turn); });
  }
  // The transaction is over: also the session has nothing to do any more, if it has answered.
  void leave() {
    if (!answered_) return end();
    if (!std::exchange(over_, true)) database_->pass_on(turn_);
  }

 private:
  PostgresDatabaseSession& session() { return *database_->sessions_[turn_.session]; }
  void call_ended() {
    database_->silence_.call_ends();
    database_->under_way_[turn_.session] = nullptr;
  }

  PostgresDatabase* database_;
  Turn turn_;
  bool over_ = false;
  bool answered_ = true;
  // Of the call that is under way; null: none.
  std::shared_ptr<Answer> asked_;
  Instant until_{};
};

class PostgresTransaction final : public ports::Transaction {
 public:
  PostgresTransaction(PostgresDatabase& database, PostgresDatabase::Turn turn, Access access, Instant deadline)
      : holder_(database, turn), access_(access), deadline_(deadline) {}

  Task<Result<Rows>> execute(std::string_view sql, Values parameters) override {
    if (holder_.over()) co_return internal_error("the transaction is over: ", sql);
    used_ = true;
    PostgresDatabaseSession::Request request{
        .kind = Kind::kExecute, .access = access_, .sql = std::string(sql), .parameters = std::move(parameters)};
    Result<Rows> reply = co_await holder_.ask(std::move(request), deadline_);
    has_read_ = reply.ok() && access_ == Access::kReadOne;
    if (!reply.ok() || has_read_) holder_.leave();
    co_return reply;
  }

  Task<Status> commit() override {
    if (std::exchange(has_read_, false)) co_return ok_status();
    if (holder_.over()) co_return internal_error("the transaction is over: commit");
    if (!used_) {
      holder_.leave();
      co_return ok_status();
    }
    const Result<Rows> reply = co_await holder_.ask({.kind = Kind::kCommit}, deadline_);
    holder_.leave();
    if (holder_.answered() || access_ != Access::kWrite) co_return reply.status();
    co_return with_reason(unknown(message_of(reply.status()), " while committing"), kReasonCommitUnknown);
  }

 private:
  PostgresDatabase::Holder holder_;
  Access access_;
  Instant deadline_;
  bool used_ = false;
  bool has_read_ = false;  // its one statement
};

Result<std::unique_ptr<PostgresDatabase>> PostgresDatabase::open(AsioExecutor& executor, PostgresOptions options) {
  TRY_ASSIGN(const std::string connection, postgres_connection_string(options));
  if (options.connections == 0) return invalid_argument("a pool needs at least 1 connection; 0 were asked for");
  PostgresOptions brief = options;
  brief.connect_timeout = std::min(options.connect_timeout, kBriefProbe);
  TRY_ASSIGN(const std::string brief_connection, postgres_connection_string(brief));
  return std::unique_ptr<PostgresDatabase>(new PostgresDatabase(executor, std::move(options), connection, brief_connection));
}

PostgresDatabase::PostgresDatabase(AsioExecutor& executor, PostgresOptions options, const std::string& connection,
                                   const std::string& brief_connection)
    : executor_(executor),
      options_(std::move(options)),
      inbox_(Inbox::open(executor)),
      under_way_(options_.connections),
      brief_probe_(inbox_, options_, brief_connection),
      patient_probe_(inbox_, options_, connection),
      turns_(options_.connections),
      silence_(executor, {.probe = [this](PostgresDatabaseSilence::Probe kind, auto told) { probe(kind, std::move(told)); },
                          .on_silent = [this] { give_up_all(); }}),
      abandoned_(executor, 0) {
  for (std::size_t i = 0; i < options_.connections; ++i) {
    sessions_.push_back(std::make_unique<PostgresDatabaseSession>(inbox_, options_, connection));
    pass_on(Turn{i});
  }
}

PostgresDatabase::~PostgresDatabase() {
  inbox_->close();
  for (const auto& session : sessions_) session->break_off();  // all at once; then they are joined one after the other
  brief_probe_.break_off();
  patient_probe_.break_off();
}

void PostgresDatabase::probe(PostgresDatabaseSilence::Probe kind, std::function<void(Status)> told) {
  PostgresDatabaseSession& session = kind == PostgresDatabaseSilence::Probe::kBrief ? brief_probe_ : patient_probe_;
  session.ask({.kind = Kind::kProbe}, [told = std::move(told)](const auto& reply) { told(reply.status()); });
}

// The waiting calls fail at once, also those of a session whose attempt to connect cannot be broken off.
void PostgresDatabase::give_up_all() {
  for (std::size_t i = 0; i < sessions_.size(); ++i) {
    if (under_way_[i] != nullptr) under_way_[i]->set(std::nullopt);
    sessions_[i]->break_off();
  }
}

void PostgresDatabase::pass_on(Turn turn) {
  if (waiting_writers_ + waiting_readers_ == 0) return idle_.push_back(turn);
  const bool room = turns_.try_send(Turn{turn});
  RELIANT_ASSERT(room, "a turn is passed on once");
}

DatabaseLoad PostgresDatabase::load() const {
  return {.connections = sessions_.size(),
          .in_use = sessions_.size() - turns_.size() - idle_.size(),
          .waiting_writers = waiting_writers_,
          .waiting_readers = waiting_readers_};
}

void PostgresDatabase::watch(Turn turn, std::shared_ptr<Answer> answer, Instant until) {
  abandoned_.spawn([](PostgresDatabaseSession& session, std::shared_ptr<Answer> of, Instant limit) -> Task<void> {
    if (!co_await of->wait(limit)) session.break_off();
  }(*sessions_[turn.session], std::move(answer), until));
}

Task<Result<PostgresDatabase::Turn>> PostgresDatabase::take_turn(Access access, Instant deadline) {
  if (silence_.is_silent()) co_return down("the database does not answer; it is tried again");
  if (waiting_writers_ + waiting_readers_ == 0) {
    if (const std::optional<Turn> left = turns_.try_recv()) co_return *left;  // its waiter was destroyed
    if (!idle_.empty()) {
      const Turn turn = idle_.back();
      idle_.pop_back();
      co_return turn;
    }
  }
  std::size_t& waiting = access == Access::kWrite ? waiting_writers_ : waiting_readers_;
  ++waiting;
  const Finally leave([&waiting] { --waiting; });
  const auto first = co_await race(turns_.recv(deadline), silence_.silent().wait());
  if (first.index() == 1) co_return down("the database does not answer; it is tried again");
  const std::optional<Turn>& turn = std::get<0>(first);
  if (!turn) co_return deadline_exceeded("timed out waiting for a database connection");
  co_return *turn;
}

bool PostgresDatabase::is_down() const { return failures_ > 1 && executor_.now() - down_since_ >= kDownAfter; }

PostgresDatabaseSession::Reply PostgresDatabase::noted(PostgresDatabaseSession::Reply reply) {
  if (says_something(reply.status())) silence_.heard();
  if (reason_of(reply.status()) != kReasonNotConnected) {
    if (reply.ok()) failures_ = 0;
    return reply;
  }
  if (failures_++ == 0) down_since_ = executor_.now();
  return is_down() ? with_reason(reply.status(), ports::kReasonDatabaseDown) : reply.status();
}

Task<Result<std::unique_ptr<ports::Transaction>>> PostgresDatabase::begin(Access access, Instant deadline) {
  if (is_down()) {
    if (executor_.now() < next_probe_) co_return down("the database cannot be reached; it is tried again");
    next_probe_ = after(executor_.now(), kProbeEvery);
  }
  CO_TRY_ASSIGN(const Turn turn, co_await take_turn(access, deadline));
  co_return std::make_unique<PostgresTransaction>(*this, turn, access, deadline);
}

Task<Result<WallTime>> PostgresDatabase::wall_now(Instant deadline) {
  CO_TRY_ASSIGN(const auto transaction, co_await begin(Access::kReadOne, deadline));
  CO_TRY_ASSIGN(const Rows rows,
                co_await transaction->execute("SELECT CAST(EXTRACT(EPOCH FROM clock_timestamp()) * 1000000 AS BIGINT)", {}));
  const WallTime now{std::chrono::microseconds(rows[0].integer(0))};
  CO_TRY_OK(co_await transaction->commit());
  co_return now;
}

Task<Status> PostgresDatabase::run_script(std::string_view sql, Instant deadline) {
  PostgresDatabaseSession::Request request{.kind = Kind::kScript, .sql = std::string(sql)};
  CO_TRY_ASSIGN(const Turn turn, co_await take_turn(Access::kWrite, deadline));
  Holder holder(*this, turn);
  const Result<Rows> reply = co_await holder.ask(std::move(request), deadline);
  if (holder.answered()) co_return reply.status();
  co_return with_reason(unknown(message_of(reply.status()), " while a script ran"), kReasonCommitUnknown);
}

Task<Status> PostgresDatabase::check(Instant deadline) {
  Status answers = co_await ask_once(deadline);
  while (silence_.is_silent() && after(executor_.now(), kProbeEvery) < deadline) {
    co_await sleep_for(kProbeEvery);  // waits for no event: only another question shows that the server is back
    answers = co_await ask_once(deadline);
  }
  co_return answers;
}

Task<Status> PostgresDatabase::ask_once(Instant deadline) {
  CO_TRY_ASSIGN(const auto transaction, co_await begin(Access::kReadOne, deadline));
  CO_TRY_OK((co_await transaction->execute("SELECT 1", {})).status());
  co_return co_await transaction->commit();
}

}  // namespace reliant::adapters
