// The schema of the trace: which records there are, with which fields, at which level, and what each of them says. One list for
// oracles, reports and people; a record that is not in it, or differs, fails the tests.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "kernel/trace.h"

namespace reliant::sim {

// Of the lines of a trace file. It goes up when a program that reads the lines of before would misread them.
inline constexpr std::int64_t kTraceVersion = 1;

struct RecordSchema {
  std::string_view name;
  std::string_view levels;  // "info", or several: "warning error"
  std::string_view fields;  // in order: "user text, chat? text, sequence number"; with ? it may be missing
  std::string_view about;
};

std::span<const RecordSchema> record_schemas();  // by name
const RecordSchema* find_record_schema(std::string_view name);
// What is wrong with a record; "" = nothing.
std::string mismatch(const TraceRecord& record);
// Of a line of a trace file, as a JSON schema.
std::string trace_json_schema();

}  // namespace reliant::sim
