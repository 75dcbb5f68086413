// The endpoints under /projects (R3, R8). A project is a name and a directory on the daemon's machine.
#pragma once

#include "api/call.h"
#include "runtime/task.h"
#include "store/store.h"

namespace reliant::api {

class Projects {
 public:
  Projects(store::Store& store, const Limits& limits) : store_(store), limits_(limits) {}

  Task<Answer> create(Call call);  // {"name","path"} -> 201
  Task<Answer> list(Call call);    // ?cursor=&limit=
  Task<Answer> get(Call call);
  Task<Answer> update(Call call);  // {"name"?,"path"?}
  Task<Answer> remove(Call call);  // 204; FAILED_PRECONDITION while it has chats

 private:
  Status check(const std::optional<std::string>& name, const std::optional<std::string>& path) const;

  store::Store& store_;
  const Limits& limits_;
};

}  // namespace reliant::api
