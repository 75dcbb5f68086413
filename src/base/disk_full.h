// The reason of a RESOURCE_EXHAUSTED status when a disk of this machine has no room left, in the sense of a file system, a quota
// or a limit of the process: nothing was written, and the same can succeed later. HTTP clients see 507 (RFC 4918).
#pragma once

#include <string_view>

namespace reliant {

inline constexpr std::string_view kReasonDiskFull = "DISK_FULL";

}  // namespace reliant
