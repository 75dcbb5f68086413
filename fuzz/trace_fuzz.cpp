// Lines of a trace file: read, and judged by the oracles of the simulator; and records with any text, written and read.
#include <limits>
#include <sstream>
#include <string>

#include "fuzz_input.h"
#include "kernel/trace.h"
#include "scenario/judge.h"

namespace reliant::sim {
namespace {

constexpr std::size_t kMostLines = 50;

Result<JudgedRun> judged(const std::string& trace) {
  std::istringstream lines(trace);
  std::istringstream effects;
  return judge_run(Scenario(), RealRun{.trace = lines, .store = "", .effects = effects});
}

void check_lines(std::string_view text) {
  std::size_t lines = 0;
  for (const char c : text) lines += c == '\n' ? 1 : 0;
  if (lines > kMostLines) return;
  const auto run = judged(std::string(text));
  if (run.ok()) {
    RELIANT_ASSERT(run->records <= lines + 1, "a line is a record");
    return;
  }
  fuzz::check_refusal(run.status());
  RELIANT_ASSERT(message_of(run.status()).starts_with("the trace, line "), "an error names the line");
}

void check_record(std::string_view text) {
  TraceRecord record{7, Instant(Duration(8)), 9, Level::kWarning, "fuzz.record", {}};
  record.fields.push_back({"text", std::string(text)});
  record.fields.push_back({"number", std::numeric_limits<std::int64_t>::min()});
  const std::string line = to_json_line(record);
  RELIANT_ASSERT(line.find('\n') == std::string::npos, "a record is one line");
  const auto run = judged(line);
  RELIANT_ASSERT(run.ok() && run->records == 1, "a record that was written can be read");
}

}  // namespace
}  // namespace reliant::sim

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text = reliant::fuzz::text_of(data, size);
  reliant::sim::check_lines(text);
  reliant::sim::check_record(text);
  return 0;
}
