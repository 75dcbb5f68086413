#include "app/data_directory.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <fstream>

#include "adapters/posix/posix_error.h"
#include "app/private_directory.h"
#include "base/cause.h"
#include "base/text.h"

namespace reliant::app {
namespace {

using adapters::UniqueFd;

std::string error_text() { return std::strerror(errno); }

struct flock whole_file() {
  struct flock lock{};
  lock.l_type = F_WRLCK;
  lock.l_whence = SEEK_SET;
  return lock;
}

}  // namespace

Result<DataDirectory> DataDirectory::open(std::string path) {
  TRY_OK(make_private_directory(path));
  UniqueFd lock(::open((path + "/lock").c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
  if (!lock) return unusable_directory(path, "is not writable: " + error_text());
  if (::flock(lock.get(), LOCK_EX | LOCK_NB) != 0) {
    if (errno != EWOULDBLOCK) return unusable_directory(path, "cannot be locked: " + error_text());
    const std::string holder = peek_line(path, "lock");
    return unusable_directory(path, concat("is in use", holder.empty() ? "" : " by process ", holder, ": stop that one first"));
  }
  // The directory itself, too: removing the file `lock` does not admit a second process. Not every file system can.
  UniqueFd self(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!self) return unusable_directory(path, "cannot be read: " + error_text());
  if (::flock(self.get(), LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK)
    return unusable_directory(path, "is in use by a process whose file `lock` has been removed: stop that one first");
  // The number in the file is for people. This lock is for programs: the system says who has it.
  struct flock mine = whole_file();
  if (::fcntl(lock.get(), F_SETLK, &mine) != 0) return unusable_directory(path, "cannot be locked: " + error_text());
  const std::string number = concat(::getpid(), "\n");
  if (::ftruncate(lock.get(), 0) != 0) return unusable_directory(path, "is not writable: " + error_text());
  if (const Status written = adapters::write_all(lock.get(), number, "lock"); !written.ok()) {
    return unusable_directory(path, concat("is not writable: ", described(written)));
  }
  return DataDirectory(std::move(path), std::move(lock), std::move(self));
}

std::string DataDirectory::file(std::string_view name) const { return concat(path_, "/", name); }

Status DataDirectory::write_private(std::string_view name, std::string_view content) const {
  return write(name, content, 0600);
}

Status DataDirectory::write_public(std::string_view name, std::string_view content) const { return write(name, content, 0644); }

Status DataDirectory::write(std::string_view name, std::string_view content, unsigned mode) const {
  const std::string target = file(name);
  const std::string draft = target + ".new";
  UniqueFd out(::open(draft.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600));
  if (!out || ::fchmod(out.get(), mode) != 0) return adapters::posix_error(errno, concat("cannot write ", draft));
  TRY_OK(adapters::write_all(out.get(), content, concat("cannot write ", draft)));
  if (::fsync(out.get()) != 0) return adapters::posix_error(errno, concat("cannot write ", draft));
  if (::rename(draft.c_str(), target.c_str()) != 0) return adapters::posix_error(errno, concat("cannot write ", target));
  return ok_status();
}

Result<std::optional<std::string>> DataDirectory::read_line(std::string_view name) const {
  const std::string path = file(name);
  if (::access(path.c_str(), F_OK) != 0) return std::nullopt;
  std::ifstream in(path);
  std::string line;
  if (!std::getline(in, line)) return failed_precondition(path, " is empty or cannot be read; remove it");
  return line;
}

void DataDirectory::remove(std::string_view name) const { ::unlink(file(name).c_str()); }

int holder_of(const std::string& directory) {
  const UniqueFd lock(::open((directory + "/lock").c_str(), O_RDONLY | O_CLOEXEC));
  struct flock theirs = whole_file();
  if (!lock || ::fcntl(lock.get(), F_GETLK, &theirs) != 0 || theirs.l_type == F_UNLCK) return 0;
  return theirs.l_pid;
}

std::string peek_line(const std::string& directory, std::string_view name) {
  std::ifstream in(concat(directory, "/", name));
  std::string line;
  std::getline(in, line);
  return line;
}

}  // namespace reliant::app
