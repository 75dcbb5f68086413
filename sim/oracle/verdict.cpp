#include "oracle/verdict.h"

#include <algorithm>
#include <utility>

namespace reliant::sim {

Subject subject_of(const TraceRecord& record) {
  Subject subject;
  for (const char* key : {"request_id", "chat", "daemon", "user"}) {
    const std::string* id = record.text(key);
    if (id != nullptr && !id->empty()) subject.emplace_back(key, *id);
  }
  return subject;
}

bool Verdict::any(Severity severity) const {
  return std::ranges::any_of(violations_, [&](const Violation& found) { return found.severity == severity; });
}

void Verdict::add(const TraceRecord* where, Violation violation) {
  if (where != nullptr) {
    violation.subject = subject_of(*where);
    violation.time = where->time;
    violation.step = where->step;
  }
  add(std::move(violation));
}

void Verdict::add(Violation violation) {
  if (++counts_[violation.oracle] > kKept) return;
  std::erase_if(violation.subject, [](const auto& named) { return named.second.empty(); });
  violations_.push_back(std::move(violation));
}

}  // namespace reliant::sim
