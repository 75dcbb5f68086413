// How a command ends badly: one line on the standard error, no stack trace, and an exit code for scripts.
#pragma once

#include "base/status.h"

namespace reliant::app {

inline constexpr int kFailed = 1;
inline constexpr int kUsage = 2;

// "reliant: the data directory … is in use …". The exit code: kUsage when a flag or argument is wrong, else
// kFailed.
int report(const Status& status);

}  // namespace reliant::app
