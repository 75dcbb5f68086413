// The stage of the store's tests on a real PostgreSQL: an empty schema, and two pools that have a Store on it each. The
// calendar is the tests' own, so that no test waits for it.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <utility>

#include "adapters/asio/asio_executor.h"
#include "adapters/postgres/postgres_database.h"
#include "base/assert.h"
#include "runtime/scope.h"
#include "store/store.h"
#include "support/postgres_server.h"
#include "support/started.h"

namespace reliant::tests {

class StoreStage {
 public:
  explicit StoreStage(std::uint64_t seed) : random_(seed) {}
  ~StoreStage() { shared_postgres().thaw(); }

  Instant now() { return executor_.now(); }
  store::Store& store() { return first_.store; }
  store::Store& other_store() { return second_.store; }
  ports::Database& contents() { return *second_.database; }
  void run_for(Duration duration) {
    first_.clock.passed += duration;
    second_.clock.passed += duration;
  }
  void set_wall_offset(Duration offset) { first_.clock.offset = offset; }
  void cut_off() { shared_postgres().freeze(); }

  template <class T>
  std::unique_ptr<Started<T>> start(Task<T> task) {
    return std::make_unique<Started<T>>(scope_.context(), std::move(task));
  }
  template <class T>
  T await(Started<T>& started) {
    const bool ended = executor_.run_loop_until([&] { return started.ended(); }, std::chrono::seconds(50));
    RELIANT_ASSERT(ended, "a task that a test waits for did not end");
    return started.take();
  }

  struct Fresh {
    explicit Fresh(StoreStage& stage) : Fresh(stage, shared_postgres().new_schema()) {}
    std::unique_ptr<adapters::PostgresDatabase> first;
    std::unique_ptr<adapters::PostgresDatabase> second;
    ports::Database& one() { return *first; }
    ports::Database& two() { return *second; }

   private:
    Fresh(StoreStage& stage, const std::string& url)
        : first(connect(stage.executor_, url)), second(connect(stage.executor_, url)) {}
  };
  Clock& clock() { return first_.clock; }

 protected:
  class Calendar final : public Clock {
   public:
    explicit Calendar(Executor& executor) : executor_(executor) {}
    Instant now() const override { return executor_.now(); }
    WallTime wall_now() const override {
      return WallTime(std::chrono::seconds(1'700'000'000)) + executor_.now().time_since_epoch() + passed + offset;
    }
    Duration passed{};
    Duration offset{};

   private:
    Executor& executor_;
  };
  struct Process {
    Process(adapters::AsioExecutor& executor, const std::string& url, Random random)
        : clock(executor), database(connect(executor, url)), store(*database, clock, random) {}
    Calendar clock;
    std::unique_ptr<adapters::PostgresDatabase> database;
    store::Store store;
  };
  static std::unique_ptr<adapters::PostgresDatabase> connect(adapters::AsioExecutor& executor, const std::string& url) {
    adapters::PostgresOptions options;
    options.url = url;
    options.connections = 4;
    auto made = adapters::PostgresDatabase::open(executor, options);
    RELIANT_ASSERT(made.ok(), "the URL of a test's own server is a good one");
    return *std::move(made);
  }

  Random random_;
  adapters::AsioExecutor executor_;
  std::string url_ = shared_postgres().new_schema();
  Process first_{executor_, url_, Random(random_.next())};
  Process second_{executor_, url_, Random(random_.next())};
  TaskScope scope_{executor_, 0};
};

}  // namespace reliant::tests
