#include "world/sim_filesystem.h"

#include "kernel/sim_clock.h"
#include "runtime/sleep.h"
#include "runtime/this_context.h"

namespace reliant::sim {

using ports::DirectoryEntry;
using ports::FileInfo;

namespace {

std::string parent_of(const std::string& path) {
  const std::size_t slash = path.rfind('/');
  return slash == 0 ? "/" : path.substr(0, slash);
}

std::string prefix_of(const std::string& directory) { return directory == "/" ? directory : directory + "/"; }

}  // namespace

Result<std::string> SimDisk::normal(const std::string& path) {
  if (path.empty() || path[0] != '/') return invalid_argument("\"", path, "\" is not an absolute path");
  if (path.find('\0') != std::string::npos) return invalid_argument("a path holds a NUL byte");
  std::string result;
  for (std::size_t at = 0; at < path.size();) {
    const std::size_t end = std::min(path.find('/', at), path.size());
    const std::string part = path.substr(at, end - at);
    if (part == "..")
      result.resize(result.empty() ? 0 : result.rfind('/'));
    else if (!part.empty() && part != ".")
      result += "/" + part;
    at = end + 1;
  }
  return result.empty() ? "/" : result;
}

Status SimDisk::missing(const std::string& path) const {
  std::string above = path;
  while (above != "/") {
    above = parent_of(above);
    if (files_.contains(above)) return failed_precondition(path, ": ", above, " is a file");
  }
  return not_found(path, " does not exist");
}

Status SimDisk::parent_must_be_directory(const std::string& path) const {
  const std::string parent = parent_of(path);
  if (directories_.contains(parent)) return ok_status();
  if (files_.contains(parent)) return failed_precondition(parent, " is a file");
  return missing(parent);
}

const std::string* SimDisk::content(const std::string& path) const {
  const auto found = files_.find(path);
  return found == files_.end() ? nullptr : &found->second.content;
}

Result<std::string> SimDisk::read(const std::string& asked, std::size_t limit) const {
  TRY_ASSIGN(const std::string path, normal(asked));
  if (directories_.contains(path)) return failed_precondition(path, " is a directory");
  const std::string* found = content(path);
  if (!found) return missing(path);
  if (found->size() > limit) return resource_exhausted(path, " is larger than ", limit, " bytes");
  return *found;
}

Status SimDisk::write(const std::string& asked, std::string content, WallTime now) {
  TRY_ASSIGN(const std::string path, normal(asked));
  if (directories_.contains(path)) return failed_precondition(path, " is a directory");
  TRY_OK(parent_must_be_directory(path));
  const auto old = files_.find(path);
  const std::uint64_t others = used_ - (old == files_.end() ? 0 : old->second.content.size());
  if (others + content.size() > capacity_) return resource_exhausted("no space left for ", path);
  used_ = others + content.size();
  files_.insert_or_assign(path, File{std::move(content), now});
  return ok_status();
}

Result<FileInfo> SimDisk::info(const std::string& asked) const {
  TRY_ASSIGN(const std::string path, normal(asked));
  if (directories_.contains(path)) return FileInfo{FileInfo::Kind::kDirectory, 0, kWallStart};
  const auto found = files_.find(path);
  if (found == files_.end()) return missing(path);
  return FileInfo{FileInfo::Kind::kFile, found->second.content.size(), found->second.modified};
}

Result<std::vector<DirectoryEntry>> SimDisk::list(const std::string& asked) const {
  TRY_ASSIGN(const std::string path, normal(asked));
  if (files_.contains(path)) return failed_precondition(path, " is a file");
  if (!directories_.contains(path)) return missing(path);
  const std::string prefix = prefix_of(path);
  std::map<std::string, FileInfo::Kind> names;
  const auto add = [&](const std::string& entry, FileInfo::Kind kind) {
    if (entry.size() > prefix.size() && entry.starts_with(prefix) && entry.find('/', prefix.size()) == std::string::npos)
      names.emplace(entry.substr(prefix.size()), kind);
  };
  for (auto at = files_.lower_bound(prefix); at != files_.end() && at->first.starts_with(prefix); ++at)
    add(at->first, FileInfo::Kind::kFile);
  for (auto at = directories_.lower_bound(prefix); at != directories_.end() && at->starts_with(prefix); ++at)
    add(*at, FileInfo::Kind::kDirectory);
  std::vector<DirectoryEntry> entries;
  for (const auto& [name, kind] : names) entries.push_back({name, kind});
  return entries;
}

Status SimDisk::make_directories(const std::string& asked) {
  TRY_ASSIGN(const std::string path, normal(asked));
  for (std::size_t end = 1; end <= path.size() && path != "/"; ++end) {
    if (end != path.size() && path[end] != '/') continue;
    const std::string above = path.substr(0, end);
    if (files_.contains(above)) return failed_precondition(above, " is a file");
    directories_.insert(above);
  }
  return ok_status();
}

Status SimDisk::remove(const std::string& asked) {
  TRY_ASSIGN(const std::string path, normal(asked));
  if (directories_.contains(path)) {
    TRY_ASSIGN(const auto entries, list(path));
    if (!entries.empty() || path == "/") return failed_precondition(path, " is not empty");
    directories_.erase(path);
    return ok_status();
  }
  const auto found = files_.find(path);
  if (found == files_.end()) return missing(path);
  used_ -= found->second.content.size();
  files_.erase(found);
  return ok_status();
}

Status SimDisk::rename(const std::string& asked_from, const std::string& asked_to) {
  TRY_ASSIGN(const std::string from, normal(asked_from));
  TRY_ASSIGN(const std::string to, normal(asked_to));
  const bool directory = directories_.contains(from);
  if (!directory && !files_.contains(from)) return missing(from);
  if (directories_.contains(to)) return failed_precondition(to, " is a directory");
  if (directory && files_.contains(to)) return failed_precondition(to, " is a file");
  TRY_OK(parent_must_be_directory(to));
  if (directory && to.starts_with(prefix_of(from))) return invalid_argument(from, " cannot go below itself");
  if (from == to) return ok_status();
  if (!directory) {
    if (files_.contains(to)) TRY_OK(remove(to));
    auto node = files_.extract(from);
    node.key() = to;
    files_.insert(std::move(node));
    return ok_status();
  }
  const std::string prefix = prefix_of(from);
  std::map<std::string, File> moved_files;
  for (auto at = files_.lower_bound(prefix); at != files_.end() && at->first.starts_with(prefix);) {
    moved_files.emplace(prefix_of(to) + at->first.substr(prefix.size()), std::move(at->second));
    at = files_.erase(at);
  }
  files_.merge(moved_files);
  std::set<std::string> moved{to};
  directories_.erase(from);
  for (auto at = directories_.lower_bound(prefix); at != directories_.end() && at->starts_with(prefix);) {
    moved.insert(prefix_of(to) + at->substr(prefix.size()));
    at = directories_.erase(at);
  }
  directories_.merge(moved);
  return ok_status();
}

Result<std::string> SimDisk::canonical(const std::string& asked) const {
  TRY_ASSIGN(std::string path, normal(asked));
  if (!directories_.contains(path) && !files_.contains(path)) return missing(path);
  return path;
}

// --- the port ----------------------------------------------------------------------------------------------

Task<Status> SimFilesystem::reach_disk() {
  const Duration latency = random_.duration(Duration::zero(), faults_.latency);
  const bool fails = random_.chance(faults_.errors_per_million, 1'000'000);
  co_await sleep_for(latency);
  co_return fails ? unavailable("the disk reports an I/O error") : ok_status();
}

void SimFilesystem::close_paths(const std::vector<std::string>& paths) {
  std::vector<std::string> real;
  for (const std::string& path : paths) real.push_back(SimDisk::normal(path).value_or(path));
  closed_ = ports::ClosedPaths(std::move(real));
}

Task<Status> SimFilesystem::reach(std::string path) {
  CO_TRY_OK(co_await reach_disk());
  const auto real = SimDisk::normal(path);
  co_return real.ok() ? closed_.check(*real, path) : ok_status();  // the disk reports the error of an invalid path
}

Task<Result<std::string>> SimFilesystem::read(std::string path, std::size_t limit) {
  CO_TRY_OK(co_await reach(path));
  co_return disk_.read(path, limit);
}
Task<Status> SimFilesystem::write(std::string path, std::string content, std::uint32_t) {
  CO_TRY_OK(co_await reach(path));
  const Instant now = (co_await ThisContext{}).executor->now();
  co_return disk_.write(path, std::move(content), kWallStart + now.time_since_epoch());
}
Task<Result<FileInfo>> SimFilesystem::info(std::string path) {
  CO_TRY_OK(co_await reach(path));
  co_return disk_.info(path);
}
Task<Result<std::vector<DirectoryEntry>>> SimFilesystem::list(std::string path) {
  CO_TRY_OK(co_await reach(path));
  co_return disk_.list(path);
}
Task<Status> SimFilesystem::make_directories(std::string path) {
  CO_TRY_OK(co_await reach(path));
  co_return disk_.make_directories(path);
}
Task<Status> SimFilesystem::remove(std::string path) {
  CO_TRY_OK(co_await reach(path));
  co_return disk_.remove(path);
}
Task<Status> SimFilesystem::rename(std::string from, std::string to) {
  CO_TRY_OK(co_await reach(from));
  const auto real = SimDisk::normal(to);
  if (real.ok()) CO_TRY_OK(closed_.check(*real, to));
  co_return disk_.rename(from, to);
}
Task<Result<std::string>> SimFilesystem::canonical(std::string path) {
  CO_TRY_OK(co_await reach_disk());
  co_return disk_.canonical(path);
}

}  // namespace reliant::sim
