// The simulated Temporal cluster: the embedded engine on a node of its own, with a database file that survives the node's
// crashes. A SimTemporal is the port of one incarnation of a client node; its calls go over the simulated network.
//
// Fault atlas, and why the system must survive each:
//   latency, cut, loss      a poll's answer comes late or never: the task in it times out and is given to another worker
//   lost request            nothing happened: UNAVAILABLE, the call is repeated with the same request id
//   lost response           it happened, and the caller receives UNAVAILABLE: a signal must not count twice, a completed
//                           activity answers NOT_FOUND the second time
//   client gone             the server notices it and ends the poll, unless the path is cut: then a task is handed out
//                           and received by no client
//   server crash            every call under way is UNAVAILABLE, task queues are in memory and are rebuilt from the runs
//   server down             refused: UNAVAILABLE; clients back off
//   commit in doubt, disk   those of the DatabaseFile: the engine settles them before it answers
//
// Owned by the cluster; made after the Network, destroyed before it. One thread.
#pragma once

#include <cstdint>
#include <deque>
#include <memory>

#include "kernel/node.h"
#include "ports/temporal.h"
#include "runtime/event.h"
#include "runtime/one_shot.h"
#include "runtime/random.h"
#include "temporal/engine/engine.h"
#include "world/network.h"
#include "world/sim_database.h"

namespace reliant::sim {

enum class CallFault : std::uint8_t { kNone, kLostRequest, kLostResponse };

// How often, of a million calls. May be changed during a run.
struct CallFaults {
  std::uint32_t lost_request = 0;
  std::uint32_t lost_response = 0;
};

class TemporalServer final {
 public:
  // Starts the engine on `node`, and again after each of its restarts.
  // `beginnings`: as of a DatabaseServer.
  TemporalServer(Network& network, Node& node, temporal::engine::EngineOptions options = {},
                 DatabaseBeginnings* beginnings = nullptr);
  TemporalServer(const TemporalServer&) = delete;
  TemporalServer& operator=(const TemporalServer&) = delete;
  ~TemporalServer() { network_.simulation().shutdown(); }

  Node& node() { return node_; }
  CallFaults& faults() { return faults_; }
  // The next call, of any client, meets this fault. Several wait in order.
  void fail_next_call(CallFault fault) { planned_.push_back(fault); }
  DatabaseFile& file() { return file_; }
  std::uint64_t calls() const { return calls_; }  // that reached the engine
  std::uint64_t faulty_calls() const { return faulty_calls_; }

 private:
  friend class SimTemporal;
  template <class Response>
  struct Call {
    OneShot<Result<Response>> reply;
    Event caller_gone;
  };

  Task<void> serve(Node& node);
  CallFault draw_fault();
  template <class Request, class Response>
  Task<Result<Response>> call(Task<Result<Response>> (temporal::engine::Engine::*method)(Request, Instant), Node& client,
                              Request request, Instant deadline);
  template <class Request, class Response>
  Task<void> handle(Task<Result<Response>> (temporal::engine::Engine::*method)(Request, Instant), Node& client, Request request,
                    Instant deadline, CallFault fault, std::shared_ptr<Call<Response>> call);

  Network& network_;
  Node& node_;
  Random random_;
  temporal::engine::EngineOptions options_;
  DatabaseFile file_;
  CallFaults faults_;
  std::deque<CallFault> planned_;
  std::uint64_t calls_ = 0;
  std::uint64_t faulty_calls_ = 0;
  temporal::engine::Engine* engine_ = nullptr;  // of the node's present incarnation
};

class SimTemporal final : public ports::Temporal {
 public:
  // For the client's present incarnation.
  SimTemporal(TemporalServer& server, Node& client) : server_(server), client_(client), life_(client.incarnation()) {}

#define RELIANT_SIM_METHOD(name, Name) \
  Task<Result<ports::wf::Name##Response>> name(ports::wf::Name##Request request, Instant deadline) override;
  RELIANT_TEMPORAL_METHODS(RELIANT_SIM_METHOD)
#undef RELIANT_SIM_METHOD

 private:
  TemporalServer& server_;
  Node& client_;
  Incarnation life_;
};

}  // namespace reliant::sim
