#include "tools/tool_support.h"

#include <vector>

#include "base/utf8.h"

namespace reliant::tools {
namespace {

model::ToolResult make_result(model::Outcome outcome, bool is_error, std::string content) {
  model::ToolResult result;
  result.outcome = outcome;
  result.is_error = is_error;
  result.content = text_from_bytes(content);
  return result;
}

}  // namespace

model::ToolResult refused(std::string what) { return make_result(model::Outcome::kNotExecuted, true, std::move(what)); }
model::ToolResult failed(std::string what) { return make_result(model::Outcome::kExecuted, true, std::move(what)); }
model::ToolResult succeeded(std::string what) { return make_result(model::Outcome::kExecuted, false, std::move(what)); }
model::ToolResult bad_arguments(const Status& status, std::string_view usage) {
  return refused(concat("Bad arguments: ", message_of(status), ". Expected: ", usage));
}

Result<std::string> resolve_path(std::string_view working_directory, std::string_view path) {
  if (path.empty()) return invalid_argument("the path is empty; give the path of a file or directory");
  if (path.find('\0') != std::string_view::npos) return invalid_argument("the path holds a NUL byte");
  const bool absolute = path[0] == '/';
  const std::string whole = absolute ? std::string(path) : concat(working_directory, "/", path);
  std::vector<std::string_view> parts;
  const std::size_t start = absolute ? 0 : working_directory.size();
  std::size_t fixed = 0;  // the parts of the working directory itself, which ".." must not remove
  for (std::size_t at = 0; at < whole.size();) {
    if (at >= start && fixed == 0 && !absolute) fixed = parts.size();
    const std::size_t end = std::min(whole.find('/', at), whole.size());
    const std::string_view part = std::string_view(whole).substr(at, end - at);
    at = end + 1;
    if (part.empty() || part == ".") continue;
    if (part != "..") {
      parts.push_back(part);
    } else if (parts.size() > fixed) {
      parts.pop_back();
    } else if (!absolute) {
      return invalid_argument("\"", path, "\" leaves the working directory ", working_directory,
                              "; give an absolute path if that is meant");
    }
  }
  std::string result;
  for (const std::string_view part : parts) append(result, concat("/", part));
  return result.empty() ? "/" : result;
}

std::string shown_path(std::string_view base, std::string_view path) {
  if (path == base) return ".";
  const std::string prefix = base.ends_with('/') ? std::string(base) : concat(base, "/");
  return std::string(path.starts_with(prefix) ? path.substr(prefix.size()) : path);
}

}  // namespace reliant::tools
