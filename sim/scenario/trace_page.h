// TracePage: a trace file as one self-contained HTML page: a lane for each node, time along it, messages as arrows, faults
// shaded, the first violation in view. The page's data are the unchanged lines of the trace; it draws the visible ones, and
// bundles those that are too dense to be distinguished.
#pragma once

#include <cstddef>
#include <istream>
#include <ostream>
#include <string>

#include "base/status.h"

namespace reliant::sim {

struct TracePageCounts {
  std::size_t records = 0;
  std::size_t violations = 0;
  std::size_t torn_line = 0;  // the last one, when its end is missing: it is left out. 0: none
};

// Streams: `trace` has a record of JSON on each line (kernel/trace.h); `page` gets the HTML. INVALID_ARGUMENT: the first line
// that is no such record, with its number, or a trace of another version (kernel/trace_schema.h).
Result<TracePageCounts> write_trace_page(std::istream& trace, std::ostream& page);

// From file to file. On failure no page is written; an existing page stays if the trace is at fault.
Result<TracePageCounts> make_trace_page(const std::string& trace_file, const std::string& page_file);

}  // namespace reliant::sim
