// The service that the contract suites of HttpServer and HttpClient call, and what both need to call it. A world gives
//   executor(), scope()   where the client's tasks run
//   server(), address()   the HttpServer, and what to listen on (port 0)
//   scheme()              "http", or "https" when that server speaks TLS
//   http()                the client
//   run_until(predicate)  lets time pass until it holds; false: it did not within a generous limit
#pragma once

#include <gtest/gtest.h>

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>

#include "base/json.h"
#include "ports/http_client.h"
#include "ports/http_server.h"
#include "runtime/event.h"
#include "runtime/executor.h"
#include "runtime/scope.h"
#include "runtime/sleep.h"
#include "support/started.h"

namespace reliant::tests {

// Counts the handlers that are running, in whatever way they end.
class Running {
 public:
  explicit Running(int& count) : count_(count) { ++count_; }
  Running(const Running&) = delete;
  Running& operator=(const Running&) = delete;
  ~Running() { --count_; }

 private:
  int& count_;
};

class ContractService final : public ports::HttpHandler {
 public:
  explicit ContractService(Executor& executor) : executor_(executor) {}

  Task<std::optional<ports::HttpServerResponse>> admit(ports::HttpServerRequest& head) override {
    ++admitted_;
    if (!head.body.empty()) throw std::runtime_error("the body was read before the request was admitted");
    if (head.path == "/refused") co_return ports::HttpServerResponse{401, {}, "not you"};
    if (head.path == "/throw-at-once") throw std::runtime_error("thrown by admit");
    head.admission = std::make_shared<std::string>("seen");
    co_return std::nullopt;
  }
  Task<void> handle(ports::HttpServerRequest request, ports::HttpResponder& responder) override {
    const Running running(running_);
    ++calls_;
    if (request.path == "/echo") co_return co_await echo(std::move(request), responder);
    if (request.path == "/status") co_return co_await status(std::move(request), responder);
    if (request.path == "/gate") co_return co_await wait_at_gate(responder);
    if (request.path == "/three") co_return co_await three(responder);
    if (request.path == "/steps") co_return co_await steps(responder);
    if (request.path == "/flood") co_return co_await flood(responder, kNever);
    if (request.path == "/flood-briefly") {
      co_return co_await flood(responder, executor_.now() + std::chrono::milliseconds(100));
    }
    if (request.path == "/broken") co_return co_await broken(responder);
    if (request.path == "/twice") co_return co_await twice(responder);
    if (request.path == "/large") co_return co_await large(responder);
    if (request.path == "/throw") throw std::runtime_error("thrown by the handler");
    // "/silent": no answer
  }

  int running() const { return running_; }
  int calls() const { return calls_; }
  int admitted() const { return admitted_; }  // or refused
  int ended() const { return ended_; }        // at /gate, after the gate
  std::size_t written() const { return written_; }
  Event& gate() { return gate_; }  // lets /gate and the next part of /steps go on
  const std::optional<Status>& last_write() const { return last_write_; }
  const std::optional<Status>& second_answer() const { return second_answer_; }

 private:
  Task<void> echo(ports::HttpServerRequest request, ports::HttpResponder& responder) {
    json::object seen{{"method", request.method}, {"path", request.path}, {"body", request.body}};
    json::array query;
    for (const auto& [name, value] : request.query) query.push_back(json::array{name, value});
    seen["query"] = std::move(query);
    for (const auto& [name, value] : request.headers) {
      if (name.starts_with("x-")) seen[name] = value;
    }
    seen["peer_known"] = !request.peer.empty();
    seen["admission"] = *std::static_pointer_cast<std::string>(request.admission);
    ports::HttpServerResponse response;
    response.headers = {{"content-type", "application/json"}, {"x-answer", "42"}};
    response.body = to_json(seen);
    (void)co_await responder.reply(std::move(response));
  }
  Task<void> status(ports::HttpServerRequest request, ports::HttpResponder& responder) {
    ports::HttpServerResponse response;
    response.status = std::stoi(request.query.at(0).second);
    response.body = response.status == 204 ? "" : "told so";
    (void)co_await responder.reply(std::move(response));
  }
  Task<void> wait_at_gate(ports::HttpResponder& responder) {
    co_await gate_.wait();
    ++ended_;
    ports::HttpServerResponse response;
    response.body = "through";
    (void)co_await responder.reply(std::move(response));
  }
  Task<void> three(ports::HttpResponder& responder) {
    (void)co_await responder.start_stream(event_stream());
    for (const char* part : {"one,", "", "two,", "three"}) (void)co_await responder.write(part, kNever);
    last_write_ = co_await responder.finish();
  }
  Task<void> steps(ports::HttpResponder& responder) {
    (void)co_await responder.start_stream(event_stream());
    for (int i = 0;; ++i) {
      gate_.reset();
      last_write_ = co_await responder.write(concat("step ", i, ';'), kNever);
      co_await gate_.wait();
    }
  }
  Task<void> flood(ports::HttpResponder& responder, Instant deadline) {
    (void)co_await responder.start_stream(event_stream());
    for (;;) {
      const Status status = co_await responder.write(std::string(64 * 1024, 'x'), deadline);
      last_write_ = status;
      if (!status.ok()) co_return;
      written_ += 64 * 1024;
    }
  }
  Task<void> broken(ports::HttpResponder& responder) {
    (void)co_await responder.start_stream(event_stream());
    (void)co_await responder.write("half", kNever);
  }
  Task<void> twice(ports::HttpResponder& responder) {
    (void)co_await responder.reply({});
    second_answer_ = co_await responder.reply({});
  }
  // More than sockets hold.
  Task<void> large(ports::HttpResponder& responder) {
    ports::HttpServerResponse response;
    response.body = std::string(32 * 1024 * 1024, 'x');
    last_write_ = co_await responder.reply(std::move(response));
  }
  static ports::HttpServerResponse event_stream() {
    ports::HttpServerResponse head;
    head.headers["content-type"] = "text/event-stream";
    return head;
  }

