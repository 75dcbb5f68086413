// A listener of a simulated node: decodes requests, runs the handler, one task a request in a scope of its own,
// and keeps the contract of ports/http_server.h towards both sides. Only included by sim_http_server*.cpp.
#pragma once

#include <memory>
#include <string>

#include "runtime/scope.h"
#include "world/sim_http_server_connection.h"

namespace reliant::sim {

class SimResponder final : public ports::HttpResponder {
 public:
  SimResponder(HttpServerConnection& connection, bool head_only) : connection_(connection), head_only_(head_only) {}

  Task<Status> reply(ports::HttpServerResponse response) override;
  Task<Status> start_stream(ports::HttpServerResponse head) override;
  Task<Status> write(std::string chunk, Instant deadline) override;
  Task<Status> finish() override;

  bool answered() const { return state_ != State::kNothing; }
  bool streaming() const { return state_ == State::kStreaming; }
  Event& stream_started() { return stream_started_; }
  void end_stream();

 private:
  enum class State : std::uint8_t { kNothing, kReplied, kStreaming, kFinished };

  Status send_head(const ports::HttpServerResponse& response);

  HttpServerConnection& connection_;
  bool head_only_;
  State state_ = State::kNothing;
  Event stream_started_;
};

class SimListener final : public ports::HttpListener {
 public:
  SimListener(SimWeb& web, Node& node, std::uint16_t port, ports::HttpHandler& handler, ports::HttpServerLimits limits);
  ~SimListener() override { stop_accepting(); }

  const std::string& address() const override { return address_; }
  Task<void> drain(Instant deadline) override;

  bool alive() const { return life_.alive(); }
  void accept(std::shared_ptr<HttpServerConnection> connection, std::string request);

 private:
  void stop_accepting();
  Task<void> serve(std::shared_ptr<HttpServerConnection> connection, std::string bytes);
  Task<std::optional<ports::HttpServerResponse>> admission_of(ports::HttpServerRequest& head);
  Task<void> answer(ports::HttpServerRequest request, SimResponder& responder, HttpServerConnection& connection);
  Task<void> until_stream_over(SimResponder& responder, HttpServerConnection& connection);

  SimWeb& web_;
  Incarnation life_;
  std::pair<std::uint32_t, std::uint16_t> place_;
  std::string address_;
  ports::HttpHandler& handler_;
  ports::HttpServerLimits limits_;
  EventLog& log_;
  Event draining_;
  TaskScope scope_;
};

}  // namespace reliant::sim
