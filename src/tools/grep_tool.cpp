#include "tools/grep_tool.h"

#include <algorithm>
#include <memory>
#include <optional>
#include <utility>

#include <re2/re2.h>

#include "runtime/executor.h"
#include "runtime/this_context.h"
#include "tools/bounded_text.h"
#include "tools/file_walk.h"
#include "tools/tool_support.h"

namespace reliant::tools {
namespace {

constexpr std::string_view kUsage = R"({"pattern": string, "path"?: string, "glob"?: string, "ignore_case"?: boolean, )"
                                    R"("files_only"?: boolean, "limit"?: integer})";

re2::StringPiece piece(std::string_view text) { return {text.data(), text.size()}; }

std::string without_carriage_returns(const std::string& content) {
  std::string text;
  text.reserve(content.size());
  for (std::size_t i = 0; i < content.size(); ++i) {
    if (content[i] != '\r' || content.compare(i, 2, "\r\n") != 0) text.push_back(content[i]);
  }
  return text;
}

}  // namespace

struct GrepTool::Query {
  std::shared_ptr<const RE2> regex;
  std::string root;
  std::optional<GlobPattern> glob;
  bool files_only = false;
  std::int64_t limit = kDefaultLimit;
};

// What has been found so far.
struct GrepTool::Search {
  bool full(const Query& query) const { return lines >= query.limit || text.size() > kContentLimit; }

  std::string text;
  std::int64_t lines = 0;
  std::int64_t files = 0;
  std::int64_t skipped = 0;  // too large, or not to be read
  bool cut = false;
};

GrepTool::GrepTool(ports::Filesystem& filesystem) : filesystem_(filesystem) {
  descriptor_.name = "grep";
  descriptor_.description =
      "Searches files for a regular expression (RE2 syntax: no look-around, no back references) and returns "
      "path:line: text. Binary files, directories of version control and node_modules are left out.";
  descriptor_.parameters = R"({"type":"object","additionalProperties":false,"required":["pattern"],"properties":{)"
                           R"("pattern":{"type":"string","description":"regular expression, matched within one line"},)"
                           R"("path":{"type":"string","description":"a file or directory; default: the project's directory"},)"
                           R"("glob":{"type":"string","description":"only files that match, for example *.cpp or src/**"},)"
                           R"("ignore_case":{"type":"boolean"},)"
                           R"("files_only":{"type":"boolean","description":"list the files that match instead of the lines"},)"
                           R"("limit":{"type":"integer","minimum":1,"description":"at most this many results; default 200"}}})";
  descriptor_.effect = model::Effect::kReadOnly;
}

Result<GrepTool::Query> GrepTool::read_query(const ToolInvocation& invocation) {
  Query query;
  JsonReader reader(invocation.arguments);
  const std::string pattern = reader.required_string("pattern");
  const std::string path = reader.optional_string("path").value_or(".");
  const auto glob = reader.optional_string("glob");
  const bool ignore_case = reader.optional_bool("ignore_case", false);
  query.files_only = reader.optional_bool("files_only", false);
  query.limit = reader.optional_int("limit").value_or(kDefaultLimit);
  TRY_OK(reader.finish());
  if (pattern.empty()) return invalid_argument("pattern is empty");
  if (query.limit < 1) return invalid_argument("limit starts at 1");
  TRY_ASSIGN(query.root, resolve_path(invocation.working_directory, path));
  if (glob) {
    TRY_ASSIGN(query.glob, GlobPattern::make(*glob));
  }
  RE2::Options options;
  options.set_log_errors(false);
  options.set_case_sensitive(!ignore_case);
  options.set_never_nl(true);
  query.regex = std::make_shared<const RE2>(concat("(?m:", pattern, ")"), options);
  if (!query.regex->ok())
    return invalid_argument("pattern is not a regular expression: ", query.regex->error(),
                            "; escape special characters with a backslash");
  return query;
}

Task<Status> GrepTool::search_file(const Query& query, std::string path, std::string shown, Search& search) {
  const auto content = co_await filesystem_.read(std::move(path), kFileLimit);
  if (!content.ok()) co_return content.status();
  if (std::string_view(*content).substr(0, 8192).find('\0') != std::string_view::npos) co_return ok_status();
  const std::string text = without_carriage_returns(*content);
  std::int64_t number = 1;
  std::size_t counted_to = 0;
  bool counted = false;
  re2::StringPiece match;
  // One search over the whole text, from the line after the last match: no match spans lines (never_nl).
  for (std::size_t at = 0; at < text.size() && !search.full(query);) {
    if (!query.regex->Match(piece(text), at, text.size(), RE2::UNANCHORED, &match, 1)) break;
    const auto place = static_cast<std::size_t>(match.data() - text.data());
    if (place == text.size() && text.ends_with('\n')) break;  // behind the last line
    const std::size_t begin = place == 0 ? 0 : text.rfind('\n', place - 1) + 1;
    const std::size_t end = std::min(text.find('\n', place), text.size());
    number += std::count(text.begin() + static_cast<std::ptrdiff_t>(counted_to),
                         text.begin() + static_cast<std::ptrdiff_t>(begin), '\n');
    counted_to = begin;
    at = end + 1;
    if (!std::exchange(counted, true)) ++search.files;
    ++search.lines;
    if (query.files_only) {
      append(search.text, concat(shown, "\n"));
      break;
    }
    const std::string_view line = std::string_view(text).substr(begin, end - begin);
    append(search.text, concat(shown, ":", number, ": ", shortened(line, kLineLimit), "\n"));
  }
  co_return ok_status();
}

Task<model::ToolResult> GrepTool::run(ToolInvocation invocation, ToolOutput&) {
  auto query = read_query(invocation);
  if (!query.ok()) co_return bad_arguments(query.status(), kUsage);
  const Executor& executor = *(co_await ThisContext{}).executor;
  const auto info = co_await filesystem_.info(query->root);
  if (!info.ok()) co_return failed(concat("Cannot search there: ", message_of(info.status()), "."));

  Search search;
  if (info->kind != ports::FileInfo::Kind::kDirectory) {
    const Status status =
        co_await search_file(*query, query->root, shown_path(invocation.working_directory, query->root), search);
    if (!status.ok()) co_return failed(concat("Cannot read it: ", message_of(status), "."));
  } else {
    const auto walk = co_await walk_files(filesystem_, query->root, kWalkLimit, invocation.deadline);
    if (!walk.ok()) co_return failed(concat("Cannot search there: ", message_of(walk.status()), "."));
    search.cut = walk->cut;
    for (const std::string& file : walk->files) {
      if (search.full(*query)) break;
      if (query->glob && !query->glob->matches(file)) continue;
      if (executor.now() >= invocation.deadline) {
        search.cut = true;
        break;
      }
      const std::string path = concat(query->root == "/" ? "" : query->root, "/", file);
      const Status status = co_await search_file(*query, path, shown_path(invocation.working_directory, path), search);
      if (!status.ok()) ++search.skipped;
    }
  }
  if (search.lines == 0) append(search.text, "[nothing matches]\n");
  if (search.full(*query)) append(search.text, concat("[stopped after ", search.lines, " results; narrow the search]\n"));
  if (search.cut) append(search.text, "[not all files were searched; name a directory in path]\n");
  if (search.skipped > 0) append(search.text, concat("[", search.skipped, " files were too large or unreadable]\n"));
  co_return succeeded(std::move(search.text));
}

}  // namespace reliant::tools
