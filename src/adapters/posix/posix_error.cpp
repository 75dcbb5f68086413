#include "adapters/posix/posix_error.h"

#include <cerrno>
#include <system_error>

#include <unistd.h>

namespace reliant::adapters {
namespace {

StatusCode code_of(int error) {
  switch (error) {
    case ENOENT:
      return StatusCode::kNotFound;
    case EEXIST:
      return StatusCode::kAlreadyExists;
    case EACCES:
    case EPERM:
    case EROFS:
      return StatusCode::kPermissionDenied;
    case EISDIR:
    case ENOTDIR:
    case ENOTEMPTY:
    case EBUSY:
    case EXDEV:
    case ELOOP:
      return StatusCode::kFailedPrecondition;
    case ENOSPC:
    case EDQUOT:
    case EFBIG:
    case EMFILE:
    case ENFILE:
    case ENOMEM:
    case EAGAIN:
      return StatusCode::kResourceExhausted;
    case EINVAL:
    case ENAMETOOLONG:
    case ENOEXEC:
    case E2BIG:
      return StatusCode::kInvalidArgument;
    default:
      return StatusCode::kUnavailable;
  }
}

}  // namespace

Status posix_error(int error, std::string_view what) {
  return make_status(code_of(error), what, ": ", std::generic_category().message(error));
}

Status write_all(int fd, std::string_view bytes, std::string_view what) {
  while (!bytes.empty()) {
    const ssize_t written = ::write(fd, bytes.data(), bytes.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return posix_error(errno, concat("cannot write ", what));
    bytes.remove_prefix(static_cast<std::size_t>(written));
  }
  return ok_status();
}

}  // namespace reliant::adapters
