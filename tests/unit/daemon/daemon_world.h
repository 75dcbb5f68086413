// A daemon on a simulated machine, in virtual time, and gateways that do as the test says.
#pragma once

#include <gtest/gtest.h>

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "adapters/memory/memory_link.h"
#include "adapters/sqlite/sqlite_database.h"
#include "daemon/daemon.h"
#include "kernel/sim_clock.h"
#include "runtime/executor.h"
#include "runtime/scope.h"
#include "runtime/sleep.h"
#include "tools/standard_tools.h"
#include "world/sim_filesystem.h"
#include "world/sim_process.h"

namespace reliant::daemon {

class RecordingLog final : public EventLog {
 public:
  struct Entry {
    std::string name;
    std::map<std::string, std::string> fields;
  };
  void record(Level level, std::string_view name, std::initializer_list<Field> fields) override {
    Entry entry{std::string(name), {}};
    for (const Field& field : fields) {
      const auto* number = std::get_if<std::int64_t>(&field.value);
      entry.fields.emplace(field.key, number ? concat(*number) : std::string(std::get<std::string_view>(field.value)));
    }
    EXPECT_NE(level, Level::kError) << name;
    entries.push_back(std::move(entry));
  }
  std::size_t count(std::string_view name, std::string_view request = "") const {
    std::size_t found = 0;
    for (const Entry& entry : entries) {
      const auto id = entry.fields.find("request_id");
      found += entry.name == name && (request.empty() || (id != entry.fields.end() && id->second == request)) ? 1 : 0;
    }
    return found;
  }
  std::vector<Entry> entries;
};

// Accepts every stream and answers its registration. Everything it hears is kept.
class FakeGateway {
 public:
  struct Heard {
    Instant time;
    proto::DaemonFrame frame;
  };
  struct Stream {
    std::unique_ptr<ports::AcceptedLink> link;
    proto::Register registration;
    std::vector<Heard> heard;
    std::optional<Status> end;  // nullopt: the daemon said goodbye, or it goes on
    bool over = false;
  };

  FakeGateway(Executor& executor, ports::LinkTransport& links, std::string address)
      : executor_(executor), listener_(*links.listen(address)), scope_(executor, 9) {
    scope_.spawn(accept());
  }

