#include "tools/glob_tool.h"

#include "tools/file_walk.h"
#include "tools/tool_support.h"

namespace reliant::tools {
namespace {

constexpr std::string_view kUsage = R"({"pattern": string, "path"?: string, "limit"?: integer})";

}  // namespace

GlobTool::GlobTool(ports::Filesystem& filesystem) : filesystem_(filesystem) {
  descriptor_.name = "glob";
  descriptor_.description =
      "Lists the files whose path matches a pattern, sorted: * and ? within a name, ** across directories, "
      "[a-z], "
      "{a,b}. A pattern without / is matched against file names anywhere below. Use ** to list everything. "
      "Directories of version control and node_modules are left out.";
  descriptor_.parameters = R"({"type":"object","additionalProperties":false,"required":["pattern"],"properties":{)"
                           R"("pattern":{"type":"string","description":"for example src/**/*.{h,cpp}"},)"
                           R"("path":{"type":"string","description":"where to look; default: the project's directory"},)"
                           R"("limit":{"type":"integer","minimum":1,"description":"at most this many; default 1000"}}})";
  descriptor_.effect = model::Effect::kReadOnly;
}

Task<model::ToolResult> GlobTool::run(ToolInvocation invocation, ToolOutput&) {
  JsonReader reader(invocation.arguments);
  const std::string text = reader.required_string("pattern");
  const std::string asked = reader.optional_string("path").value_or(".");
  const std::int64_t limit = reader.optional_int("limit").value_or(kDefaultLimit);
  if (const Status status = reader.finish(); !status.ok()) co_return bad_arguments(status, kUsage);
  if (limit < 1) co_return refused("limit starts at 1.");
  const auto pattern = GlobPattern::make(text);
  if (!pattern.ok()) co_return refused(concat("Bad pattern: ", message_of(pattern.status()), "."));
  auto root = resolve_path(invocation.working_directory, asked);
  if (!root.ok()) co_return refused(std::string(message_of(root.status())));

  const auto walk = co_await walk_files(filesystem_, *root, kWalkLimit, invocation.deadline);
  if (!walk.ok()) co_return failed(concat("Cannot list it: ", message_of(walk.status()), "."));
  std::string found;
  std::int64_t count = 0;
  std::int64_t shown = 0;
  for (const std::string& file : walk->files) {
    if (!pattern->matches(file)) continue;
    ++count;
    if (shown >= limit || found.size() > kContentLimit) continue;
    ++shown;
    append(found, concat(shown_path(invocation.working_directory, concat(*root == "/" ? "" : *root, "/", file)), "\n"));
  }
  if (count == 0) append(found, concat("[no file matches ", text, "]\n"));
  if (shown < count) append(found, concat("[", shown, " of ", count, " shown; narrow the pattern]\n"));
  if (walk->cut) append(found, "[there are too many files to look at all of them; name a directory in path]\n");
  if (walk->unreadable > 0) append(found, concat("[", walk->unreadable, " directories could not be read]\n"));
  co_return succeeded(std::move(found));
}

}  // namespace reliant::tools
