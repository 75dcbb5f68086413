#include "app/private_directory.h"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <string_view>

#include "base/text.h"

namespace reliant::app {
namespace {

constexpr mode_t kOfOthers = S_IRWXG | S_IRWXO;
constexpr std::string_view kPublic = "tls.crt";  // for clients

// Of the files that programs of ours keep in such a directory: "reliant.db-wal", "api.log.2", "tls.key.bak".
constexpr std::string_view kNames[] = {
    "lock", "token", "address", "tls-address", "daemon.state", "daemon.json", "reliant-daemon.json"};
constexpr std::string_view kKinds[] = {".db",  ".db-wal", ".db-shm", ".db-journal", ".log",
                                       ".old", ".new",    ".crt",    ".key",        ".bak"};

bool is_number(std::string_view text) {
  return !text.empty() && text.find_first_not_of("0123456789") == std::string_view::npos;
}

bool is_name_of_ours(std::string_view name) {
  if (std::ranges::find(kNames, name) != std::end(kNames)) return true;
  if (const std::size_t dot = name.rfind('.'); dot != std::string_view::npos && is_number(name.substr(dot + 1)))
    name = name.substr(0, dot);
  return std::ranges::any_of(kKinds, [&](std::string_view kind) { return name.ends_with(kind); });
}

// A file that is not ours, or "".
std::string stranger_in(const std::string& path) {
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator(path, error)) {
    std::string name = entry.path().filename().string();
    if (!is_name_of_ours(name) || !entry.is_regular_file(error)) return name;
  }
  return error ? error.message() : "";
}

// Files of versions that left them open to others.
void close_files(const std::string& path) {
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator(path, error)) {
    const std::string name = entry.path().filename().string();
    if (!is_name_of_ours(name) || name == kPublic) continue;
    struct stat info{};
    if (::lstat(entry.path().c_str(), &info) != 0 || !S_ISREG(info.st_mode) || info.st_uid != ::geteuid()) continue;
    // By its name, not by a descriptor: to close one would give up our own lock on the file.
    if ((info.st_mode & kOfOthers) != 0) (void)::chmod(entry.path().c_str(), info.st_mode & ~kOfOthers & 07777);
  }
}

Status close_to_others(const std::string& path, const struct stat& info) {
  const std::string remedy = concat("close it to others (chmod 700 ", path, ")");
  if ((info.st_mode & S_ISVTX) != 0) return unusable_directory(path, "is shared by several users");
  if (const std::string stranger = stranger_in(path); !stranger.empty()) {
    return unusable_directory(
        path, concat("can be read by other users, and has files that are not of this program (", stranger, "): ", remedy));
  }
  if (::chmod(path.c_str(), info.st_mode & ~kOfOthers & 07777) != 0)
    return unusable_directory(path, concat("can be read by other users: ", remedy, ": ", std::strerror(errno)));
  return ok_status();
}

}  // namespace

Status unusable_directory(std::string_view path, std::string_view why) {
  return with_field(failed_precondition("the data directory ", path, " ", why, "; choose another one with --data-dir"),
                    "--data-dir");
}

Status make_private_directory(const std::string& path) {
  std::error_code error;
  const auto parent = std::filesystem::path(path).parent_path();
  if (!parent.empty()) std::filesystem::create_directories(parent, error);
  if (error) return unusable_directory(path, concat("cannot be made: ", error.message()));
  if (::mkdir(path.c_str(), 0700) != 0 && errno != EEXIST)
    return unusable_directory(path, concat("cannot be made: ", std::strerror(errno)));
  struct stat info{};
  if (::stat(path.c_str(), &info) != 0) return unusable_directory(path, concat("cannot be read: ", std::strerror(errno)));
  if (!S_ISDIR(info.st_mode)) return unusable_directory(path, "is a file");
  if (info.st_uid != ::geteuid()) {
    return unusable_directory(path, concat("belongs to another user (number ", info.st_uid, "; this process is ", ::geteuid(),
                                           "): run as that one, or give it to this one (chown ", ::geteuid(), " ", path, ")"));
  }
  if ((info.st_mode & kOfOthers) != 0) TRY_OK(close_to_others(path, info));
  close_files(path);
  return ok_status();
}

}  // namespace reliant::app
