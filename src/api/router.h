// Which endpoint a request is for. The table in router.cpp is the whole interface of the api (R3), on one page.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <tuple>

#include "api/call.h"
#include "api/quotas.h"
#include "base/status.h"
#include "runtime/task.h"

namespace reliant::api {

class ApiServer;
class Projects;
class Chats;
class Messages;
class Daemons;
class Tokens;

// The parts of an api server whose members answer calls.
using Endpoints = std::tuple<ApiServer&, Projects&, Chats&, Messages&, Daemons&, Tokens&>;

enum class CallerKind : std::uint8_t { kUser, kAnyone };
enum class AnswerSize : std::uint8_t { kSmall, kPage };  // kPage: a page of large items

struct Route {
  std::string_view method;
  std::string_view pattern;                                   // {id}: one segment of the path, not empty
  Task<Answer> (*handler)(const Endpoints&, Call) = nullptr;  // null: the stream of updates, which answers for itself
  struct {
    CallerKind caller = CallerKind::kUser;
    Quota quota = Quota::kNone;
    AnswerSize answer = AnswerSize::kSmall;
  } traits = {};

  bool is_stream() const { return handler == nullptr; }
};

struct FoundRoute {
  const Route* route;
  std::string id;  // what {id} stood for; "" when the path has none
};

inline constexpr std::string_view kReasonMethodNotAllowed = "METHOD_NOT_ALLOWED";

// NOT_FOUND: no such path. UNIMPLEMENTED + METHOD_NOT_ALLOWED: the path is there, the method is not
// (allowed_methods).
Result<FoundRoute> find_route(std::string_view method, std::string_view path);
// "GET, POST": what an Allow header says.
std::string allowed_methods(std::string_view path);

}  // namespace reliant::api
