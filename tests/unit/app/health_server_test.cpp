#include "app/health_server.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "app/cross_origin.h"
#include "base/cause.h"
#include "runtime/sleep.h"
#include "unit/api/api_world.h"

namespace reliant::app {
namespace {

Task<Status> answer(Status status) { co_return status; }
Task<Status> silence() {
  co_await sleep_for(std::chrono::hours(1));
  co_return ok_status();
}

// The time of the world, without a wall clock.
class StoppedClock final : public Clock {
 public:
  explicit StoppedClock(const Executor& executor) : executor_(executor) {}
  Instant now() const override { return executor_.now(); }
  WallTime wall_now() const override { return {}; }

 private:
  const Executor& executor_;
};

class HealthWorld {
 public:
  HealthWorld() : executor(1), health(clock, log, http_server, [this] { return stopping; }) {
    health.add("database", [this](Instant) { return database_hangs ? silence() : answer(database); });
    health.add("nats", [this](Instant) { return answer(nats); });
    EXPECT_TRUE(health.start("health:1").ok());
  }

  // The status and the JSON body of an answer.
  std::pair<int, std::string> get(std::string path) {
    api::HandResponder responder;
    TaskScope scope(executor, 0);
    scope.spawn(http_server.serve({.method = "GET", .path = std::move(path)}, responder));
    while (!responder.response && executor.step()) {}
    return {responder.response->status, responder.response->body};
  }

  Executor executor;
  StoppedClock clock{executor};
  api::RememberingLog log;
  api::HandHttpServer http_server;
  bool stopping = false;
  bool database_hangs = false;
  Status database;
  Status nats;
  HealthServer health;
};

TEST(HealthServer, IsReadyWhenEveryDependencyIs) {
  HealthWorld world;
  EXPECT_EQ(world.get("/ready"), std::pair(200, std::string(R"({"status":"ready","checks":{"database":"ok","nats":"ok"}})")));
  EXPECT_EQ(world.get("/health").first, 200);
  EXPECT_EQ(world.get("/metrics").first, 404);
  EXPECT_NE(world.get("/metrics").second.find(R"("code":"NOT_FOUND")"), std::string::npos) << world.get("/metrics").second;
}

TEST(HealthServer, NamesAFailedDependencyUntilItRecovers) {
  HealthWorld world;
  world.nats = unavailable("refused");
  EXPECT_EQ(world.get("/ready"),
            std::pair(503, std::string(R"({"status":"not ready","checks":{"database":"ok","nats":"refused"}})")));
  EXPECT_EQ(world.get("/health").first, 200) << "a restart would not help";
  world.nats = ok_status();
  EXPECT_EQ(world.get("/ready").first, 200);
}

TEST(HealthServer, KeepsTheLibrarysTextInTheLog) {
  HealthWorld world;
  world.nats = with_cause(unavailable("not connected to NATS"), "127.0.0.1:4222: refused");
  const auto [status, said] = world.get("/ready");
  EXPECT_EQ(status, 503);
  EXPECT_NE(said.find("not connected to NATS"), std::string::npos) << said;
  EXPECT_EQ(said.find("4222"), std::string::npos) << said;
  EXPECT_TRUE(
      std::ranges::any_of(world.log.texts, [](const std::string& text) { return text.find("4222") != std::string::npos; }));
}

TEST(HealthServer, AHungCheckTimesOut) {
  HealthWorld world;
  world.database_hangs = true;
  const Instant asked = world.executor.now();
  EXPECT_EQ(world.get("/ready"), std::pair(503, std::string(R"({"status":"not ready","checks":)"
                                                            R"({"database":"no answer in time","nats":"ok"}})")));
  EXPECT_LE(world.executor.now() - asked, std::chrono::seconds(2));
}

TEST(HealthServer, IsNotReadyOnceItStops) {
  HealthWorld world;
  world.stopping = true;
  EXPECT_EQ(world.get("/ready"), std::pair(503, std::string(R"({"status":"stopping"})")));
  EXPECT_EQ(world.get("/health").first, 200);
}

// A handler that says hello.
class Hello final : public ports::HttpHandler {
 public:
  Task<void> handle(ports::HttpServerRequest, ports::HttpResponder& responder) override {
    (void)co_await responder.reply({200, {}, "hello"});
  }
};

ports::HttpServerResponse ask(api::HandHttpServer& http_server, std::string method, ports::HttpHeaders headers) {
  Executor executor(1);
  api::HandResponder responder;
  TaskScope scope(executor, 0);
  scope.spawn(http_server.serve({.method = std::move(method), .path = "/", .headers = std::move(headers)}, responder));
  while (!responder.response && executor.step()) {}
  return *responder.response;
}

// That says hello to pages of these origins.
struct SiteForPages {
  explicit SiteForPages(std::vector<std::string> origins)
      : cross_origin(http_server, std::move(origins)), listener(cross_origin.listen("x:1", hello, {})) {
    EXPECT_TRUE(listener.ok());
  }

  api::HandHttpServer http_server;
  Hello hello;
  CrossOrigin cross_origin;
  Result<std::unique_ptr<ports::HttpListener>> listener;
};

TEST(CrossOrigin, AnswersPreflightRequestsItself) {
  SiteForPages site({"https://a.example"});
  const auto asked =
      ask(site.http_server, "OPTIONS", {{"origin", "https://a.example"}, {"access-control-request-method", "POST"}});
  EXPECT_EQ(asked.status, 204);
  EXPECT_EQ(asked.headers.at("access-control-allow-origin"), "https://a.example");
  EXPECT_NE(asked.headers.at("access-control-allow-headers").find("authorization"), std::string::npos);
  const auto refused =
      ask(site.http_server, "OPTIONS", {{"origin", "https://b.example"}, {"access-control-request-method", "POST"}});
  EXPECT_TRUE(refused.headers.empty());
}

TEST(CrossOrigin, MarksTheAnswersToPagesOnly) {
  SiteForPages site({"*"});
  const auto marked = ask(site.http_server, "GET", {{"origin", "https://a.example"}});
  EXPECT_EQ(marked.body, "hello");
  EXPECT_EQ(marked.headers.at("access-control-allow-origin"), "*");
  EXPECT_FALSE(marked.headers.contains("access-control-allow-credentials")) << "C34";
  EXPECT_TRUE(ask(site.http_server, "GET", {}).headers.empty());
}

}  // namespace
}  // namespace reliant::app
