#include "app/cross_origin.h"

#include <algorithm>

namespace reliant::app {
namespace {

// Adds headers to whatever is answered.
class Marked final : public ports::HttpResponder {
 public:
  Marked(ports::HttpResponder& inner, ports::HttpHeaders headers) : inner_(inner), headers_(std::move(headers)) {}

  Task<Status> reply(ports::HttpServerResponse response) override { return inner_.reply(marked(std::move(response))); }
  Task<Status> start_stream(ports::HttpServerResponse head) override { return inner_.start_stream(marked(std::move(head))); }
  Task<Status> write(std::string chunk, Instant deadline) override { return inner_.write(std::move(chunk), deadline); }
  Task<Status> finish() override { return inner_.finish(); }

 private:
  ports::HttpServerResponse marked(ports::HttpServerResponse response) const {
    for (const auto& [name, value] : headers_) response.headers[name] = value;
    return response;
  }

  ports::HttpResponder& inner_;
  ports::HttpHeaders headers_;
};

class CrossOriginHandler final : public ports::HttpHandler {
 public:
  CrossOriginHandler(ports::HttpHandler& inner, const std::vector<std::string>& origins) : inner_(inner), origins_(origins) {}

  Task<std::optional<ports::HttpServerResponse>> admit(ports::HttpServerRequest& head) override {
    if (is_preflight(head)) co_return std::nullopt;
    auto refused = co_await inner_.admit(head);
    const auto origin = head.headers.find("origin");
    if (refused && origin != head.headers.end()) {
      for (const auto& [name, value] : readable_headers(origin->second)) refused->headers[name] = value;
    }
    co_return refused;
  }

  Task<void> handle(ports::HttpServerRequest request, ports::HttpResponder& responder) override {
    const auto origin = request.headers.find("origin");
    if (origin == request.headers.end()) {
      co_await inner_.handle(std::move(request), responder);
      co_return;
    }
    if (is_preflight(request)) {
      ports::HttpHeaders headers = cross_origin_headers(origins_, origin->second);
      if (!headers.empty()) {
        headers["access-control-allow-methods"] = "GET, POST, PATCH, DELETE";
        headers["access-control-allow-headers"] = "authorization, content-type, last-event-id, x-request-id";
        headers["access-control-max-age"] = "3600";
      }
      (void)co_await responder.reply({204, std::move(headers), ""});
      co_return;
    }
    Marked marked(responder, readable_headers(origin->second));
    co_await inner_.handle(std::move(request), marked);
  }

 private:
  static bool is_preflight(const ports::HttpServerRequest& request) {
    return request.method == "OPTIONS" && request.headers.contains("origin") &&
           request.headers.contains("access-control-request-method");
  }
  ports::HttpHeaders readable_headers(const std::string& origin) const {
    ports::HttpHeaders headers = cross_origin_headers(origins_, origin);
    if (!headers.empty()) headers["access-control-expose-headers"] = "retry-after, x-request-id";
    return headers;
  }

  ports::HttpHandler& inner_;
  const std::vector<std::string>& origins_;
};

class CrossOriginListener final : public ports::HttpListener {
 public:
  explicit CrossOriginListener(std::unique_ptr<CrossOriginHandler> handler) : handler_(std::move(handler)) {}
  Status listen(ports::HttpServer& http_server, std::string address, ports::HttpServerLimits limits) {
    TRY_ASSIGN(inner_, http_server.listen(std::move(address), *handler_, limits));
    return ok_status();
  }

  const std::string& address() const override { return inner_->address(); }
  Task<void> drain(Instant deadline) override { return inner_->drain(deadline); }

 private:
  std::unique_ptr<CrossOriginHandler> handler_;
  std::unique_ptr<ports::HttpListener> inner_;  // last: its calls use the handler
};

}  // namespace

namespace {

bool covers(std::string_view allowed, std::string_view origin) {
  if (!allowed.ends_with(kAnyPort)) return origin == allowed;
  const std::string_view site = allowed.substr(0, allowed.size() - kAnyPort.size());
  if (!origin.starts_with(site)) return false;
  const std::string_view port = origin.substr(site.size());  // the scheme's own port is not said
  return port.empty() ||
         (port.size() > 1 && port[0] == ':' && port.find_first_not_of("0123456789", 1) == std::string_view::npos);
}

}  // namespace

ports::HttpHeaders cross_origin_headers(const std::vector<std::string>& origins, const std::string& origin) {
  if (std::ranges::count(origins, "*") != 0) return {{"access-control-allow-origin", "*"}};
  if (std::ranges::any_of(origins, [&](const std::string& allowed) { return covers(allowed, origin); }))
    return {{"access-control-allow-origin", origin}, {"vary", "origin"}};
  return {};
}

Result<std::unique_ptr<ports::HttpListener>> CrossOrigin::listen(std::string address, ports::HttpHandler& handler,
                                                                 ports::HttpServerLimits limits) {
  auto listener = std::make_unique<CrossOriginListener>(std::make_unique<CrossOriginHandler>(handler, origins_));
  TRY_OK(listener->listen(http_server_, std::move(address), limits));
  return std::unique_ptr<ports::HttpListener>(std::move(listener));
}

}  // namespace reliant::app
