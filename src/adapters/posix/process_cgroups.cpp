#include "adapters/posix/process_cgroups.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <fstream>
#include <memory>
#include <utility>

#include "base/text.h"

namespace reliant::adapters {
namespace {

bool is_name(const std::string& mark) {
  constexpr std::size_t kMost = 200;
  const auto good = [](char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || c == '-';
  };
  return !mark.empty() && mark.size() <= kMost && std::ranges::all_of(mark, good);
}

// Where the file system of version 2 is mounted; "" where it is not.
std::string mount_point() {
  std::ifstream mounts("/proc/self/mounts");
  std::string device;
  std::string where;
  std::string type;
  for (std::string rest; mounts >> device >> where >> type && std::getline(mounts, rest);)
    if (type == "cgroup2") return where;
  return {};
}

// "/user.slice/…": our place in it.
std::string own_cgroup() {
  std::ifstream groups("/proc/self/cgroup");
  for (std::string line; std::getline(groups, line);)
    if (line.starts_with("0::/")) return line.substr(3);
  return {};
}

}  // namespace

std::optional<ProcessCgroups> ProcessCgroups::open() {
  const std::string mount = mount_point();
  const std::string own = own_cgroup();
  if (mount.empty() || own.empty()) return std::nullopt;
  const std::string folder = concat(mount, own == "/" ? "" : own, "/reliant-tools");
  (void)::mkdir(folder.c_str(), 0700);
  if (::access(concat(folder, "/cgroup.kill").c_str(), W_OK) != 0) return std::nullopt;
  if (::access(concat(folder, "/cgroup.procs").c_str(), W_OK) != 0) return std::nullopt;
  return ProcessCgroups(folder);
}

ProcessCgroups::ProcessCgroups(std::string folder) : folder_(std::move(folder)) {
  const std::unique_ptr<DIR, int (*)(DIR*)> left(::opendir(folder_.c_str()), &::closedir);
  while (const dirent* entry = left ? ::readdir(left.get()) : nullptr)
    if (entry->d_type == DT_DIR && is_name(entry->d_name)) marks_.insert(entry->d_name);
}

std::string ProcessCgroups::path_of(const std::string& mark) const { return concat(folder_, "/", mark); }

// The kernel refuses for those in which something runs.
void ProcessCgroups::remove_empty() {
  std::erase_if(marks_, [this](const std::string& mark) { return ::rmdir(path_of(mark).c_str()) == 0 || errno == ENOENT; });
}

UniqueFd ProcessCgroups::enter(const std::string& mark) {
  remove_empty();
  if (!is_name(mark)) return UniqueFd();
  if (::mkdir(path_of(mark).c_str(), 0700) != 0 && errno != EEXIST) return UniqueFd();
  marks_.insert(mark);
  return UniqueFd(::open(path_of(mark).c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
}

bool ProcessCgroups::kill(const std::string& mark) {
  if (!is_name(mark)) return false;
  const std::string path = path_of(mark);
  if (::rmdir(path.c_str()) == 0 || errno == ENOENT) {
    marks_.erase(mark);
    return false;
  }
  marks_.insert(mark);
  const UniqueFd file(::open(concat(path, "/cgroup.kill").c_str(), O_WRONLY | O_CLOEXEC));
  if (file) (void)!::write(file.get(), "1", 1);
  return true;
}

}  // namespace reliant::adapters
