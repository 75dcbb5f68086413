#include "tools/write_tool.h"

#include <algorithm>

namespace reliant::tools {
namespace {

constexpr std::string_view kUsage = R"({"path": string, "content": string})";

}  // namespace

WriteTool::WriteTool(ports::Filesystem& filesystem, std::shared_ptr<FileLocks> locks)
    : filesystem_(filesystem), locks_(std::move(locks)) {
  descriptor_.name = "write";
  descriptor_.description =
      "Writes a whole file: makes it, and the directories above it, or replaces its content. To change a "
      "part of a "
      "file, use edit.";
  descriptor_.parameters = R"({"type":"object","additionalProperties":false,"required":["path","content"],"properties":{)"
                           R"("path":{"type":"string","description":"absolute, or relative to the project's directory"},)"
                           R"("content":{"type":"string","description":"the whole content of the file"}}})";
  descriptor_.effect = model::Effect::kIdempotent;
}

Task<model::ToolResult> WriteTool::run(ToolInvocation invocation, ToolOutput&) {
  JsonReader reader(invocation.arguments);
  const std::string asked = reader.required_string("path");
  const std::string content = reader.required_string("content");
  if (const Status status = reader.finish(); !status.ok()) co_return bad_arguments(status, kUsage);
  auto path = resolve_path(invocation.working_directory, asked);
  if (!path.ok()) co_return refused(std::string(message_of(path.status())));

  const auto real = co_await filesystem_.canonical(*path);
  if (real.status().code() == StatusCode::kDeadlineExceeded)
    co_return refused(concat("Nothing was written: ", message_of(real.status()), "."));
  const auto lock = co_await locks_->lock(real.value_or(*path));
  if (!real.ok()) {
    const std::string directory = path->substr(0, std::max<std::size_t>(path->rfind('/'), 1));
    const Status made = co_await filesystem_.make_directories(directory);
    if (!made.ok()) co_return failed(concat("Cannot make the directory: ", message_of(made), "."));
  }
  const Status written = co_await filesystem_.write(*path, content, 0644);
  if (!written.ok()) co_return failed(concat("Cannot write it: ", message_of(written), "."));
  const auto lines = std::count(content.begin(), content.end(), '\n') + (content.empty() || content.ends_with('\n') ? 0 : 1);
  co_return succeeded(
      concat("Wrote ", asked, ": ", content.size(), " bytes, ", lines, " lines", real.ok() ? "." : " (a new file)."));
}

}  // namespace reliant::tools
