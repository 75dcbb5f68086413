#include "oracle/verdict.h"

#include <algorithm>
#include <utility>

namespace reliant::sim {

bool Verdict::any(Severity severity) const {
  return std::ranges::any_of(violations_, [&](const Violation& found) { return found.severity == severity; });
}

void Verdict::add(Severity severity, std::string_view oracle, std::string what, const TraceRecord* where) {
  auto& count = counts_.try_emplace(std::string(oracle), 0).first->second;
  if (++count > kKept) return;
  Violation violation{severity, std::string(oracle), std::move(what)};
  if (where != nullptr) {
    violation.time = where->time;
    violation.step = where->step;
  }
  violations_.push_back(std::move(violation));
}

}  // namespace reliant::sim
