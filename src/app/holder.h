// Holder: the process that has a data directory open, by a pidfd, not by its number: a signal to it
// reaches that process or none, even if the number is reused.
#pragma once

#include <optional>
#include <string>

#include "adapters/posix/unique_fd.h"
#include "base/status.h"
#include "runtime/time.h"

namespace reliant::app {

class Holder {
 public:
  // nullopt: no process has it open.
  static Result<std::optional<Holder>> of(const std::string& directory);

  int process() const { return process_; }
  // A signal's number. OK also when the process has just ended.
  Status signal(int number) const;
  // Blocks. False: it has not ended in that time.
  bool wait_for_end(Duration timeout) const;

 private:
  Holder(int process, adapters::UniqueFd handle) : process_(process), handle_(std::move(handle)) {}

  int process_;
  adapters::UniqueFd handle_;
};

}  // namespace reliant::app
