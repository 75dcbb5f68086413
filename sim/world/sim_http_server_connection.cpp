#include "world/sim_http_server_connection.h"

#include <algorithm>
#include <charconv>

#include "world/sim_http_server_listener.h"

namespace reliant::sim {

namespace {

constexpr std::size_t kWindow = 256 * 1024;  // bytes of an answer on their way or unread
constexpr std::size_t kFrameOverhead = 16;   // bytes

}  // namespace

std::string encode_head(const HttpServerHead& head) {
  std::string text = head.first_line + "\r\n";
  for (const auto& [name, value] : head.headers) append(text, concat(name, ": ", value, "\r\n"));
  return text + "\r\n";
}

HttpServerHead take_head(std::string& text) {
  const std::size_t end = text.find("\r\n\r\n");
  RELIANT_ASSERT(end != std::string::npos, "a simulated head is encoded by encode_head");
  HttpServerHead head;
  std::size_t line = text.find("\r\n");
  head.first_line = text.substr(0, line);
  while (line < end) {
    const std::size_t from = line + 2;
    line = text.find("\r\n", from);
    const std::size_t colon = text.find(": ", from);
    head.headers[text.substr(from, colon - from)] = text.substr(colon + 2, line - colon - 2);
  }
  text.erase(0, end + 4);
  return head;
}

HttpServerConnection::HttpServerConnection(SimWeb& web, Node& client, Node& server, std::uint16_t port)
    : Connection(web.network(), client, server), web_(web), port_(port) {}

std::shared_ptr<HttpServerConnection> HttpServerConnection::connect(SimWeb& web, Node& client, Node& server,
                                                                    std::uint16_t port) {
  auto connection = std::make_shared<HttpServerConnection>(web, client, server, port);
  connection->open();
  connection->send(kOpener, Kind::kOpen, {});
  return connection;
}

void HttpServerConnection::send(Side from, Kind kind, std::string bytes) {
  if (!usable(from)) return;
  const std::size_t size = bytes.size() + kFrameOverhead;
  towards_[other(from)].push(Frame{kind, std::move(bytes)});
  depart(from, size);
}

void HttpServerConnection::arrived(Side to) {
  Frame frame = towards_[to].pop();
  const bool speaks = frame.kind == Kind::kRequest || frame.kind == Kind::kHead || frame.kind == Kind::kPart;
  if (speaks && watched()) {
    const std::string_view first_line = std::string_view(frame.bytes).substr(0, frame.bytes.find_first_of("\r\n"));
    show(Delivery::Way::kHttp, to, frame.kind == Kind::kPart ? std::string_view("part") : first_line, {}, frame.bytes);
  }
  if (to == kAcceptor) {
    arrived_at_server(std::move(frame));
  } else {
    arrived_at_client(std::move(frame));
  }
}

void HttpServerConnection::arrived_at_server(Frame frame) {
  if (frame.kind == Kind::kTaken) {
    std::size_t taken = 0;
    std::from_chars(frame.bytes.data(), frame.bytes.data() + frame.bytes.size(), taken);
    not_taken_ -= std::min(not_taken_, taken);
    server_moved_.set();
    return;
  }
  SimListener* const listener = web_.find(node(kAcceptor), port_);
  if (listener == nullptr) {
    if (frame.kind == Kind::kOpen) send(kAcceptor, Kind::kRefused, {});
    return server_leaves();
  }
  if (frame.kind == Kind::kOpen) return send(kAcceptor, Kind::kAccepted, {});
  listener->accept(std::static_pointer_cast<HttpServerConnection>(shared_from_this()), std::move(frame.bytes));
}

void HttpServerConnection::arrived_at_client(Frame frame) {
  switch (frame.kind) {
    case Kind::kAccepted:
      accepted_ = true;
      break;
    case Kind::kRefused:
      failure_ = unavailable("the connection was refused");
      break;
    case Kind::kHead:
      head_ = std::move(frame.bytes);
      break;
    case Kind::kPart:
      received_ += frame.bytes;
      break;
    case Kind::kEnd:
      complete_ = true;
      break;
    case Kind::kOpen:
    case Kind::kRequest:
    case Kind::kTaken:
      RELIANT_UNREACHABLE("a server does not send what clients send");
  }
  client_moved_.set();
}

void HttpServerConnection::lost(Side side, const Status& status) {
  if (side == kOpener) {
    if (failure_.ok()) failure_ = status;
    client_moved_.set();
  } else {
    server_moved_.set();
  }
}

Task<Status> HttpServerConnection::until_accepted(Instant deadline) {
  const auto self = shared_from_this();
  const Instant give_up = after(executor().now(), network().options().connect_timeout);
  while (!accepted_ && failure_.ok()) {
    client_moved_.reset();
    const bool moved = co_await client_moved_.wait(std::min(deadline, give_up));
    if (moved) continue;
    if (give_up < deadline) co_return unavailable("no answer within the connect timeout");
    co_return deadline_exceeded("timed out while connecting");
  }
  co_return failure_;
}

Task<Result<std::string>> HttpServerConnection::until_head(Instant deadline) {
  const auto self = shared_from_this();
  while (!head_ && failure_.ok()) {
    client_moved_.reset();
    const bool moved = co_await client_moved_.wait(deadline);
    if (!moved) co_return deadline_exceeded("timed out waiting for the answer");
  }
  if (!head_) co_return failure_;
  co_return *head_;
}

Task<Result<std::optional<std::string>>> HttpServerConnection::read(Instant deadline) {
  const auto self = shared_from_this();
  for (;;) {
    if (!received_.empty()) {
      send(kOpener, Kind::kTaken, concat(received_.size()));
      co_return std::exchange(received_, {});
    }
    if (complete_) co_return std::nullopt;
    if (!failure_.ok()) co_return failure_;
    client_moved_.reset();
    const bool moved = co_await client_moved_.wait(deadline);
    if (!moved) co_return deadline_exceeded("timed out reading the body: ", node(kAcceptor).name(), " sent nothing more");
  }
}

void HttpServerConnection::client_leaves() { leave(kOpener); }

void HttpServerConnection::answer_part(std::string part) {
  not_taken_ += part.size();
  send(kAcceptor, Kind::kPart, std::move(part));
}

void HttpServerConnection::server_leaves() {
  leave(kAcceptor);
  server_moved_.set();
}

Task<bool> HttpServerConnection::until_room(Instant deadline) {
  const auto self = shared_from_this();
  while (usable(kAcceptor) && not_taken_ >= kWindow) {
    server_moved_.reset();
    const bool moved = co_await server_moved_.wait(deadline);
    if (!moved) co_return false;
  }
  co_return usable(kAcceptor);
}

Task<void> HttpServerConnection::until_client_gone() {
  const auto self = shared_from_this();
  while (usable(kAcceptor)) {
    server_moved_.reset();
    co_await server_moved_.wait();
  }
}

}  // namespace reliant::sim
