// Background: a process of its own, in no terminal's session, for the rest of a command; the starter learns how the
// beginning went and goes on (`reliant daemon start --background`).
//
// Begun before anything else of the process is made: only the thread that calls it goes on in the new process.
#pragma once

#include <optional>
#include <string>

#include "adapters/posix/unique_fd.h"
#include "base/status.h"
#include "runtime/time.h"

namespace reliant::app {

class Background {
 public:
  // In the new process: an object whose started() must be called within `timeout`. Where it was called: the exit code, after
  // that, or after the new process has ended; what there is to say has been said.
  static Result<Background> begin(Duration timeout);
  const std::optional<int>& exit_code() const { return exit_code_; }

  // Sends the starter a line and the exit code to end with; detaches from the terminal.
  void started(int exit_code, const std::string& line);

 private:
  explicit Background(adapters::UniqueFd tell) : tell_(std::move(tell)) {}
  explicit Background(int exit_code) : exit_code_(exit_code) {}

  adapters::UniqueFd tell_;
  std::optional<int> exit_code_;
};

}  // namespace reliant::app
