// What a transaction costs: through the database port alone, through the store, and through the simulated
// server.
#include <benchmark/benchmark.h>

#include <memory>
#include <string>
#include <utility>

#include "adapters/sqlite/sqlite_database.h"
#include "base/status.h"
#include "kernel/simulation.h"
#include "store/store.h"
#include "support/started.h"
#include "world/network.h"
#include "world/sim_database.h"

namespace reliant::tests {
namespace {

using adapters::SqliteDatabase;
using ports::Access;

Task<Status> insert(ports::Database& database, std::int64_t id, std::string text) {
  CO_TRY_ASSIGN(const auto transaction, co_await database.begin(Access::kWrite, kNever));
  CO_TRY_OK((co_await transaction->execute("INSERT INTO t (id, text) VALUES ($1, $2)", {id, text})).status());
  co_return co_await transaction->commit();
}

Task<Status> find(ports::Database& database, std::int64_t id) {
  CO_TRY_ASSIGN(const auto transaction, co_await database.begin(Access::kRead, kNever));
  CO_TRY_OK((co_await transaction->execute("SELECT text FROM t WHERE id = $1", {id})).status());
  co_return co_await transaction->commit();
}

Task<void> repeat(benchmark::State& state, ports::Database& database, Task<Status> (*work)(ports::Database&, std::int64_t)) {
  std::int64_t id = 0;
  for (auto _ : state) {
    if (!(co_await work(database, ++id)).ok()) state.SkipWithError("the transaction failed");
  }
  state.SetItemsProcessed(state.iterations());
}

void transactions(benchmark::State& state, Task<Status> (*work)(ports::Database&, std::int64_t)) {
  Executor executor(1);
  const auto database = *SqliteDatabase::open(":memory:");
  TaskScope scope(executor, 0);
  Started<Status> script(scope.context(), database->run_script("CREATE TABLE t (id BIGINT PRIMARY KEY, text TEXT)", kNever));
  executor.run();
  scope.spawn(repeat(state, *database, work));
  executor.run();
}

void DatabaseWrite(benchmark::State& state) {
  transactions(state, [](ports::Database& database, std::int64_t id) { return insert(database, id, std::string(200, 'x')); });
}
BENCHMARK(DatabaseWrite);

void DatabaseRead(benchmark::State& state) {
  transactions(state, [](ports::Database& database, std::int64_t id) { return find(database, id % 100); });
}
BENCHMARK(DatabaseRead);

struct Chat {
  store::Store& store;
  UserId user;
  ChatId id;
  std::int64_t chunks = 0;
};

Task<Status> send_message(Chat& chat) {
  co_return (co_await chat.store.messages().append_user_message({chat.user, chat.id, "hello", ""}, kNever)).status();
}
Task<Status> append_chunk(Chat& chat) {
  std::vector<store::NewUpdate> update(
      1, {model::UpdateKind::kMessageChunk, R"({"message_id":"m","text":"word"})", chat.chunks++});
  co_return (co_await chat.store.updates().append(chat.user, chat.id, {"step", 1}, std::move(update), kNever)).status();
}
Task<Status> read_nothing_new(Chat& chat) {
  co_return (co_await chat.store.updates().list(chat.user, chat.id, 1'000'000'000, 100, kNever)).status();
}

Task<void> repeat_in_chat(benchmark::State& state, store::Store& store, Task<Status> (*work)(Chat&)) {
  (void)co_await store.migrate(kNever);
  const auto user = co_await store.users().create({}, "ann", kNever);
  const auto project = co_await store.projects().create(user->id, "home", "/", kNever);
  const auto row = co_await store.chats().create({user->id, project->id, "chat", {}, {}}, kNever);
  Chat chat{store, user->id, row->id};
  for (auto _ : state) {
    if (!(co_await work(chat)).ok()) state.SkipWithError("the operation failed");
  }
  state.SetItemsProcessed(state.iterations());
}

void in_chat(benchmark::State& state, Task<Status> (*work)(Chat&)) {
  Executor executor(1);
  sim::SimClock clock(executor, 0);
  const auto database = *SqliteDatabase::open(":memory:");
  store::Store store(*database, clock, Random(1));
  TaskScope scope(executor, 0);
  scope.spawn(repeat_in_chat(state, store, work));
  executor.run();
}

void StoreSendMessage(benchmark::State& state) { in_chat(state, &send_message); }
BENCHMARK(StoreSendMessage);
void StoreAppendUpdate(benchmark::State& state) { in_chat(state, &append_chunk); }
BENCHMARK(StoreAppendUpdate);
void StoreReadUpdates(benchmark::State& state) { in_chat(state, &read_nothing_new); }
BENCHMARK(StoreReadUpdates);

void in_simulated_chat(benchmark::State& state, Task<Status> (*work)(Chat&)) {
  sim::Simulation simulation(1);
  sim::Network network(simulation);
  sim::DatabaseServer server(network, simulation.add_node("db"));
  sim::Node& node = simulation.add_node("client");
  sim::SimDatabase database(server, node);
  store::Store store(database, node.clock(), node.random("store"));
  node.spawn(repeat_in_chat(state, store, work));
  simulation.run();
}

void SimulatedStoreAppendUpdate(benchmark::State& state) { in_simulated_chat(state, &append_chunk); }
BENCHMARK(SimulatedStoreAppendUpdate);
void SimulatedStoreReadUpdates(benchmark::State& state) { in_simulated_chat(state, &read_nothing_new); }
BENCHMARK(SimulatedStoreReadUpdates);

}  // namespace
}  // namespace reliant::tests
