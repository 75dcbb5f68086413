// TracePage: a trace file as one HTML page that needs nothing else: a lane for each node, time along it, messages as arrows,
// faults shaded, what the oracles complain of in view. The lines of the trace are the page's data as they are; the page draws
// what is in view of them, and bundles what is too dense to be told apart.
#pragma once

#include <cstddef>
#include <istream>
#include <ostream>

#include "base/status.h"

namespace reliant::sim {

struct TracePageCounts {
  std::size_t records = 0;
  std::size_t violations = 0;
};

// Streams: `trace` has a record of JSON on each line (kernel/trace.h); `page` gets the HTML. INVALID_ARGUMENT: the first line
// that is no such record, with its number.
Result<TracePageCounts> write_trace_page(std::istream& trace, std::ostream& page);

}  // namespace reliant::sim
