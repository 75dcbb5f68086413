// HttpClient: outbound HTTP requests (LLM providers, later MCP servers; the command line client). The body of the answer comes
// in chunks as it arrives, so that streamed answers can be followed.
//
// Owner: the composition root. Executor: the logic thread. Destroying an HttpResponse closes its connection.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/status.h"
#include "ports/http_headers.h"
#include "runtime/task.h"
#include "runtime/time.h"

namespace reliant::ports {

inline constexpr std::string_view kReasonHostNotFound = "HOST_NOT_FOUND";  // of an UNAVAILABLE: there is no such host

struct HttpRequest {
  std::string method = "GET";
  std::string url;  // http:// or https://
  HttpHeaders headers;
  std::string body;
};

class HttpResponse {
 public:
  virtual ~HttpResponse() = default;
  virtual int status() const = 0;
  virtual const HttpHeaders& headers() const = 0;
  // The next part of the body; nullopt at its end. UNAVAILABLE: the connection was lost before the end.
  // DEADLINE_EXCEEDED: nothing came in time, the response lives on.
  virtual Task<Result<std::optional<std::string>>> read(Instant deadline) = 0;
};

class HttpClient {
 public:
  virtual ~HttpClient() = default;
  // Returns when the answer's head has come; any HTTP status is OK here. UNAVAILABLE: no connection (reason
  // HOST_NOT_FOUND: its name does not exist), or lost before the head (the request may have been executed). INVALID_ARGUMENT: the URL, with what is wrong with it.
  // FAILED_PRECONDITION: the server's certificate is not trusted (reason TLS_UNTRUSTED), or TLS cannot be used.
  virtual Task<Result<std::unique_ptr<HttpResponse>>> send(HttpRequest request, Instant deadline) = 0;
};

}  // namespace reliant::ports
