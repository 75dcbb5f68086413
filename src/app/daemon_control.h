// `reliant daemon status`, `stop` and `logs`: of the daemon whose data directory it is (R74, R84, C45). Who that is, the lock
// of the directory says, so that nothing is ever done to a process that has merely got its number.
#pragma once

#include "app/environment.h"
#include "base/command_line.h"

namespace reliant::app {

extern const Command kDaemonStatusCommand;
extern const Command kDaemonStopCommand;
extern const Command kDaemonLogsCommand;

// 0: it runs and is connected. 1: it runs, and is not. 3: it does not run.
int daemon_status(const Command& command, const Arguments& arguments, const Environment& environment);
// 0: it does not run any more, or did not. 1: it still does.
int daemon_stop(const Command& command, const Arguments& arguments, const Environment& environment);
// 0, or 1 when there is no log. With --follow: until it is interrupted.
int daemon_logs(const Command& command, const Arguments& arguments, const Environment& environment);

}  // namespace reliant::app
