#include "unit/store/store_world.h"

namespace reliant::tests {
namespace {

class Concurrency : public StoreWorld {};

// The processes meet on one row, and on an engine that lets several write at a time, all but one have to retry.
TEST_F(Concurrency, LeavesNoGapInTheUpdatesOfAChat) {
  const auto chat = make_chat();
  write_at_once(chat.id, 10, soon());
  // 10 messages and 19 chunks a writer, and one status.
  EXPECT_EQ(updates(chat.id).size(), kWriters * (10 + 19) + 1);
}

Task<Status> open_streams(store::Store& store, UserId user, GatewayId gateway, std::vector<std::int64_t>& epochs,
                          Instant deadline) {
  for (int i = 0; i < 10; ++i) {
    store::DaemonArrival arrival{user, DaemonId("d1"), "laptop", "local", {}, {}, gateway};
    CO_TRY_ASSIGN(const std::int64_t epoch, co_await store.daemons().accept(std::move(arrival), deadline));
    epochs.push_back(epoch);
  }
  co_return ok_status();
}

TEST_F(Concurrency, GivesNoEpochTwice) {
  std::vector<std::int64_t> epochs;
  auto first = start(open_streams(store(), user_, GatewayId("gw1"), epochs, soon()));
  auto second = start(open_streams(other_store(), user_, GatewayId("gw2"), epochs, soon()));
  EXPECT_TRUE(await(*first).ok());
  EXPECT_TRUE(await(*second).ok());
  std::ranges::sort(epochs);
  EXPECT_EQ(epochs.size(), 20u);
  EXPECT_TRUE(std::ranges::adjacent_find(epochs) == epochs.end());
}

TEST_F(Concurrency, MigratesManyTimesAndAtOnce) {
  EXPECT_TRUE(get(store().migrate(soon())).ok());
  Fresh fresh(*this);
  store::Store a(fresh.one(), clock(), Random(11));
  store::Store b(fresh.two(), clock(), Random(12));
  auto first = start(a.migrate(soon()));
  auto second = start(b.migrate(soon()));
  for (const auto& one : {&first, &second}) {
    const Status migrated = await(**one);
    EXPECT_TRUE(migrated.ok()) << migrated;
  }
  EXPECT_TRUE(get(b.users().create(UserId("ann"), "ann", soon())).ok());
}

TEST_F(Concurrency, RefusesADatabaseOfANewerProgram) {
  auto writer = value(contents().begin(ports::Access::kWrite, soon()));
  value(writer->execute("INSERT INTO schema_version (version) VALUES (1000)", {}));
  EXPECT_TRUE(get(writer->commit()).ok());
  const Status status = get(store().migrate(soon()));
  EXPECT_EQ(status.code(), StatusCode::kFailedPrecondition);
  EXPECT_NE(message_of(status).find("newer program"), std::string_view::npos);
}

}  // namespace
}  // namespace reliant::tests
