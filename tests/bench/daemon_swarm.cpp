// daemon_swarm: many tools daemons in one process, and their callers: the real role (register, heartbeats, journal,
// backoff) over real gRPC, for measure.py. They have one tool, "work", which takes as long as its argument says.
//
//   daemon_swarm daemons GATEWAYS COUNT A_SECOND LOG TOKEN_FILE…   COUNT of them, so many begin a second, their users in turn; all
//                                       are given the same GATEWAYS (host:port,…), each another one first. Prints "open"
//                                       when all have their streams. LOG: their event log
//   daemon_swarm calls NATS_URL DATABASE_URL COUNT AT_ONCE USER…   asks those daemons, so many at once, as a worker does: with the same id
//                                       until there is an answer. Prints "calling"; when its standard input ends, it waits
//                                       for what is under way and prints {"asked":…,"again":…,"executed":…,"other":…,"waiting":…}
//
// It lives until it is killed, or its parent process ends.
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <boost/asio/posix/stream_descriptor.hpp>

#include "adapters/asio/asio_executor.h"
#include "adapters/grpc_link/grpc_link.h"
#include "adapters/nats/nats_bus.h"
#include "adapters/posix/json_event_log.h"
#include "adapters/posix/os_entropy.h"
#include "adapters/posix/posix_process.h"
#include "adapters/posix/process_start.h"
#include "adapters/posix/system_clock.h"
#include "adapters/sqlite/sqlite_database.h"
#include "base/assert.h"
#include "base/text.h"
#include "bench_signer.h"
#include "daemon/daemon.h"
#include "router/nats_daemon_router.h"
#include "runtime/backoff.h"
#include "runtime/scope.h"
#include "runtime/sleep.h"
#include "support/peer.h"

namespace reliant {
namespace {

constexpr std::string_view kTool = "work";
constexpr std::uint64_t kOwnFiles = 100;  // besides one a daemon
constexpr Duration kNothingIsLostWithin = std::chrono::seconds(120);

// The order in which daemons are dealt out: number N is user N's, in turn.
DaemonId daemon_id(std::size_t number) { return DaemonId(concat("swarm-", number)); }

struct Machine {
  Machine() : clock(executor), random(adapters::os_seed()) {}
  adapters::AsioExecutor executor;
  adapters::SystemClock clock;
  RandomStreams random;
};

[[noreturn]] void fail(const std::string& why) {
  std::fprintf(stderr, "daemon_swarm: %s\n", why.c_str());
  std::_Exit(2);
}

void say(const std::string& line) {
  std::printf("%s\n", line.c_str());
  std::fflush(stdout);
}

std::string first_line(const std::string& path) {
  const std::unique_ptr<std::FILE, int (*)(std::FILE*)> file(std::fopen(path.c_str(), "re"), std::fclose);
  char line[256] = "";
  if (!file || std::fgets(line, sizeof line, file.get()) == nullptr) fail(concat(path, " has no token in it"));
  return std::string(line, std::string_view(line).find_first_of("\r\n"));
}

// --- daemons ---------------------------------------------------------------------------------------------------------

class Work final : public tools::Tool {
 public:
  const tools::ToolDescriptor& descriptor() const override { return descriptor_; }
  Task<model::ToolResult> run(tools::ToolInvocation invocation, tools::ToolOutput&) override {
    // How long it takes is what it is for: so that calls are under way when something is killed.
    co_await sleep_for(std::chrono::milliseconds(invocation.arguments.at("milliseconds").to_number<std::int64_t>()));
    model::ToolResult result;
    result.content = invocation.request.str();
    co_return result;
  }

 private:
  tools::ToolDescriptor descriptor_{std::string(kTool), "takes a while", "{}"};
};

struct Member {
  std::unique_ptr<adapters::SqliteDatabase> journal;
  std::unique_ptr<daemon::Daemon> daemon;
};

struct Swarm {
  Machine& machine;
  EventLog& log;
  ports::LinkTransport& links;
  TaskScope& scope;
  ports::Processes& processes;
  std::vector<std::string> gateways;
  std::vector<std::string> tokens;
  tools::ToolRegistry tools;
  std::vector<Member> members;

