// Every route of the API on simulated ports: the first byte chooses the route, the first line is the id in its path ("": an
// existing one), the second its query, the rest the body.
#include <gtest/gtest.h>

#include <array>
#include <string>
#include <utility>

#include "base/ids.h"
#include "base/url.h"
#include "base/utf8.h"
#include "fuzz_input.h"
#include "unit/api/api_world.h"

namespace reliant::api {
namespace {

struct Route {
  std::string_view method;
  std::string_view before;  // of the id
  std::string_view behind;
  bool of_project = false;  // the id is a project's
};

constexpr std::array kRoutes = {Route{"GET", "/health", ""},
                                Route{"GET", "/ready", ""},
                                Route{"POST", "/api/v2/projects", ""},
                                Route{"GET", "/api/v2/projects", ""},
                                Route{"GET", "/api/v2/projects/", "", true},
                                Route{"PATCH", "/api/v2/projects/", "", true},
                                Route{"DELETE", "/api/v2/projects/", "", true},
                                Route{"POST", "/api/v2/chats", ""},
                                Route{"GET", "/api/v2/chats", ""},
                                Route{"GET", "/api/v2/chats/", ""},
                                Route{"PATCH", "/api/v2/chats/", ""},
                                Route{"DELETE", "/api/v2/chats/", ""},
                                Route{"POST", "/api/v2/chats/", "/messages"},
                                Route{"GET", "/api/v2/chats/", "/messages"},
                                Route{"POST", "/api/v2/chats/", "/cancel"},
                                Route{"GET", "/api/v2/chats/", "/updates"},
                                Route{"GET", "/api/v2/chats/", "/daemon"},
                                Route{"GET", "/api/v2/daemons", ""},
                                Route{"POST", "/api/v2/daemons/register", ""},
                                Route{"GET", "/api/v2/me", ""},
                                Route{"GET", "/api/v2/tokens", ""},
                                Route{"DELETE", "/api/v2/tokens/", ""},
                                Route{"GET", "/api/v2/audit", ""},
                                Route{"PUT", "/api/v2/chats/", "/nothing"}};

constexpr std::size_t kMostBytes = std::size_t{4} << 20;  // of an answer

// Like world.send, for a call that may be a stream, which has no end.
HandResponder served(ApiWorld& world, ports::HttpServerRequest request) {
  HandResponder responder;
  TaskScope scope(world.root.context());
  scope.spawn(world.http_server.serve(std::move(request), responder));
  world.pass(std::chrono::milliseconds(100));
  return responder;
}

void check_error(const ports::HttpServerResponse& response, const json::value& body) {
  const auto text = [&](json::string_view key) {
    const json::value* value = body.is_object() ? body.get_object().if_contains(key) : nullptr;
    return value != nullptr && value->is_string() ? std::string(value->get_string().c_str()) : "";
  };
  RELIANT_ASSERT(response.status < 500, "a client's mistake is not the server's");
  RELIANT_ASSERT(!text("code").empty() && !text("message").empty() && valid_id(text("request_id")),
                 "an error says what is wrong");
  const bool is_of_all = text("message").find("JSON") != std::string::npos || text("message").find("\"\"") != std::string::npos;
  // FAILED_PRECONDITION is about the state of what the path names, not about a field.
  RELIANT_ASSERT(text("code") != "INVALID_ARGUMENT" || !text("field").empty() || is_of_all, "bad input is named by its field");
}

void check_response(const HandResponder& responder) {
  RELIANT_ASSERT(responder.response.has_value(), "a call is answered");
  const ports::HttpServerResponse& response = *responder.response;
  if (responder.streaming) return;
  RELIANT_ASSERT(response.body.size() <= kMostBytes && is_valid_utf8(response.body), "an answer is text, and bounded");
  RELIANT_ASSERT(response.headers.contains("x-request-id"), "an answer has the id of its request");
  RELIANT_ASSERT((response.status == 204) == response.body.empty(), "204 is an answer without a body");
  if (response.body.empty()) return;
  const auto body = parse_json(response.body);
  RELIANT_ASSERT(body.ok() && body->is_object(), "an answer is a JSON object");
  if (response.status >= 300) check_error(response, *body);
}

// A created object can be read back, equal to the answer.
void check_made(ApiWorld& world, const Route& route, const HandResponder& responder) {
  if (!responder.response || responder.response->status != 201 || route.before.ends_with("register")) return;
  const json::value made = *parse_json(responder.response->body);
  const std::string id(made.as_object().at("id").as_string().c_str());
  const HandResponder read = served(world, world.request("GET", concat(route.before, "/", id)));
  RELIANT_ASSERT(read.response->status == 200 && *parse_json(read.response->body) == made, "a created object is read back");
}

void check_call(const Route& route, std::string_view input) {
  const auto [given_id, rest] = fuzz::split_at_line(input);
  const auto [query, body] = fuzz::split_at_line(rest);
  ApiWorld world;
  const std::string chat = world.new_chat();
  std::string path(route.before);
  if (path.ends_with('/')) {
    const std::string project =
        world.call("GET", "/projects").body.as_object().at("items").as_array().at(0).at("id").as_string().c_str();
    path += given_id.empty() ? (route.of_project ? project : chat) : std::string(given_id);
  }
  path += route.behind;
  ports::HttpServerRequest request = world.request(std::string(route.method), "/", std::string(body));
  const auto target = parse_http_target(concat("/?", query));
  request.path = path;
  if (target.ok()) request.query = target->query;
  const HandResponder responder = served(world, std::move(request));
  check_response(responder);
  check_made(world, route, responder);
  RELIANT_ASSERT(world.log.errors.empty(), "no defect is in the log");
  RELIANT_ASSERT(!testing::Test::HasFailure(), "no expectation of the test world fails");
}

}  // namespace
}  // namespace reliant::api

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace reliant::api;
  if (size == 0) return 0;
  check_call(kRoutes[data[0] % kRoutes.size()], reliant::fuzz::text_of(data + 1, size - 1));
  return 0;
}
