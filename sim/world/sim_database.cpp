#include "world/sim_database.h"

#include <algorithm>
#include <optional>
#include <string>
#include <utility>

#include "base/disk_full.h"
#include "base/finally.h"
#include "base/text.h"
#include "runtime/one_shot.h"
#include "runtime/sleep.h"

namespace reliant::sim {

using ports::Access;
using ports::Rows;
using ports::Transaction;
using ports::Values;

namespace {

constexpr std::uint64_t kMillion = 1'000'000;
// Postgres' idle_in_transaction_session_timeout: a transaction that is idle for that time is rolled back.
constexpr Duration kIdle = std::chrono::seconds(5);

// One draw for all odds: changed odds re-roll nothing else.
CommitFault drawn(Random& random, const CommitFaults& faults) {
  std::uint64_t draw = random.below(kMillion);
  const std::pair<std::uint32_t, CommitFault> odds[] = {{faults.lost_before, CommitFault::kLostBefore},
                                                        {faults.lost_while, CommitFault::kLostWhile},
                                                        {faults.lost_after, CommitFault::kLostAfter},
                                                        {faults.aborted, CommitFault::kAborted}};
  for (const auto& [per_million, fault] : odds) {
    if (draw < per_million) return fault;
    draw -= per_million;
  }
  return CommitFault::kNone;
}

Status lost() { return unavailable("the connection to the database was lost; nothing was written"); }
Status over() { return internal_error("the transaction is over"); }
Status in_doubt() {
  return with_reason(unknown("the connection to the database was lost while committing"), kReasonCommitUnknown);
}
Status serialization_failure() { return aborted("the database could not serialize this transaction; run it again"); }

}  // namespace

// --- the server and its clients ------------------------------------------------------------------

// A transaction whose client is gone, until the server settles it.
struct DatabaseServer::Abandoned : Wake {
  DatabaseServer* server = nullptr;
  std::unique_ptr<Transaction> transaction;
  bool commit = false;
};

class RemoteTransaction final : public Transaction {
 public:
  RemoteTransaction(DatabaseServer& server, Node& client, Incarnation life, std::unique_ptr<Transaction> inner,
                    Instant deadline)
      : server_(server), client_(client), life_(life), inner_(std::move(inner)), deadline_(deadline) {
    server_.sessions_.push_back(this);
    idle_.transaction = this;
    idle_.bind(server_.context_, [](Wake& wake) { static_cast<Idle&>(wake).transaction->lose(); });
    wait_for_client();
  }
  RemoteTransaction(const RemoteTransaction&) = delete;
  RemoteTransaction& operator=(const RemoteTransaction&) = delete;
  ~RemoteTransaction() override {
    std::erase(server_.sessions_, this);
    if (inner_ != nullptr) server_.abandon(std::move(inner_), client_, commit_sent_);
  }

  Task<Result<Rows>> execute(std::string_view sql, Values parameters) override {
    if (!life_.alive()) co_await never();
    if (over_) co_return over();
    CO_TRY_OK(co_await reach_server(sql.size()));
    Result<Rows> rows = co_await inner_->execute(sql, std::move(parameters));
    if (rows.ok()) {
      wait_for_client();
    } else {
      finish();
    }
    CO_TRY_OK(co_await reach_client());
    co_return rows;
  }

  Task<Status> commit() override {
    if (!life_.alive()) co_await never();
    if (over_) co_return over();
    const CommitFault fault = server_.draw_fault(client_);
    if (fault == CommitFault::kLostBefore) {
      finish();
      co_return lost();
    }
    commit_sent_ = true;
    const Status arrived = co_await reach_server(0);
    if (!arrived.ok() || fault == CommitFault::kLostWhile) {
      finish();
      co_return in_doubt();
    }
    Status committed = fault == CommitFault::kAborted ? serialization_failure() : co_await inner_->commit();
    if (committed.ok()) ++server_.commits_;
    finish();
    if (fault == CommitFault::kLostAfter || !(co_await reach_client()).ok()) co_return in_doubt();
    co_return committed;
  }

 private:
  friend class DatabaseServer;

