// What a stream of GrpcLink costs this process at most, whatever its peer does.
#include "adapters/grpc_link/grpc_link.h"

#include <malloc.h>

#include <algorithm>
#include <fstream>
#include <ostream>
#include <vector>

#include "support/server_process.h"
#include "support/temporary_directory.h"
#include "unit/adapters/grpc_link/grpc_link_peers.h"

namespace reliant::tests {
namespace {

using adapters::GrpcLinkOptions;
using Suite = LinkContract<GrpcLinkWorld>;

GTEST_ALLOW_UNINSTANTIATED_PARAMETERIZED_TEST(LinkContract);  // here for its vocabulary

// Without what was freed.
std::size_t resident() {
  ::malloc_trim(0);
  std::ifstream statm("/proc/self/statm");
  std::size_t all_pages = 0;
  std::size_t pages = 0;
  statm >> all_pages >> pages;
  return pages * 4096;
}

enum class Peer : std::uint8_t { kReadsNothing, kIsFrozen, kFloods };  // kFloods: this side does not receive

struct Flow {
  Peer peer = Peer::kReadsNothing;
  std::size_t size = 0;       // of a message
  std::size_t streams = 300;  // what gRPC has but once, threads and their arenas, is little beside them
  bool peer_serves = false;
  bool tls = false;
};

void PrintTo(const Flow& flow, std::ostream* out) {
  *out << "messages of " << flow.size << " bytes, peer " << int(flow.peer) << (flow.peer_serves ? ", which serves" : "")
       << (flow.tls ? ", over TLS" : "");
}

class GrpcLinkMemory : public ::testing::TestWithParam<Flow> {};

// Small messages take their time: until this process has grown no more for a while (which only real time shows).
Task<void> wait_until_full(std::size_t streams, std::size_t& full) {
  constexpr int kRounds = 5;
  std::size_t before = 0;
  for (int quiet = 0; quiet < kRounds;) {
    co_await sleep_for(kSoon);  // real time: nothing else tells that a peer's flood has come to rest
    const std::size_t now = resident();
    quiet = now < before + streams * 512 ? quiet + 1 : 0;
    before = std::max(before, now);
  }
  full = streams;
}

// Of a peer that serves.
std::string address_in(const std::string& log) {
  std::string word;
  std::string address;
  wait_for("the peer listens", [&] {
    std::ifstream said(log);
    return said >> word >> address && word == "listening";
  });
  return address;
}

Task<void> open_all(GrpcLinkWorld& world, std::string address, std::size_t streams, std::vector<std::unique_ptr<Link>>& links) {
  while (links.size() < streams) links.push_back(co_await Suite::connected_to(world, {address, kMethod, {}}));
}

// Of this process, by all the streams: with everything that gRPC has for a stream, and its connection.
std::size_t grown_by(GrpcLinkWorld& world, const Flow& flow) {
  const TemporaryDirectory directory;
  const auto listener = listening(world);
  std::vector<std::unique_ptr<AcceptedLink>> accepted;
  std::vector<std::unique_ptr<Link>> opened;
  TaskScope tasks(world.executor(), 0);
  const std::string log = directory.file("peer.log");
  std::vector<std::string> command{RELIANT_GRPC_PEER};
  if (flow.peer_serves) {
    command.push_back("serve");
  } else {
    command.insert(command.end(), {flow.tls ? "open_tls" : "open", listener->address(), std::to_string(flow.streams)});
    tasks.spawn(accept_all(*listener, accepted));
  }
  if (flow.peer == Peer::kFloods) {
    command.insert(command.end(), {"flood", std::to_string(flow.size)});
  } else {
    command.push_back("silent");
  }
  const std::size_t before = resident();
  ServerProcess peer;
  peer.start(command, log);
  if (flow.peer_serves) tasks.spawn(open_all(world, address_in(log), flow.streams, opened));
  EXPECT_TRUE(world.run_until([&] { return accepted.size() + opened.size() == flow.streams; }))
      << accepted.size() << " have come, " << opened.size() << " were opened";
  if (flow.peer == Peer::kIsFrozen) peer.freeze();
  std::size_t full = 0;
  if (flow.peer == Peer::kFloods) {
    tasks.spawn(wait_until_full(flow.streams, full));
  } else {
    for (const auto& link : accepted) tasks.spawn(fill(world, *link, flow.size, full));
  }
  EXPECT_TRUE(world.run_until([&] { return full == flow.streams; }));
  const std::size_t now = resident();
  peer.kill();
  return now - std::min(before, now);
}

TEST_P(GrpcLinkMemory, IsBoundedForEachStream) {
  const Flow& flow = GetParam();
  GrpcLinkOptions acceptor{.backlog = flow.streams};  // they may come all at once
  if (flow.tls) acceptor.certificate = own_certificate();
  GrpcLinkWorld world(GrpcLinkOptions{}, std::move(acceptor));
  const std::size_t each = grown_by(world, flow) / flow.streams;
  std::printf("%zu bytes a stream\n", each);
#if !__has_feature(address_sanitizer) && !__has_feature(thread_sanitizer)  // they have memory of their own
  const std::size_t senders = flow.peer == Peer::kFloods ? 0 : flow.size;  // what a sender waits with is the sender's
  const std::size_t tls = flow.tls ? 128u * 1024 : 0;  // what OpenSSL and gRPC have for such a connection: 70 to 120 kB
  EXPECT_LE(each, 128u * 1024 + tls + senders);
#endif
}

INSTANTIATE_TEST_SUITE_P(Flows, GrpcLinkMemory,
                         ::testing::Values(Flow{.size = 10, .streams = 20}, Flow{.size = 1000}, Flow{.size = 60'000},
                                           Flow{.peer = Peer::kIsFrozen, .size = 1000}, Flow{.peer = Peer::kFloods, .size = 1},
                                           Flow{.peer = Peer::kFloods, .size = 10}, Flow{.peer = Peer::kFloods, .size = 100},
                                           Flow{.peer = Peer::kFloods, .size = 1000},
                                           Flow{.peer = Peer::kFloods, .size = 16'000},
                                           Flow{.peer = Peer::kFloods, .size = 1, .peer_serves = true},
                                           Flow{.peer = Peer::kFloods, .size = 1000, .peer_serves = true}));

// Fewer, since their handshakes are what takes the time.
INSTANTIATE_TEST_SUITE_P(FlowsOverTls, GrpcLinkMemory,
                         ::testing::Values(Flow{.size = 1000, .streams = 100, .tls = true},
                                           Flow{.peer = Peer::kFloods, .size = 1, .streams = 100, .tls = true},
                                           Flow{.peer = Peer::kFloods, .size = 16'000, .streams = 100, .tls = true}));

}  // namespace
}  // namespace reliant::tests
