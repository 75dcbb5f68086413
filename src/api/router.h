// Which endpoint a request is for. The table in router.cpp is the whole interface of the api (R3), on one
// page.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/status.h"

namespace reliant::api {

enum class Endpoint : std::uint8_t {
  kHealth,
  kReady,
  kCreateProject,
  kListProjects,
  kGetProject,
  kUpdateProject,
  kDeleteProject,
  kCreateChat,
  kListChats,
  kGetChat,
  kUpdateChat,
  kDeleteChat,
  kSendMessage,
  kListMessages,
  kCancelChat,
  kFollowUpdates,
  kListDaemons,
  kExplainDaemon,
  kRegisterDaemon,
  kListTokens,
  kRevokeToken,
  kListAudit,
};

struct Route {
  Endpoint endpoint = Endpoint::kHealth;
  std::string id;  // what {id} stood for; "" when the path has none
};

inline constexpr std::string_view kReasonMethodNotAllowed = "METHOD_NOT_ALLOWED";

// NOT_FOUND: no such path. UNIMPLEMENTED + METHOD_NOT_ALLOWED: the path is there, the method is not
// (allowed_methods).
Result<Route> find_route(std::string_view method, std::string_view path);
// "GET, POST": what an Allow header says.
std::string allowed_methods(std::string_view path);

}  // namespace reliant::api
