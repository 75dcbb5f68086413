// A gateway on an in-memory store with a token, and a daemon that does what the test says, in virtual time.
#pragma once

#include <gtest/gtest.h>

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "adapters/memory/memory_link.h"
#include "adapters/sqlite/sqlite_database.h"
#include "auth/authenticator.h"
#include "auth/secret_source.h"
#include "auth/token.h"
#include "gateway/gateway.h"
#include "kernel/simulation.h"
#include "runtime/event.h"
#include "store/store.h"

namespace reliant::gateway {

using namespace std::chrono_literals;

inline constexpr std::string_view kAddress = "gateway-1:9190";

// Runs one task to its end in virtual time.
template <class T>
T finish(sim::Simulation& simulation, Task<T> task) {
  std::optional<T> result;
  const auto store = [](Task<T> inner, std::optional<T>& out) -> Task<void> { out.emplace(co_await std::move(inner)); };
  simulation.world().spawn(store(std::move(task), result));
  const bool ended = simulation.run_until([&] { return result.has_value(); }, simulation.now() + 1h);
  EXPECT_TRUE(ended) << "the task did not end within an hour of virtual time";
  if (!ended) std::abort();
  return *std::move(result);
}

// Answers nothing while it is frozen, as a database does whose disk hangs.
class FreezableDatabase final : public ports::Database {
 public:
  explicit FreezableDatabase(ports::Database& inner) : inner_(inner) { running_.set(); }

  void freeze() { running_.reset(); }
  void thaw() { running_.set(); }

  Task<Result<std::unique_ptr<ports::Transaction>>> begin(ports::Access access, Instant deadline) override {
    const bool runs = co_await running_.wait(deadline);
    if (!runs) co_return deadline_exceeded("the database hangs");
    co_return co_await inner_.begin(access, deadline);
  }
  Task<Status> run_script(std::string_view sql, Instant deadline) override { return inner_.run_script(sql, deadline); }
  Task<Result<WallTime>> wall_now(Instant deadline) override { return inner_.wall_now(deadline); }

 private:
  ports::Database& inner_;
  Event running_;
};

class SeededSecrets final : public auth::SecretSource {
 public:
  explicit SeededSecrets(Random random) : random_(random) {}
  std::array<std::byte, auth::kTokenBytes> next() override {
    std::array<std::byte, auth::kTokenBytes> secret{};
    for (std::byte& byte : secret) byte = static_cast<std::byte>(random_.below(256));
    return secret;
  }

 private:
  Random random_;
};

class GatewayWorld {
 public:
  explicit GatewayWorld(std::uint64_t seed, bool single = false) : simulation(seed), single_daemon_per_user(single) {
    store_ok(finish(simulation, store.migrate(kNever)));
    user = finish(simulation, store.users().create(UserId("u1"), "somebody", kNever))->id;
    token = auth::make_token({});
    store_ok(finish(simulation, store.tokens().create(user, "test", token, kNever)).status());
    store_ok(finish(simulation, gateway.start()));
  }
  ~GatewayWorld() { simulation.shutdown(); }

  static void store_ok(const Status& status) { ASSERT_TRUE(status.ok()) << status; }
  void run_for(Duration duration) { simulation.run_for(duration); }

  // Opens a stream and registers; returns the greeting or how it ended.
  Task<Result<proto::Registered>> connect(std::unique_ptr<ports::Link>& link, std::string daemon, std::string bearer) {
    ports::LinkTarget target;
    target.address = address;
    target.method = "reliant.tools.v1.ToolsDaemonService/Connect";
    if (!bearer.empty()) target.metadata["authorization"] = "Bearer " + bearer;
    CO_TRY_ASSIGN(link, co_await links.connect(std::move(target), kNever));
    proto::DaemonFrame frame;
    frame.mutable_register_()->set_daemon_id(daemon);
    frame.mutable_register_()->set_name(daemon);
    CO_TRY_OK(co_await link->send(frame.SerializeAsString(), kNever));
    CO_TRY_ASSIGN(auto first, co_await next(*link));
    co_return first.registered();
  }
  std::unique_ptr<ports::Link> connected(std::string daemon = "d1") {
    std::unique_ptr<ports::Link> link;
    auto greeting = finish(simulation, connect(link, std::move(daemon), token));
    EXPECT_TRUE(greeting.ok()) << greeting.status();
    return link;
  }
  static Task<Result<proto::GatewayFrame>> next(ports::Link& link) {
    auto bytes = co_await link.receive(kNever);
    if (!bytes.ok()) co_return bytes.status();
    if (!*bytes) co_return unavailable("ended");
    proto::GatewayFrame frame;
    frame.ParseFromString(**bytes);
    co_return frame;
  }
  Result<proto::GatewayFrame> frame_of(ports::Link& link) { return finish(simulation, next(link)); }
  void send(ports::Link& link, proto::DaemonFrame frame) {
    store_ok(finish(simulation, link.send(frame.SerializeAsString(), kNever)));
  }
  void send_result(ports::Link& link, const std::string& request, const std::string& content) {
    proto::DaemonFrame frame;
    frame.mutable_tool_finished()->set_request_id(request);
    frame.mutable_tool_finished()->set_outcome(proto::OUTCOME_EXECUTED);
    frame.mutable_tool_finished()->set_content(content);
    send(link, frame);
  }
  void send_output(ports::Link& link, const std::string& request, std::uint64_t chunk, const std::string& data) {
    proto::DaemonFrame frame;
    frame.mutable_tool_output()->set_request_id(request);
    frame.mutable_tool_output()->set_chunk(chunk);
    frame.mutable_tool_output()->set_data(data);
    send(link, frame);
  }
  store::Daemon stored_daemon(const std::string& id = "d1") {
    return *finish(simulation, store.daemons().get(user, DaemonId(id), kNever));
  }
  model::ToolRequest request(const std::string& id) const {
    model::ToolRequest request;
    request.id = RequestId(id);
    request.user = user;
    request.daemon = DaemonId("d1");
    request.chat = ChatId("c1");
    request.call = ToolCallId("t1");
    request.tool = "bash";
    request.arguments = "{}";
    return request;
  }

  sim::Simulation simulation;
  bool single_daemon_per_user;
  std::string address{kAddress};  // where the next daemon connects
  sim::Node& node = simulation.add_node("gateway-1");
  std::unique_ptr<adapters::SqliteDatabase> database = *adapters::SqliteDatabase::open(":memory:");
  FreezableDatabase freezable{*database};
  store::Store store{freezable, node.clock(), simulation.random("store")};
  auth::DbPatValidator tokens{store.tokens()};
  SeededSecrets secrets{simulation.random("secrets")};
  Records records{store, tokens, secrets, node.clock()};
  adapters::MemoryLinkTransport links;
  UserId user;
  std::string token;
  Gateway gateway{node.context(), node.clock(),
                  node.log(),     links,
                  records,        GatewayOptions{GatewayId("g1"), std::string(kAddress), "", single_daemon_per_user}};
};

// What came out of the tool, and a call that waits for its result.
struct Call final : router::OutputSink {
  Task<void> on_output(std::uint64_t chunk, std::string data, bool gap) override {
    output += data;
    gaps += gap ? 1 : 0;
    last = chunk;
    co_return;
  }
  std::uint64_t last_chunk() const override { return last; }

  Task<void> run(router::DaemonRouter& router, model::ToolRequest request, Instant deadline) {
    result.emplace(co_await router.execute(std::move(request), *this, deadline));
  }

  std::string output;
  int gaps = 0;
  std::uint64_t last = 0;
  std::optional<Result<model::ToolResult>> result;
};

}  // namespace reliant::gateway
