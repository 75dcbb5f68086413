// What the process was started with stays its own: tools run as the same user, and a model decides what they read.
//
// The environment block, which /proc/PID/environ shows for as long as the process lives, is overwritten. Its variables move to
// the heap, where getenv of libraries finds them (libpq, OpenSSL and gRPC read some later), except this program's own secrets,
// which only Environment keeps. And the process is made undumpable (PR_SET_DUMPABLE 0): no other process of the same user may
// attach to it or read its memory, open files or environment; root may. It writes no core dumps from then on.
#pragma once

#include <string_view>

namespace reliant::app {

// The variables by which this program is given secrets, or URLs that hold some.
bool is_own_secret(std::string_view name);

// Once, in main(), after Environment::of_process() and before there are threads.
void hide_process_secrets();

}  // namespace reliant::app