  // Errors end the transaction. While the path is cut, the server does not know of that yet: it keeps the writer's lock.
  Task<Status> reach_server(std::size_t bytes) {
    const Status arrived = co_await server_.network_.travel(client_, server_.node_, bytes, deadline_);
    if (arrived.ok() && inner_ != nullptr) {
      idle_.cancel();
      co_return ok_status();
    }
    co_return give_up(arrived);
  }
  Task<Status> reach_client() {
    const Status arrived = co_await server_.network_.travel(server_.node_, client_, 0, deadline_);
    if (arrived.ok() && (inner_ != nullptr || over_)) co_return ok_status();
    co_return give_up(arrived);
  }
  // The server's wait is bounded; the client receives the error with its next call.
  void wait_for_client() { idle_.at(after(server_.network_.simulation().now(), kIdle)); }
  Status give_up(const Status& why) {
    over_ = true;
    idle_.cancel();
    if (inner_ != nullptr) server_.abandon(std::move(inner_), client_, commit_sent_);
    return why.code() == StatusCode::kDeadlineExceeded ? why : lost();
  }
  void finish() {
    over_ = true;
    idle_.cancel();
    inner_.reset();
  }
  bool of(const Node& client) const { return &client_ == &client; }
  void lose() { inner_.reset(); }

  struct Idle : Wake {
    RemoteTransaction* transaction = nullptr;
  };

  DatabaseServer& server_;
  Node& client_;
  Incarnation life_;
  std::unique_ptr<Transaction> inner_;  // null without over_: the connection is lost, the client not yet notified
  Instant deadline_;
  bool over_ = false;
  bool commit_sent_ = false;
  Idle idle_;
};

struct DatabaseServer::Begun {
  OneShot<Status> granted;
  std::unique_ptr<RemoteTransaction> transaction;
  bool left = false;  // the client is gone, or has its answer
};

// At the server: a client that is paused when it gets the lock holds it no longer than one that falls silent later.
Task<void> DatabaseServer::begin(std::shared_ptr<Begun> begun, Node& client, Incarnation life, Instant deadline) {
  const Incarnation own = node_.incarnation();
  auto inner = co_await data_->begin(Access::kWrite, deadline);
  if (begun->left) co_return;
  if (inner.ok() && own.alive()) {
    begun->transaction = std::make_unique<RemoteTransaction>(*this, client, life, *std::move(inner), deadline);
    begun->granted.set(ok_status());
  } else {
    begun->granted.set(inner.ok() ? lost() : inner.status());
  }
}

// A queued read. If the client is gone when the read runs, the result is discarded; the read delays no other client.
struct DatabaseServer::Reading {
  Reading(std::string statement, Values values, std::optional<std::uint64_t> commits)
      : sql(std::move(statement)), parameters(std::move(values)), seen(commits) {}
  std::string sql;
  Values parameters;
  std::optional<std::uint64_t> seen;
  OneShot<Result<Rows>> rows;
};

Task<Result<Rows>> DatabaseServer::read(std::string_view sql, Values parameters, std::optional<std::uint64_t>& seen,
                                        Instant deadline) {
  CO_TRY_ASSIGN(const auto turn, co_await data_->begin(Access::kRead, deadline));
  if (seen.value_or(commits_) != commits_) co_return serialization_failure();
  seen = commits_;
  co_return co_await turn->execute(sql, std::move(parameters));
}

Task<void> DatabaseServer::read_later(std::shared_ptr<Reading> reading, Instant deadline) {
  reading->rows.set(co_await read(reading->sql, std::move(reading->parameters), reading->seen, deadline));
}

// A reader does not block writers while its messages travel: it holds the lock only during a statement. After another
// client's commit between two of its statements, the two would not see one state, and the reader receives a
// serialization failure. BEGIN travels with the first statement, and the end of a transaction that wrote nothing is
// not waited for.
class RemoteRead final : public Transaction {
 public:
  RemoteRead(DatabaseServer& server, Node& client, Incarnation life, Access access, Instant deadline)
      : server_(server), client_(client), life_(life), access_(access), deadline_(deadline) {}

  Task<Result<Rows>> execute(std::string_view sql, Values parameters) override {
    if (!life_.alive()) co_await never();
    if (over_ || (access_ == Access::kReadOne && std::exchange(used_, true))) co_return over();
    over_ = true;  // unless the statement succeeds
    CO_TRY_OK(co_await server_.network_.travel(client_, server_.node_, sql.size(), deadline_));
    const Incarnation server_life = server_.node_.incarnation();
    Result<Rows> rows = co_await at_server(sql, std::move(parameters));
    if (!server_life.alive()) co_return lost();
    CO_TRY_OK(co_await server_.network_.travel(server_.node_, client_, 0, deadline_));
    over_ = !rows.ok();
    co_return rows;
  }

  Task<Status> commit() override {
    if (!life_.alive()) co_await never();
    if (std::exchange(over_, true)) co_return over();
    co_return ok_status();
  }

