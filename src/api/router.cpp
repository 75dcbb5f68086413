#include "api/router.h"

#include <optional>

#include "base/text.h"

namespace reliant::api {
namespace {

struct Row {
  std::string_view method;
  std::string_view pattern;
  Endpoint endpoint;
};

constexpr Row kTable[] = {
    {"GET", "/health", Endpoint::kHealth},
    {"GET", "/ready", Endpoint::kReady},
    {"POST", "/api/v2/projects", Endpoint::kCreateProject},
    {"GET", "/api/v2/projects", Endpoint::kListProjects},
    {"GET", "/api/v2/projects/{id}", Endpoint::kGetProject},
    {"PATCH", "/api/v2/projects/{id}", Endpoint::kUpdateProject},
    {"DELETE", "/api/v2/projects/{id}", Endpoint::kDeleteProject},
    {"POST", "/api/v2/chats", Endpoint::kCreateChat},
    {"GET", "/api/v2/chats", Endpoint::kListChats},
    {"GET", "/api/v2/chats/{id}", Endpoint::kGetChat},
    {"PATCH", "/api/v2/chats/{id}", Endpoint::kUpdateChat},
    {"DELETE", "/api/v2/chats/{id}", Endpoint::kDeleteChat},
    {"POST", "/api/v2/chats/{id}/messages", Endpoint::kSendMessage},
    {"GET", "/api/v2/chats/{id}/messages", Endpoint::kListMessages},
    {"POST", "/api/v2/chats/{id}/cancel", Endpoint::kCancelChat},
    {"GET", "/api/v2/chats/{id}/updates", Endpoint::kFollowUpdates},
    {"GET", "/api/v2/chats/{id}/daemon", Endpoint::kExplainDaemon},
    {"GET", "/api/v2/daemons", Endpoint::kListDaemons},
    {"POST", "/api/v2/daemons/register", Endpoint::kRegisterDaemon},
    {"GET", "/api/v2/tokens", Endpoint::kListTokens},
    {"DELETE", "/api/v2/tokens/{id}", Endpoint::kRevokeToken},
    {"GET", "/api/v2/audit", Endpoint::kListAudit},
};

constexpr std::string_view kId = "{id}";

// The text that {id} stands for: one segment, not empty. "" for a pattern without one, nullopt for another
// path.
std::optional<std::string_view> match(std::string_view pattern, std::string_view path) {
  const std::size_t at = pattern.find(kId);
  if (at == std::string_view::npos) return pattern == path ? std::optional(std::string_view()) : std::nullopt;
  const std::string_view before = pattern.substr(0, at);
  const std::string_view behind = pattern.substr(at + kId.size());
  if (!path.starts_with(before)) return std::nullopt;
  path.remove_prefix(before.size());
  const std::string_view id = path.substr(0, path.find('/'));
  if (id.empty() || path.substr(id.size()) != behind) return std::nullopt;
  return id;
}

}  // namespace

std::string allowed_methods(std::string_view path) {
  std::string methods;
  for (const Row& row : kTable) {
    if (!match(row.pattern, path)) continue;
    if (!methods.empty()) methods += ", ";
    methods += row.method;
  }
  return methods;
}

Result<Route> find_route(std::string_view method, std::string_view path) {
  for (const Row& row : kTable) {
    if (row.method != method) continue;
    if (const auto id = match(row.pattern, path)) return Route{row.endpoint, std::string(*id)};
  }
  const std::string methods = allowed_methods(path);
  if (methods.empty()) return not_found("there is nothing at ", path, "; the api is under /api/v2");
  return with_reason(unimplemented(method, " is not possible on ", path, "; use ", methods),
                     kReasonMethodNotAllowed);
}

}  // namespace reliant::api
