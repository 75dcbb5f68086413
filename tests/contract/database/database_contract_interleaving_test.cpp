// Random transactions of two clients, step by step in an order that is drawn, too, against SQLite in memory, SQLite in a file,
// the simulated database and a real PostgreSQL. Which transaction waits and which one gets ABORTED is each engine's own
// (tests/contract/README.md); what they have in common is what the port promises: when both clients have repeated what was
// aborted, every transaction that was committed has seen and left what it would have seen and left if they had come one
// after the other, each client's in its own order.
#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <rapidcheck/gtest.h>

#include <algorithm>
#include <array>
#include <set>
#include <string>
#include <vector>

#include "contract/database/database_contract_postgres.h"
#include "contract/database/database_contract_worlds.h"
#include "runtime/all.h"
#include "runtime/event.h"
#include "support/started.h"

namespace reliant::tests {
namespace {

using ports::Access;
using ports::Row;
using ports::Rows;
using ports::Values;
using Lines = std::vector<std::string>;

constexpr std::string_view kTables =
    "DROP TABLE IF EXISTS counters; CREATE TABLE counters (id TEXT PRIMARY KEY, n BIGINT NOT NULL);"
    "INSERT INTO counters VALUES ('a', 1); INSERT INTO counters VALUES ('b', 2);";
constexpr std::string_view kContents = "SELECT id, n FROM counters ORDER BY id";

struct Template {
  std::string_view sql;
  std::string_view parameters;  // of each: k key, i integer
  bool writes = true;
};
// None of them breaks a constraint, and none does nothing on conflict: there PostgreSQL differs (README.md).
constexpr Template kTemplates[] = {
    {"SELECT n FROM counters WHERE id = $1", "k", false},
    {"SELECT id, n FROM counters WHERE n > $1 ORDER BY id", "i", false},
    {"SELECT COUNT(*), COALESCE(SUM(n), 0) FROM counters", "", false},
    {"UPDATE counters SET n = n + $1 WHERE id = $2 RETURNING n", "ik"},
    {"UPDATE counters SET n = n + 1 WHERE n < $1", "i"},
    {"UPDATE counters SET n = (SELECT COUNT(*) FROM counters WHERE n > $1) WHERE id = $2", "ik"},
    {"INSERT INTO counters (id, n) VALUES ($1, $2) ON CONFLICT (id) DO UPDATE SET n = counters.n + excluded.n "
     "RETURNING n",
     "ki"},
    {"INSERT INTO counters (id, n) SELECT $1, COALESCE(SUM(n), 0) FROM counters WHERE TRUE "
     "ON CONFLICT (id) DO UPDATE SET n = 0",
     "k"},
    {"DELETE FROM counters WHERE id = $1", "k"},
    {"DELETE FROM counters WHERE n > $1", "i"},
};

struct Statement {
  std::size_t which = 0;
  std::string key;
  std::int64_t number = 0;

