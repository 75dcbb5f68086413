#include "adapters/embedded_temporal/embedded_temporal.h"
#include "adapters/sqlite/sqlite_database.h"
#include "contract/temporal/temporal_contract_all.h"
#include "kernel/simulation.h"
#include "runtime/clock.h"
#include "world/network.h"
#include "world/sim_temporal.h"

namespace reliant::tests {
namespace {

class QuietLog final : public EventLog {
 public:
  void record(Level level, std::string_view name, std::initializer_list<Field>) override {
    EXPECT_NE(level, Level::kError) << name;
  }
};

class VirtualClock final : public Clock {
 public:
  explicit VirtualClock(const Executor& executor) : executor_(executor) {}
  Instant now() const override { return executor_.now(); }
  WallTime wall_now() const override {
    return std::chrono::sys_days(std::chrono::year(2026) / 1 / 1) + executor_.now().time_since_epoch();
  }

 private:
  const Executor& executor_;
};

// The engine of the monolith, over SQLite in memory.
class EmbeddedWorld : public OurEngine {
 public:
  EmbeddedWorld() { make(); }
  Executor& executor() { return executor_; }
  TaskScope& scope() { return client_; }
  ports::Temporal& temporal() { return *temporal_; }
  void run_until(const std::function<bool()>& done, Duration limit) { run_virtual_time(executor_, done, limit); }
  // Everything in memory is lost; what was committed is not.
  void restart() {
    temporal_.reset();
    make();
  }

 private:
  void make() {
    ++life_;
    temporal_.emplace(server_.context(), clock_, Random(life_), log_, *database_);
    server_.spawn(start(*temporal_, executor_));
  }
  static Task<void> start(adapters::EmbeddedTemporal& temporal, Executor& executor) {
    const Status status = co_await temporal.start(after(executor.now(), std::chrono::seconds(30)));
    EXPECT_TRUE(status.ok()) << status;
  }

  Executor executor_{7};
  VirtualClock clock_{executor_};
  QuietLog log_;
  std::unique_ptr<adapters::SqliteDatabase> database_ = *adapters::SqliteDatabase::open(":memory:");
  std::uint64_t life_ = 0;
  TaskScope server_{executor_, 1};
  std::optional<adapters::EmbeddedTemporal> temporal_;
  TaskScope client_{executor_, 2};
};

// The engine behind a network, in the simulation.
class SimWorld : public OurEngine {
 public:
  Executor& executor() { return simulation_.executor(); }
  TaskScope& scope() { return client_.scope(); }
  ports::Temporal& temporal() { return temporal_; }
  void run_until(const std::function<bool()>& done, Duration limit) { run_virtual_time(executor(), done, limit); }
  void restart() { server_.node().restart(); }

 private:
  sim::Simulation simulation_{11};
  sim::Node& node_ = simulation_.add_node("temporal");
  sim::Node& client_ = simulation_.add_node("client");
  sim::Network network_{simulation_};
  sim::TemporalServer server_{network_, node_};
  sim::SimTemporal temporal_{server_, client_};
};

INSTANTIATE_TYPED_TEST_SUITE_P(Embedded, TemporalContract, EmbeddedWorld);
INSTANTIATE_TYPED_TEST_SUITE_P(Embedded, TemporalVisibility, EmbeddedWorld);
INSTANTIATE_TYPED_TEST_SUITE_P(Sim, TemporalContract, SimWorld);
INSTANTIATE_TYPED_TEST_SUITE_P(Sim, TemporalVisibility, SimWorld);

}  // namespace
}  // namespace reliant::tests
