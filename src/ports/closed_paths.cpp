#include "ports/closed_paths.h"

namespace reliant::ports {

Status ClosedPaths::check(std::string_view real_path, std::string_view asked) const {
  for (const std::string& closed : paths_) {
    if (!real_path.starts_with(closed)) continue;
    if (real_path.size() == closed.size() || real_path[closed.size()] == '/')
      return permission_denied(asked,
                               " belongs to reliant itself, which keeps credentials, keys or its databases there; file "
                               "tools do not open it");
  }
  return ok_status();
}

}  // namespace reliant::ports
