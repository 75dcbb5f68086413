// Adjusts what the process inherits (umask, limits, descriptors), once, as the first thing in main(): before there is a
// second thread, and before the first file is opened.
//
// Files and directories that it makes are its user's alone (umask 077), it may open as many files as the machine allows (each
// connection is one, and a shell gives a program 1,024), and descriptors 0 to 2 are open, so that no database becomes the
// standard error. Programs that tools start are not ours: they get back what was inherited (adapters/process_launch.h). Some close
// every file that they might have, so more of them costs time.
#pragma once

#include <sys/resource.h>
#include <sys/types.h>

#include "base/status.h"
#include "runtime/time.h"

namespace reliant::adapters {

struct Inherited {
  mode_t umask = 0;
  rlim_t open_files = RLIM_INFINITY;  // the soft limit
};

Inherited begin_process();

// A reader that has gone (SIGPIPE) or a file that has reached `ulimit -f` (SIGXFSZ) is an error of the write, and does not end
// the process. For servers; a command in a pipeline ends with its reader.
void survive_failed_writes();

// Calls _exit() with that code after the given time, unless the process has ended by then. For the end of a program, when
// only libraries are left to be destroyed, whose threads may be in a call to a server that hangs.
void exit_within(Duration time, int code);

// As many as the machine allows; how many that are.
rlim_t allow_all_open_files();
// FAILED_PRECONDITION: too few for the process to work, with the number and the remedy.
Status check_open_files();

}  // namespace reliant::adapters