  bool all_connected() const {
    return std::ranges::all_of(members, [](const Member& member) { return member.daemon->connected(); });
  }
};

Task<void> be_daemon(daemon::Daemon& daemon) {
  const Status end = co_await daemon.run();
  fail(concat("a daemon has ended: ", message_of(end)));
}

Member make_member(Swarm& swarm, std::size_t number) {
  auto journal = adapters::SqliteDatabase::open(":memory:");
  if (!journal.ok()) fail(std::string(message_of(journal.status())));
  daemon::DaemonOptions options;
  options.id = daemon_id(number);
  options.name = options.id.str();
  options.gateway_addresses = swarm.gateways;
  const auto first = static_cast<std::ptrdiff_t>(number % swarm.gateways.size());
  std::ranges::rotate(options.gateway_addresses, options.gateway_addresses.begin() + first);
  options.token = swarm.tokens[number % swarm.tokens.size()];
  options.version = "swarm";
  Member member{*std::move(journal), nullptr};
  member.daemon = std::make_unique<daemon::Daemon>(
      swarm.scope.context(), swarm.machine.clock, swarm.machine.random.stream(concat("daemon/", number)), swarm.log,
      swarm.links, swarm.tools, swarm.processes, *member.journal, std::move(options));
  return member;
}

Task<void> live(Swarm& swarm, std::size_t count, std::size_t a_second) {
  for (std::size_t number = 0; number < count; ++number) {
    swarm.members.push_back(make_member(swarm, number));
    swarm.scope.spawn(be_daemon(*swarm.members.back().daemon));
    // The pace that was asked for.
    co_await sleep_for(std::chrono::nanoseconds(std::chrono::seconds(1)) / static_cast<std::int64_t>(a_second));
  }
  // A daemon gives no notice in its process that it is connected.
  while (!swarm.all_connected()) co_await sleep_for(std::chrono::milliseconds(20));
  say("open");
}

[[noreturn]] void be_daemons(std::string gateways, std::size_t count, std::size_t a_second, const std::string& log_file,
                             const std::vector<std::string>& token_files) {
  if (const std::uint64_t most = adapters::allow_all_open_files(); most < count + kOwnFiles)
    fail(concat(count, " daemons need as many open files and ", kOwnFiles, ", and the system allows ", most,
                ": raise the hard limit (ulimit -Hn)"));
  Machine machine;
  std::FILE* const out = std::fopen(log_file.c_str(), "we");
  if (out == nullptr) fail(concat(log_file, " cannot be written"));
  adapters::JsonEventLog log(machine.clock, out);
  const auto links = adapters::GrpcLinkTransport::open(machine.executor);
  RELIANT_ASSERT(links.ok(), "there are no credentials that could be wrong");
  TaskScope scope(machine.executor, 0);
  adapters::PosixProcesses processes(machine.executor, {});
  Swarm swarm{machine, log, **links, scope, processes, {}, {}, {}, {}};
  for (std::size_t at = 0; at <= gateways.size();) {
    const std::size_t end = std::min(gateways.find(',', at), gateways.size());
    swarm.gateways.push_back(gateways.substr(at, end - at));
    at = end + 1;
  }
  for (const std::string& file : token_files) swarm.tokens.push_back(first_line(file));
  swarm.tools.add(std::make_unique<Work>());
  swarm.members.reserve(count);
  scope.spawn(live(swarm, count, a_second));
  for (;;) machine.executor.run_loop();
}

// --- calls -----------------------------------------------------------------------------------------------------------

class NoOutput final : public router::OutputSink {
 public:
  Task<void> on_output(std::uint64_t chunk, std::string, bool) override {
    last_ = chunk;
    co_return;
  }
  std::uint64_t last_chunk() const override { return last_; }

 private:
  std::uint64_t last_ = 0;
};

struct Calls {
  Machine& machine;
  router::DaemonRouter& router;
  std::vector<std::string> users;
  std::size_t daemons = 0;
  Random random;
  std::string run;  // so that two runs on one database have no request in common
  std::size_t asked = 0;
  std::size_t again = 0;
  std::size_t executed = 0;
  std::size_t other = 0;
  bool stopping = false;

