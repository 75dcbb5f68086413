// CrossOrigin: an HttpServer whose handlers may be called by pages of other sites (CORS): answers the browser's question
// beforehand, and says in every answer which page may read it. `*` stands for every page, but then the browser sends no
// cookies (C34).
//
// Owner: the composition root; it outlives its listeners. Executor: the logic thread.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "ports/http_server.h"

namespace reliant::app {

inline constexpr std::string_view kAnyPort = ":*";  // at the end of an origin

class CrossOrigin final : public ports::HttpServer {
 public:
  // `origins`: "https://app.example.com", "http://localhost:*" (any port) or "*"; none: no other site's page may. `http_server`
  // outlives it.
  CrossOrigin(ports::HttpServer& http_server, std::vector<std::string> origins)
      : http_server_(http_server), origins_(std::move(origins)) {}

  Result<std::unique_ptr<ports::HttpListener>> listen(std::string address, ports::HttpHandler& handler,
                                                      ports::HttpServerLimits limits) override;

 private:
  ports::HttpServer& http_server_;
  std::vector<std::string> origins_;
};

// What an answer to a page of `origin` carries; nothing when it may not read it.
ports::HttpHeaders cross_origin_headers(const std::vector<std::string>& origins, const std::string& origin);

}  // namespace reliant::app
