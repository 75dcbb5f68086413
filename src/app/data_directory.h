// DataDirectory: the one place where a process keeps things, and the lock that makes it the only one (R11).
// Private to its user (0700). The lock goes with the process, however it ends.
//
//   reliant.db  temporal.db  journal.db     databases
//   token                                   the local user's token, 0600
//   address  tls-address                    "host:port" where clients connect, while the server runs
//   tls.crt  tls.key                        the server's certificate (0644) and its key (0600)
//   reliant.log                             the event log, unless it goes elsewhere
//   lock                                    held by the process whose number is in it
//   daemon.state                            what a tools daemon's process says of itself
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "adapters/posix/unique_fd.h"
#include "base/status.h"

namespace reliant::app {

class DataDirectory {
 public:
  // Creates it if need be, closes it to others (app/private_directory.h) and locks it. FAILED_PRECONDITION (field
  // --data-dir): in use, not writable, not a directory, not ours alone.
  static Result<DataDirectory> open(std::string path);

  const std::string& path() const { return path_; }
  std::string file(std::string_view name) const;
  // Whole or not at all, also when the machine stops in the middle.
  Status write_private(std::string_view name, std::string_view content) const;
  // The same, for a file that people give to others: 0644.
  Status write_public(std::string_view name, std::string_view content) const;
  // Without the line's end; nullopt: there is no such file.
  Result<std::optional<std::string>> read_line(std::string_view name) const;
  void remove(std::string_view name) const;

 private:
  Status write(std::string_view name, std::string_view content, unsigned mode) const;
  DataDirectory(std::string path, adapters::UniqueFd lock, adapters::UniqueFd self)
      : path_(std::move(path)), lock_(std::move(lock)), self_(std::move(self)) {}

  std::string path_;
  adapters::UniqueFd lock_;
  adapters::UniqueFd self_;  // the directory: a second lock, on its inode
};

// For other processes: the one that has it open, as the system says, and not a number in a file, which may be somebody
// else's by now. 0: none.
int holder_of(const std::string& directory);

// For clients, which do not lock: the first line of a file there; "" when it cannot be read.
std::string peek_line(const std::string& directory, std::string_view name);

}  // namespace reliant::app
