#include "oracle/calm.h"

#include <algorithm>

namespace reliant::sim {

void Calm::on_record(const TraceRecord& record) {
  if (!record.name.starts_with("fault.")) return;
  if (record.is("fault.healed")) {
    for (Fault& fault : faults_) fault.to = std::min(fault.to, record.time);
    return;
  }
  const std::int64_t* lasts = record.number("lasts_us");
  // Faults without a duration last until everything is healed.
  const bool ends = lasts != nullptr || record.is("fault.restarted");
  const Duration time = std::chrono::microseconds(lasts == nullptr ? 0 : *lasts);
  faults_.push_back({record.time, ends ? after(record.time, time) : kNever});
}

bool Calm::between(Instant from, Instant to) const {
  return std::ranges::none_of(faults_,
                              [&](const Fault& fault) { return fault.from <= to && after(fault.to, kAftermath) >= from; });
}

Instant Calm::since(Instant now) const {
  Instant over{};
  for (const Fault& fault : faults_) {
    if (fault.from <= now) over = std::max(over, after(fault.to, kAftermath));
  }
  return over;
}

}  // namespace reliant::sim
