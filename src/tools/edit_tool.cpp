#include "tools/edit_tool.h"

#include <algorithm>
#include <vector>

namespace reliant::tools {
namespace {

constexpr std::string_view kUsage =
    R"({"path": string, "old_string": string, "new_string": string, "replace_all"?: boolean})";
constexpr std::size_t kLinesNamed = 10;

std::vector<std::size_t> places_of(std::string_view content, std::string_view wanted) {
  std::vector<std::size_t> places;
  for (std::size_t at = content.find(wanted); at != std::string_view::npos;
       at = content.find(wanted, at + wanted.size()))
    places.push_back(at);
  return places;
}

std::string line_numbers(std::string_view content, const std::vector<std::size_t>& places) {
  std::vector<std::string> numbers;
  std::int64_t line = 1;
  std::size_t at = 0;
  for (const std::size_t place : places) {
    if (numbers.size() == kLinesNamed) {
      numbers.emplace_back("…");
      break;
    }
    line += std::count(content.begin() + static_cast<std::ptrdiff_t>(at),
                       content.begin() + static_cast<std::ptrdiff_t>(place), '\n');
    at = place;
    numbers.push_back(concat(line));
  }
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

std::string replaced(std::string_view content, const std::vector<std::size_t>& places, std::size_t old_size,
                     std::string_view fresh) {
  std::string result;
  std::size_t at = 0;
  for (const std::size_t place : places) {
    result.append(content.substr(at, place - at));
    result.append(fresh);
    at = place + old_size;
  }
  result.append(content.substr(at));
  return result;
}

}  // namespace

EditTool::EditTool(ports::Filesystem& filesystem, std::shared_ptr<FileTurns> turns)
    : filesystem_(filesystem), turns_(std::move(turns)) {
  descriptor_.name = "edit";
  descriptor_.description =
      "Replaces old_string by new_string in a file. old_string must match exactly, with its indentation, and "
      "occur once: "
      "add lines around it to make it unique, or set replace_all.";
  descriptor_.parameters =
      R"({"type":"object","additionalProperties":false,"required":["path","old_string","new_string"],)"
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
  if (wanted.empty())
    co_return refused("old_string is empty; to make a file or replace all of it, use write.");
  if (wanted == fresh) co_return refused("old_string and new_string are equal; nothing would change.");
  auto path = resolve_path(invocation.working_directory, asked);
  if (!path.ok()) co_return refused(std::string(message_of(path.status())));

  auto real = co_await filesystem_.canonical(*path);
  if (!real.ok()) co_return refused(concat("Cannot edit it: ", message_of(real.status()), "."));
  const FileTurns::Turn turn = co_await turns_->take(*real);
  const auto content = co_await filesystem_.read(*real, kFileLimit);
  if (!content.ok()) co_return refused(concat("Cannot edit it: ", message_of(content.status()), "."));

  std::vector<std::size_t> places = places_of(*content, wanted);
  if (places.empty() && content->find("\r\n") != std::string::npos &&
      wanted.find('\r') == std::string::npos) {
    wanted = with_crlf(wanted);  // `view` does not show the \r, so the model cannot know of it
    fresh = with_crlf(fresh);
    places = places_of(*content, wanted);
  }
  if (places.empty()) co_return refused(explain_absence(asked, *content, wanted));
  if (places.size() > 1 && !all) {
    co_return refused(concat(
        "old_string occurs ", places.size(), " times in ", asked, " (lines ", line_numbers(*content, places),
        "); nothing was changed. Add lines around it to make it unique, or set replace_all."));
  }
  const Status written =
      co_await filesystem_.write(*real, replaced(*content, places, wanted.size(), fresh), 0644);
  if (!written.ok()) co_return failed(concat("Cannot write it: ", message_of(written), "."));
  co_return succeeded(concat("Edited ", asked, ": ", places.size(),
                             places.size() == 1 ? " replacement" : " replacements", " (line ",
                             line_numbers(*content, places), ")."));
}

}  // namespace reliant::tools
