#include <algorithm>
#include <map>
#include <string>

#include "auth/authenticator.h"
#include "auth/token.h"
#include "unit/store/store_world.h"

namespace reliant::tests {
namespace {

class Users : public StoreWorld {};
class Tokens : public StoreWorld {};
class PatValidator : public StoreWorld {
 protected:
  auth::DbPatValidator validator_{store().tokens()};
};

store::NewToken daemon_token(UserId user, std::optional<Duration> lifetime = std::nullopt) {
  return {std::move(user), "daemon laptop", model::TokenKind::kDaemon, DaemonId("d1"), lifetime};
}

Task<Status> as_result(Task<void> task) {
  co_await std::move(task);
  co_return ok_status();
}

std::string token_text(unsigned char seed) {
  std::array<std::byte, auth::kTokenBytes> random{};
  random.fill(std::byte{seed});
  return auth::make_token(random);
}

TEST_F(Users, AreTheSameForTheSameId) {
  const auto local = value(store().users().create(UserId("local"), "you", soon()));
  EXPECT_EQ(local.id, UserId("local"));
  EXPECT_EQ(value(store().users().create(UserId("local"), "someone else", soon())).name, "you");
  EXPECT_EQ(value(store().users().find(UserId("local"), soon())).name, "you");
  EXPECT_EQ(error(store().users().find(UserId("unknown"), soon())).code(), StatusCode::kNotFound);
}

TEST_F(Users, HaveUniqueNames) {
  const auto alice = value(store().users().create({}, "alice", soon()));
  const Status again = error(store().users().create({}, "alice", soon()));
  EXPECT_EQ(again.code(), StatusCode::kAlreadyExists);
  EXPECT_NE(message_of(again).find(alice.id.str()), std::string_view::npos) << again;
  EXPECT_NE(message_of(again).find("give another name"), std::string_view::npos) << again;
  EXPECT_EQ(error(store().users().create(UserId("a2"), "alice", soon())).code(), StatusCode::kAlreadyExists);
}

// A word stands for one user, be it an id or a name.
TEST_F(Users, ANameMustNotBeTheIdOfAnotherUser) {
  value(store().users().create(UserId("bob"), "Robert", soon()));
  EXPECT_EQ(error(store().users().create({}, "bob", soon())).code(), StatusCode::kAlreadyExists);
  EXPECT_EQ(error(store().users().create(UserId("Robert"), "Rob", soon())).code(), StatusCode::kAlreadyExists);
  EXPECT_EQ(value(store().users().create(UserId("eve"), "eve", soon())).id, UserId("eve"));
}

TEST_F(Users, AreFoundByIdAndByName) {
  const auto alice = value(store().users().create({}, "Alice Ü", soon()));
  EXPECT_EQ(value(store().users().find_by_id_or_name("Alice Ü", soon())).id, alice.id);
  EXPECT_EQ(value(store().users().find_by_id_or_name(alice.id.str(), soon())).id, alice.id);
  const Status unknown = error(store().users().find_by_id_or_name("alice", soon()));
  EXPECT_EQ(unknown.code(), StatusCode::kNotFound);
  EXPECT_NE(message_of(unknown).find("\"alice\""), std::string_view::npos) << unknown;
}

TEST_F(Users, ConcurrentAddsOfOneNameMakeOneUser) {
  auto first = start(store().users().create({}, "alice", soon()));
  auto second = start(other_store().users().create({}, "alice", soon()));
  const auto one = await(*first);
  const auto two = await(*second);
  EXPECT_NE(one.ok(), two.ok());
  EXPECT_EQ((one.ok() ? two : one).status().code(), StatusCode::kAlreadyExists);
  EXPECT_EQ(value(store().users().list(soon())).size(), 2u) << "with ann";
}

// Names were not unique before version 11.
TEST_F(Users, DuplicateNamesOfAnOlderDatabaseGetASuffix) {
  Fresh fresh(*this);
  std::string script = "CREATE TABLE schema_version (version BIGINT PRIMARY KEY);";
  for (const store::Migration& migration : store::migrations())
    if (migration.version <= 10) script += migration.sql;
  EXPECT_TRUE(get(fresh.one().run_script(script, soon())).ok());
  EXPECT_TRUE(get(fresh.one().run_script("INSERT INTO users (id, name, created_at) VALUES ('c', 'alice', 1), "
                                         "('b', 'alice', 2), ('a', 'alice', 2), ('d', 'bob', 2)",
                                         soon()))
                  .ok());
  store::Store upgraded(fresh.one(), clock(), Random(11));
  ASSERT_TRUE(get(upgraded.migrate(soon())).ok());
  std::map<std::string, std::string> names;
  for (const auto& user : value(upgraded.users().list(soon()))) names[user.id.str()] = user.name;
  EXPECT_EQ(names, (std::map<std::string, std::string>{{"a", "alice#a"}, {"b", "alice#b"}, {"c", "alice"}, {"d", "bob"}}));
  EXPECT_EQ(error(upgraded.users().create({}, "alice#b", soon())).code(), StatusCode::kAlreadyExists);
}

TEST_F(Users, AreDisabledOnceAndEnabledAgain) {
  EXPECT_EQ(value(store().users().find(user_, soon())).disabled_at, std::nullopt);
  const auto first = value(store().users().set_disabled(user_, true, soon()));
  ASSERT_TRUE(first.disabled_at.has_value());
  EXPECT_EQ(value(store().users().set_disabled(user_, true, soon())).disabled_at, first.disabled_at);
  EXPECT_EQ(value(store().users().list(soon())).at(0).disabled_at, first.disabled_at);
  EXPECT_EQ(value(store().users().set_disabled(user_, false, soon())).disabled_at, std::nullopt);
  EXPECT_EQ(value(store().users().find(user_, soon())).disabled_at, std::nullopt);
  EXPECT_EQ(error(store().users().set_disabled(UserId("no-such-user"), true, soon())).code(), StatusCode::kNotFound);
  std::vector<std::string> actions;
  for (const auto& entry : value(store().audit().list(user_, {}, soon())).items) actions.push_back(entry.action);
  std::ranges::sort(actions);
  EXPECT_EQ(actions, (std::vector<std::string>{"user.disabled", "user.enabled"}));
}

TEST_F(Tokens, OfADisabledUserAreRefusedUntilTheUserIsEnabled) {
  const auto other = value(store().users().create(UserId("bob"), "bob", soon()));
  const auto mine = value(store().tokens().create(user_, "laptop", "mine", soon()));
  const auto daemons = value(store().tokens().create(daemon_token(user_, std::chrono::hours(3)), "daemon's", soon()));
  const auto bobs = value(store().tokens().create(other.id, "laptop", "bob's", soon()));
  value(store().users().set_disabled(user_, true, soon()));
  for (const std::string secret : {"mine", "daemon's"}) {
    const Status refused = error(store().tokens().authenticate(secret, soon()));
    EXPECT_EQ(refused.code(), StatusCode::kUnauthenticated);
    EXPECT_EQ(reason_of(refused), model::kReasonUserDisabled);
    EXPECT_NE(message_of(refused).find("reliant admin user enable"), std::string_view::npos) << refused;
    EXPECT_FALSE(model::refuses_token(refused)) << "a daemon keeps it";
  }
  EXPECT_EQ(reason_of(error(store().tokens().renew(daemons.id, "next", soon()))), model::kReasonUserDisabled);
  EXPECT_TRUE(get(store().tokens().authenticate("bob's", soon())).ok());
  const auto ended = value(store().tokens().ended({mine.id, daemons.id, bobs.id}, soon()));
  ASSERT_EQ(ended.size(), 2u);
  EXPECT_EQ(reason_of(ended.at(mine.id)), model::kReasonUserDisabled);
  value(store().users().set_disabled(user_, false, soon()));
  for (const std::string secret : {"mine", "daemon's"}) EXPECT_TRUE(get(store().tokens().authenticate(secret, soon())).ok());
  EXPECT_TRUE(value(store().tokens().ended({mine.id, daemons.id, bobs.id}, soon())).empty());
}

TEST_F(Tokens, AreStoredWithoutTheirSecret) {
  value(store().tokens().create(user_, "laptop", "secret-text", soon()));
  auto reader = value(contents().begin(ports::Access::kRead, soon()));
  const auto rows = value(reader->execute("SELECT * FROM tokens", {}));
  ASSERT_EQ(rows.size(), 1u);
  for (std::size_t column = 0; column < rows[0].size(); ++column) {
    const auto* const text = std::get_if<std::string>(&rows[0][column]);
    EXPECT_TRUE(text == nullptr || text->find("secret-text") == std::string::npos);
  }
}

TEST_F(Tokens, DistinguishRevokedFromUnknown) {
  const auto token = value(store().tokens().create(user_, "laptop", "one", soon()));
  EXPECT_EQ(value(store().tokens().authenticate("one", soon())).user, user_);
  const Status unknown = error(store().tokens().authenticate("two", soon()));
  EXPECT_EQ(unknown.code(), StatusCode::kUnauthenticated);
  EXPECT_EQ(reason_of(unknown), kReasonTokenInvalid);

  EXPECT_EQ(get(store().tokens().revoke(UserId("someone"), token.id, soon())).code(), StatusCode::kNotFound);
  EXPECT_TRUE(get(store().tokens().revoke(user_, token.id, soon())).ok());
  EXPECT_TRUE(get(store().tokens().revoke(user_, token.id, soon())).ok());
  const Status revoked = error(store().tokens().authenticate("one", soon()));
  EXPECT_EQ(revoked.code(), StatusCode::kUnauthenticated);
  EXPECT_EQ(reason_of(revoked), kReasonTokenRevoked);
}

TEST_F(Tokens, BelongToOneUserAndHaveOneText) {
  value(store().tokens().create(user_, "laptop", "one", soon()));
  value(store().tokens().create(user_, "desktop", "two", soon()));
  EXPECT_EQ(error(store().tokens().create(user_, "again", "one", soon())).code(), StatusCode::kAlreadyExists);
  EXPECT_EQ(error(store().tokens().create(UserId("unknown"), "x", "three", soon())).code(), StatusCode::kNotFound);
  const auto tokens = value(store().tokens().list(user_, soon()));
  ASSERT_EQ(tokens.size(), 2u);
  EXPECT_EQ(tokens[0].name, "laptop");
  EXPECT_EQ(tokens[1].name, "desktop");
}

TEST_F(Tokens, KeepTheirKindAndTheirDaemon) {
  value(store().tokens().create(user_, "laptop", "one", soon()));
  value(store().tokens().create(daemon_token(user_), "two", soon()));
  const auto plain = value(store().tokens().authenticate("one", soon()));
  EXPECT_EQ(plain.kind, model::TokenKind::kUser);
  EXPECT_EQ(plain.daemon, DaemonId());
  EXPECT_EQ(plain.expires_at, std::nullopt);
  const auto bound = value(store().tokens().authenticate("two", soon()));
  EXPECT_EQ(bound.kind, model::TokenKind::kDaemon);
  EXPECT_EQ(bound.daemon, DaemonId("d1"));
  EXPECT_EQ(bound.expires_at, std::nullopt);
}

TEST_F(Tokens, ExpireWithAReasonOfTheirOwn) {
  const auto for_ever = value(store().tokens().create(daemon_token(user_), "for ever", soon()));
  const auto lasts = value(store().tokens().create(daemon_token(user_, std::chrono::hours(1)), "lasts", soon()));
  const auto over = value(store().tokens().create(daemon_token(user_, Duration::zero()), "over", soon()));
  const Status expired = error(store().tokens().authenticate("over", soon()));
  EXPECT_EQ(expired.code(), StatusCode::kUnauthenticated);
  EXPECT_EQ(reason_of(expired), model::kReasonTokenExpired);
  EXPECT_TRUE(get(store().tokens().authenticate("for ever", soon())).ok());
  EXPECT_TRUE(get(store().tokens().authenticate("lasts", soon())).ok());
  EXPECT_FALSE(store::validity_of(lasts, *lasts.expires_at).ok());
  EXPECT_TRUE(store::validity_of(lasts, *lasts.expires_at - std::chrono::microseconds(1)).ok());
  const auto ended = value(store().tokens().ended({for_ever.id, lasts.id, over.id}, soon()));
  ASSERT_EQ(ended.size(), 1u);
  EXPECT_EQ(reason_of(ended.at(over.id)), model::kReasonTokenExpired);
}

TEST_F(Tokens, AreRenewedAndBothAreValidUntilTheNewOneIsUsed) {
  const auto old = value(store().tokens().create(daemon_token(user_, std::chrono::hours(3)), "old", soon()));
  const auto lost = value(store().tokens().renew(old.id, "lost", soon()));
  const auto made = value(store().tokens().renew(old.id, "new", soon()));
  EXPECT_EQ(made.kind, model::TokenKind::kDaemon);
  EXPECT_EQ(made.daemon, old.daemon);
  EXPECT_EQ(made.name, old.name);
  EXPECT_EQ(*made.expires_at - made.created_at, std::chrono::hours(3));
  for (const std::string secret : {"old", "lost", "new"}) EXPECT_TRUE(get(store().tokens().authenticate(secret, soon())).ok());
  EXPECT_TRUE(get(store().tokens().record_use(made.id, soon())).ok());
  EXPECT_EQ(reason_of(error(store().tokens().authenticate("old", soon()))), kReasonTokenRevoked);
  EXPECT_EQ(reason_of(error(store().tokens().authenticate("lost", soon()))), kReasonTokenRevoked);
  EXPECT_TRUE(get(store().tokens().authenticate("new", soon())).ok());
  EXPECT_FALSE(get(store().tokens().renew(old.id, "late", soon())).ok());
  EXPECT_TRUE(get(store().tokens().renew(made.id, "next", soon())).ok());
}

TEST_F(Tokens, AreRenewedByTheirFirstRegistrationToo) {
  const auto old = value(store().tokens().create(daemon_token(user_, std::chrono::hours(3)), "old", soon()));
  const auto made = value(store().tokens().renew(old.id, "new", soon()));
  store::DaemonArrival arrival{user_, DaemonId("d1"), "laptop", "local", {}, {}, GatewayId("gw")};
  arrival.used = made.id;
  EXPECT_EQ(value(store().daemons().accept(arrival, soon())), 1);
  EXPECT_EQ(reason_of(error(store().tokens().authenticate("old", soon()))), kReasonTokenRevoked);
  const auto token = value(store().tokens().authenticate("new", soon()));
  EXPECT_TRUE(token.last_used_at.has_value());
  EXPECT_EQ(token.replaces, TokenId());
}

TEST_F(Tokens, OnlyDaemonTokensAreRenewedUpToTheLimit) {
  const auto plain = value(store().tokens().create(user_, "laptop", "one", soon()));
  EXPECT_EQ(error(store().tokens().renew(plain.id, "two", soon())).code(), StatusCode::kFailedPrecondition);
  const auto old = value(store().tokens().create(daemon_token(user_, std::chrono::hours(3)), "old", soon()));
  for (int i = 0; i < store::Tokens::kMostReplacements; ++i)
    EXPECT_TRUE(get(store().tokens().renew(old.id, concat("new ", i), soon())).ok());
  EXPECT_EQ(error(store().tokens().renew(old.id, "one more", soon())).code(), StatusCode::kResourceExhausted);
}

// A thief of the token must not keep its replacement.
TEST_F(Tokens, RevocationIncludesTheReplacement) {
  const auto old = value(store().tokens().create(daemon_token(user_, std::chrono::hours(3)), "old", soon()));
  value(store().tokens().renew(old.id, "new", soon()));
  EXPECT_TRUE(get(store().tokens().revoke(user_, old.id, soon())).ok());
  EXPECT_EQ(reason_of(error(store().tokens().authenticate("new", soon()))), kReasonTokenRevoked);
}

TEST_F(PatValidator, KnowsTheUserOfAToken) {
  value(store().tokens().create(user_, "laptop", token_text(7), soon()));
  EXPECT_EQ(value(validator_.identify(token_text(7), soon())).user, user_);
  EXPECT_EQ(value(validator_.identify("Bearer " + token_text(7), soon())).user, user_);
  EXPECT_EQ(reason_of(error(validator_.identify(token_text(8), soon()))), kReasonTokenInvalid);
}

TEST_F(PatValidator, RecordsTheLastUseAtMostOnceAMinute) {
  value(store().tokens().create(user_, "laptop", token_text(7), soon()));
  const auto last_use = [&] { return value(store().tokens().list(user_, soon())).at(0).last_used_at; };
  EXPECT_EQ(last_use(), std::nullopt);
  auth::Caller caller = value(validator_.identify(token_text(7), soon()));
  EXPECT_TRUE(caller.use_is_due);
  (void)get(as_result(validator_.record_use(caller, soon())));
  const auto first = last_use();
  ASSERT_TRUE(first.has_value());
  EXPECT_FALSE(value(validator_.identify(token_text(7), soon())).use_is_due);
  (void)get(as_result(validator_.record_use(caller, soon())));  // two calls that began at once
  EXPECT_EQ(last_use(), first);
}

TEST_F(PatValidator, AuditsRefusedKnownTokensOnceAnHour) {
  const auto token = value(store().tokens().create(daemon_token(user_), token_text(7), soon()));
  EXPECT_TRUE(get(store().tokens().revoke(user_, token.id, soon())).ok());
  for (int i = 0; i < 3; ++i) EXPECT_FALSE(get(validator_.identify(token_text(7), soon())).ok());
  EXPECT_FALSE(get(validator_.identify(token_text(8), soon())).ok());  // an unknown token
  const auto entries = value(store().audit().list(user_, {}, soon()));
  std::vector<std::string> actions;
  actions.reserve(entries.items.size());
  for (const auto& entry : entries.items) actions.push_back(entry.action);
  EXPECT_EQ(std::ranges::count(actions, "token.refused.token_revoked"), 1);
  EXPECT_EQ(actions.size(), 3u);  // and created, revoked
}

TEST_F(PatValidator, RefusesWhatIsNotAToken) {
  for (const std::string_view text : {"", "Bearer ", "rlnt_pat_", "rlnt_pat_00", "sk-0123", "Bearer  x"}) {
    const Status status = error(validator_.identify(std::string(text), soon()));
    EXPECT_EQ(status.code(), StatusCode::kUnauthenticated) << text;
    EXPECT_EQ(reason_of(status), kReasonTokenInvalid) << text;
  }
  EXPECT_FALSE(auth::parse_token(token_text(7) + "0").ok());
  EXPECT_FALSE(auth::parse_token(token_text(7).replace(20, 1, "G")).ok());
}

// C10: a client deletes its credentials on a refusal, so not being able to ask must not look like one.
TEST_F(PatValidator, DatabaseFailureIsNotARefusal) {
  value(store().tokens().create(user_, "laptop", token_text(7), soon()));
  cut_off();
  const Status status = error(validator_.identify(token_text(7), now() + std::chrono::seconds(3)));
  EXPECT_NE(status.code(), StatusCode::kUnauthenticated);
  EXPECT_FALSE(status.ok());
}

}  // namespace
}  // namespace reliant::tests
