// RecordFilter: selects trace records by "name", or by "name field=value".
#pragma once

#include <string>
#include <string_view>

#include "kernel/trace.h"

namespace reliant::sim {

struct RecordFilter {
  std::string name;
  std::string field;  // "": any
  std::string value;

  static RecordFilter of(std::string_view text);
  bool fits(const TraceRecord& record) const;
};

}  // namespace reliant::sim