  void send(proto::GatewayFrame frame) { scope_.spawn(send_to(*streams.back(), std::move(frame))); }
  void execute(std::string id, std::string command, std::uint64_t resume = 0,
               proto::Effect effect = proto::EFFECT_NON_IDEMPOTENT) {
    call(std::move(id), "bash", concat(R"({"command":")", command, "\"}"), resume, effect);
  }
  void call(std::string id, std::string tool, std::string arguments, std::uint64_t resume = 0,
            proto::Effect effect = proto::EFFECT_NON_IDEMPOTENT) {
    send(request_frame(std::move(id), std::move(tool), std::move(arguments), resume, effect));
  }
  // As call, of one that only reads.
  void read(std::string id, std::string tool, std::string arguments, std::uint64_t resume = 0) {
    proto::GatewayFrame frame =
        request_frame(std::move(id), std::move(tool), std::move(arguments), resume, proto::EFFECT_READ_ONLY);
    frame.mutable_execute_tool()->set_unrecorded(true);
    send(std::move(frame));
  }
  static proto::GatewayFrame request_frame(std::string id, std::string tool, std::string arguments, std::uint64_t resume,
                                           proto::Effect effect) {
    proto::GatewayFrame frame;
    proto::ExecuteTool& request = *frame.mutable_execute_tool();
    request.set_request_id(std::move(id));
    request.set_tool(std::move(tool));
    request.set_arguments(std::move(arguments));
    request.set_working_directory("/project");
    request.set_effect(effect);
    request.set_timeout_ms(600'000);
    request.set_resume_output_after(resume);
    request.set_chat_id("chat_1");
    return frame;
  }
  void cancel(std::string id, bool unrecorded = false) {
    proto::GatewayFrame frame;
    frame.mutable_cancel_tool()->set_request_id(std::move(id));
    frame.mutable_cancel_tool()->set_unrecorded(unrecorded);
    send(std::move(frame));
  }
  void acknowledge_output(std::string id, std::uint64_t chunk) {
    proto::GatewayFrame frame;
    frame.mutable_output_ack()->set_request_id(std::move(id));
    frame.mutable_output_ack()->set_chunk(chunk);
    send(std::move(frame));
  }
  void acknowledge_result(std::string id) {
    proto::GatewayFrame frame;
    frame.mutable_result_ack()->set_request_id(std::move(id));
    send(std::move(frame));
  }
  // Ends the newest stream.
  void hang_up(Status status) { streams.back()->link->finish(std::move(status)); }
  void refuse_with(Status status) { refusal_ = std::move(status); }
  void refuse_once_with(Status status) {
    refusal_ = std::move(status);
    once_ = true;
  }
  void accept_again() { refusal_.reset(); }

  std::vector<proto::ToolFinished> results(std::string_view id) const {
    return all<proto::ToolFinished>(id, [](const proto::DaemonFrame& f) -> const proto::ToolFinished* {
      return f.has_tool_finished() ? &f.tool_finished() : nullptr;
    });
  }
  std::vector<proto::ToolOutput> outputs(std::string_view id) const {
    return all<proto::ToolOutput>(id, [](const proto::DaemonFrame& f) -> const proto::ToolOutput* {
      return f.has_tool_output() ? &f.tool_output() : nullptr;
    });
  }
  std::vector<proto::CancelDone> cancels(std::string_view id) const {
    return all<proto::CancelDone>(id, [](const proto::DaemonFrame& f) -> const proto::CancelDone* {
      return f.has_cancel_done() ? &f.cancel_done() : nullptr;
    });
  }
  // On the newest stream.
  std::vector<Instant> beats() const {
    std::vector<Instant> times;
    for (const Heard& heard : streams.back()->heard) {
      if (heard.frame.has_heartbeat()) times.push_back(heard.time);
    }
    return times;
  }

  std::vector<std::unique_ptr<Stream>> streams;
  std::vector<Instant> attempts;  // of connecting
  bool acknowledges_results = false;
  bool acknowledges_outputs = true;
  bool beats_back = true;
  bool frozen = false;  // it takes streams, and says nothing on any
  std::vector<std::string> told_addresses;
  Duration read_delay{};  // a slow reader

 private:
  template <class Frame, class Pick>
  std::vector<Frame> all(std::string_view id, Pick pick) const {
    std::vector<Frame> found;
    for (const auto& stream : streams) {
      for (const Heard& heard : stream->heard) {
        const Frame* frame = pick(heard.frame);
        if (frame && frame->request_id() == id) found.push_back(*frame);
      }
    }
    return found;
  }

  Task<void> accept() {
    for (;;) {
      auto link = co_await listener_->accept();
      if (!link.ok()) co_return;
      attempts.push_back(executor_.now());
      streams.push_back(std::make_unique<Stream>());
      streams.back()->link = *std::move(link);
      if (refusal_) {
        streams.back()->link->finish(*refusal_);
        streams.back()->over = true;
        if (std::exchange(once_, false)) refusal_.reset();
        continue;
      }
      if (frozen) continue;
      scope_.spawn(serve(*streams.back()));
    }
  }

  Task<void> serve(Stream& stream) {
    proto::DaemonFrame hello;
    auto first = co_await stream.link->receive(kNever);
    if (!first.ok() || !*first) co_return;
    EXPECT_TRUE(hello.ParseFromString(**first));
    EXPECT_TRUE(hello.has_register_());
    stream.registration = hello.register_();
    proto::GatewayFrame greeting;
    greeting.mutable_registered()->set_epoch(++epoch_);
    greeting.mutable_registered()->set_gateway_id("gw");
    greeting.mutable_registered()->set_user_id("user_1");
    greeting.mutable_registered()->set_heartbeat_interval_ms(15'000);
    for (const std::string& address : told_addresses) greeting.mutable_registered()->add_gateway_addresses(address);
    (void)co_await stream.link->send(greeting.SerializeAsString(), kNever);
    scope_.spawn(beat(stream));
    for (;;) {
      if (read_delay > Duration::zero()) co_await sleep_for(read_delay);
      auto bytes = co_await stream.link->receive(kNever);
      if (!bytes.ok() || !*bytes) {
        stream.over = true;
        if (!bytes.ok())
          stream.end = bytes.status();
        else
          stream.link->finish(ok_status());
        co_return;
      }
      proto::DaemonFrame frame;
      EXPECT_TRUE(frame.ParseFromString(**bytes));
      stream.heard.push_back({executor_.now(), frame});
      answer(frame);
    }
  }

  void answer(const proto::DaemonFrame& frame) {
    if (frame.has_tool_output() && acknowledges_outputs)
      acknowledge_output(frame.tool_output().request_id(), frame.tool_output().chunk());
    if (frame.has_tool_finished() && acknowledges_results) acknowledge_result(frame.tool_finished().request_id());
  }

  Task<void> beat(Stream& stream) {
    while (!stream.over) {
      co_await sleep_for(std::chrono::seconds(30));
      if (!beats_back || frozen || stream.over) continue;
      proto::GatewayFrame frame;
      frame.mutable_heartbeat()->set_number(1);
      co_await send_to(stream, std::move(frame));
    }
  }

  Task<void> send_to(Stream& stream, proto::GatewayFrame frame) {
    while (std::exchange(sending_, true)) co_await yield();
    (void)co_await stream.link->send(frame.SerializeAsString(), kNever);
    sending_ = false;
  }

  Executor& executor_;
  std::unique_ptr<ports::LinkListener> listener_;
  std::optional<Status> refusal_;
  bool once_ = false;
  std::int64_t epoch_ = 0;
  bool sending_ = false;
  TaskScope scope_;
};

class DaemonWorld : public ::testing::Test {
 protected:
  // One life of the daemon's process.
  struct Life {
    Life(DaemonWorld& world, DaemonOptions options)
        : processes(world.machine_, Random(1)),
          filesystem(world.machine_.disk, world.machine_.disk_faults, Random(2)),
          tools(tools::make_standard_tools(processes, filesystem)),
          context{&world.executor_, nullptr, 1},
          daemon(context, world.clock_, Random(world.next_seed_++), world.log_, world.links_, tools, processes, world.journal(),
                 std::move(options)),
          scope(world.executor_, 1) {
      scope.spawn(keep(daemon, end));
    }
    static Task<void> keep(Daemon& daemon, std::optional<Status>& end) { end = co_await daemon.run(); }

    sim::SimProcesses processes;
    sim::SimFilesystem filesystem;
    tools::ToolRegistry tools;
    Context context;
    std::optional<Status> end;
    Daemon daemon;
    TaskScope scope;
  };

  DaemonWorld() : DaemonWorld(17) {}
  explicit DaemonWorld(std::uint64_t seed) : executor_(seed) {
    EXPECT_TRUE(machine_.disk.make_directories("/project").ok());
    options_.id = DaemonId("d1");
    options_.name = "laptop";
    options_.gateway_addresses = {"gw:1"};
    options_.token = "rlnt_pat_x";
    options_.working_directory = "/project";
  }

  virtual ports::Database& journal() { return *journal_; }
  void start() { life_ = std::make_unique<Life>(*this, options_); }
  void crash() { life_.reset(); }
  void run_for(Duration duration) { executor_.run_until(executor_.now() + duration); }
  std::unique_ptr<FakeGateway> make_gateway(std::string address) {
    return std::make_unique<FakeGateway>(executor_, links_, std::move(address));
  }
  // With a gateway and a daemon that is registered there.
  void connect() {
    gateway_ = make_gateway("gw:1");
    start();
    run_for(std::chrono::milliseconds(10));
    ASSERT_EQ(gateway_->streams.size(), 1u);
    ASSERT_TRUE(life_->daemon.connected());
  }

  Executor executor_;
  sim::SimClock clock_{executor_, 0};
  sim::SimMachine machine_;
  RecordingLog log_;
  adapters::MemoryLinkTransport links_;
  std::unique_ptr<adapters::SqliteDatabase> journal_ = *adapters::SqliteDatabase::open(":memory:");
  DaemonOptions options_;
  std::uint64_t next_seed_ = 100;
  std::unique_ptr<FakeGateway> gateway_;
  std::unique_ptr<Life> life_;
};

}  // namespace reliant::daemon
