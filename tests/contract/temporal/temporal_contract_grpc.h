// The worlds of the Temporal contract that are reached over gRPC, in real time: the embedded engine, served by this process,
// and a real Temporal server of the test's own.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <utility>

#include "adapters/asio/asio_executor.h"
#include "adapters/embedded_temporal/embedded_temporal.h"
#include "adapters/grpc_temporal/grpc_temporal.h"
#include "adapters/grpc_temporal/grpc_temporal_server.h"
#include "adapters/posix/system_clock.h"
#include "adapters/sqlite/sqlite_database.h"
#include "base/assert.h"
#include "base/event_log.h"
#include "contract/temporal/temporal_contract.h"
#include "runtime/scope.h"
#include "runtime/sleep.h"
#include "support/temporal_server.h"
#include "support/temporary_directory.h"

namespace reliant::tests {

class SilentLog final : public EventLog {
 public:
  void record(Level, std::string_view, std::initializer_list<Field>) override {}
};

// A client, and how it waits until its server is ready.
class GrpcTemporalClient {
 public:
  Executor& executor() { return executor_; }
  adapters::AsioExecutor& asio_executor() { return executor_; }
  TaskScope& scope() { return scope_; }
  ports::Temporal& temporal() { return *temporal_; }
  void run_until(const std::function<bool()>& done, Duration limit) { executor_.run_loop_until(done, limit); }
  void connect(int port) {
    adapters::GrpcTemporalOptions options;
    options.host = "127.0.0.1";
    options.port = static_cast<std::uint16_t>(port);
    auto opened = adapters::GrpcTemporal::open(executor_, options);
    RELIANT_ASSERT(opened.ok(), "the address of a test's own server is a good one");
    temporal_ = *std::move(opened);
  }
  // Until it knows its namespace.
  void wait_ready() {
    bool ready = false;
    scope_.spawn(ask(*temporal_, executor_, ready));
    run_until([&ready] { return ready; }, std::chrono::seconds(40));
    RELIANT_ASSERT(ready, "the server of a test has to become ready");
  }

 private:
  static Task<void> ask(ports::Temporal& temporal, Executor& executor, bool& ready) {
    for (;;) {
      ports::wf::DescribeNamespaceRequest request;
      request.set_namespace_("default");
      const auto answer =
          co_await temporal.describe_namespace(std::move(request), after(executor.now(), std::chrono::seconds(5)));
      if (answer.ok()) break;
      co_await sleep_for(std::chrono::milliseconds(20));  // between two questions; no server tells that it has become ready
    }
    ready = true;
  }

  adapters::AsioExecutor executor_;
  std::unique_ptr<adapters::GrpcTemporal> temporal_;
  TaskScope scope_{executor_, 2};
};

// What the worlds share: their one client, and how time passes for it. `Behaviour`: OurEngine or RealServer.
template <class Behaviour>
class GrpcTemporalWorld : public Behaviour {
 public:
  Executor& executor() { return client_.executor(); }
  TaskScope& scope() { return client_.scope(); }
  ports::Temporal& temporal() { return client_.temporal(); }
  void run_until(const std::function<bool()>& done, Duration limit) { client_.run_until(done, limit); }

 protected:
  GrpcTemporalClient client_;
};

class ServedEngineWorld : public GrpcTemporalWorld<OurEngine> {
 public:
  ServedEngineWorld() {
    start();
    client_.connect(port_);
    client_.wait_ready();
  }
  // As a crash: what is under way is broken off, and only the file is left.
  void restart() {
    server_.reset();
    engine_.reset();
    database_.reset();
    start();
    client_.wait_ready();
  }
  adapters::GrpcTemporalServer& server() { return *server_; }

 private:
  void start() {
    adapters::AsioExecutor& executor = client_.asio_executor();
    database_ = *adapters::SqliteDatabase::open(directory_.file("temporal.db"));
    engine_.emplace(scope_.context(), clock_, Random(++life_), log_, *database_);
    scope_.spawn(begin(*engine_, executor));
    adapters::GrpcTemporalServerOptions options;
    options.port = static_cast<std::uint16_t>(port_);
    options.namespaces = {"default", "reliant"};
    auto server = adapters::GrpcTemporalServer::listen(executor, scope_.context(), *engine_, options);
    RELIANT_ASSERT(server.ok(), "a free port of this machine can be listened on");
    server_ = *std::move(server);
    port_ = server_->port();
  }
  static Task<void> begin(adapters::EmbeddedTemporal& engine, Executor& executor) {
    const Status status = co_await engine.start(after(executor.now(), std::chrono::seconds(30)));
    RELIANT_ASSERT(status.ok(), "a new database file can be used");
  }

  TemporaryDirectory directory_;
  adapters::SystemClock clock_{client_.asio_executor()};
  SilentLog log_;
  int port_ = 0;
  std::uint64_t life_ = 0;
  std::unique_ptr<adapters::SqliteDatabase> database_;
  TaskScope scope_{client_.asio_executor(), 1};
  std::optional<adapters::EmbeddedTemporal> engine_;
  std::unique_ptr<adapters::GrpcTemporalServer> server_;
};

class RealTemporalWorld : public GrpcTemporalWorld<RealServer> {
 public:
  RealTemporalWorld() {
    client_.connect(server_.port());
    client_.wait_ready();
  }
  void restart() {
    server_.kill();
    server_.start();
    client_.wait_ready();
  }
  TemporalServer& server() { return server_; }

 private:
  TemporalServer server_;
};

}  // namespace reliant::tests
