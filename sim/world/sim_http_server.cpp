#include "world/sim_http_server.h"

#include <exception>

#include "base/finally.h"
#include "base/url.h"
#include "runtime/deadline.h"
#include "runtime/race.h"
#include "world/sim_http_server_listener.h"

namespace reliant::sim {

Node* SimWeb::find_host(Node& from, std::string_view host) {
  if (host.empty() || host == "localhost" || host == "127.0.0.1" || host == "0.0.0.0") return &from;
  return network_.simulation().find_node(host);
}

SimListener* SimWeb::find(const Node& node, std::uint16_t port) {
  const auto found = listeners_.find({node.id(), port});
  return found == listeners_.end() || !found->second->alive() ? nullptr : found->second;
}

Result<std::unique_ptr<ports::HttpListener>> SimHttpServer::listen(std::string address, ports::HttpHandler& handler,
                                                                   ports::HttpServerLimits limits) {
  TRY_ASSIGN(HostPort where, parse_host_port(address));
  if (web_.find_host(node_, where.host) != &node_) {
    return invalid_argument("cannot listen on ", address, ": this machine is ", node_.name());
  }
  if (where.port == 0) where.port = ++web_.last_free_port_;
  if (web_.find(node_, where.port) != nullptr) {
    return already_exists(address, " is already in use; stop the program that listens there or choose another port");
  }
  return std::unique_ptr<ports::HttpListener>(new SimListener(web_, node_, where.port, handler, limits));
}

// --- SimListener ---

SimListener::SimListener(SimWeb& web, Node& node, std::uint16_t port, ports::HttpHandler& handler,
                         ports::HttpServerLimits limits)
    : web_(web),
      life_(node.incarnation()),
      place_(node.id(), port),
      address_(HostPort{node.name(), port}.str()),
      handler_(handler),
      limits_(limits),
      log_(node.log()),
      scope_(node.context()) {
  web_.listeners_[place_] = this;
}

void SimListener::stop_accepting() {
  const auto found = web_.listeners_.find(place_);
  if (found != web_.listeners_.end() && found->second == this) web_.listeners_.erase(found);
}

Task<void> SimListener::drain(Instant deadline) {
  stop_accepting();
  draining_.set();
  (void)co_await with_deadline(scope_.join(), deadline);
}

void SimListener::accept(std::shared_ptr<HttpServerConnection> connection, std::string request) {
  scope_.spawn(serve(std::move(connection), std::move(request)));
}

Task<void> SimListener::serve(std::shared_ptr<HttpServerConnection> connection, std::string bytes) {
  const Finally leave([connection] { connection->server_leaves(); });
  const std::size_t size = bytes.size();
  HttpServerHead head = take_head(bytes);
  const std::size_t blank = head.first_line.find(' ');
  ports::HttpServerRequest request;
  request.method = head.first_line.substr(0, blank);
  const auto target = parse_http_target(std::string_view(head.first_line).substr(blank + 1));
  request.headers = std::move(head.headers);
  request.peer = connection->client_name();
  SimResponder responder(*connection, request.method == "HEAD");
  if (size - bytes.size() > limits_.max_header) {
    (void)co_await responder.reply(
        ports::http_refusal(431, concat("the head of the request is larger than ", limits_.max_header, " bytes")));
    co_return;
  }
  if (bytes.size() > limits_.max_body) {
    (void)co_await responder.reply(
        ports::http_refusal(413, concat("the body of the request is larger than ", limits_.max_body, " bytes")));
    co_return;
  }
  if (!target.ok()) {
    (void)co_await responder.reply(ports::http_refusal(400, message_of(target.status())));
    co_return;
  }
  request.path = target->path;
  request.query = target->query;
  if (auto refused = co_await admission_of(request)) {
    (void)co_await responder.reply(*std::move(refused));
    co_return;
  }
  request.body = std::move(bytes);
  co_await answer(std::move(request), responder, *connection);
}

// nullopt: the handler takes the request.
Task<std::optional<ports::HttpServerResponse>> SimListener::admission_of(ports::HttpServerRequest& head) {
  std::string failure;
  try {
    co_return co_await handler_.admit(head);
  } catch (const std::exception& exception) {
    failure = exception.what();
  }
  log_.error("http_server.handler.threw", {{"request", head.method + " " + head.path}, {"error", failure}});
  co_return ports::http_refusal(500, "internal error");
}

Task<void> SimListener::answer(ports::HttpServerRequest request, SimResponder& responder, HttpServerConnection& connection) {
  const std::string what = request.method + " " + request.path;
  std::string failure;
  try {
    const auto first = co_await race(handler_.handle(std::move(request), responder), until_stream_over(responder, connection));
    if (first.index() == 1 && responder.streaming()) responder.end_stream();
  } catch (const std::exception& exception) {
    failure = exception.what();
  }
  if (!failure.empty()) log_.error("http_server.handler.threw", {{"request", what}, {"error", failure}});
  if (responder.answered()) co_return;
  if (failure.empty()) log_.error("http_server.handler.silent", {{"request", what}});
  (void)co_await responder.reply(ports::http_refusal(500, "internal error"));
}

// When a handler that streams is to be destroyed: its client has gone, or the drain has begun.
Task<void> SimListener::until_stream_over(SimResponder& responder, HttpServerConnection& connection) {
  co_await responder.stream_started().wait();
  (void)co_await race(connection.until_client_gone(), draining_.wait());
}

// --- SimResponder ---

Status SimResponder::send_head(const ports::HttpServerResponse& response) {
  for (const auto& [name, value] : response.headers) {
    if (!valid_header(name, value)) {
      return internal_error("the answer's header \"", name, "\" holds a character that no header may hold");
    }
  }
  connection_.answer_head(encode_head({concat(response.status), response.headers}));
  return ok_status();
}

Task<Status> SimResponder::reply(ports::HttpServerResponse response) {
  if (answered()) co_return failed_precondition("the request has been answered already");
  CO_TRY_OK(send_head(response));
  state_ = State::kReplied;
  if (!response.body.empty() && !head_only_) connection_.answer_part(std::move(response.body));
  connection_.answer_end();
  if (connection_.client_gone()) co_return unavailable("the client has gone");
  co_return ok_status();
}

Task<Status> SimResponder::start_stream(ports::HttpServerResponse head) {
  if (answered()) co_return failed_precondition("the request has been answered already");
  CO_TRY_OK(send_head(head));
  state_ = State::kStreaming;
  stream_started_.set();
  if (connection_.client_gone()) co_return unavailable("the client has gone");
  co_return ok_status();
}

Task<Status> SimResponder::write(std::string chunk, Instant deadline) {
  if (state_ != State::kStreaming) co_return failed_precondition("no stream is open");
  const bool room = co_await connection_.until_room(deadline);
  if (!room && !connection_.client_gone()) {
    connection_.server_leaves();
    co_return deadline_exceeded("write timed out: the client is not reading");
  }
  if (!room) co_return unavailable("the client has gone");
  if (!chunk.empty() && !head_only_) connection_.answer_part(std::move(chunk));
  co_return ok_status();
}

Task<Status> SimResponder::finish() {
  if (state_ != State::kStreaming) co_return failed_precondition("no stream is open");
  end_stream();
  if (connection_.client_gone()) co_return unavailable("the client has gone");
  co_return ok_status();
}

void SimResponder::end_stream() {
  state_ = State::kFinished;
  connection_.answer_end();
}

}  // namespace reliant::sim