 private:
  Task<Result<Rows>> at_server(std::string_view sql, Values parameters) {
    if (server_.data_->has_turn(Access::kRead)) {
      co_return co_await server_.read(sql, std::move(parameters), seen_, deadline_);
    }
    const auto reading = std::make_shared<DatabaseServer::Reading>(std::string(sql), std::move(parameters), seen_);
    server_.scope_.spawn(server_.read_later(reading, deadline_));
    auto rows = co_await reading->rows.wait();
    seen_ = reading->seen;
    co_return *std::move(rows);
  }

  DatabaseServer& server_;
  Node& client_;
  Incarnation life_;
  Access access_;
  Instant deadline_;
  std::optional<std::uint64_t> seen_;  // how many commits came before
  bool used_ = false;
  bool over_ = false;
};

DatabaseServer::DatabaseServer(Network& network, Node& node, DatabaseBeginnings* beginnings)
    : network_(network),
      node_(node),
      context_(network.simulation().world().context()),
      random_(network.simulation().random("database/" + node.name())),
      data_(std::make_unique<MemoryDatabase>(beginnings)) {
  node_.add_observer(*this);
}

DatabaseServer::~DatabaseServer() { network_.simulation().shutdown(); }

void DatabaseServer::fail_commit(Node* client, CommitFault fault, std::uint32_t after) {
  planned_.push_back({client, fault, after});
}

CommitFault DatabaseServer::draw_fault(Node& client) {
  CommitFault fault = drawn(random_, faults_);
  for (auto planned = planned_.begin(); planned != planned_.end();) {
    const bool meant = planned->client == nullptr || planned->client == &client;
    if (!meant || planned->after > 0) {
      planned->after -= meant ? 1 : 0;
      ++planned;
      continue;
    }
    fault = planned->fault;
    planned = planned_.erase(planned);
    network_.simulation().trace().record(client.id(), Level::kInfo, "fault.commit.met", {{"client", client.name()}});
  }
  if (fault != CommitFault::kNone) ++faulty_commits_;
  return fault;
}

void DatabaseServer::drop_connections(Node& client) {
  for (RemoteTransaction* session : sessions_) {
    if (session->of(client)) session->lose();
  }
}

void DatabaseServer::node_crashed(Node&) {
  for (RemoteTransaction* session : sessions_) session->lose();
  abandoned_.clear();
}

// When the server notices that a client is gone: with an open path at once, unless its commit comes first; with a
// cut path after the idle timeout.
void DatabaseServer::abandon(std::unique_ptr<Transaction> transaction, Node& client, bool commit_sent) {
  Path& way = network_.path(client, node_);
  if (way.open() && !commit_sent) return;  // rolls back here
  auto abandoned = std::make_unique<Abandoned>();
  abandoned->server = this;
  abandoned->transaction = std::move(transaction);
  abandoned->commit = way.open() && random_.chance(1, 2);
  abandoned->bind(context_, [](Wake& wake) {
    auto& self = static_cast<Abandoned&>(wake);
    self.server->settle(self);
  });
  const Duration delay = way.open() ? way.delay(0, network_.simulation().now()) : kIdle;
  abandoned->at(after(network_.simulation().now(), delay));
  abandoned_.push_back(std::move(abandoned));
}

void DatabaseServer::settle(Abandoned& abandoned) {
  if (abandoned.commit) {
    Task<Status> commit = abandoned.transaction->commit();  // SQLite never waits for this
    commit.start(context_);
    RELIANT_ASSERT(commit.done(), "a commit in memory ends at once");
    if (commit.result().ok()) ++commits_;
  }
  std::erase_if(abandoned_, [&](const auto& other) { return other.get() == &abandoned; });
}

Task<Result<std::unique_ptr<Transaction>>> SimDatabase::begin(Access access, Instant deadline) {
  if (!life_.alive()) co_await never();
  if (access != Access::kWrite) co_return std::make_unique<RemoteRead>(server_, client_, life_, access, deadline);
  CO_TRY_OK(co_await server_.network_.travel(client_, server_.node_, 0, deadline));
  const auto begun = std::make_shared<DatabaseServer::Begun>();
  const Finally leave([&] { begun->left = true; });
  if (server_.data_->has_turn(access)) {
    co_await server_.begin(begun, client_, life_, deadline);
  } else {
    server_.scope_.spawn(server_.begin(begun, client_, life_, deadline));
  }
  const std::optional<Status> granted = co_await begun->granted.wait();
  CO_TRY_OK(*granted);
  std::unique_ptr<RemoteTransaction> transaction = std::move(begun->transaction);
  CO_TRY_OK(co_await server_.network_.travel(server_.node_, client_, 0, deadline));
  co_return std::unique_ptr<Transaction>(std::move(transaction));
}

Task<Status> SimDatabase::run_script(std::string_view sql, Instant deadline) {
  const std::string script(sql);
  if (!life_.alive()) co_await never();
  CO_TRY_OK(co_await server_.network_.travel(client_, server_.node_, script.size(), deadline));
  const Status done = co_await server_.data_->run_script(script, deadline);
  if (!(co_await server_.network_.travel(server_.node_, client_, 0, deadline)).ok()) co_return in_doubt();
  co_return done;
}

Task<Result<WallTime>> SimDatabase::wall_now(Instant deadline) {
  if (!life_.alive()) co_await never();
  CO_TRY_OK(co_await server_.network_.travel(client_, server_.node_, 0, deadline));
  const WallTime now = server_.node_.clock().wall_now();
  CO_TRY_OK(co_await server_.network_.travel(server_.node_, client_, 0, deadline));
  co_return now;
}

// --- a file on the node itself -------------------------------------------------------------------

class FileTransaction final : public Transaction {
 public:
  FileTransaction(DatabaseFile& file, Incarnation life, std::unique_ptr<Transaction> inner, Access access)
      : file_(file), life_(life), inner_(std::move(inner)), access_(access) {}

