// Commits that break at a real PostgreSQL: the store makes one effect, whatever the outcome of the commit, since it looks for
// the mark or for the operation's own key. transact_test.cpp checks the same with the simulated server.
#include "unit/store/store_world.h"

namespace reliant::tests {
namespace {

// When the server's process is ended: during the commit, or after the write and before the answer.
enum class Broken : std::uint8_t { kBefore, kAfter };

class BrokenCommits : public StoreWorld, public ::testing::WithParamInterface<Broken> {
 protected:
  // A commit that asks for it waits for a standby, and there is none.
  static void SetUpTestSuite() { configure("SET synchronous_standby_names = 'absent'", "SET synchronous_commit = 'local'"); }
  static void TearDownTestSuite() { configure("RESET synchronous_standby_names", "RESET synchronous_commit"); }

  // The value of an operation that changes a chat and whose first commit breaks.
  template <class T>
  T broken(Task<Result<T>> operation) {
    set_trap();
    auto running = start(std::move(operation));
    const Status ended = get(end_who_waits(contents(), GetParam() == Broken::kBefore ? "advisory" : "SyncRep", soon()));
    EXPECT_TRUE(ended.ok() && !running->ended()) << ended;
    holder_.reset();
    Result<T> result = await(*running);
    EXPECT_TRUE(result.ok()) << result.status();
    RELIANT_ASSERT(result.ok(), "the test needs this value");
    return *std::move(result);
  }
  // A written change is not written again; an unwritten one is, once.
  void expect_commits() {
    auto reader = value(contents().begin(ports::Access::kRead, soon()));
    const auto tried = value(reader->execute("SELECT last_value FROM commits", {}));
    EXPECT_EQ(tried[0].integer(0), GetParam() == Broken::kBefore ? 2 : 1);
  }

 private:
  // A trigger that runs in the commit counts those that come so far, in a sequence, which no end of a transaction takes
  // back, and stops the first one: where it waits for a lock, or where it waits for the standby when all is written.
  void set_trap() {
    const std::string_view stops =
        GetParam() == Broken::kBefore ? "pg_advisory_xact_lock(7)" : "set_config('synchronous_commit', 'on', true)";
    const Status made =
        get(contents().run_script(concat("CREATE SEQUENCE commits;"
                                         "CREATE FUNCTION trap() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
                                         "IF current_setting('trap.counted', true) IS DISTINCT FROM 'yes' THEN "
                                         "PERFORM set_config('trap.counted', 'yes', true); "
                                         "IF nextval('commits') = 1 THEN PERFORM ",
                                         stops,
                                         "; END IF; "
                                         "END IF; RETURN NULL; END $$;"
                                         "CREATE CONSTRAINT TRIGGER trap AFTER UPDATE ON chats DEFERRABLE INITIALLY DEFERRED "
                                         "FOR EACH ROW EXECUTE FUNCTION trap()"),
                                  soon()));
    EXPECT_TRUE(made.ok()) << made;
    if (GetParam() == Broken::kAfter) return;
    holder_ = value(contents().begin(ports::Access::kWrite, soon()));
    value(holder_->execute("SELECT pg_advisory_xact_lock(7)", {}));
  }
  static void configure(std::string_view one, std::string_view other) {
    for (const std::string_view setting : {one, other}) shared_postgres().execute(concat("ALTER SYSTEM ", setting));
    shared_postgres().stop();
    shared_postgres().start();
  }
  // Its process; looked for until there is one.
  static Task<Status> end_who_waits(ports::Database& database, std::string event, Instant deadline) {
    for (;;) {
      CO_TRY_ASSIGN(const auto looking, co_await database.begin(ports::Access::kRead, deadline));
      CO_TRY_ASSIGN(
          const ports::Rows found,
          co_await looking->execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE wait_event = $1", {event}));
      if (!found.empty()) co_return ok_status();
      co_await sleep_for(std::chrono::milliseconds(5));  // the server sends no notice of a session that waits: polled
    }
  }

  std::unique_ptr<ports::Transaction> holder_;
};

// Settled by a mark: a status has no key of its own.
TEST_P(BrokenCommits, ChangeAStatusOnce) {
  const auto chat = make_chat();
  EXPECT_EQ(broken(store().chats().set_status({user_, chat.id, model::ChatStatus::kRunning, {}, {}}, soon())), 1u);
  EXPECT_EQ(updates(chat.id).size(), 1u);
  expect_commits();
}

// Settled by its own key.
TEST_P(BrokenCommits, AcceptAMessageOnce) {
  const auto chat = make_chat();
  const auto sent = broken(store().messages().append_user_message({user_, chat.id, "hello", "m1"}, soon()));
  EXPECT_FALSE(sent.duplicate);
  EXPECT_EQ(sent.message.sequence, 1u);
  EXPECT_EQ(updates(chat.id).size(), 2u);  // the message, and that the chat runs
  expect_commits();
}

INSTANTIATE_TEST_SUITE_P(When, BrokenCommits, ::testing::Values(Broken::kBefore, Broken::kAfter));

}  // namespace
}  // namespace reliant::tests
