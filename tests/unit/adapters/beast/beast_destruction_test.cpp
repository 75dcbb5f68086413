// Both ends of HTTP destroyed at every point that the loop can be at: what is left then is inert, and nothing
// leaks or is used after its end (the sanitizers watch).
#include <gtest/gtest.h>

#include "contract/http/http_client_contract_beast.h"
#include "contract/http/http_client_contract_service.h"

namespace reliant::tests {
namespace {

enum class First : std::uint8_t { kListener, kClients };

Task<void> ignore(ports::HttpClient& http, ports::HttpRequest request) {
  (void)co_await fetch(http, std::move(request), kNever);
}

// False: everything that can happen has happened before.
template <class World>
bool destroy_after(std::size_t handlers, First first) {
  World world;
  ContractService service(world.executor());
  auto listener = *world.server().listen(world.address(), service, {});
  auto clients = std::make_unique<TaskScope>(world.executor(), 0);
  for (const char* path : {"/echo", "/three", "/steps", "/gate", "/flood", "/broken"}) {
    ports::HttpRequest request = get_request(concat(world.scheme(), "://", listener->address(), path));
    request.body = std::string(100'000, 'x');
    clients->spawn(ignore(world.http(), std::move(request)));
  }
  bool busy = true;
  for (std::size_t i = 0; i < handlers && busy; ++i) {
    int asked = 0;  // before, at the start, after a handler
    busy = world.asio_executor().run_loop_until([&] { return asked++ > 1; }, std::chrono::seconds(1));
    if (service.written() > 1'000'000) break;  // the flood has no end
  }
  if (first == First::kListener) listener.reset();
  clients.reset();
  listener.reset();
  EXPECT_EQ(service.running(), 0);
  EXPECT_EQ(world.executor().registered(), 0u);
  (void)world.asio_executor().run_loop_until([] { return false; },
                                             std::chrono::milliseconds(1));  // late handlers find no owner
  return busy && service.written() <= 1'000'000;
}

template <class World>
void destroy_at_every_point() {
  for (const First first : {First::kListener, First::kClients}) {
    std::size_t handlers = 0;
    while (destroy_after<World>(handlers, first)) handlers += handlers < 150 ? 1 : 7;
    EXPECT_GT(handlers, 100u);
  }
}

TEST(BeastDestruction, IsSafeAtEveryPoint) { destroy_at_every_point<BeastWorld>(); }

TEST(BeastDestruction, IsSafeAtEveryPointWithTls) { destroy_at_every_point<BeastTlsWorld>(); }

}  // namespace
}  // namespace reliant::tests
