// The schema of the trace: every record with its fields, its level and its meaning. One list for oracles, reports and
// people; a record that is not in it, or differs from it, fails the tests.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "kernel/trace.h"

namespace reliant::sim {

// The version of the lines of a trace file. It is raised when a reader of the previous version would misread them.
inline constexpr std::int64_t kTraceVersion = 1;

struct RecordSchema {
  std::string_view name;
  std::string_view levels;  // "info", or several: "warning error"
  std::string_view fields;  // in order: "user text, chat? text, sequence number"; with ? it may be missing
  std::string_view about;
};

std::span<const RecordSchema> record_schemas();  // by name
const RecordSchema* find_record_schema(std::string_view name);
// How a record differs from its schema; "" = not at all.
std::string mismatch(const TraceRecord& record);
// The JSON schema of a line of a trace file.
std::string trace_json_schema();

}  // namespace reliant::sim
