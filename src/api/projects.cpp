#include "api/projects.h"

#include "store/wall_time.h"

namespace reliant::api {
namespace {

json::object show(const store::Project& project) {
  return {{"id", project.id.str()},
          {"name", project.name},
          {"path", project.path},
          {"created_at", store::rfc3339(project.created_at)}};
}

}  // namespace

Status Projects::check(const std::optional<std::string>& name, const std::optional<std::string>& path) const {
  if (name) TRY_OK(check_text("name", *name, limits_.title, Empty::kRefused));
  if (!path) return ok_status();
  TRY_OK(check_text("path", *path, limits_.path, Empty::kRefused));
  if (!path->starts_with('/')) {
    return invalid_field("path", "field \"path\" must be absolute: begin it with \"/\"");
  }
  return ok_status();
}

Task<Answer> Projects::create(Call call) {
  CO_TRY_ASSIGN(const json::value body, parse_json(call.request.body));
  JsonReader reader(body);
  const std::string name = reader.required_string("name");
  const std::string path = reader.required_string("path");
  CO_TRY_OK(reader.finish());
  CO_TRY_OK(check(name, path));
  CO_TRY_ASSIGN(const store::Project project, co_await store_.projects().create(call.user, name, path, call.deadline));
  co_return json_response(201, show(project));
}

Task<Answer> Projects::list(Call call) {
  QueryReader query(call.request);
  const store::PageRequest page = query.page();
  CO_TRY_OK(query.finish());
  CO_TRY_ASSIGN(const auto projects, co_await store_.projects().list(call.user, page, call.deadline));
  co_return page_response(projects, &show);
}

Task<Answer> Projects::get(Call call) {
  CO_TRY_OK(QueryReader(call.request).finish());
  CO_TRY_ASSIGN(const ProjectId id, path_id<ProjectId>(call, "project"));
  CO_TRY_ASSIGN(const store::Project project, co_await store_.projects().get(call.user, id, call.deadline));
  co_return json_response(200, show(project));
}

Task<Answer> Projects::update(Call call) {
  CO_TRY_ASSIGN(const ProjectId id, path_id<ProjectId>(call, "project"));
  CO_TRY_ASSIGN(const json::value body, parse_json(call.request.body));
  JsonReader reader(body);
  store::ProjectChange change;
  change.name = reader.optional_string("name");
  change.path = reader.optional_string("path");
  CO_TRY_OK(reader.finish());
  CO_TRY_OK(check(change.name, change.path));
  CO_TRY_ASSIGN(const store::Project project,
                co_await store_.projects().update(call.user, id, std::move(change), call.deadline));
  co_return json_response(200, show(project));
}

Task<Answer> Projects::remove(Call call) {
  CO_TRY_ASSIGN(const ProjectId id, path_id<ProjectId>(call, "project"));
  CO_TRY_OK(co_await store_.projects().remove(call.user, id, call.deadline));
  co_return no_content();
}

}  // namespace reliant::api
