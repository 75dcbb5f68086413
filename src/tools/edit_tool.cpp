#include "tools/edit_tool.h"

#include <algorithm>
#include <vector>

namespace reliant::tools {
namespace {

constexpr std::string_view kUsage = R"({"path": string, "old_string": string, "new_string": string, "replace_all"?: boolean})";
constexpr std::size_t kLinesNamed = 10;

// Calls `use` with each place of `wanted`, as long as it returns true. A list of all places would be larger than the file.
template <class Use>
void each_place(std::string_view content, std::string_view wanted, Use use) {
  std::size_t at = content.find(wanted);
  while (at != std::string_view::npos && use(at)) at = content.find(wanted, at + wanted.size());
}

std::size_t count_places(std::string_view content, std::string_view wanted) {
  std::size_t count = 0;
  each_place(content, wanted, [&](std::size_t) {
    ++count;
    return true;
  });
  return count;
}

std::string line_numbers(std::string_view content, std::string_view wanted) {
  std::vector<std::string> numbers;
  std::int64_t line = 1;
  std::size_t counted = 0;
  each_place(content, wanted, [&](std::size_t place) {
    if (numbers.size() == kLinesNamed) {
      numbers.emplace_back("…");
      return false;
    }
    line += std::count(content.begin() + static_cast<std::ptrdiff_t>(counted),
                       content.begin() + static_cast<std::ptrdiff_t>(place), '\n');
    counted = place;
    numbers.push_back(concat(line));
    return true;
  });
  return join(numbers, ", ");
}

std::string without_whitespace(std::string_view text) {
  std::string kept;
  std::copy_if(text.begin(), text.end(), std::back_inserter(kept),
               [](char c) { return c != ' ' && c != '\t' && c != '\n' && c != '\r'; });
  return kept;
}

std::string with_crlf(std::string_view text) {
  std::string result;
  result.reserve(text.size() + static_cast<std::size_t>(std::count(text.begin(), text.end(), '\n')));
  for (const char c : text) append(result, c == '\n' ? std::string_view("\r\n") : std::string_view(&c, 1));
  return result;
}

// Why the text was not found, as far as that can be seen.
std::string explain_absence(std::string_view shown, std::string_view content, std::string_view wanted) {
  std::string text = concat("old_string was not found in ", shown, "; nothing was changed. ");
  const std::string bare = without_whitespace(wanted);
  if (!bare.empty() && without_whitespace(content).find(bare) != std::string::npos)
    return text +
           "The same text is there with other spaces, tabs or line ends: view the lines and copy them "
           "exactly.";
  return text + "View the file, and copy the text to be replaced exactly, without the line numbers.";
}

std::string replaced(std::string_view content, std::string_view wanted, std::string_view fresh, std::size_t size) {
  std::string result;
  result.reserve(size);
  std::size_t kept = 0;
  each_place(content, wanted, [&](std::size_t place) {
    result.append(content.substr(kept, place - kept));
    result.append(fresh);
    kept = place + wanted.size();
    return true;
  });
  result.append(content.substr(kept));
  return result;
}

}  // namespace

EditTool::EditTool(ports::Filesystem& filesystem, std::shared_ptr<FileLocks> locks)
    : filesystem_(filesystem), locks_(std::move(locks)) {
  descriptor_.name = "edit";
  descriptor_.description =
      "Replaces old_string by new_string in a file. old_string must match exactly, with its indentation, and "
      "occur once: "
      "add lines around it to make it unique, or set replace_all.";
  descriptor_.parameters = R"({"type":"object","additionalProperties":false,"required":["path","old_string","new_string"],)"
                           R"("properties":{)"
                           R"("path":{"type":"string","description":"absolute, or relative to the project's directory"},)"
                           R"("old_string":{"type":"string","description":"the text to replace, exactly as in the file"},)"
                           R"("new_string":{"type":"string","description":"what to put there"},)"
                           R"("replace_all":{"type":"boolean","description":"replace every occurrence"}}})";
  descriptor_.effect = model::Effect::kNonIdempotent;
}

Task<model::ToolResult> EditTool::run(ToolInvocation invocation, ToolOutput&) {
  JsonReader reader(invocation.arguments);
  const std::string asked = reader.required_string("path");
  std::string wanted = reader.required_string("old_string");
  std::string fresh = reader.required_string("new_string");
  const bool all = reader.optional_bool("replace_all", false);
  if (const Status status = reader.finish(); !status.ok()) co_return bad_arguments(status, kUsage);
  if (wanted.empty()) co_return refused("old_string is empty; to make a file or replace all of it, use write.");
  if (wanted == fresh) co_return refused("old_string and new_string are equal; nothing would change.");
  auto path = resolve_path(invocation.working_directory, asked);
  if (!path.ok()) co_return refused(std::string(message_of(path.status())));

  auto real = co_await filesystem_.canonical(*path);
  if (!real.ok()) co_return refused(concat("Cannot edit it: ", message_of(real.status()), "."));
  const auto lock = co_await locks_->lock(*real);
  const auto content = co_await filesystem_.read(*real, kFileLimit);
  if (!content.ok()) co_return refused(concat("Cannot edit it: ", message_of(content.status()), "."));

  std::size_t count = count_places(*content, wanted);
  if (count == 0 && content->find("\r\n") != std::string::npos && wanted.find('\r') == std::string::npos) {
    wanted = with_crlf(wanted);  // `view` does not show the \r, so the model cannot know of it
    fresh = with_crlf(fresh);
    count = count_places(*content, wanted);
  }
  if (count == 0) co_return refused(explain_absence(asked, *content, wanted));
  if (count > 1 && !all) {
    co_return refused(concat("old_string occurs ", count, " times in ", asked, " (lines ", line_numbers(*content, wanted),
                             "); nothing was changed. Add lines around it to make it unique, or set replace_all."));
  }
  const std::size_t size = content->size() - count * wanted.size() + count * fresh.size();
  if (size > kFileLimit) {
    co_return refused(concat("The file would have ", size, " bytes after ", count, " replacements; ", kFileLimit,
                             " is the most for edit. Nothing was changed. Use a shorter new_string, or bash."));
  }
  const Status written = co_await filesystem_.write(*real, replaced(*content, wanted, fresh, size), 0644);
  if (!written.ok()) co_return failed(concat("Cannot write it: ", message_of(written), "."));
  co_return succeeded(concat("Edited ", asked, ": ", count, count == 1 ? " replacement" : " replacements", " (line ",
                             line_numbers(*content, wanted), ")."));
}

}  // namespace reliant::tools
