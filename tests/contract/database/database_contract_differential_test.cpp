// Random transactions against SQLite in memory, SQLite in a file, the simulated database and a real PostgreSQL, one after the
// other: what each statement answers is the same, but for what tests/contract/README.md lists.
#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <rapidcheck/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "contract/database/database_contract_postgres.h"
#include "contract/database/database_contract_worlds.h"
#include "support/started.h"

namespace reliant::tests {
namespace {

using ports::Access;
using ports::Blob;
using ports::Row;
using ports::Rows;
using ports::Value;
using ports::Values;

constexpr std::string_view kTables =
    "DROP TABLE IF EXISTS children; DROP TABLE IF EXISTS items;"
    "CREATE TABLE items (id TEXT PRIMARY KEY, n BIGINT NOT NULL CHECK (n >= -5), r DOUBLE PRECISION, b BYTEA, u TEXT UNIQUE);"
    "CREATE TABLE children (id BIGINT PRIMARY KEY, item TEXT NOT NULL REFERENCES items (id));"
    "CREATE INDEX open_items ON items (n) WHERE u IS NULL;";

struct Template {
  std::string_view sql;
  std::string_view parameters;  // of each: k key, i integer, r real, b bytes, t text; capitals: may be NULL
};
constexpr Template kTemplates[] = {
    {"INSERT INTO items (id, n, r, b, u) VALUES ($1, $2, $3, $4, $5)", "kIRBT"},
    {"INSERT INTO items (id, n, r, b, u) VALUES ($1, $2, $3, $4, $5) ON CONFLICT (id) DO NOTHING", "kiRBT"},
    {"INSERT INTO items (id, n, u) VALUES ($1, $2, $3) ON CONFLICT (id) DO UPDATE SET n = excluded.n, u = excluded.u "
     "RETURNING id, n, u",
     "kiT"},
    {"UPDATE items SET n = $1 WHERE id = $2", "Ik"},
    {"UPDATE items SET n = n + 1 WHERE n < $1", "i"},
    {"UPDATE items SET u = $1, b = $2 WHERE id = $3 RETURNING u, b", "TBk"},
    {"UPDATE items SET r = $2 WHERE id = $1 AND ($2 IS NOT NULL OR n = $3)", "kRi"},
    {"DELETE FROM items WHERE id = $1", "k"},
    {"DELETE FROM items WHERE n >= $1 RETURNING id", "i"},
    {"INSERT INTO children (id, item) VALUES ($1, $2)", "ik"},
    {"DELETE FROM children WHERE item = $1", "k"},
    {"SELECT id, n, r, b, u FROM items WHERE id = $1", "k"},
    {"SELECT id, n, u FROM items WHERE id > $1 ORDER BY id LIMIT $2", "kl"},
    {"SELECT COUNT(*), COALESCE(MAX(n), 0), MIN(r), COUNT(u) FROM items", ""},
    {"SELECT items.id, children.id FROM items JOIN children ON children.item = items.id ORDER BY items.id, children.id", ""},
    {"SELECT id FROM items WHERE u IS NULL AND n IS NOT NULL ORDER BY id DESC", ""},
    {"SELECT id, CASE WHEN n > 0 THEN 1 ELSE 0 END FROM items ORDER BY id", ""},
    {"SELECT id FROM items WHERE u = $1", "T"},
    {"SELECT id FROM items WHERE (n, id) < ($1, $2) ORDER BY n DESC, id DESC LIMIT 2", "ik"},
    {"SELECT EXISTS (SELECT 1 FROM children WHERE item = $1)", "k"},
    {"SELECT nothing FROM items", ""},
    {"SELEC 1", ""},
    {"SELECT $1", ""},
};

struct Statement {
  std::size_t which = 0;
  std::vector<Value> values;
};
struct Turn {
  Access access = Access::kWrite;
  bool commits = true;
  std::vector<Statement> statements;
};

std::string shown(const Value& value) {
  if (const auto* integer = std::get_if<std::int64_t>(&value)) return concat(*integer);
  if (const auto* real = std::get_if<double>(&value)) return concat("r", std::to_string(*real));
  if (const auto* blob = std::get_if<Blob>(&value)) return concat("b`", blob->bytes, "`");
  const auto* text = std::get_if<std::string>(&value);
  return text == nullptr ? "NULL" : concat("`", *text, "`");
}
std::ostream& operator<<(std::ostream& out, const Turn& turn) {
  out << (turn.access == Access::kWrite ? "write" : "read") << (turn.commits ? " commit" : " roll back") << " {";
  for (const Statement& statement : turn.statements) {
    out << "\n  " << kTemplates[statement.which].sql;
    for (const Value& value : statement.values) out << " | " << shown(value);
  }
  return out << "}\n";
}

rc::Gen<Value> values(char kind) {
  const auto of = [](std::vector<Value> all) { return rc::gen::elementOf(std::move(all)); };
  const bool nullable = kind >= 'A' && kind <= 'Z';
  rc::Gen<Value> some = rc::gen::just(Value());
  switch (kind) {
    case 'k':
      some = of({std::string("a"), std::string("b"), std::string("c"), std::string("d")});
      break;
    case 'l':
      some = of({std::int64_t{0}, std::int64_t{1}, std::int64_t{3}});
      break;
    case 'i':
    case 'I':
      some = of({std::int64_t{0}, std::int64_t{1}, std::int64_t{-5}, std::int64_t{-6}, std::int64_t{7}, INT64_MAX, INT64_MIN});
      break;
    case 'R':
      some = of({0.0, 0.5, -1.25, 1e300, 1e-300, 0.1, 3.0});
      break;
    case 'B':
      some = of({Blob{""}, Blob{std::string("\0\xff\\x", 4)}, Blob{"text"}});
      break;
    default:
      some = of({std::string(), std::string("x"), std::string("ü"), std::string("\0", 1), std::string("\xff"),
                 std::string("\x01"), std::string("'$1\\"), std::string("  "), std::string("NULL"), std::string(5000, 'x')});
  }
  return nullable ? rc::gen::weightedOneOf<Value>({{4, some}, {1, rc::gen::just(Value())}}) : some;
}

rc::Gen<Statement> statements() {
  return rc::gen::mapcat(rc::gen::inRange<std::size_t>(0, std::size(kTemplates)), [](std::size_t which) {
    return rc::gen::exec([which] {
      Statement made{which, {}};
      for (const char kind : kTemplates[which].parameters) made.values.push_back(*values(kind));
      return made;
    });
  });
}

rc::Gen<Turn> turns() {
  return rc::gen::build<Turn>(
      rc::gen::set(&Turn::access, rc::gen::weightedElement<Access>({{5, Access::kWrite}, {1, Access::kRead}})),
      rc::gen::set(&Turn::commits, rc::gen::weightedElement<bool>({{5, true}, {1, false}})),
      rc::gen::set(&Turn::statements, rc::gen::scale(0.1, rc::gen::container<std::vector<Statement>>(statements()))));
}

// --- one run ---------------------------------------------------------------------------------------------------------

using Lines = std::vector<std::string>;

std::string answer_of(const Result<Rows>& rows) {
  if (!rows.ok()) return std::string(code_name(rows.status().code()));
  Lines lines;
  for (const Row row : *rows) {
    std::string line;
    for (std::size_t column = 0; column < row.size(); ++column) line += concat(shown(row[column]), " ");
    lines.push_back(std::move(line));
  }
  if (rows->changed > 0) std::ranges::sort(lines);  // RETURNING promises no order
  std::string out = concat("changed ", rows->changed, ": ");
  for (const std::string& line : lines) out += concat("(", line, ")");
  return out;
}

Task<Lines> play(ports::Database& database, std::vector<Turn> script) {
  Lines lines;
  const Status made = co_await database.run_script(kTables, kNever);
  lines.push_back(made.ok() ? "made" : made.ToString());
  for (const Turn& turn : script) {
    auto begun = co_await database.begin(turn.access, kNever);
    if (!begun.ok()) {
      lines.push_back(begun.status().ToString());
      continue;
    }
    const std::unique_ptr<ports::Transaction> transaction = *std::move(begun);
    for (const Statement& statement : turn.statements) {
      Values given;
      for (const Value& value : statement.values) given.add(value);
      const auto rows = co_await transaction->execute(kTemplates[statement.which].sql, std::move(given));
      lines.push_back(answer_of(rows));
      if (!rows.ok()) break;  // the transaction is over
    }
    if (turn.commits) {
      const Status committed = co_await transaction->commit();
      lines.emplace_back(code_name(committed.code()));
    }
  }
  co_return lines;
}

template <class World>
Lines played(World& world, const std::vector<Turn>& script) {
  Started<Lines> started(world.scope().context(), play(world.database(), script));
  if constexpr (requires { world.run_steps(1); }) {
    RC_ASSERT(world.run_until([&] { return started.ended(); }));
    return started.take();
  } else {
    return await(world.executor(), started);
  }
}

TEST(DatabaseDifferential, EveryStatementAnswersTheSameOnEveryEngine) {
  SqliteInMemory memory;
  SqliteFile file;
  SimRemote simulated;
  PostgresWorld postgres;
  const bool same = rc::check([&] {
    const auto script = *rc::gen::container<std::vector<Turn>>(turns());
    const Lines expected = played(memory, script);
    RC_ASSERT(played(file, script) == expected);
    RC_ASSERT(played(simulated, script) == expected);
    RC_ASSERT(played(postgres, script) == expected);
  });
  EXPECT_TRUE(same);
}

}  // namespace
}  // namespace reliant::tests
