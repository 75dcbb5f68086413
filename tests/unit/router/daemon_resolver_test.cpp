// The resolver against a store in memory, with a router and a control plane that do what the test says.
#include "router/daemon_resolver.h"

#include <gtest/gtest.h>

#include <memory>
#include <optional>
#include <set>

#include "adapters/sqlite/sqlite_database.h"
#include "kernel/simulation.h"
#include "support/hand_router.h"

namespace reliant::router {
namespace {

using namespace std::chrono_literals;
using tests::HandRouter;

class HandControlPlane final : public ports::ControlPlane {
 public:
  Task<Result<std::vector<ports::ManagedDaemon>>> list(UserId, Instant) override {
    if (away) co_return unavailable("the control plane is away");
    co_return daemons;
  }
  Task<Status> resume(UserId, DaemonId, Instant) override {
    ++resumed;
    co_return ok_status();
  }
  std::vector<ports::ManagedDaemon> daemons;
  bool away = false;
  int resumed = 0;
};

class Resolver : public testing::Test {
 public:
  ~Resolver() override { simulation_.shutdown(); }

 protected:
  Resolver() {
    EXPECT_TRUE(get(store_.migrate(kNever)).ok());
    EXPECT_TRUE(get(store_.users().create(user_, "ann", kNever)).ok());
    EXPECT_TRUE(get(store_.users().create(other_, "bob", kNever)).ok());
    announce();
  }

  template <class T>
  T get(Task<T> task) {
    std::optional<T> result;
    const auto keep = [](Task<T> inner, std::optional<T>& out) -> Task<void> { out.emplace(co_await std::move(inner)); };
    simulation_.world().spawn(keep(std::move(task), result));
    EXPECT_TRUE(simulation_.run_until([&] { return result.has_value(); }, simulation_.now() + 1h));
    return *std::move(result);
  }
  void announce() { EXPECT_TRUE(get(store_.gateways().announce(GatewayId("g1"), "g1:1", kNever)).ok()); }
  std::int64_t connect(const UserId& user, const std::string& id, const std::string& kind) {
    const auto epoch = get(store_.daemons().accept({user, DaemonId(id), id, kind, {}, {}, GatewayId("g1")}, kNever));
    EXPECT_TRUE(epoch.ok()) << epoch.status();
    router_.reachable.insert(DaemonId(id));
    return epoch.value_or(0);
  }
  DaemonSelection resolve(const std::string& chosen = "", bool with_control_plane = false) {
    return resolve(SelectionRequest{.session = model::daemon_selector_of_chat(DaemonId(chosen))}, with_control_plane);
  }
  DaemonSelection resolve(SelectionRequest request, bool with_control_plane = false) {
    DaemonResolver resolver(store_, router_, with_control_plane ? &plane_ : nullptr, node_.clock());
    auto resolved = get(resolver.resolve(user_, std::move(request), kNever));
    EXPECT_TRUE(resolved.ok()) << resolved.status();
    return *std::move(resolved);
  }

  sim::Simulation simulation_{3};
  sim::Node& node_ = simulation_.add_node("worker");
  std::unique_ptr<adapters::SqliteDatabase> database_ = *adapters::SqliteDatabase::open(":memory:");
  store::Store store_{*database_, node_.clock(), simulation_.random("store")};
  HandRouter router_;
  HandControlPlane plane_;
  UserId user_{"ann"};
  UserId other_{"bob"};
};

TEST_F(Resolver, TakesAConnectedLocalDaemonOfTheUser) {
  connect(user_, "laptop", "local");
  connect(user_, "sky", "cloud");
  connect(other_, "foreign", "local");
  const auto resolved = resolve();
  EXPECT_EQ(resolved.daemon, DaemonId("laptop"));
  EXPECT_EQ(resolved.source, DaemonSource::kConnected);
  EXPECT_EQ(resolved.problem, "");
  EXPECT_EQ(resolved.considered.size(), 2u);
  EXPECT_EQ(router_.asked, (std::vector<DaemonId>{DaemonId("laptop")}));
}

TEST_F(Resolver, ADeadGatewaysDaemonIsTakenOnlyIfAGatewayHoldsIt) {
  connect(user_, "laptop", "local");
  simulation_.run_for(31s);  // its gateway is silent
  auto resolved = resolve();
  EXPECT_EQ(resolved.source, DaemonSource::kDatabase);
  router_.reachable.clear();
  resolved = resolve();
  EXPECT_FALSE(resolved.daemon);
  EXPECT_NE(resolved.problem.find("start one"), std::string::npos);
}

TEST_F(Resolver, TheGatewaysLeaseEndsAtThirtySecondsSharp) {
  connect(user_, "laptop", "local");
  const auto daemon = [&] { return *get(store_.daemons().get(user_, DaemonId("laptop"), kNever)); };
  const WallTime announced = daemon().gateway_seen.value();
  EXPECT_TRUE(daemon().gateway_lives(announced + 30s - 1ns));
  EXPECT_FALSE(daemon().gateway_lives(announced + 30s));
  EXPECT_TRUE(get(store_.gateways().withdraw(GatewayId("g1"), kNever)).ok());
  EXPECT_FALSE(daemon().gateway_lives(announced));
}

TEST_F(Resolver, TheChatsChoiceStandsAndItsTroubleIsTold) {
  connect(user_, "laptop", "local");
  const std::int64_t epoch = connect(user_, "workstation", "local");
  auto resolved = resolve("workstation");
  EXPECT_EQ(resolved.daemon, DaemonId("workstation"));
  EXPECT_EQ(resolved.source, DaemonSource::kChat);
  EXPECT_EQ(resolved.problem, "");
  EXPECT_TRUE(router_.asked.empty());
  EXPECT_TRUE(get(store_.daemons().set_connection(user_, DaemonId("workstation"), epoch, model::DaemonConnection::kDisconnected,
                                                  kNever))
                  .ok());
  resolved = resolve("workstation");
  EXPECT_EQ(resolved.daemon, DaemonId("workstation"));  // C20: never another one instead
  EXPECT_NE(resolved.problem.find("not connected"), std::string::npos);
  resolved = resolve("nowhere");
  EXPECT_EQ(resolved.daemon, DaemonId("nowhere"));
  EXPECT_NE(resolved.problem.find("never been connected"), std::string::npos);
}

TEST_F(Resolver, AsksTheControlPlaneWhenNoDaemonIsConnectedAndBringsNothingUp) {
  plane_.daemons = {{DaemonId("sky"), "sky", ports::Lifecycle::kSuspended}};
  const auto resolved = resolve("", true);
  EXPECT_EQ(resolved.daemon, DaemonId("sky"));
  EXPECT_EQ(resolved.source, DaemonSource::kControlPlane);
  EXPECT_TRUE(resolved.must_resume);
  EXPECT_EQ(plane_.resumed, 0);
}

TEST_F(Resolver, AChosenDaemonThatIsSuspendedHasToBeBroughtUp) {
  plane_.daemons = {{DaemonId("sky"), "sky", ports::Lifecycle::kSuspended}};
  EXPECT_TRUE(resolve("sky", true).must_resume);
  plane_.daemons[0].lifecycle = ports::Lifecycle::kFailed;
  const auto failed = resolve("sky", true);
  EXPECT_FALSE(failed.must_resume);
  EXPECT_NE(failed.problem.find("failed"), std::string::npos);
}

TEST_F(Resolver, AControlPlaneThatIsAwayIsNoError) {
  plane_.away = true;
  EXPECT_FALSE(resolve("", true).daemon);
}

}  // namespace
}  // namespace reliant::router
