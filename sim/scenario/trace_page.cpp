#include "scenario/trace_page.h"

#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>
#include <string_view>
#include <system_error>

#include "base/json.h"
#include "base/text.h"
#include "kernel/trace_schema.h"

namespace reliant::sim {

// scenario/trace_page_html.cpp: the page before and after the data.
extern const std::string_view kTracePageHead;
extern const std::string_view kTracePageTail;

namespace {

// Within <script> no text may end the element, or begin a comment.
std::string harmless(std::string_view json) {
  std::string text;
  text.reserve(json.size());
  for (const char c : json) {
    if (c == '<') {
      text += "\\u003c";
    } else {
      text.push_back(c);
    }
  }
  return text;
}

// Its name.
Result<std::string> check_record(std::string_view line, std::size_t number) {
  const auto record = parse_json(line);
  if (!record.ok()) return invalid_argument("line ", number, ": not JSON: ", message_of(record.status()));
  if (!record->is_object()) return invalid_argument("line ", number, ": not a record");
  for (const char* key : {"step", "time_ns", "node"}) {
    const json::value* value = record->as_object().if_contains(key);
    if (value == nullptr || !value->is_number()) {
      return invalid_argument("line ", number, ": a record needs the number \"", key, "\"; is this a file of --trace?");
    }
  }
  for (const char* key : {"level", "name"}) {
    const json::value* value = record->as_object().if_contains(key);
    if (value == nullptr || !value->is_string()) {
      return invalid_argument("line ", number, ": a record needs the text \"", key, "\"; is this a file of --trace?");
    }
  }
  std::string name(record->as_object().at("name").as_string());
  if (name == "trace.version") {
    const json::value* version = record->as_object().if_contains("version");
    if (version == nullptr || !version->is_int64() || version->as_int64() != kTraceVersion) {
      return invalid_argument("line ", number, ": a trace of version ", version == nullptr ? "?" : to_json(*version),
                              "; this program reads version ", kTraceVersion, ": run the scenario again with it");
    }
  }
  return name;
}

}  // namespace

Result<TracePageCounts> write_trace_page(std::istream& trace, std::ostream& page) {
  TracePageCounts counts;
  page << kTracePageHead;
  std::string line;
  for (std::size_t number = 1; std::getline(trace, line); ++number) {
    if (line.empty()) continue;
    const auto name = check_record(line, number);
    if (!name.ok() && trace.eof() && !parse_json(line).ok()) {  // the run was killed during the write
      counts.torn_line = number;
      break;
    }
    TRY_OK(name.status());
    if (*name == "run.violation") ++counts.violations;
    page << (counts.records++ == 0 ? "" : ",") << '\n' << harmless(line);
  }
  if (counts.records == 0) return invalid_argument("the trace has no whole record");
  if (counts.torn_line != 0) page << concat(",\n{\"name\":\"trace.torn\",\"line\":", counts.torn_line, "}");
  page << kTracePageTail;
  return counts;
}

Result<TracePageCounts> make_trace_page(const std::string& trace_file, const std::string& page_file) {
  std::ifstream trace(trace_file);
  if (!trace || std::filesystem::is_directory(trace_file)) return not_found(trace_file, ": cannot be read");
  std::ostringstream made;
  const auto counts = write_trace_page(trace, made);
  if (!counts.ok()) return invalid_argument(trace_file, ": ", message_of(counts.status()));
  std::ofstream page(page_file);
  if (!page) return invalid_argument(page_file, ": cannot be written");
  page << made.view();
  if (!page.flush()) {
    std::error_code ignored;
    if (std::filesystem::is_regular_file(page_file, ignored)) std::filesystem::remove(page_file, ignored);
    return invalid_argument(page_file, ": writing it failed; is the disk full?");
  }
  return counts;
}

}  // namespace reliant::sim
