// Faults between a simulated HTTP client and its server; the contract of both is in tests/contract.
#include "world/sim_http_client.h"

#include <gtest/gtest.h>

#include <optional>
#include <vector>

#include "kernel/simulation.h"
#include "ports/http_client.h"
#include "runtime/sleep.h"
#include "world/network.h"
#include "world/sim_http_server.h"

namespace reliant::tests {
namespace {

using sim::Node;
using std::chrono::milliseconds;
using std::chrono::seconds;

// Streams a number every 100 ms; "/slow" answers after a second.
class Ticking final : public ports::HttpHandler {
 public:
  Task<void> handle(ports::HttpServerRequest request, ports::HttpResponder& responder) override {
    if (request.path == "/slow") {
      co_await sleep_for(seconds(1));
      ++effects;
      ports::HttpServerResponse response;
      response.body = "done";
      (void)co_await responder.reply(std::move(response));
      co_return;
    }
    (void)co_await responder.start_stream({});
    for (int i = 0;; ++i) {
      const Status written = co_await responder.write(concat(i, ';'), kNever);
      if (!written.ok()) co_return;
      co_await sleep_for(milliseconds(100));
    }
  }

  int effects = 0;
};

struct Seen {
  std::optional<Status> end;  // of the call or of the stream
  std::string body;
  Instant ended{};
};

class SimHttpClientTest : public ::testing::Test {
 protected:
  explicit SimHttpClientTest(std::uint64_t seed = 7, sim::NetworkOptions options = {})
      : simulation_(seed), network_(simulation_, options) {
    server_.start([this](Node& node) { return serve(web_, node, handler_); });
  }

  static Task<void> serve(sim::SimWeb& web, Node& node, Ticking& handler) {
    sim::SimHttpServer http_server(web, node);
    const auto listener = http_server.listen("0.0.0.0:80", handler, {});
    RELIANT_ASSERT(listener.ok(), "port 80 of the server is free");
    co_await never();
  }

  static Task<void> call(sim::SimWeb& web, Node& node, std::string url, Instant deadline, Seen& seen) {
    sim::SimHttpClient http(web, node);
    ports::HttpRequest request;
    request.url = std::move(url);
    Result<std::unique_ptr<ports::HttpResponse>> response = co_await http.send(std::move(request), deadline);
    Status end = response.status();
    while (end.ok()) {
      Result<std::optional<std::string>> part = co_await (*response)->read(deadline);
      if (!part.ok()) end = part.status();
      if (!part.ok() || !part->has_value()) break;
      seen.body += **part;
    }
    seen.ended = node.clock().now();
    seen.end = end;
  }
  void start_call(std::string path, Seen& seen, Instant deadline = kNever) {
    client_.spawn(call(web_, client_, "http://server" + std::move(path), deadline, seen));
  }
  static StatusCode code(const Seen& seen) { return seen.end ? seen.end->code() : StatusCode::kOk; }

