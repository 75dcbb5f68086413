// The endpoints about daemons: GET /daemons, the user's daemons and how they stand (R81, C16), and GET
// /chats/{id}/daemon, which of them would run the chat's next tool call, and why none of the others (R90 to
// R95): the step of the cascade, and for each candidate the terms of the selector that it fails and what would change the choice.
#pragma once

#include "api/call.h"
#include "ports/control_plane.h"
#include "router/daemon_resolver.h"
#include "runtime/clock.h"
#include "runtime/task.h"
#include "store/store.h"

namespace reliant::api {

class Daemons {
 public:
  // `control_plane` may be null: there is none.
  Daemons(store::Store& store, router::DaemonRouter& router, ports::ControlPlane* control_plane, Clock& clock)
      : store_(store), clock_(clock), resolver_(store, router, control_plane, clock) {}

  Task<Answer> list(Call call);
  // Changes nothing: a suspended daemon is named, not brought up.
  Task<Answer> explain(Call call);

 private:
  store::Store& store_;
  Clock& clock_;
  router::DaemonResolver resolver_;
};

}  // namespace reliant::api
