#include "world/sim_temporal.h"

#include <utility>

#include "base/finally.h"
#include "runtime/race.h"
#include "runtime/sleep.h"

namespace reliant::sim {

using temporal::engine::Engine;

namespace {

constexpr Duration kNoticed = std::chrono::seconds(1);  // until a lost message breaks the connection
constexpr Duration kStartDeadline = std::chrono::seconds(10);

Status lost() { return unavailable("the connection to Temporal was lost"); }

}  // namespace

TemporalServer::TemporalServer(Network& network, Node& node, temporal::engine::EngineOptions options,
                               DatabaseBeginnings* beginnings)
    : network_(network),
      node_(node),
      random_(network.simulation().random("temporal/faults")),
      options_(std::move(options)),
      file_(network.simulation(), node, "temporal.db", {}, beginnings) {
  node_.start([this](Node& self) { return serve(self); });
}

Task<void> TemporalServer::serve(Node& node) {
  SimFileDatabase database(file_);
  Engine engine(node.context(), node.clock(), node.random("temporal/engine"), node.log(), database, options_);
  engine_ = &engine;
  const Finally leave([this] { engine_ = nullptr; });
  for (;;) {
    const Status started = co_await engine.start(after(node.executor().now(), kStartDeadline));
    if (started.ok()) break;
    co_await sleep_for(std::chrono::milliseconds(100));
  }
  co_await never();
}

CallFault TemporalServer::draw_fault() {
  if (!planned_.empty()) {
    const CallFault fault = planned_.front();
    planned_.pop_front();
    return fault;
  }
  constexpr std::uint64_t kMillion = 1'000'000;
  const std::uint64_t draw = random_.below(kMillion);
  if (draw < faults_.lost_request) return CallFault::kLostRequest;
  if (draw < std::uint64_t{faults_.lost_request} + faults_.lost_response) return CallFault::kLostResponse;
  return CallFault::kNone;
}

template <class Request, class Response>
Task<void> TemporalServer::handle(Task<Result<Response>> (Engine::*method)(Request, Instant), Node& client, Request request,
                                  Instant deadline, CallFault fault, std::shared_ptr<Call<Response>> call) {
  // A server that dies resets the connection: the caller receives the error, whether or not the call had its effect.
  const Finally reset([&] { call->reply.set(lost()); });
  if (engine_ == nullptr) co_return;
  ++calls_;
  auto outcome = co_await race((engine_->*method)(std::move(request), deadline), call->caller_gone.wait());
  if (outcome.index() == 1) co_return;
  Result<Response> response = std::move(std::get<0>(outcome));
  if (fault == CallFault::kLostResponse) {
    co_await sleep_for(kNoticed);
    co_return;
  }
  const std::size_t bytes = response.ok() ? response->ByteSizeLong() : 0;
  const Status arrived = co_await network_.travel(node_, client, bytes, deadline);
  if (arrived.ok()) call->reply.set(std::move(response));
}

template <class Request, class Response>
Task<Result<Response>> TemporalServer::call(Task<Result<Response>> (Engine::*method)(Request, Instant), Node& client,
                                            Request request, Instant deadline) {
  const CallFault fault = draw_fault();
  if (fault != CallFault::kNone) ++faulty_calls_;
  CO_TRY_OK(co_await network_.travel(client, node_, request.ByteSizeLong(), deadline));
  if (fault == CallFault::kLostRequest) {
    co_await sleep_for(kNoticed);
    co_return lost();
  }
  auto call = std::make_shared<Call<Response>>();
  const Finally hang_up([&] {
    if (network_.reachable(client, node_)) call->caller_gone.set();
  });
  if (!node_.try_spawn(handle(method, client, std::move(request), deadline, fault, call))) co_return lost();
  auto reply = co_await call->reply.wait(deadline);
  if (!reply) co_return deadline_exceeded("Temporal did not answer in time");
  co_return *std::move(reply);
}

#define RELIANT_SIM_METHOD(name, Name)                                                                            \
  Task<Result<ports::wf::Name##Response>> SimTemporal::name(ports::wf::Name##Request request, Instant deadline) { \
    if (!life_.alive()) co_await never();                                                                         \
    co_return co_await server_.call(&Engine::name, client_, std::move(request), deadline);                        \
  }
RELIANT_TEMPORAL_METHODS(RELIANT_SIM_METHOD)
#undef RELIANT_SIM_METHOD

}  // namespace reliant::sim
