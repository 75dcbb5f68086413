#include "tools/view_tool.h"

#include <algorithm>

#include "tools/bounded_text.h"
#include "tools/tool_support.h"

namespace reliant::tools {
namespace {

constexpr std::string_view kUsage = R"({"path": string, "offset"?: integer (first line, from 1), "limit"?: integer (lines)})";

std::string numbered(std::int64_t number, std::string_view line) {
  const std::string digits = concat(number);
  const std::string padding(digits.size() < 6 ? 6 - digits.size() : 0, ' ');
  return concat(padding, digits, "\t", shortened(line, ViewTool::kLineLimit), "\n");
}

model::ToolResult page(std::string_view shown, std::string_view content, std::int64_t offset, std::int64_t limit) {
  std::int64_t number = 0;
  std::int64_t last = 0;
  std::string text;
  bool full = false;
  for (std::size_t at = 0; at < content.size();) {
    const std::size_t end = std::min(content.find('\n', at), content.size());
    ++number;
    full = full || text.size() > ViewTool::kContentLimit;
    if (number >= offset && number - offset < limit && !full) {
      std::string_view line = content.substr(at, end - at);
      if (line.ends_with('\r')) line.remove_suffix(1);
      append(text, std::string_view(numbered(number, line)));
      last = number;
    }
    at = end + 1;
  }
  if (number == 0) return succeeded(concat("[", shown, " is empty]"));
  if (offset > number) return failed(concat(shown, " has ", number, " lines; give an offset from 1 to ", number, "."));
  if (offset > 1 || last < number) append(text, concat("[lines ", offset, " to ", last, " of ", number));
  if (last < number) append(text, concat("; go on with offset ", last + 1));
  if (offset > 1 || last < number) append(text, "]\n");
  return succeeded(std::move(text));
}

}  // namespace

ViewTool::ViewTool(ports::Filesystem& filesystem) : filesystem_(filesystem) {
  descriptor_.name = "view";
  descriptor_.description = "Shows a text file with line numbers. Long files come in pages: the last line says how to go on.";
  descriptor_.parameters = R"({"type":"object","additionalProperties":false,"required":["path"],"properties":{)"
                           R"("path":{"type":"string","description":"absolute, or relative to the project's directory"},)"
                           R"("offset":{"type":"integer","minimum":1,"description":"the first line to show"},)"
                           R"("limit":{"type":"integer","minimum":1,"description":"how many lines; default 1500"}}})";
  descriptor_.effect = model::Effect::kReadOnly;
}

Task<model::ToolResult> ViewTool::run(ToolInvocation invocation, ToolOutput&) {
  JsonReader reader(invocation.arguments);
  const std::string asked = reader.required_string("path");
  const std::int64_t offset = reader.optional_int("offset").value_or(1);
  const std::int64_t limit = reader.optional_int("limit").value_or(kDefaultLines);
  if (const Status status = reader.finish(); !status.ok()) co_return bad_arguments(status, kUsage);
  if (offset < 1 || limit < 1) co_return refused("offset and limit start at 1.");
  auto path = resolve_path(invocation.working_directory, asked);
  if (!path.ok()) co_return refused(std::string(message_of(path.status())));

  const auto content = co_await filesystem_.read(*path, kFileLimit);
  if (content.status().code() == StatusCode::kFailedPrecondition)
    co_return failed(concat(message_of(content.status()), ". To see what is in a directory, use glob."));
  if (!content.ok()) co_return failed(concat("Cannot read it: ", message_of(content.status()), "."));
  if (std::string_view(*content).substr(0, 8192).find('\0') != std::string_view::npos)
    co_return failed(concat(asked, " is a binary file of ", content->size(), " bytes."));
  co_return page(asked, *content, offset, limit);
}

}  // namespace reliant::tools
