// errno as a Status, with the codes that ports/filesystem.h and ports/process.h promise.
#pragma once

#include <string_view>

#include "base/status.h"

namespace reliant::adapters {

// "<what>: <text of the error>"
Status posix_error(int error, std::string_view what);
// Writes everything, whatever the kernel takes at a time.
Status write_all(int fd, std::string_view bytes, std::string_view what);

}  // namespace reliant::adapters