  std::size_t waiting() const { return asked - executed - other; }
};

model::ToolRequest next_request(Calls& calls) {
  const std::size_t number = calls.random.below(calls.daemons);
  const std::int64_t milliseconds = calls.random.between(200, 2000);
  model::ToolRequest request;
  request.id = RequestId(concat("swarm-", calls.run, '-', ++calls.asked));
  request.user = UserId(calls.users[number % calls.users.size()]);
  request.daemon = daemon_id(number);
  request.chat = ChatId("swarm");
  request.call = ToolCallId(request.id.str());
  request.tool = kTool;
  request.arguments = concat(R"({"milliseconds":)", milliseconds, '}');
  request.effect = model::Effect::kNonIdempotent;
  return request;
}

// As the worker does it (worker/run_tool.cpp).
Task<void> call_on_and_on(Calls& calls) {
  while (!calls.stopping) {
    const model::ToolRequest request = next_request(calls);
    NoOutput sink;
    Backoff backoff({.base = std::chrono::milliseconds(100), .cap = std::chrono::seconds(5)}, calls.random);
    for (;;) {
      const auto result =
          co_await calls.router.execute(request, sink, after(calls.machine.clock.now(), std::chrono::seconds(60)));
      if (result.ok()) {
        ++(result->outcome == model::Outcome::kExecuted && result->content == request.id.str() ? calls.executed : calls.other);
        break;
      }
      ++calls.again;
      co_await sleep_for(backoff.next());  // a worker's own, or the storm would be another one
    }
  }
}

[[noreturn]] void be_caller(const std::string& nats_url, const std::string& database_url, std::size_t daemons,
                            std::size_t at_once, std::vector<std::string> users) {
  Machine machine;
  adapters::JsonEventLog log(machine.clock, stderr, {.level = Level::kWarning, .role = ""});
  adapters::NatsOptions options;
  options.urls = nats_url;
  auto bus = adapters::NatsBus::open(machine.executor, log, options, machine.random.stream("bus"));
  if (!bus.ok()) fail(std::string(message_of(bus.status())));
  if (!machine.executor.run_loop_until([&] { return (*bus)->connected(); }, std::chrono::seconds(10)))
    fail(concat("no NATS answers at ", nats_url));
  tests::BenchSigner keys(machine.executor, machine.clock, log, database_url);
  router::NatsDaemonRouter router(**bus, machine.clock, keys.signer());
  Random random = machine.random.stream("calls");
  const std::string run = random.hex(8);
  Calls calls{machine, router, std::move(users), daemons, random, run};
  TaskScope scope(machine.executor, 0);
  for (std::size_t i = 0; i < at_once; ++i) scope.spawn(call_on_and_on(calls));
  boost::asio::posix::stream_descriptor input(machine.executor.io_executor(), 0);
  input.async_wait(boost::asio::posix::stream_descriptor::wait_read, [&](boost::system::error_code) { calls.stopping = true; });
  say("calling");
  (void)machine.executor.run_loop_until([&] { return calls.stopping; });
  (void)machine.executor.run_loop_until([&] { return calls.waiting() == 0; }, kNothingIsLostWithin);
  say(concat(R"({"asked":)", calls.asked, R"(,"again":)", calls.again, R"(,"executed":)", calls.executed, R"(,"other":)",
             calls.other, R"(,"waiting":)", calls.waiting(), '}'));
  std::_Exit(0);
}

}  // namespace
}  // namespace reliant

int main(int count, char** values) {
  const reliant::tests::PeerArguments arguments(count, values);
  if (arguments.say_and_more("daemons", 4))
    reliant::be_daemons(arguments.text(1), arguments.number(2), arguments.number(3), arguments.text(4), arguments.from(5));
  if (arguments.say_and_more("calls", 4))
    reliant::be_caller(arguments.text(1), arguments.text(2), arguments.number(3), arguments.number(4), arguments.from(5));
  std::fprintf(stderr, "daemon_swarm: say daemons or calls; see its source\n");
  return 2;
}
