// ClosedPaths: files and directories that a Filesystem refuses to open, whatever name they are asked for by: a daemon's own
// credentials, keys and databases, which its tools have no business with.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/status.h"

namespace reliant::ports {

class ClosedPaths {
 public:
  ClosedPaths() = default;
  // Absolute, symbolic links resolved, without a "/" at the end. A directory closes all that is below it.
  explicit ClosedPaths(std::vector<std::string> real_paths) : paths_(std::move(real_paths)) {}

  bool empty() const { return paths_.empty(); }
  // PERMISSION_DENIED when `real_path`, absolute and with links resolved, is closed. `asked` is its name for the message.
  Status check(std::string_view real_path, std::string_view asked) const;

 private:
  std::vector<std::string> paths_;
};

}  // namespace reliant::ports
