// GET /daemons: the user's daemons and how they stand, as far as the database knows (R81, C16).
#pragma once

#include "api/call.h"
#include "runtime/task.h"
#include "store/store.h"

namespace reliant::api {

class Daemons {
 public:
  explicit Daemons(store::Store& store) : store_(store) {}
  Task<Answer> list(Call call);

 private:
  store::Store& store_;
};

}  // namespace reliant::api
