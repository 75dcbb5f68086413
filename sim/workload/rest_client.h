// RestClient: a simulated client's access to the API: over HTTP only, to one replica after the other until one answers.
// It retries, so every call must be idempotent: ids and client_message_ids are the caller's.
//
// Owner: a client's program, on a node of its own. Executor: the node's.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/event_log.h"
#include "base/json.h"
#include "base/status.h"
#include "kernel/node.h"
#include "ports/http_client.h"
#include "runtime/random.h"
#include "runtime/task.h"

namespace reliant::sim {

struct ApiAccess {
  std::vector<std::string> replicas;  // "api-1:8080"
  std::string token;
};

class RestClient {
 public:
  static constexpr Duration kReplicaTimeout = std::chrono::seconds(15);

  // `http` and `node` outlive it.
  RestClient(ports::HttpClient& http, Node& node, std::string_view label, ApiAccess access);

  // The body of the first replica's answer; retries without a limit. An error is final: the API has refused the request
  // itself.
  Task<Result<json::value>> call(std::string method, std::string path, std::string body);
  // A stream from one of the replicas. UNAVAILABLE: retry later; other errors are final.
  Task<Result<std::unique_ptr<ports::HttpResponse>>> follow(std::string path);

 private:
  struct Answer {
    int status = 0;
    std::string body;
  };
  ports::HttpRequest request(std::string method, std::string path, std::string body);
  Task<Result<Answer>> attempt(std::string method, std::string path, std::string body);
  Duration pause() { return random_.duration(std::chrono::milliseconds(50), std::chrono::seconds(1)); }

  ports::HttpClient& http_;
  Node& node_;
  ApiAccess access_;
  Random random_;
  std::size_t replica_;
};

}  // namespace reliant::sim
