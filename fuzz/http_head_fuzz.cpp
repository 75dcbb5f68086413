// Requests of HTTP/1.1 as BeastHttpServer reads them, without a socket. The first byte is the place at which the rest is cut in two,
// which must not matter; an accepted request has one meaning: it round-trips through its text.
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http/parser.hpp>

#include <algorithm>
#include <optional>
#include <string>
#include <variant>

#include "adapters/beast/beast_http_server_head.h"
#include "base/text.h"
#include "base/url.h"
#include "fuzz_input.h"

namespace reliant::adapters {
namespace {

using Connection = ServerConnection;

constexpr std::uint32_t kMaxHead = 4096;
constexpr std::uint64_t kMaxBody = 1024;

// The outcome of the bytes of one connection.
struct Outcome {
  std::optional<Connection::Refusal> refusal;
  std::optional<ports::HttpServerRequest> request;  // with its body
  bool keep_alive = false;
  std::string left;  // bytes that were not read: of the next request

  friend bool operator==(const Outcome& a, const Outcome& b) {
    const auto same = [](const auto& x, const auto& y) {
      return x.method == y.method && x.path == y.path && x.query == y.query && x.headers == y.headers && x.body == y.body;
    };
    if (a.refusal.has_value() != b.refusal.has_value() || a.request.has_value() != b.request.has_value()) return false;
    if (a.refusal) return a.refusal->status == b.refusal->status && a.refusal->message == b.refusal->message;
    return !a.request || (same(*a.request, *b.request) && a.left == b.left && a.keep_alive == b.keep_alive);
  }
};

// The parser of one connection, which is handed bytes as they come.
class Reader {
 public:
  Reader() {
    parser_.header_limit(kMaxHead);
    parser_.body_limit(kMaxBody);
  }

  void feed(std::string_view bytes) {
    buffer_ += bytes;
    while (!over_ && !buffer_.empty()) {
      boost::beast::error_code error;
      parser_.eager(head_);  // the head alone at first, as async_read_header reads it
      const std::size_t used = parser_.put(boost::asio::buffer(buffer_), error);
      buffer_.erase(0, used);
      if (error == boost::beast::http::error::need_more) {
        if (used == 0) return;
        continue;
      }
      if (error) return end(Connection::Refusal{400, error.message()});
      if (!head_ && parser_.is_header_done()) take_head();
      if (!over_ && parser_.is_done()) take_body();
      if (used == 0 && !over_) return;
    }
  }
  const Outcome& outcome() const { return outcome_; }

 private:
  void end(Connection::Refusal refusal) {
    outcome_.refusal = std::move(refusal);
    over_ = true;
  }
  void take_head() {
    head_ = true;
    auto read = incoming_of_head(parser_);
    if (auto* refusal = std::get_if<Connection::Refusal>(&read)) return end(std::move(*refusal));
    incoming_ = std::move(std::get<Connection::Incoming>(read));
  }
  void take_body() {
    incoming_->request.body = parser_.get().body();
    outcome_.request = std::move(incoming_->request);
    outcome_.keep_alive = incoming_->keep_alive;
    outcome_.left = buffer_;
    over_ = true;
  }

  RequestParser parser_;
  std::string buffer_;
  bool head_ = false;
  bool over_ = false;
  std::optional<Connection::Incoming> incoming_;
  Outcome outcome_;
};

Outcome read(std::string_view bytes, std::size_t cut) {
  Reader reader;
  reader.feed(bytes.substr(0, cut));
  const bool over = reader.outcome().request.has_value();
  if (!over) reader.feed(bytes.substr(cut));
  Outcome out = reader.outcome();
  if (over) out.left += bytes.substr(cut);
  return out;
}

std::string written(const ports::HttpServerRequest& request) {
  std::string target;
  for (const char c : request.path) target += c == '/' ? "/" : percent_encode(std::string_view(&c, 1));
  char mark = '?';
  for (const auto& [name, value] : request.query) {
    target += concat(mark, percent_encode(name), "=", percent_encode(value));
    mark = '&';
  }
  std::string text = concat(request.method, " ", target, " HTTP/1.1\r\n");
  for (const auto& [name, value] : request.headers) {
    if (name != "transfer-encoding" && name != "content-length" && name != "host") text += concat(name, ": ", value, "\r\n");
  }
  const auto host = request.headers.find("host");
  text += concat("host: ", host == request.headers.end() ? "x" : host->second, "\r\n");
  return text + concat("content-length: ", request.body.size(), "\r\n\r\n", request.body);
}

void check_request(const ports::HttpServerRequest& request) {
  RELIANT_ASSERT(request.path.starts_with('/'), "a path begins with a slash");
  RELIANT_ASSERT(request.body.size() <= kMaxBody, "a body is bounded");
  RELIANT_ASSERT(!(request.headers.contains("content-length") && request.headers.contains("transfer-encoding")),
                 "a body has one length");
  std::size_t head = 0;
  for (const auto& [name, value] : request.headers) {
    RELIANT_ASSERT(name == to_lower(name) && valid_header(name, "x"), "a header's name is a token in lower case");
    RELIANT_ASSERT(value.find_first_of(std::string_view("\r\n\0", 3)) == std::string::npos, "a header is one line");
    head += name.size() + value.size();
  }
  RELIANT_ASSERT(head <= 2 * kMaxHead, "a head is bounded");
  const std::string again = written(request);
  if (again.size() > kMaxHead) return;
  const Outcome back = read(again, 0);
  RELIANT_ASSERT(back.request.has_value(), "a request that was taken is taken when it is written out");
  RELIANT_ASSERT(back.request->path == request.path && back.request->query == request.query, "its target is the same");
  RELIANT_ASSERT(back.request->body == request.body && back.left.empty(), "its body is the same");
}

}  // namespace
}  // namespace reliant::adapters

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace reliant::adapters;
  if (size == 0) return 0;
  const std::string_view bytes = reliant::fuzz::text_of(data + 1, size - 1);
  const Outcome whole = read(bytes, bytes.size());
  const Outcome halves = read(bytes, data[0] % (bytes.size() + 1));
  // The parser waits for more bytes if it cannot yet decide that the head is malformed.
  const auto waits = [](const Outcome& outcome) { return !outcome.refusal && !outcome.request; };
  const bool refused_later = (whole.refusal && waits(halves)) || (halves.refusal && waits(whole));
  RELIANT_ASSERT(whole == halves || refused_later, "where a request is cut does not matter");
  if (whole.refusal) {
    RELIANT_ASSERT(whole.refusal->status >= 400 && !whole.refusal->message.empty(), "a refusal says why");
  }
  if (whole.request) check_request(*whole.request);
  return 0;
}
