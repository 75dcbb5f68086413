// What the standard tools have in common: paths of the project, results, and locks of files.
#pragma once

#include <string>
#include <string_view>

#include "base/json.h"
#include "base/status.h"
#include "model/tool.h"
#include "runtime/keyed_mutex.h"

namespace reliant::tools {

// The tool has done nothing; `what` says why and what to do instead.
model::ToolResult refused(std::string what);
// It ran and failed.
model::ToolResult failed(std::string what);
model::ToolResult succeeded(std::string what);
// For the status of JsonReader::finish: names the field, and repeats the usage.
model::ToolResult bad_arguments(const Status& status, std::string_view usage);

// An absolute path without "." and "..". A relative one starts in `working_directory` and must not leave it:
// a model that counts its "../" wrong would write into somebody else's files. An absolute path goes where it
// says.
Result<std::string> resolve_path(std::string_view working_directory, std::string_view path);
// `path` as seen from `base` when it lies below, else as it is.
std::string shown_path(std::string_view base, std::string_view path);

// By path. A file is changed by one tool at a time: of two edits made in parallel, the second must see the first.
using FileLocks = KeyedMutex<std::string>;

}  // namespace reliant::tools
