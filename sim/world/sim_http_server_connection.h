// One simulated HTTP connection, one request on it: the client opens, is accepted or refused, sends its request,
// and gets a head, parts of a body, and an end. Bytes cross, nothing else. Parts that the client has not taken
// fill a window.
//
// Held by shared_ptr by both ends' coroutines and, while it is open, by itself; it belongs to the world, so that
// data that has arrived stays readable after the end of the other process.
#pragma once

#include <array>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "base/status.h"
#include "ports/http_client.h"
#include "ports/http_server.h"
#include "runtime/event.h"
#include "runtime/ring.h"
#include "runtime/task.h"
#include "world/connection.h"
#include "world/sim_http_server.h"

namespace reliant::sim {

// The head of a request or an answer as bytes: a first line, header lines, an empty line.
struct HttpServerHead {
  std::string first_line;
  std::map<std::string, std::string> headers;
};
std::string encode_head(const HttpServerHead& head);
// Takes the head off the front of `text`.
HttpServerHead take_head(std::string& text);

class HttpServerConnection final : public Connection {
 public:
  static std::shared_ptr<HttpServerConnection> connect(SimWeb& web, Node& client, Node& server, std::uint16_t port);
  HttpServerConnection(SimWeb& web, Node& client, Node& server, std::uint16_t port);

  // --- the client's end ---
  // UNAVAILABLE: refused, or no answer within the network's time-out. DEADLINE_EXCEEDED.
  Task<Status> until_accepted(Instant deadline);
  void ask(std::string request) { send(kOpener, Kind::kRequest, std::move(request)); }
  Task<Result<std::string>> until_head(Instant deadline);
  // Nullopt: the end.
  Task<Result<std::optional<std::string>>> read(Instant deadline);
  void client_leaves();

  // --- the server's end ---
  void answer_head(std::string head) { send(kAcceptor, Kind::kHead, std::move(head)); }
  void answer_part(std::string part);
  void answer_end() { send(kAcceptor, Kind::kEnd, {}); }
  void server_leaves();
  // True: there is room in the window. False: `deadline` came, or the client has gone.
  Task<bool> until_room(Instant deadline);
  Task<void> until_client_gone();
  bool client_gone() const { return !usable(kAcceptor); }
  const std::string& client_name() const { return node(kOpener).name(); }

 private:
  enum class Kind : std::uint8_t { kOpen, kAccepted, kRefused, kRequest, kTaken, kHead, kPart, kEnd };
  struct Frame {
    Kind kind = Kind::kOpen;
    std::string bytes;
  };

  void send(Side from, Kind kind, std::string bytes);
  void arrived(Side to) override;
  void arrived_at_server(Frame frame);
  void arrived_at_client(Frame frame);
  void lost(Side side, const Status& status) override;

  SimWeb& web_;
  std::uint16_t port_;
  std::array<Ring<Frame>, 2> towards_;
  // client
  bool accepted_ = false;
  std::optional<std::string> head_;
  std::string received_;
  bool complete_ = false;
  Status failure_;
  Event client_moved_;
  // server
  std::size_t not_taken_ = 0;  // bytes of parts
  Event server_moved_;
};

}  // namespace reliant::sim