  Values values() const {
    Values all;
    for (const char kind : kTemplates[which].parameters) {
      if (kind == 'k') {
        all.add(key);
      } else {
        all.add(number);
      }
    }
    return all;
  }
};
struct Turn {
  Access access = Access::kWrite;
  bool commits = true;
  std::vector<Statement> statements;
};
struct Script {
  std::array<std::vector<Turn>, 2> clients;
  std::vector<std::size_t> schedule;  // whose step is next; after that, both go on as they can
};

std::ostream& operator<<(std::ostream& out, const Script& script) {
  for (std::size_t client = 0; client < script.clients.size(); ++client) {
    out << "client " << client << "\n";
    for (const Turn& turn : script.clients[client]) {
      out << (turn.access == Access::kWrite ? "  write" : "  read") << (turn.commits ? " commit" : " roll back") << " {\n";
      for (const Statement& statement : turn.statements)
        out << "    " << kTemplates[statement.which].sql << " | " << statement.key << " | " << statement.number << "\n";
      out << "  }\n";
    }
  }
  out << "steps";
  for (const std::size_t client : script.schedule) out << " " << client;
  return out << "\n";
}

rc::Gen<Statement> statements(bool writes) {
  std::vector<std::size_t> fit;
  for (std::size_t i = 0; i < std::size(kTemplates); ++i)
    if (writes || !kTemplates[i].writes) fit.push_back(i);
  return rc::gen::build<Statement>(rc::gen::set(&Statement::which, rc::gen::elementOf(fit)),
                                   rc::gen::set(&Statement::key, rc::gen::element<std::string>("a", "b", "c")),
                                   rc::gen::set(&Statement::number, rc::gen::inRange<std::int64_t>(-1, 4)));
}

// rapidcheck's own sizes would make most scripts too short to meet, or too long to be looked at.
rc::Gen<Script> scripts() {
  return rc::gen::exec([] {
    Script script;
    std::size_t steps = 0;
    for (auto& turns : script.clients) {
      turns.resize(*rc::gen::inRange<std::size_t>(1, 4));
      for (Turn& turn : turns) {
        turn.access = *rc::gen::weightedElement<Access>({{4, Access::kWrite}, {1, Access::kRead}});
        turn.commits = *rc::gen::weightedElement<bool>({{7, true}, {1, false}});
        turn.statements = *rc::gen::container<std::vector<Statement>>(*rc::gen::inRange<std::size_t>(1, 4),
                                                                      statements(turn.access == Access::kWrite));
        steps += turn.statements.size() + 2;
      }
    }
    script.schedule = *rc::gen::container<std::vector<std::size_t>>(steps, rc::gen::element<std::size_t>(0, 1));
    return script;
  });
}

// --- one run ---------------------------------------------------------------------------------------------------------

std::string line_of(const Rows& rows) {
  std::string line = concat("changed ", rows.changed, ":");
  for (const Row row : rows) {
    line += " (";
    for (std::size_t column = 0; column < row.size(); ++column) {
      const auto* text = std::get_if<std::string>(&row[column]);
      line += text == nullptr ? concat(row.integer(column), " ") : concat(*text, " ");
    }
    line += ")";
  }
  return line;
}

// A client with its transactions. Each step of one waits at a gate until it is let through.
class Client {
 public:
  Client(ports::Database& database, const std::vector<Turn>& turns) : database_(database), turns_(turns) {}

  Task<void> run() {
    for (const Turn& turn : turns_) co_await run_turn(turn);
    ended_ = true;
    at_gate_.set();  // a task that waits for its step need not
  }
  // One transaction, as often as it takes.
  Task<void> run_turn(const Turn& turn) {
    for (int attempt = 0; attempt < kAttempts; ++attempt) {
      Lines seen;
      const Status status = co_await try_turn(turn, seen);
      if (status.code() == StatusCode::kAborted) continue;
      EXPECT_TRUE(status.ok()) << status;
      if (!turn.commits) seen = {"rolled back"};  // what it has read need not be true
      lines_.insert(lines_.end(), seen.begin(), seen.end());
      co_return;
    }
    lines_.emplace_back("aborted again and again");
  }

  // Lets it do one step, and returns when that is done; or when it seems to wait for the other client, and then it is let be
  // until it is at the gate again.
  Task<void> step(Executor& executor) {
    if (ended_ || !at_gate_.is_set()) co_return;
    at_gate_.reset();
    pass_.set();
    const bool done = co_await at_gate_.wait(after(executor.now(), kStepTimeout));
    static_cast<void>(done);
  }
  void let_go() {
    free_ = true;
    pass_.set();
  }
  const Lines& lines() const { return lines_; }

 private:
  static constexpr Duration kStepTimeout = std::chrono::milliseconds(20);
  static constexpr int kAttempts = 1000;

  Task<void> gate() {
    at_gate_.set();
    if (free_) co_return;
    co_await pass_.wait();
    pass_.reset();
  }
  Task<Status> try_turn(const Turn& turn, Lines& seen) {
    co_await gate();
    CO_TRY_ASSIGN(const auto transaction, co_await database_.begin(turn.access, kNever));
    for (const Statement& statement : turn.statements) {
      co_await gate();
      CO_TRY_ASSIGN(const Rows rows, co_await transaction->execute(kTemplates[statement.which].sql, statement.values()));
      seen.push_back(line_of(rows));
    }
    co_await gate();
    if (!turn.commits) co_return ok_status();
    co_return co_await transaction->commit();
  }

