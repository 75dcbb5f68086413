#include "api/router.h"

#include <optional>
#include <utility>

#include "api/server.h"
#include "base/text.h"

namespace reliant::api {
namespace {

template <class Part>
Part part_of(Task<Answer> (Part::*)(Call));

template <auto kMethod>
Task<Answer> call(const Endpoints& endpoints, Call call) {
  return (std::get<decltype(part_of(kMethod))&>(endpoints).*kMethod)(std::move(call));
}

constexpr Route kTable[] = {
    {"GET", "/health", &call<&ApiServer::health>, {.caller = CallerKind::kAnyone}},
    {"GET", "/ready", &call<&ApiServer::ready>, {.caller = CallerKind::kAnyone}},
    {"POST", "/api/v2/projects", &call<&Projects::create>, {.quota = Quota::kProjects}},
    {"GET", "/api/v2/projects", &call<&Projects::list>},
    {"GET", "/api/v2/projects/{id}", &call<&Projects::get>},
    {"PATCH", "/api/v2/projects/{id}", &call<&Projects::update>},
    {"DELETE", "/api/v2/projects/{id}", &call<&Projects::remove>},
    {"POST", "/api/v2/chats", &call<&Chats::create>, {.quota = Quota::kChats}},
    {"GET", "/api/v2/chats", &call<&Chats::list>},
    {"GET", "/api/v2/chats/{id}", &call<&Chats::get>},
    {"PATCH", "/api/v2/chats/{id}", &call<&Chats::update>},
    {"DELETE", "/api/v2/chats/{id}", &call<&Chats::remove>},
    {"POST", "/api/v2/chats/{id}/messages", &call<&Messages::send>, {.quota = Quota::kStoredBytes}},
    {"GET", "/api/v2/chats/{id}/messages", &call<&Messages::list>, {.answer = AnswerSize::kPage}},
    {"POST", "/api/v2/chats/{id}/cancel", &call<&Chats::cancel>},
    {"GET", "/api/v2/chats/{id}/updates"},
    {"GET", "/api/v2/chats/{id}/daemon", &call<&Daemons::explain>},
    {"GET", "/api/v2/chats/{id}/work", &call<&Chats::work>},
    {"GET", "/api/v2/daemons", &call<&Daemons::list>, {.answer = AnswerSize::kPage}},
    {"POST", "/api/v2/daemons/register", &call<&Tokens::register_daemon>, {.quota = Quota::kTokens}},
    {"GET", "/api/v2/me", &call<&Tokens::me>},
    {"GET", "/api/v2/tokens", &call<&Tokens::list>},
    {"DELETE", "/api/v2/tokens/{id}", &call<&Tokens::revoke>},
    {"GET", "/api/v2/audit", &call<&Tokens::audit>},
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

// The paths without an id, below which the others are.
std::string collections() {
  std::string paths;
  std::string_view last;
  for (const Route& route : kTable) {
    if (route.pattern.find(kId) != std::string_view::npos || route.pattern == last) continue;
    last = route.pattern;
    append(paths, concat(paths.empty() ? "" : ", ", last));
  }
  return paths;
}

}  // namespace

std::string allowed_methods(std::string_view path) {
  std::string methods;
  for (const Route& route : kTable) {
    if (!match(route.pattern, path)) continue;
    if (!methods.empty()) methods += ", ";
    methods += route.method;
  }
  return methods;
}

Result<FoundRoute> find_route(std::string_view method, std::string_view path) {
  for (const Route& route : kTable) {
    if (route.method != method) continue;
    if (const auto id = match(route.pattern, path)) return FoundRoute{&route, std::string(*id)};
  }
  const std::string methods = allowed_methods(path);
  if (methods.empty()) return not_found("the API has no path ", path, "; it has ", collections());
  return with_reason(unimplemented(method, " is not possible on ", path, "; use ", methods), kReasonMethodNotAllowed);
}

}  // namespace reliant::api