  Ticking handler_;
  sim::Simulation simulation_;
  sim::Network network_;
  sim::SimWeb web_{network_};
  Node& server_ = simulation_.add_node("server");
  Node& client_ = simulation_.add_node("client");
};

TEST_F(SimHttpClientTest, AClientSeesThatTheServerCrashedUnderItsStream) {
  Seen seen;
  start_call("/", seen);
  simulation_.run_for(seconds(1));
  EXPECT_TRUE(seen.body.starts_with("0;1;2;3;")) << seen.body;
  EXPECT_FALSE(seen.end.has_value());
  server_.crash();
  simulation_.run_for(seconds(30));  // a silent crash is noticed by the keepalive
  EXPECT_EQ(code(seen), StatusCode::kUnavailable);
}

TEST_F(SimHttpClientTest, ARestartedServerTakesNewCallsAndKnowsNothingOfOldOnes) {
  Seen old_call;
  start_call("/", old_call);
  simulation_.run_for(seconds(1));
  server_.restart();
  Seen new_call;
  start_call("/slow", new_call);
  simulation_.run_for(seconds(30));
  EXPECT_EQ(code(old_call), StatusCode::kUnavailable);
  ASSERT_TRUE(new_call.end.has_value());
  EXPECT_TRUE(new_call.end->ok()) << *new_call.end;
  EXPECT_EQ(new_call.body, "done");
}

TEST_F(SimHttpClientTest, ADeadServerRefusesOrIsSilent) {
  server_.crash();
  Seen seen;
  start_call("/slow", seen);
  simulation_.run_for(seconds(60));
  EXPECT_EQ(code(seen), StatusCode::kUnavailable);
}

TEST_F(SimHttpClientTest, AnAnswerMayBeLostAfterTheEffect) {
  Seen seen;
  start_call("/slow", seen);
  simulation_.run_for(milliseconds(500));
  network_.reset(server_, client_);
  simulation_.run_for(seconds(5));
  EXPECT_EQ(code(seen), StatusCode::kUnavailable);
  EXPECT_EQ(handler_.effects, 1);  // a unary handler runs to its end
}

TEST_F(SimHttpClientTest, AStreamWaitsOutAShortPartition) {
  Seen seen;
  start_call("/", seen);
  simulation_.run_for(seconds(1));
  network_.partition(server_, client_);
  const std::string before = seen.body;
  simulation_.run_for(seconds(2));
  EXPECT_EQ(seen.body, before);
  network_.heal();
  simulation_.run_for(seconds(3));
  EXPECT_FALSE(seen.end.has_value());
  EXPECT_TRUE(seen.body.starts_with(before + concat(std::count(before.begin(), before.end(), ';'), ';')))
      << "nothing is lost or doubled: " << seen.body;
}

TEST_F(SimHttpClientTest, BothEndsGiveUpInALongPartition) {
  Seen seen;
  start_call("/", seen);
  simulation_.run_for(seconds(1));
  network_.partition(server_, client_);
  simulation_.run_for(seconds(60));
  EXPECT_EQ(code(seen), StatusCode::kUnavailable);
  EXPECT_EQ(network_.connections(), 0u);
  EXPECT_EQ(server_.tasks(), 1u);  // the program alone
}

TEST_F(SimHttpClientTest, ACutAnswerDirectionMeetsTheDeadline) {
  network_.cut(server_, client_);
  Seen seen;
  start_call("/slow", seen, Instant(seconds(3)));
  simulation_.run_for(seconds(10));
  EXPECT_EQ(code(seen), StatusCode::kDeadlineExceeded);
  EXPECT_EQ(seen.ended, Instant(seconds(3)));
}

TEST_F(SimHttpClientTest, AClientThatCrashesEndsItsStream) {
  Seen seen;
  start_call("/", seen);
  simulation_.run_for(seconds(1));
  client_.crash();
  simulation_.run_for(seconds(60));
  EXPECT_EQ(network_.connections(), 0u);
  EXPECT_FALSE(seen.end.has_value());
}

TEST_F(SimHttpClientTest, NodesListenUnderTheirOwnNames) {
  sim::SimHttpServer http_server(web_, client_);
  EXPECT_EQ(http_server.listen("server:81", handler_, {}).status().code(), StatusCode::kInvalidArgument);
  EXPECT_EQ((*http_server.listen(":8080", handler_, {}))->address(), "client:8080");
  EXPECT_EQ((*http_server.listen("localhost:80", handler_, {}))->address(), "client:80");
}

// Crashes and restarts at every step of two calls: nothing may be left over, and a call always ends.
TEST(SimHttpClient, SurvivesACrashOfTheServerAtAnyStep) {
  for (std::uint64_t step = 1; step < 120; ++step) {
    class Run : public SimHttpClientTest {
     public:
      explicit Run(std::uint64_t seed) : SimHttpClientTest(seed) {}
      void TestBody() override {}
      void crash_at(std::uint64_t at) {
        Seen slow;
        Seen stream;
        start_call("/slow", slow, Instant(seconds(40)));
        start_call("/", stream, Instant(seconds(40)));
        simulation_.run(at);
        server_.restart();
        simulation_.run_until(Instant(seconds(41)));
        EXPECT_TRUE(slow.end.has_value() && stream.end.has_value()) << at;
        EXPECT_TRUE(slow.body.empty() || slow.body == "done");
        simulation_.shutdown();
        EXPECT_EQ(simulation_.live().tasks, 0u);
        EXPECT_EQ(simulation_.live().frames, 0);
      }
    };
    Run run(step);
    run.crash_at(step);
  }
}

TEST(SimHttpClient, RepeatsFromItsSeed) {
  const auto hash_of = [](std::uint64_t seed) {
    class Run : public SimHttpClientTest {
     public:
      explicit Run(std::uint64_t s) : SimHttpClientTest(s) {}
      void TestBody() override {}
      std::uint64_t hash() {
        Seen slow;
        Seen stream;
        start_call("/slow", slow);
        start_call("/", stream);
        simulation_.run_for(seconds(2));
        network_.reset(server_);
        simulation_.run_for(seconds(2));
        const std::uint64_t hash = simulation_.hash();
        simulation_.shutdown();  // the calls refer to what ends here
        return hash;
      }
    };
    Run run(seed);
    return run.hash();
  };
  EXPECT_EQ(hash_of(3), hash_of(3));
  EXPECT_NE(hash_of(3), hash_of(4));
}

}  // namespace
}  // namespace reliant::tests