  ports::Database& database_;
  const std::vector<Turn>& turns_;
  Event at_gate_;
  Event pass_;
  bool free_ = false;
  bool ended_ = false;
  Lines lines_;
};

struct Clients {
  Clients(ports::Database& database, const Script& script)
      : one(database, script.clients[0]), two(database, script.clients[1]) {}
  Client& operator[](std::size_t which) { return which == 0 ? one : two; }
  void let_go() {
    one.let_go();
    two.let_go();
  }
  Client one;
  Client two;
};

Task<Status> prepare(ports::Database& database) { return database.run_script(kTables, kNever); }

// What they have seen, and what is there in the end.
Task<Lines> outcome(ports::Database& database, Clients& clients) {
  Lines lines;
  for (const Client* client : {&clients.one, &clients.two}) {
    lines.emplace_back("client");
    lines.insert(lines.end(), client->lines().begin(), client->lines().end());
  }
  const auto read = [](ports::Database& from) -> Task<Result<std::string>> {
    CO_TRY_ASSIGN(const auto transaction, co_await from.begin(Access::kRead, kNever));
    CO_TRY_ASSIGN(const Rows rows, co_await transaction->execute(kContents, {}));
    CO_TRY_OK(co_await transaction->commit());
    co_return line_of(rows);
  };
  const auto contents = co_await read(database);
  lines.push_back(contents.ok() ? *contents : contents.status().ToString());
  co_return lines;
}

Task<void> conduct(Executor& executor, const std::vector<std::size_t>& schedule, Clients& clients) {
  for (const std::size_t which : schedule) co_await clients[which].step(executor);
  clients.let_go();
}

Task<Lines> play_together(ports::Database& database, Executor& executor, const Script& script) {
  const Status made = co_await prepare(database);
  if (!made.ok()) co_return Lines{made.ToString()};
  Clients clients(database, script);
  co_await all(clients.one.run(), clients.two.run(), conduct(executor, script.schedule, clients));
  co_return co_await outcome(database, clients);
}

Task<Lines> play_in_order(ports::Database& database, const Script& script, const std::vector<std::size_t>& order) {
  const Status made = co_await prepare(database);
  if (!made.ok()) co_return Lines{made.ToString()};
  Clients clients(database, script);
  clients.let_go();
  std::array<std::size_t, 2> next{};
  for (const std::size_t which : order) co_await clients[which].run_turn(script.clients[which][next[which]++]);
  co_return co_await outcome(database, clients);
}

template <class World>
Lines played(World& world, Task<Lines> play) {
  Started<Lines> started(world.scope().context(), std::move(play));
  if constexpr (requires { world.run_steps(1); }) {
    RC_ASSERT(world.run_until([&] { return started.ended(); }));
    return started.take();
  } else {
    return await(world.executor(), started);
  }
}

// One after the other, in every order: on an engine of its own.
std::set<Lines> serial_outcomes(SqliteInMemory& world, const Script& script) {
  std::vector<std::size_t> order(script.clients[0].size(), 0);
  order.resize(order.size() + script.clients[1].size(), 1);
  std::set<Lines> all;
  do {
    all.insert(played(world, play_in_order(world.database(), script, order)));
  } while (std::ranges::next_permutation(order).found);
  return all;
}

template <class World>
void is_one_of(const std::set<Lines>& serial, std::string_view engine, World& world, const Script& script) {
  const Lines got = played(world, play_together(world.database(), world.executor(), script));
  if (serial.contains(got)) return;
  std::string told = concat("in no order of the transactions one after the other is seen what was on ", engine, ":\n");
  for (const std::string& line : got) told += concat("  ", line, "\n");
  RC_FAIL(told);
}

TEST(DatabaseDifferential, TransactionsOfTwoClientsAreSeenAsIfOneCameAfterTheOther) {
  SqliteInMemory reference;
  SqliteInMemory memory;
  SqliteFile file;
  SimRemote simulated;
  adapters::PostgresOptions options;  // a short deadlock timeout
  options.url = shared_postgres().new_schema() + "%20-cdeadlock_timeout%3D50";
  PostgresWorld postgres(options);
  const bool same = rc::check([&] {
    const Script script = *scripts();
    const std::set<Lines> serial = serial_outcomes(reference, script);
    is_one_of(serial, "SQLite in memory", memory, script);
    is_one_of(serial, "SQLite in a file", file, script);
    is_one_of(serial, "the simulated server", simulated, script);
    is_one_of(serial, "PostgreSQL", postgres, script);
  });
  EXPECT_TRUE(same);
}

}  // namespace
}  // namespace reliant::tests
