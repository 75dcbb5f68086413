#include "oracle/admission_oracle.h"

#include "base/text.h"

namespace reliant::sim {

// One that is told at the door to come again was not begun.
void AdmissionOracle::on_record(const TraceRecord& record) {
  const std::string_view name = record.name;
  if (name == "gateway.registration.begun") {
    const std::int64_t at_once = ++registering_[record.node];
    if (at_once <= kAtOnce) return;
    verdict_.broken("admission.bounded", concat("a gateway registers ", at_once, " daemons at a time; ", kAtOnce, " are to be the most"),
                    &record);
  } else if (name == "gateway.session.opened" ||
             (name == "gateway.session.refused" && number_or_zero(record, "retry_after_us") == 0)) {
    --registering_[record.node];
  } else if (name == "node.crashed" || name == "node.exited") {
    registering_.erase(record.node);
  }
}

}  // namespace reliant::sim
