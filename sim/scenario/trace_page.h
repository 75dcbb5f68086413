// TracePage: a trace file as one HTML page that needs nothing else: a lane for each node, time along it, messages as arrows,
// faults shaded, what the oracles complain of in view. The lines of the trace are the page's data as they are; the page draws
// what is in view of them, and bundles what is too dense to be distinguished.
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

// From file to file. Where it fails there is no page; one that was there before stays when the trace is at fault.
Result<TracePageCounts> make_trace_page(const std::string& trace_file, const std::string& page_file);

}  // namespace reliant::sim
