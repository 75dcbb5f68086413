#include "adapters/posix/posix_filesystem.h"

#include <algorithm>
#include <cerrno>
#include <climits>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <optional>

#include <dirent.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include "adapters/posix/posix_error.h"
#include "adapters/posix/unique_fd.h"

namespace reliant::adapters {
namespace {

using ports::ClosedPaths;
using ports::DirectoryEntry;
using ports::FileInfo;

Status check_path(const std::string& path) {
  if (path.empty() || path[0] != '/') return invalid_argument("\"", path, "\" is not an absolute path");
  if (path.find('\0') != std::string::npos) return invalid_argument("a path holds a NUL byte");
  return ok_status();
}

// What links lead to, as far as it exists.
std::string real_path_of(const std::string& path) {
  std::error_code error;
  const auto real = std::filesystem::weakly_canonical(path, error);
  std::string text = error ? std::filesystem::path(path).lexically_normal().string() : real.string();
  while (text.size() > 1 && text.ends_with('/')) text.pop_back();
  return text;
}

Status check_closed(const ClosedPaths& closed, const std::string& path) {
  return closed.empty() ? ok_status() : closed.check(real_path_of(path), path);
}

// Of what is open by now: no link can be changed in between.
Status check_closed(const ClosedPaths& closed, const UniqueFd& fd, const std::string& path) {
  if (closed.empty()) return ok_status();
  std::string real(PATH_MAX, '\0');
  const ssize_t size = ::readlink(concat("/proc/self/fd/", fd.get()).c_str(), real.data(), real.size());
  if (size <= 0) return check_closed(closed, path);
  return closed.check(std::string_view(real).substr(0, static_cast<std::size_t>(size)), path);
}

FileInfo::Kind kind_of(mode_t mode) {
  if (S_ISREG(mode)) return FileInfo::Kind::kFile;
  if (S_ISDIR(mode)) return FileInfo::Kind::kDirectory;
  return FileInfo::Kind::kOther;
}

Result<std::string> read_file(const ClosedPaths& closed, const std::string& path, std::size_t limit) {
  TRY_OK(check_path(path));
  // Non-blocking: opening a FIFO must not hang.
  const UniqueFd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  if (!fd) return posix_error(errno, path);
  TRY_OK(check_closed(closed, fd, path));
  struct stat info{};
  if (::fstat(fd.get(), &info) != 0) return posix_error(errno, path);
  if (S_ISDIR(info.st_mode)) return failed_precondition(path, " is a directory");
  if (!S_ISREG(info.st_mode)) return failed_precondition(path, " is not a regular file");
  std::string content;
  // One byte more than it should have, so that the end is seen in one go; /proc says 0 and has more.
  std::size_t room = static_cast<std::size_t>(info.st_size) + 1;
  for (;;) {
    if (content.size() > limit || room > limit + 1) return resource_exhausted(path, " is larger than ", limit, " bytes");
    const std::size_t had = content.size();
    content.resize(had + room);
    const ssize_t got = ::read(fd.get(), content.data() + had, room);
    content.resize(had + static_cast<std::size_t>(std::max<ssize_t>(got, 0)));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return posix_error(errno, path);
    if (got == 0) return content;
    room = std::min<std::size_t>(64 * 1024, limit + 1 - std::min(limit + 1, content.size()));
    if (room == 0) return resource_exhausted(path, " is larger than ", limit, " bytes");
  }
}

// The content of a small file that the kernel has in memory; in no case does it wait for a disk or a network. Nothing: it
// has to be read as others are, which also says what is wrong with it.
std::optional<std::string> cached_file(const ClosedPaths& closed, const std::string& path, std::size_t limit) {
  constexpr std::size_t kLargest = 64 * 1024;
  if (!check_path(path).ok()) return std::nullopt;
  const open_how how{.flags = O_RDONLY | O_CLOEXEC | O_NONBLOCK, .mode = 0, .resolve = RESOLVE_CACHED};
  const UniqueFd fd(static_cast<int>(::syscall(SYS_openat2, AT_FDCWD, path.c_str(), &how, sizeof how)));
  struct statx info{};
  if (!fd || ::statx(fd.get(), "", AT_EMPTY_PATH | AT_STATX_DONT_SYNC, STATX_TYPE | STATX_SIZE, &info) != 0)
    return std::nullopt;
  if (!S_ISREG(info.stx_mode) || info.stx_size > std::min(limit, kLargest)) return std::nullopt;
  if (!check_closed(closed, fd, path).ok()) return std::nullopt;
  std::string content(info.stx_size + 1, '\0');  // one byte more, to see the end
  const iovec room{.iov_base = content.data(), .iov_len = content.size()};
  if (::preadv2(fd.get(), &room, 1, 0, RWF_NOWAIT) != static_cast<ssize_t>(info.stx_size)) return std::nullopt;
  content.resize(info.stx_size);
  return content;
}

// Removes the temporary file unless it has become the real one.
struct TemporaryFile {
  TemporaryFile() = default;
  TemporaryFile(const TemporaryFile&) = delete;
  TemporaryFile& operator=(const TemporaryFile&) = delete;
  ~TemporaryFile() {
    if (!path.empty()) ::unlink(path.c_str());
  }
  std::string path;
};

Status flush_directory(const std::string& directory) {
  const UniqueFd fd(::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!fd || ::fsync(fd.get()) != 0) return posix_error(errno, concat("cannot flush ", directory));
  return ok_status();
}

Status write_file(const std::string& asked, const std::string& content, std::uint32_t mode) {
  TRY_OK(check_path(asked));
  const std::unique_ptr<char, void (*)(void*)> real(::realpath(asked.c_str(), nullptr), &std::free);
  const std::string path = real ? real.get() : asked;
  struct stat old{};
  const bool exists = ::stat(path.c_str(), &old) == 0;
  if (exists && S_ISDIR(old.st_mode)) return failed_precondition(path, " is a directory");
  if (exists && !S_ISREG(old.st_mode)) return failed_precondition(path, " is not a regular file");
  // A rename asks only for rights on the directory; a file that may not be written stays as it is.
  if (exists && ::access(path.c_str(), W_OK) != 0) return posix_error(errno, path);

  const std::string directory = path.substr(0, std::max<std::size_t>(path.rfind('/'), 1));
  TemporaryFile temporary;
  std::string pattern = concat(directory == "/" ? "" : directory, "/.reliant-XXXXXX");
  UniqueFd fd(::mkostemp(pattern.data(), O_CLOEXEC));
  if (!fd) return posix_error(errno, path);
  temporary.path = pattern;
  TRY_OK(write_all(fd.get(), content, path));
  if (exists && (old.st_uid != ::geteuid() || old.st_gid != ::getegid())) {
    // Only root may change a file's owner; for other users the new content then belongs to its writer.
    if (::fchown(fd.get(), old.st_uid, old.st_gid) != 0 && errno != EPERM) return posix_error(errno, path);
  }
  if (::fchmod(fd.get(), exists ? old.st_mode & 07777 : mode) != 0) return posix_error(errno, path);
  if (::fsync(fd.get()) != 0) return posix_error(errno, concat("cannot flush ", path));
  if (::rename(temporary.path.c_str(), path.c_str()) != 0) return posix_error(errno, path);
  temporary.path.clear();
  return flush_directory(directory);
}

Result<FileInfo> file_info(const std::string& path) {
  TRY_OK(check_path(path));
  struct stat info{};
  if (::stat(path.c_str(), &info) != 0) return posix_error(errno, path);
  const Duration modified = std::chrono::seconds(info.st_mtim.tv_sec) + Duration(info.st_mtim.tv_nsec);
  const FileInfo::Kind kind = kind_of(info.st_mode);
  return FileInfo{kind, kind == FileInfo::Kind::kFile ? static_cast<std::uint64_t>(info.st_size) : 0, WallTime(modified)};
}

FileInfo::Kind entry_kind(int directory, const dirent& entry) {
  if (entry.d_type == DT_REG) return FileInfo::Kind::kFile;
  if (entry.d_type == DT_DIR) return FileInfo::Kind::kDirectory;
  struct stat info{};
  if (::fstatat(directory, entry.d_name, &info, AT_SYMLINK_NOFOLLOW) != 0) return FileInfo::Kind::kOther;
  if (!S_ISLNK(info.st_mode)) return kind_of(info.st_mode);
  const bool to_file = ::fstatat(directory, entry.d_name, &info, 0) == 0 && S_ISREG(info.st_mode);
  return to_file ? FileInfo::Kind::kFile : FileInfo::Kind::kOther;  // a link to a directory could be a cycle
}

Result<std::vector<DirectoryEntry>> list_directory(const std::string& path) {
  TRY_OK(check_path(path));
  const std::unique_ptr<DIR, int (*)(DIR*)> directory(::opendir(path.c_str()), &::closedir);
  if (!directory) return posix_error(errno, path);
  std::vector<DirectoryEntry> entries;
  errno = 0;
  while (const dirent* entry = ::readdir(directory.get())) {
    const std::string_view name = entry->d_name;
    if (name == "." || name == "..") continue;
    entries.push_back({std::string(name), entry_kind(::dirfd(directory.get()), *entry)});
    errno = 0;
  }
  if (errno != 0) return posix_error(errno, path);
  std::sort(entries.begin(), entries.end(), [](const auto& a, const auto& b) { return a.name < b.name; });
  return entries;
}

// The directories of the path that are not there, the innermost first.
std::vector<std::filesystem::path> missing_directories(std::filesystem::path path) {
  std::vector<std::filesystem::path> out;
  std::error_code error;
  while (!std::filesystem::exists(path, error) && path.has_relative_path()) {
    if (path.has_filename()) out.push_back(path);
    path = path.parent_path();
  }
  return out;
}

Status make_directories_now(const std::string& path, const std::optional<Inherited>& inherited) {
  TRY_OK(check_path(path));
  std::error_code error;
  const auto missing = missing_directories(path);
  std::filesystem::create_directories(path, error);
  const bool is_there = !error && std::filesystem::is_directory(path, error);
  if (!is_there && (!error || error == std::errc::file_exists)) return failed_precondition(path, " is a file");
  if (!is_there) return posix_error(error.value(), path);
  for (const auto& made : missing) {
    struct stat info{};
    if (!inherited || ::stat(made.c_str(), &info) != 0) continue;
    const mode_t mode = (info.st_mode & S_ISGID) | (0777 & ~inherited->umask);
    if (::chmod(made.c_str(), mode) != 0) return posix_error(errno, made.string());
  }
  return ok_status();
}

Status remove_now(const std::string& path) {
  TRY_OK(check_path(path));
  if (std::remove(path.c_str()) == 0) return ok_status();
  return errno == EEXIST ? failed_precondition(path, " is not empty") : posix_error(errno, path);
}

Status rename_now(const std::string& from, const std::string& to) {
  TRY_OK(check_path(from));
  TRY_OK(check_path(to));
  struct stat info{};
  if (::lstat(from.c_str(), &info) != 0) return posix_error(errno, from);
  if (::stat(to.c_str(), &info) == 0 && S_ISDIR(info.st_mode)) return failed_precondition(to, " is a directory");
  if (::rename(from.c_str(), to.c_str()) != 0) return posix_error(errno, concat(from, " to ", to));
  return ok_status();
}

Result<std::string> canonical_now(const std::string& path) {
  TRY_OK(check_path(path));
  const std::unique_ptr<char, void (*)(void*)> real(::realpath(path.c_str(), nullptr), &std::free);
  if (!real) return posix_error(errno, path);
  return std::string(real.get());
}

}  // namespace

void PosixFilesystem::close_paths(const std::vector<std::string>& paths) {
  std::vector<std::string> real;
  real.reserve(paths.size());
  for (const std::string& path : paths) real.push_back(real_path_of(path));
  closed_ = std::make_shared<const ClosedPaths>(std::move(real));
}

Task<Result<std::string>> PosixFilesystem::read(std::string path, std::size_t limit) {
  if (!threads_.busy(path)) {  // else what was asked for earlier comes first
    if (std::optional<std::string> content = cached_file(*closed_, path, limit)) co_return *std::move(content);
  }
  co_return co_await threads_.run<Result<std::string>>(
      path, [closed = closed_, path, limit] { return read_file(*closed, path, limit); });
}
Task<Status> PosixFilesystem::write(std::string path, std::string content, std::uint32_t mode) {
  return threads_.run<Status>(path, [closed = closed_, path, content = std::move(content), mode]() -> Status {
    TRY_OK(check_closed(*closed, path));
    return write_file(path, content, mode);
  });
}
Task<Result<FileInfo>> PosixFilesystem::info(std::string path) {
  return threads_.run<Result<FileInfo>>(path, [closed = closed_, path]() -> Result<FileInfo> {
    TRY_OK(check_closed(*closed, path));
    return file_info(path);
  });
}
Task<Result<std::vector<DirectoryEntry>>> PosixFilesystem::list(std::string path) {
  return threads_.run<Result<std::vector<DirectoryEntry>>>(path,
                                                           [closed = closed_, path]() -> Result<std::vector<DirectoryEntry>> {
                                                             TRY_OK(check_closed(*closed, path));
                                                             return list_directory(path);
                                                           });
}
Task<Status> PosixFilesystem::make_directories(std::string path) {
  return threads_.run<Status>(path, [closed = closed_, path, inherited = inherited_]() -> Status {
    TRY_OK(check_closed(*closed, path));
    return make_directories_now(path, inherited);
  });
}
Task<Status> PosixFilesystem::remove(std::string path) {
  return threads_.run<Status>(path, [closed = closed_, path]() -> Status {
    TRY_OK(check_closed(*closed, path));
    return remove_now(path);
  });
}
Task<Status> PosixFilesystem::rename(std::string from, std::string to) {
  return threads_.run<Status>(to, [closed = closed_, from = std::move(from), to]() -> Status {
    TRY_OK(check_closed(*closed, from));
    TRY_OK(check_closed(*closed, to));
    return rename_now(from, to);
  });
}
Task<Result<std::string>> PosixFilesystem::canonical(std::string path) {
  return threads_.run<Result<std::string>>(path, [path] { return canonical_now(path); });
}

}  // namespace reliant::adapters
