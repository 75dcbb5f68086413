// Directories that hold databases, tokens and logs: of this process's user alone (0700), and the files in them too (0600).
#pragma once

#include <string>

#include "base/status.h"

namespace reliant::app {

// Made if need be, with those above it. One that others may look into, from an older version or another program, is closed to
// them when there is nothing in it but files of ours; so are its databases and logs. FAILED_PRECONDITION (field --data-dir): it
// cannot be made, is a file, belongs to another user, or is shared (/tmp, a home directory), with the remedy.
Status make_private_directory(const std::string& path);

// FAILED_PRECONDITION (field --data-dir): "the data directory PATH `why`; choose another one with --data-dir".
Status unusable_directory(std::string_view path, std::string_view why);

}  // namespace reliant::app
