// All files below a directory, and the patterns that choose among them: what `glob` and `grep` have in
// common.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"
#include "ports/filesystem.h"
#include "runtime/task.h"
#include "runtime/time.h"

namespace re2 {
class RE2;
}

namespace reliant::tools {

// `*` and `?` stay within a name, `**` crosses directories, `[a-z]` and `[!a-z]`, `{a,b}`. A pattern without
// "/" is tried against the name alone, as people expect of "*.cpp".
class GlobPattern {
 public:
  static Result<GlobPattern> make(std::string_view pattern);
  bool matches(std::string_view relative_path) const;

 private:
  std::shared_ptr<const re2::RE2> regex_;
  bool name_only_ = false;
};

struct FileWalk {
  std::vector<std::string> files;  // relative to the root, sorted
  std::size_t unreadable = 0;      // directories
  bool cut = false;                // there are more than the limit, or the deadline came
};

// Skips node_modules and the directories of version control, unless `root` itself is one.
// NOT_FOUND / FAILED_PRECONDITION: `root` is no directory.
Task<Result<FileWalk>> walk_files(ports::Filesystem& filesystem, std::string root, std::size_t limit, Instant deadline);

}  // namespace reliant::tools
