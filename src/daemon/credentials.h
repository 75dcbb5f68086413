// CredentialsFile: the credentials with which the daemon authenticates (R65 to R67): a small JSON file, mode 0600, over
// ports::Filesystem. It is replaced as a whole; what is retired is kept beside it as ".bak" (C10), so that nothing that the
// user might want back is ever destroyed.
//
// Owner: the composition root. Executor: the logic thread. Stateless. Failures: those of the file system.
#pragma once

#include <optional>
#include <string>

#include "base/ids.h"
#include "base/status.h"
#include "ports/filesystem.h"
#include "runtime/task.h"
#include "runtime/time.h"

namespace reliant::daemon {

struct Credentials {
  DaemonId daemon;
  UserId user;
  std::string token;                     // rlnt_pat_…
  std::optional<WallTime> recovered_at;  // when they took the place of others that were refused (C10)
};

std::string to_text(const Credentials& credentials);  // as the file has them

class CredentialsFile {
 public:
  // `path`: absolute (R66). `filesystem` outlives it.
  CredentialsFile(ports::Filesystem& filesystem, std::string path) : filesystem_(filesystem), path_(std::move(path)) {}

  const std::string& path() const { return path_; }
  // Nullopt: there is no file, or what is in it are no credentials.
  Task<Result<std::optional<Credentials>>> read();
  // Makes the directory if need be.
  Task<Status> write(Credentials credentials);
  // As write, with a copy of the file that was there as ".bak". At every moment one of them, or the other, is in its place.
  Task<Status> replace(Credentials credentials);
  // Moves the file away to ".bak", over an older one. OK when there is none.
  Task<Status> retire();
  // Are there retired ones?
  Task<bool> has_retired();
  // `recovered_at` of the file, or of what was retired.
  Task<std::optional<WallTime>> last_recovery();

 private:
  Task<Result<std::optional<Credentials>>> read_from(std::string path);
  std::string retired_path() const { return path_ + ".bak"; }

  ports::Filesystem& filesystem_;
  std::string path_;
};

}  // namespace reliant::daemon
