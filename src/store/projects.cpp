#include "store/projects.h"

#include "base/text.h"
#include "store/wall_time.h"

namespace reliant::store {

using ports::Row;
using ports::Rows;
using ports::Transaction;

namespace {

#define PROJECT_COLUMNS "id, user_id, name, path, created_at"

Project project_from(const Row& row) {
  return {ProjectId(row.text(0)), UserId(row.text(1)), row.text(2), row.text(3), wall_time(row.integer(4))};
}

struct CreateProject {
  using Value = Project;
  static constexpr InDoubt kInDoubt = InDoubt::kRunAgain;  // the id is its own
  Project project;

  Task<Result<Project>> run(Transaction& transaction) const {
    CO_TRY_OK((co_await transaction.execute(
                   "INSERT INTO projects (" PROJECT_COLUMNS ") VALUES ($1, $2, $3, $4, $5) "
                   "ON CONFLICT (id) DO NOTHING",
                   {project.id.str(), project.user.str(), project.name, project.path, microseconds_of(project.created_at)}))
                  .status());
    co_return project;
  }
};

Task<Result<Project>> project_of(Transaction& transaction, UserId user, ProjectId id) {
  CO_TRY_ASSIGN(const Rows rows,
                co_await transaction.execute("SELECT " PROJECT_COLUMNS " FROM projects WHERE id = $1 AND user_id = $2",
                                             {id.str(), user.str()}));
  if (rows.empty()) co_return not_found("project ", id.str(), " does not exist");
  co_return project_from(rows[0]);
}

struct GetProject {
  using Value = Project;
  UserId user;
  ProjectId id;
  Task<Result<Project>> run(Transaction& transaction) const { return project_of(transaction, user, id); }
};

struct ListProjects {
  using Value = Page<Project>;
  UserId user;
  Position before;
  std::size_t limit;

  Task<Result<Page<Project>>> run(Transaction& transaction) const {
    CO_TRY_ASSIGN(const Rows rows,
                  co_await transaction.execute("SELECT " PROJECT_COLUMNS " FROM projects "
                                               "WHERE user_id = $1 AND (created_at, id) < ($2, $3) "
                                               "ORDER BY created_at DESC, id DESC LIMIT $4",
                                               {user.str(), before.time, before.id, static_cast<std::int64_t>(limit + 1)}));
    Page<Project> page;
    for (const Row row : rows) page.items.push_back(project_from(row));
    trim(page, limit);
    co_return page;
  }
};

struct UpdateProject {
  using Value = Project;
  static constexpr InDoubt kInDoubt = InDoubt::kMark;
  UserId user;
  ProjectId id;
  ProjectChange change;

  Task<Result<Project>> run(Transaction& transaction) const {
    CO_TRY_ASSIGN(const Project old, co_await project_of(transaction, user, id));
    CO_TRY_ASSIGN(const Rows rows,
                  co_await transaction.execute("UPDATE projects SET name = $2, path = $3 WHERE id = $1 "
                                               "RETURNING " PROJECT_COLUMNS,
                                               {id.str(), change.name.value_or(old.name), change.path.value_or(old.path)}));
    co_return project_from(rows[0]);
  }
};

struct RemoveProject {
  using Value = std::monostate;
  static constexpr InDoubt kInDoubt = InDoubt::kMark;
  UserId user;
  ProjectId id;

  Task<Result<std::monostate>> run(Transaction& transaction) const {
    CO_TRY_OK((co_await project_of(transaction, user, id)).status());
    CO_TRY_ASSIGN(const Rows chats,
                  co_await transaction.execute("SELECT id FROM chats WHERE project_id = $1 LIMIT 1", {id.str()}));
    if (!chats.empty())
      co_return failed_precondition("project ", id.str(), " still has chats, ", chats[0].text(0),
                                    " among them; delete them first");
    CO_TRY_OK((co_await transaction.execute("DELETE FROM projects WHERE id = $1", {id.str()})).status());
    co_return std::monostate();
  }
};

#undef PROJECT_COLUMNS

}  // namespace

Task<Result<Project>> Projects::create(UserId user, std::string name, std::string path, Instant deadline) {
  return transactor_.write(CreateProject{{ProjectId(transactor_.new_id("project")), std::move(user), std::move(name),
                                          std::move(path), wall_time(transactor_.wall_now())}},
                           deadline);
}

Task<Result<Project>> Projects::get(UserId user, ProjectId id, Instant deadline) {
  return transactor_.read(GetProject{std::move(user), std::move(id)}, deadline);
}

Task<Result<Page<Project>>> Projects::list(UserId user, PageRequest page, Instant deadline) {
  CO_TRY_ASSIGN(Position before, position_of(page));
  co_return co_await transactor_.read(ListProjects{std::move(user), std::move(before), page.limit}, deadline);
}

Task<Result<Project>> Projects::update(UserId user, ProjectId id, ProjectChange change, Instant deadline) {
  return transactor_.write(UpdateProject{std::move(user), std::move(id), std::move(change)}, deadline);
}

Task<Status> Projects::remove(UserId user, ProjectId id, Instant deadline) {
  co_return (co_await transactor_.write(RemoveProject{std::move(user), std::move(id)}, deadline)).status();
}

}  // namespace reliant::store
