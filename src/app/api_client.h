// ApiClient: calls of the REST interface, over ports/http_client: JSON in, JSON out, error objects as statuses, and
// calls that may be repeated repeated while the server is away for a moment.
//
// Owner: the command. Executor: the logic thread. Errors: the server's code, message and field; UNAVAILABLE:
// no server (at once when its name does not exist).
#pragma once

#include <memory>
#include <string>

#include "base/json.h"
#include "base/status.h"
#include "ports/http_client.h"
#include "runtime/clock.h"
#include "runtime/random.h"
#include "runtime/task.h"

namespace reliant::app {

struct ServerAddress {
  std::string url;  // "http://127.0.0.1:8080"
  std::string token;
};

struct ApiClientOptions {
  Duration timeout = std::chrono::seconds(20);        // how long a call is tried while the server is away
  void (*notice)(const std::string& line) = nullptr;  // is called when a call has waited for kQuiet; null: no output
};

class ApiClient {
 public:
  static constexpr Duration kQuiet = std::chrono::seconds(1);

  // References outlive it.
  ApiClient(ports::HttpClient& http, Clock& clock, Random random, ServerAddress server, ApiClientOptions options)
      : http_(http), clock_(clock), random_(random), server_(std::move(server)), options_(options) {}

  // `path` is below /api/v2. Only what may be repeated is: every POST of ours carries an id of its own, or is
  // harmless.
  Task<Result<json::object>> call(std::string method, std::string path, json::object body = {});
  // The stream of a chat's updates, from the next one on: its head has come and is good.
  Task<Result<std::unique_ptr<ports::HttpResponse>>> open_updates(std::string chat, std::uint64_t after_sequence);

  std::string new_id(std::string_view prefix) { return concat(prefix, random_.hex(24)); }
  Clock& clock() { return clock_; }
  Random& random() { return random_; }

 private:
  ports::HttpRequest request(std::string method, const std::string& path) const;
  Task<Result<json::object>> attempt(ports::HttpRequest request);
  Task<Result<json::object>> call_until(Instant give_up, ports::HttpRequest request, std::string& failure);
  Task<void> tell_of_wait(Instant give_up, const std::string& failure) const;

  ports::HttpClient& http_;
  Clock& clock_;
  Random random_;
  ServerAddress server_;
  ApiClientOptions options_;
};

}  // namespace reliant::app