  Executor& executor_;
  int running_ = 0;
  int calls_ = 0;
  int admitted_ = 0;
  int ended_ = 0;
  std::size_t written_ = 0;
  Event gate_;
  std::optional<Status> last_write_;
  std::optional<Status> second_answer_;
};

struct Answer {
  int status = 0;
  ports::HttpHeaders headers;
  std::string body;
};

using Response = std::unique_ptr<ports::HttpResponse>;

inline Task<Result<std::string>> rest_of(ports::HttpResponse& response, Instant deadline) {
  std::string body;
  for (;;) {
    Result<std::optional<std::string>> part = co_await response.read(deadline);
    if (!part.ok()) co_return part.status();
    if (!part->has_value()) co_return body;
    body += **part;
  }
}

inline Task<Result<Answer>> fetch(ports::HttpClient& http, ports::HttpRequest request, Instant deadline) {
  Result<Response> response = co_await http.send(std::move(request), deadline);
  if (!response.ok()) co_return response.status();
  Answer answer;
  answer.status = (*response)->status();
  answer.headers = (*response)->headers();
  Result<std::string> body = co_await rest_of(**response, deadline);
  if (!body.ok()) co_return body.status();
  answer.body = *std::move(body);
  co_return answer;
}

inline ports::HttpRequest get_request(std::string url) {
  ports::HttpRequest request;
  request.url = std::move(url);
  return request;
}

template <class World>
class HttpClientContractBase : public ::testing::Test {
 protected:
  static constexpr Duration kLong = std::chrono::seconds(20);

  template <class T>
  using Started = tests::Started<T>;

  template <class T>
  std::unique_ptr<Started<T>> start(Task<T> task) {
    return std::make_unique<Started<T>>(world_.scope().context(), std::move(task));
  }
  template <class T>
  T await(Started<T>& started) {
    RELIANT_ASSERT(world_.run_until([&] { return started.ended(); }), "a call of the contract suite did not end");
    return started.take();
  }
  template <class T>
  T get(Task<T> task) {
    auto started = start(std::move(task));
    return await(*started);
  }
  void pass_time(Duration duration) {
    const Instant until = in(duration);
    get(sleeper(until));
  }

  Instant in(Duration duration) { return world_.executor().now() + duration; }
  void listen(ports::HttpServerLimits limits = {}) {
    auto listener = world_.server().listen(world_.address(), service_, limits);
    ASSERT_TRUE(listener.ok()) << listener.status();
    listener_ = *std::move(listener);
  }
  std::string url(std::string_view path) const { return concat(world_.scheme(), "://", listener_->address(), path); }
  Result<Answer> ask(ports::HttpRequest request) { return get(fetch(world_.http(), std::move(request), in(kLong))); }
  Result<Answer> ask(std::string_view path) { return ask(get_request(url(path))); }
  Response open(std::string_view path) {
    auto response = get(world_.http().send(get_request(url(path)), in(kLong)));
    EXPECT_TRUE(response.ok()) << response.status();
    return *std::move(response);
  }
  std::string read(ports::HttpResponse& response) {
    auto part = get(response.read(in(kLong)));
    EXPECT_TRUE(part.ok()) << part.status();
    return part.ok() && part->has_value() ? **part : "";
  }
  static Task<bool> drained(ports::HttpListener& listener, Instant deadline) {
    co_await listener.drain(deadline);
    co_return true;
  }

  World world_;
  ContractService service_{world_.executor()};
  std::unique_ptr<ports::HttpListener> listener_;

 private:
  static Task<bool> sleeper(Instant until) {
    co_await sleep_until(until);
    co_return true;
  }
};

}  // namespace reliant::tests
