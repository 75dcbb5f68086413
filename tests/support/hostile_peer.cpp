// hostile_peer: a user's machine that sends the gateways more than any daemon has reason to, for tests/e2e/hostile_user_test.py.
//
//   hostile_peer GATEWAY SILENT FLOODS TOKEN_FILE   GATEWAY: host:port. SILENT: streams that are opened again and again, and on
//                                       which nothing is said. FLOODS: daemons that send unrequested results of a megabyte,
//                                       as fast as they are taken, and now and then one of almost 4 MiB
//
// Prints "at it" when the first flood was registered, and then lives until it is killed, or its parent process ends.
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <string>
#include <utility>

#include "adapters/asio/asio_executor.h"
#include "adapters/grpc_link/grpc_link.h"
#include "base/assert.h"
#include "base/text.h"
#include "reliant/tools/v1/daemon.pb.h"
#include "runtime/scope.h"
#include "runtime/sleep.h"
#include "support/peer.h"

namespace reliant {
namespace {

namespace proto = ::reliant::tools::v1;

constexpr Duration kPause = std::chrono::milliseconds(20);  // before a stream is opened again
constexpr std::size_t kLarge = std::size_t{1} << 20;        // bytes of a result that a gateway takes
constexpr std::size_t kTooLarge = 3'900'000;                // of one that it refuses
constexpr int kResultsOfAStream = 200;

struct Attack {
  adapters::AsioExecutor& executor;
  ports::LinkTransport& links;
  std::string gateway;
  std::string token;
  bool told = false;
};

Task<Result<std::unique_ptr<ports::Link>>> opened(Attack& attack) {
  ports::LinkTarget target;
  target.address = attack.gateway;
  target.method = "reliant.tools.v1.ToolsDaemonService/Connect";
  target.metadata["authorization"] = concat("Bearer ", attack.token);
  co_return co_await attack.links.connect(std::move(target), after(attack.executor.now(), std::chrono::seconds(10)));
}

Task<void> say_nothing(Attack& attack) {
  for (;;) {
    auto link = co_await opened(attack);
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

Task<void> flood(Attack& attack, std::string daemon) {
  for (;;) {
    auto link = co_await opened(attack);
    proto::DaemonFrame registration;
    registration.mutable_register_()->set_daemon_id(daemon);
    Status sent = link.status();
    if (sent.ok()) sent = co_await (*link)->send(registration.SerializeAsString(), kNever);
    if (sent.ok() && !std::exchange(attack.told, true)) {
      std::puts("at it");
      std::fflush(stdout);
    }
    for (int i = 0; sent.ok() && i < kResultsOfAStream; ++i) sent = co_await (*link)->send(result_of(kLarge, i), kNever);
    if (sent.ok()) sent = co_await (*link)->send(result_of(kTooLarge, kResultsOfAStream), kNever);
    if (link.ok()) link->reset();
    co_await sleep_for(kPause);  // waits for no event: how often a hostile user tries
  }
}

std::string first_line(const std::string& path) {
  const std::unique_ptr<std::FILE, int (*)(std::FILE*)> file(std::fopen(path.c_str(), "re"), std::fclose);
  char line[256] = "";
  if (!file || std::fgets(line, sizeof line, file.get()) == nullptr) {
    std::fprintf(stderr, "hostile_peer: %s has no token in it\n", path.c_str());
    std::_Exit(2);
  }
  return std::string(line, std::string_view(line).find_first_of("\r\n"));
}

}  // namespace
}  // namespace reliant

int main(int count, char** values) {
  using namespace reliant;
  const tests::PeerArguments arguments(count, values);
  if (count != 5) {
    std::fprintf(stderr, "hostile_peer: give GATEWAY SILENT FLOODS TOKEN_FILE; see its source\n");
    return 2;
  }
  adapters::AsioExecutor executor;
  const auto links = adapters::GrpcLinkTransport::open(executor);
  RELIANT_ASSERT(links.ok(), "there are no credentials that could be wrong");
  Attack attack{executor, **links, arguments.text(0), first_line(arguments.text(3))};
  TaskScope scope(executor, 0);
  for (std::size_t i = 0; i < arguments.number(1); ++i) scope.spawn(say_nothing(attack));
  for (std::size_t i = 0; i < arguments.number(2); ++i) scope.spawn(flood(attack, concat("flood-", i + 1)));
  for (;;) executor.run_loop();
}
