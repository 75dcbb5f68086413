#include "auth/key_ring.h"

#include <gtest/gtest.h>

#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "adapters/sqlite/sqlite_database.h"
#include "base/hmac.h"
#include "kernel/simulation.h"
#include "store/schema.h"

namespace reliant::auth {
namespace {

using namespace std::chrono_literals;

// Counts what is asked of it, and can be away.
class WatchedDatabase final : public ports::Database {
 public:
  Task<Result<std::unique_ptr<ports::Transaction>>> begin(ports::Access access, Instant deadline) override {
    ++asked;
    if (away) co_return unavailable("no database");
    co_return co_await inner_->begin(access, deadline);
  }
  Task<Status> run_script(std::string_view sql, Instant deadline) override { return inner_->run_script(sql, deadline); }
  Task<Result<WallTime>> wall_now(Instant deadline) override { return inner_->wall_now(deadline); }

  int asked = 0;
  bool away = false;

 private:
  std::unique_ptr<adapters::SqliteDatabase> inner_ = *adapters::SqliteDatabase::open(":memory:");
};

class CountedSecrets final : public SecretSource {
 public:
  std::array<std::byte, kTokenBytes> next() override {
    std::array<std::byte, kTokenBytes> secret{};
    secret.fill(std::byte{++count});
    return secret;
  }
  std::uint8_t count = 0;
};

class KeyRingTest : public testing::Test {
 protected:
  KeyRingTest() { EXPECT_TRUE(finish(store::migrate(transactor_, kNever)).ok()); }
  ~KeyRingTest() override { simulation_.shutdown(); }

  template <class T>
  T finish(Task<T> task) {
    std::optional<T> result;
    const auto keep = [](Task<T> inner, std::optional<T>& out) -> Task<void> { out.emplace(co_await std::move(inner)); };
    simulation_.world().spawn(keep(std::move(task), result));
    simulation_.run_until([&] { return result.has_value(); }, simulation_.now() + 1h);
    RELIANT_ASSERT(result.has_value(), "the task ends");
    return *std::move(result);
  }
  Instant in(Duration duration) { return simulation_.now() + duration; }
  std::unique_ptr<KeyRing> ring() {
    return std::make_unique<KeyRing>(node_.context(), node_.clock(), node_.log(), stored_, secrets_);
  }
  Result<store::SigningKey> current(KeyRing& ring) { return finish(ring.current(in(20s))); }
  Result<store::SigningKey> find(KeyRing& ring, std::string id) { return finish(ring.find(std::move(id), in(20s))); }

  sim::Simulation simulation_{1};
  sim::Node& node_ = simulation_.add_node("server");
  WatchedDatabase database_;
  store::Transactor transactor_{database_, node_.clock(), Random(1)};
  store::SigningKeys stored_{transactor_};
  CountedSecrets secrets_;
};

TEST_F(KeyRingTest, TheFirstServerMakesTheKeyThatAllHave) {
  const auto one = ring();
  const auto other = ring();
  const auto key = current(*one);
  ASSERT_TRUE(key.ok()) << key.status();
  EXPECT_EQ(key->secret.size(), 64u);
  EXPECT_EQ(current(*other)->id, key->id);
  EXPECT_EQ(find(*other, key->id)->secret, key->secret);
}

TEST_F(KeyRingTest, RotationSignsWithTheNewKeyOnceAllKnowItAndAcceptsTheOldOneForAWhile) {
  const auto one = ring();
  const std::string old = current(*one)->id;
  simulation_.run_for(24h + 2min);
  const auto keys = *finish(stored_.list(kNever));
  ASSERT_EQ(keys.size(), 2u);
  EXPECT_EQ(current(*one)->id, old);
  EXPECT_EQ(find(*one, keys[1].id)->id, keys[1].id) << "others may sign with it already";
  simulation_.run_for(4min);
  EXPECT_EQ(current(*one)->id, keys[1].id);
  EXPECT_TRUE(find(*one, old).ok());
  simulation_.run_for(KeyRing::kOverlap);
  EXPECT_EQ(find(*one, old).status().code(), StatusCode::kNotFound);
}

TEST_F(KeyRingTest, AnUnknownKeyIsLookedUpOnce) {
  const auto one = ring();
  ASSERT_TRUE(current(*one).ok());
  simulation_.run_for(10s);
  const auto made = finish(stored_.rotate("by another server", {.every = 0s, .known_after = 0s, .kept = 1h}, kNever));
  EXPECT_EQ(find(*one, made->back().id)->secret, "by another server");
  simulation_.run_for(10s);
  database_.asked = 0;
  int refused = 0;
  const auto flood = [](KeyRing& ring, int& count, Instant deadline, int number) -> Task<void> {
    const auto key = co_await ring.find("forged-" + std::to_string(number), deadline);
    count += key.ok() ? 0 : 1;
  };
  for (int i = 0; i < 1000; ++i) simulation_.world().spawn(flood(*one, refused, in(20s), i));
  simulation_.run_for(10ms);
  EXPECT_GE(refused, 1000 - static_cast<int>(KeyRing::kMaxWaiting)) << "they wait nowhere";
  simulation_.run_for(5s);
  EXPECT_EQ(refused, 1000);
  EXPECT_LE(database_.asked, 4);
}

TEST_F(KeyRingTest, KeysExpireWithoutADatabase) {
  const auto one = ring();
  const std::string id = current(*one)->id;
  database_.away = true;
  simulation_.run_for(KeyRing::kMaxAge / 2);
  EXPECT_TRUE(find(*one, id).ok());
  simulation_.run_for(KeyRing::kMaxAge);
  EXPECT_EQ(find(*one, id).status().code(), StatusCode::kUnavailable);
  EXPECT_EQ(current(*one).status().code(), StatusCode::kUnavailable);
  database_.away = false;
  EXPECT_TRUE(find(*one, id).ok());
}

// RFC 4231, test case 2.
TEST(Hmac, IsThatOfTheRfc) {
  EXPECT_EQ(hmac_sha256_hex("Jefe", "what do ya want for nothing?"),
            "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
  EXPECT_TRUE(equal_secrets("ab", "ab"));
  EXPECT_FALSE(equal_secrets("ab", "ac"));
  EXPECT_FALSE(equal_secrets("ab", "abc"));
}

}  // namespace
}  // namespace reliant::auth