  Task<Result<Rows>> execute(std::string_view sql, Values parameters) override {
    if (!life_.alive()) co_await never();
    if (inner_ == nullptr) co_return over();
    wrote_ = wrote_ || !sql.starts_with("SELECT");
    co_return co_await inner_->execute(sql, std::move(parameters));
  }

  Task<Status> commit() override {
    if (!life_.alive()) co_await never();
    if (inner_ == nullptr) co_return over();
    if (access_ != Access::kWrite) co_return co_await inner_->commit();
    const CommitFault fault = drawn(file_.random_, file_.faults_);
    if (file_.full_ && wrote_) {
      inner_.reset();
      co_return with_reason(resource_exhausted("the disk is full; nothing was written"), kReasonDiskFull);
    }
    const Duration disk = file_.random_.duration(file_.latency_.low, file_.latency_.high);
    co_await sleep_for(disk);
    if (file_.tear_ && file_.tear_->after-- == 0) {
      const bool written = std::exchange(file_.tear_, std::nullopt)->written;
      if (written && (co_await inner_->commit()).ok()) ++file_.commits_;
      inner_.reset();
      co_await file_.node_.crash_here();
    }
    if (fault != CommitFault::kNone && fault != CommitFault::kLostAfter) {
      inner_.reset();
      if (fault == CommitFault::kLostWhile) co_return in_doubt();
      co_return fault == CommitFault::kAborted ? serialization_failure() : lost();
    }
    const Status committed = co_await inner_->commit();
    if (committed.ok()) ++file_.commits_;
    inner_.reset();
    co_await yield();  // a crash here: written, and the caller does not know
    if (fault == CommitFault::kLostAfter) co_return in_doubt();
    co_return committed;
  }

 private:
  DatabaseFile& file_;
  Incarnation life_;
  std::unique_ptr<Transaction> inner_;
  Access access_;
  bool wrote_ = false;
};

DatabaseFile::DatabaseFile(Simulation& simulation, Node& node, std::string_view name, DiskLatency latency,
                           DatabaseBeginnings* beginnings)
    : simulation_(simulation),
      node_(node),
      random_(simulation.random(concat("file/", node.name(), "/", name))),
      latency_(latency),
      data_(std::make_unique<MemoryDatabase>(beginnings)) {}

Task<Status> DatabaseFile::back_up() {
  CO_TRY_ASSIGN(backup_, co_await data_->copy());
  co_return ok_status();
}

void DatabaseFile::restore() {
  RELIANT_ASSERT(!node_.up(), "a file may be replaced only while no process uses it");
  if (backup_ != nullptr) data_ = std::move(backup_);
}

Task<Result<std::unique_ptr<Transaction>>> SimFileDatabase::begin(Access access, Instant deadline) {
  if (!life_.alive()) co_await never();
  CO_TRY_ASSIGN(auto inner, co_await file_.data_->begin(access, deadline));
  co_return std::make_unique<FileTransaction>(file_, life_, std::move(inner), access);
}

Task<Status> SimFileDatabase::run_script(std::string_view sql, Instant deadline) {
  const std::string script(sql);
  if (!life_.alive()) co_await never();
  co_return co_await file_.data_->run_script(script, deadline);
}

Task<Result<WallTime>> SimFileDatabase::wall_now(Instant) {
  if (!life_.alive()) co_await never();
  co_return file_.node_.clock().wall_now();
}

}  // namespace reliant::sim
