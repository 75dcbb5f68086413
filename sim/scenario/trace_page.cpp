#include "scenario/trace_page.h"

#include <string>
#include <string_view>

#include "base/json.h"
#include "base/text.h"

namespace reliant::sim {

// scenario/trace_page_html.cpp: what stands before and behind the data.
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
  return std::string(record->as_object().at("name").as_string());
}

}  // namespace

Result<TracePageCounts> write_trace_page(std::istream& trace, std::ostream& page) {
  TracePageCounts counts;
  page << kTracePageHead;
  std::string line;
  for (std::size_t number = 1; std::getline(trace, line); ++number) {
    if (line.empty()) continue;
    TRY_ASSIGN(const std::string name, check_record(line, number));
    if (name == "run.violation") ++counts.violations;
    page << (counts.records++ == 0 ? "" : ",") << '\n' << harmless(line);
  }
  if (counts.records == 0) return invalid_argument("the trace is empty");
  page << kTracePageTail;
  return counts;
}

}  // namespace reliant::sim
