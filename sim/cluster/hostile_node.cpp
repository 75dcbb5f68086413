#include "cluster/hostile_node.h"

#include <utility>

#include "base/text.h"
#include "reliant/tools/v1/daemon.pb.h"
#include "runtime/deadline.h"
#include "runtime/scope.h"
#include "runtime/sleep.h"
#include "world/sim_link.h"

namespace reliant::sim {
namespace {

namespace proto = ::reliant::tools::v1;

constexpr Duration kPause = std::chrono::milliseconds(200);  // before a stream is opened again
constexpr std::size_t kLarge = std::size_t{1} << 20;         // bytes of a result that a gateway accepts
constexpr std::size_t kTooLarge = 3'900'000;                 // of one that it refuses
constexpr int kResultsOfAStream = 20;

Task<Result<std::unique_ptr<ports::Link>>> opened(SimLinkTransport& links, const std::string& gateway,
                                                  const std::string& token) {
  ports::LinkTarget target;
  target.address = gateway;
  target.method = "reliant.tools.v1.ToolsDaemonService/Connect";
  target.metadata["authorization"] = concat("Bearer ", token);
  co_return co_await links.connect(std::move(target), kNever);
}

Task<void> say_nothing(SimLinkTransport& links, std::string gateway, std::string token) {
  for (;;) {
    auto link = co_await opened(links, gateway, token);
    if (link.ok()) {
      auto heard = co_await (*link)->receive(kNever);
      while (heard.ok() && *heard) heard = co_await (*link)->receive(kNever);
    }
    co_await sleep_for(kPause);  // waits for no event: how often a hostile user tries
  }
}

std::string result_of(std::size_t bytes, int number) {
  proto::DaemonFrame frame;
  frame.mutable_tool_finished()->set_request_id(concat("req_nobody_asked_", number));
  frame.mutable_tool_finished()->set_outcome(proto::OUTCOME_EXECUTED);
  frame.mutable_tool_finished()->set_content(std::string(bytes, 'x'));
  return frame.SerializeAsString();
}

Task<void> flood(SimLinkTransport& links, std::string gateway, std::string token, std::string daemon) {
  for (;;) {
    auto link = co_await opened(links, gateway, token);
    proto::DaemonFrame registration;
    registration.mutable_register_()->set_daemon_id(daemon);
    Status sent = link.status();
    if (sent.ok()) sent = co_await (*link)->send(registration.SerializeAsString(), kNever);
    for (int i = 0; sent.ok() && i < kResultsOfAStream; ++i) sent = co_await (*link)->send(result_of(kLarge, i), kNever);
    if (sent.ok()) sent = co_await (*link)->send(result_of(kTooLarge, kResultsOfAStream), kNever);
    if (link.ok()) link->reset();
    co_await sleep_for(kPause);  // waits for no event: how often a hostile user tries
  }
}

Task<void> attack(Node& node, SimLinkTransport& links, HostileNodeOptions options) {
  TaskScope scope(node.context());
  const auto gateway = [&](std::int64_t i) { return options.gateways[static_cast<std::size_t>(i) % options.gateways.size()]; };
  // Every gateway sees every token.
  const auto token = [&](std::int64_t i) {
    return options.tokens[static_cast<std::size_t>(i) / options.gateways.size() % options.tokens.size()];
  };
  for (std::int64_t i = 0; i < options.silent_streams; ++i) scope.spawn(say_nothing(links, gateway(i), token(i)));
  for (std::int64_t i = 0; i < options.floods; ++i) scope.spawn(flood(links, gateway(i), token(i), concat("flood-", i + 1)));
  co_await scope.join();
}

}  // namespace

Task<void> hostile_node(Node& node, World& world, HostileNodeOptions options) {
  world.started.insert(node.id());  // the warm-up does not wait for it
  const Instant end = after(node.clock().now(), options.lives);
  {
    SimLinkTransport links(world.links, node);
    (void)co_await with_deadline(attack(node, links, std::move(options)), end);
  }
  co_await never();
}

}  // namespace reliant::sim
