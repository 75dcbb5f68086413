// Calls over simulated links, as the roles make them: 50 pairs of nodes, every request and answer an encoded frame of
// five fields, a handler spawned for each request, a table of pending calls and a deadline for each; faults can strike,
// and every event is in the hash. Read `items_per_second`: calls per second of CPU time.
#include <benchmark/benchmark.h>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "base/assert.h"
#include "kernel/simulation.h"
#include "runtime/deadline.h"
#include "runtime/one_shot.h"
#include "runtime/scope.h"
#include "runtime/sleep.h"
#include "runtime/this_context.h"
#include "world/sim_link.h"

namespace reliant::sim {
namespace {

constexpr int kPairs = 50;
constexpr Duration kCallTimeout = std::chrono::seconds(5);

// As protobuf would encode it.
struct Frame {
  std::uint64_t id = 0;
  std::string method;
  std::string payload;
  std::uint64_t flags = 0;
  std::uint64_t deadline = 0;
};

void append_varint(std::string& out, std::uint64_t value) {
  for (; value >= 0x80; value >>= 7) out.push_back(static_cast<char>(value | 0x80));
  out.push_back(static_cast<char>(value));
}

void append_text(std::string& out, char tag, const std::string& text) {
  out.push_back(tag);
  append_varint(out, text.size());
  out += text;
}

std::string encode(const Frame& frame) {
  std::string out;
  out.reserve(frame.method.size() + frame.payload.size() + 32);
  out.push_back(8);
  append_varint(out, frame.id);
  append_text(out, 18, frame.method);
  append_text(out, 26, frame.payload);
  out.push_back(32);
  append_varint(out, frame.flags);
  out.push_back(40);
  append_varint(out, frame.deadline);
  return out;
}

std::uint64_t take_varint(const char*& at, const char* end) {
  std::uint64_t value = 0;
  for (int shift = 0; at < end && shift < 64; shift += 7) {
    const auto byte = static_cast<std::uint8_t>(*at++);
    value |= std::uint64_t{byte & 0x7fu} << shift;
    if (byte < 0x80) break;
  }
  return value;
}

Frame decode(const std::string& bytes) {
  Frame frame;
  const char* at = bytes.data();
  const char* const end = at + bytes.size();
  while (at < end) {
    const std::uint64_t tag = take_varint(at, end);
    const std::uint64_t value = take_varint(at, end);
    if ((tag & 7) == 2) {
      const std::size_t size = std::min<std::size_t>(value, static_cast<std::size_t>(end - at));
      (tag == 18 ? frame.method : frame.payload).assign(at, size);
      at += size;
    } else {
      (tag == 8 ? frame.id : tag == 32 ? frame.flags : frame.deadline) = value;
    }
  }
  return frame;
}

// --- server --------------------------------------------------------------------------------------

Task<void> answer(ports::Link& link, Frame request) {
  request.flags |= 1;
  const Status sent = co_await link.send(encode(request), kNever);
  RELIANT_ASSERT(sent.ok(), "nothing strikes in this benchmark");
}

Task<void> serve_link(std::unique_ptr<ports::AcceptedLink> link) {
  Context& context = co_await ThisContext{};
  TaskScope handlers(context);
  for (;;) {
    auto message = co_await link->receive(kNever);
    if (!message.ok() || !*message) co_return;
    handlers.spawn(answer(*link, decode(**message)));
  }
}

Task<void> serve(Node& node, SimLinks& links) {
  SimLinkTransport transport(links, node);
  auto listener = transport.listen(node.name());
  RELIANT_ASSERT(listener.ok(), "the address is free");
  TaskScope sessions(node.context());
  for (;;) {
    auto link = co_await (*listener)->accept();
    if (!link.ok()) co_return;
    sessions.spawn(serve_link(*std::move(link)));
  }
}

// --- client --------------------------------------------------------------------------------------

struct Calls {
  std::unique_ptr<ports::Link> link;
  std::vector<std::pair<std::uint64_t, OneShot<Frame>*>> pending;
};

Task<void> read_answers(Calls& calls) {
  for (;;) {
    auto message = co_await calls.link->receive(kNever);
    if (!message.ok() || !*message) co_return;
    Frame frame = decode(**message);
    for (auto& [id, reply] : calls.pending) {
      if (id != frame.id) continue;
      reply->set(std::move(frame));
      break;
    }
  }
}

Task<Frame> call(Calls& calls, Frame request) {
  struct Gone {
    Calls& calls;
    std::uint64_t id;
    ~Gone() {
      std::erase_if(calls.pending, [this](const auto& entry) { return entry.first == id; });
    }
  };
  OneShot<Frame> reply;
  calls.pending.emplace_back(request.id, &reply);
  const Gone gone{calls, request.id};
  const Status sent = co_await calls.link->send(encode(request), kNever);
  RELIANT_ASSERT(sent.ok(), "nothing strikes in this benchmark");
  auto came = co_await reply.wait();
  co_return *std::move(came);
}

Task<void> ask(Node& node, SimLinks& links, std::string address, int count, std::int64_t& done) {
  SimLinkTransport transport(links, node);
  co_await sleep_for(std::chrono::milliseconds(1));  // the servers have started
  auto link = co_await transport.connect({std::move(address), "bench/Calls", {}}, kNever);
  RELIANT_ASSERT(link.ok(), "the server listens");
  Calls calls{*std::move(link), {}};
  TaskScope readers(node.context());
  readers.spawn(read_answers(calls));
  for (int i = 0; i < count; ++i) {
    Frame request;
    request.id = static_cast<std::uint64_t>(node.id()) << 40 | static_cast<std::uint64_t>(i);
    request.method = "tools.v1.Execute";
    request.payload.assign(40, static_cast<char>(i));
    const Instant deadline = after(node.clock().now(), kCallTimeout);
    request.deadline = static_cast<std::uint64_t>(deadline.time_since_epoch().count());
    const auto reply = co_await with_deadline(call(calls, std::move(request)), deadline);
    RELIANT_ASSERT(reply && (reply->flags & 1) == 1, "every call is answered");
    ++done;
  }
}

void calls_over_links(benchmark::State& state) {
  std::int64_t done = 0;
  std::int64_t steps = 0;
  for (auto _ : state) {
    Simulation simulation(1, {.trace_keep = 0});
    Network network(simulation);
    SimLinks links(network);
    const int count = static_cast<int>(state.range(0)) / kPairs;
    for (int i = 0; i < kPairs; ++i) {
      Node& server = simulation.add_node(concat("server", i));
      server.start([&links](Node& node) { return serve(node, links); });
    }
    for (int i = 0; i < kPairs; ++i) {
      Node& client = simulation.add_node(concat("client", i));
      client.start([&links, &done, i, count](Node& node) { return ask(node, links, concat("server", i), count, done); });
    }
    simulation.run();
    RELIANT_ASSERT(!simulation.failure().error(), "no task failed");
    steps += static_cast<std::int64_t>(simulation.executor().steps());
    benchmark::DoNotOptimize(simulation.hash());
  }
  state.SetItemsProcessed(done);
  state.counters["steps_per_call"] = static_cast<double>(steps) / static_cast<double>(done);
}
BENCHMARK(calls_over_links)->Arg(500'000)->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace reliant::sim
