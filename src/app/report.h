// What a command says to people. How it ends badly: one line on the standard error, no stack trace, and an exit code for scripts.
#pragma once

#include <string>

#include "base/status.h"

namespace reliant::app {

inline constexpr int kFailed = 1;
inline constexpr int kUsage = 2;
inline constexpr int kInternalError = 70;  // an exception that nothing handles: a defect, or no memory (EX_SOFTWARE)

// "reliant: the data directory … is in use …". The exit code: kUsage when a flag or argument is wrong, else
// kFailed.
int report(const Status& status);
// "reliant: warning: …", on the standard error.
void warn(const std::string& line);
// "reliant: …", on the standard error: what a command waits for.
void note(const std::string& line);
// A line to people, at once, whatever reads it.
void say(const std::string& line);

}  // namespace reliant::app
