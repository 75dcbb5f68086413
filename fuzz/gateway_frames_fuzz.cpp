// Frames of a daemon to a gateway: the first frame of the input is a registration, sent by a daemon of its own; the others come
// on the stream of a daemon that has registered and runs two tools.
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <utility>

#include "frames.h"
#include "fuzz_input.h"
#include "router/local_daemon_router.h"
#include "unit/gateway/gateway_world.h"

namespace reliant::gateway {
namespace {

constexpr std::size_t kMostFrames = 64;

// The output of a tool, in order.
class Sink final : public router::OutputSink {
 public:
  Task<void> on_output(std::uint64_t chunk, std::string data, bool) override {
    RELIANT_ASSERT(chunk > last_, "chunks come in the order of their numbers");
    RELIANT_ASSERT(data.size() <= kMaxChunk, "a chunk is bounded");
    last_ = chunk;
    co_return;
  }
  std::uint64_t last_chunk() const override { return last_; }

 private:
  std::uint64_t last_ = 0;
};

struct Running {
  Task<void> run(router::DaemonRouter& router, model::ToolRequest request) {
    result.emplace(co_await router.execute(std::move(request), sink, kNever));
  }
  Sink sink;
  std::optional<Result<model::ToolResult>> result;
};

Task<void> say(ports::Link& link, std::string bytes) { (void)co_await link.send(std::move(bytes), kNever); }

Task<void> hear(ports::Link& link, bool& over) {
  while (true) {
    const auto bytes = co_await link.receive(kNever);
    if (!bytes.ok() || !*bytes) break;
    proto::GatewayFrame frame;
    RELIANT_ASSERT(frame.ParseFromString(**bytes), "a gateway sends what a daemon can read");
  }
  over = true;
}

Task<void> register_with(GatewayWorld& world, std::unique_ptr<ports::Link>& link, std::string registration) {
  ports::LinkTarget target{std::string(kAddress), "reliant.tools.v1.ToolsDaemonService/Connect", {}};
  target.metadata["authorization"] = "Bearer " + world.token;
  auto opened = co_await world.links.connect(std::move(target), kNever);
  if (!opened.ok()) co_return;
  link = *std::move(opened);
  co_await say(*link, std::move(registration));
  (void)co_await link->receive(kNever);
}

void check_frames(const std::vector<std::string>& frames) {
  GatewayWorld world(1);
  router::LocalDaemonRouter router(world.gateway);
  Running first;
  Running second;
  std::unique_ptr<ports::Link> stranger;
  std::unique_ptr<ports::Link> link = world.connected();
  bool over = false;
  world.simulation.world().spawn(hear(*link, over));
  world.simulation.world().spawn(first.run(router, world.request("req_1")));
  model::ToolRequest read = world.request("req_2");
  read.effect = model::Effect::kReadOnly;
  world.simulation.world().spawn(second.run(router, std::move(read)));
  world.run_for(10ms);
  if (!frames.empty()) world.simulation.world().spawn(register_with(world, stranger, frames[0]));
  for (std::size_t i = 1; i < std::min(frames.size(), kMostFrames); ++i) {
    world.simulation.world().spawn(say(*link, frames[i]));
    world.run_for(10ms);
  }
  world.run_for(1s);
  for (const Running* running : {&first, &second}) {
    if (!running->result || !running->result->ok()) continue;
    RELIANT_ASSERT((*running->result)->content.size() <= kMaxContent, "a result is bounded");
  }
  // It still serves other daemons.
  std::unique_ptr<ports::Link> other;
  const auto greeting = finish(world.simulation, world.connect(other, "another", world.token));
  RELIANT_ASSERT(greeting.ok() && greeting->gateway_id() == "g1", "a gateway takes the next daemon");
  RELIANT_ASSERT(!world.simulation.failure().error(), "no exception leaves a task");
  RELIANT_ASSERT(world.simulation.trace().errors() == 0, "no defect is in the log");
  RELIANT_ASSERT(!testing::Test::HasFailure(), "no expectation of the test world fails");
  world.simulation.shutdown();
}

}  // namespace
}  // namespace reliant::gateway

extern "C" std::size_t LLVMFuzzerCustomMutator(std::uint8_t* data, std::size_t size, std::size_t max_size, unsigned seed) {
  return reliant::fuzz::mutate_frames(data, size, max_size, seed, reliant::tools::v1::DaemonFrame::default_instance());
}

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  reliant::gateway::check_frames(reliant::fuzz::frames_of(reliant::fuzz::text_of(data, size)));
  return 0;
}
