// A listener of a simulated node: decodes requests, runs the handler, one task a request in a scope of its own,
// and keeps the promises of ports/rpc.h towards both sides. Only included by sim_rpc*.cpp.
#pragma once

#include <memory>
#include <string>

#include "runtime/scope.h"
#include "world/sim_rpc_connection.h"

namespace reliant::sim {

class SimResponder final : public ports::RpcResponder {
 public:
  SimResponder(RpcConnection& connection, bool head_only) : connection_(connection), head_only_(head_only) {}

  Task<Status> reply(ports::RpcResponse response) override;
  Task<Status> start_stream(ports::RpcResponse head) override;
  Task<Status> write(std::string chunk, Instant deadline) override;
  Task<Status> finish() override;

  bool answered() const { return state_ != State::kNothing; }
  bool streaming() const { return state_ == State::kStreaming; }
  Event& stream_started() { return stream_started_; }
  void end_stream();

 private:
  enum class State : std::uint8_t { kNothing, kReplied, kStreaming, kFinished };

  Status send_head(const ports::RpcResponse& response);

  RpcConnection& connection_;
  bool head_only_;
  State state_ = State::kNothing;
  Event stream_started_;
};

class SimListener final : public ports::RpcListener {
 public:
  SimListener(SimWeb& web, Node& node, std::uint16_t port, ports::RpcHandler& handler, ports::RpcLimits limits);
  ~SimListener() override { stop_accepting(); }

  const std::string& address() const override { return address_; }
  Task<void> drain(Instant deadline) override;

  bool alive() const { return life_.alive(); }
  void accept(std::shared_ptr<RpcConnection> connection, std::string request);

 private:
  void stop_accepting();
  Task<void> serve(std::shared_ptr<RpcConnection> connection, std::string bytes);
  Task<std::optional<ports::RpcResponse>> admission_of(ports::RpcRequest& head);
  Task<void> answer(ports::RpcRequest request, SimResponder& responder, RpcConnection& connection);
  Task<void> until_stream_over(SimResponder& responder, RpcConnection& connection);
  Task<void> until_draining();
  Task<void> all_ended();

  SimWeb& web_;
  Incarnation life_;
  std::pair<std::uint32_t, std::uint16_t> place_;
  std::string address_;
  ports::RpcHandler& handler_;
  ports::RpcLimits limits_;
  EventLog& log_;
  Event draining_;
  TaskScope scope_;
};

}  // namespace reliant::sim
