// Oracle: one property that must hold in every run, judged from the trace while it grows and from the final state. Each
// is a class of its own below; `make_oracles` makes all of them.
//
// Owner: the runner; oracles outlive the simulation's run. An oracle reads and remembers, and has no effect on the run.
#pragma once

#include <memory>
#include <vector>

#include "kernel/trace.h"
#include "oracle/final_state.h"
#include "oracle/verdict.h"

namespace reliant::sim {

class Oracle : public TraceSink, public DeliverySink {
 public:
  explicit Oracle(Verdict& verdict) : verdict_(verdict) {}
  // Only oracles that return true receive every message.
  virtual bool looks_at_deliveries() const { return false; }
  void on_delivery(const Delivery&) override {}
  // At the end of the run; `state` is the final state.
  virtual void finish(const FinalState& state) = 0;

 protected:
  Verdict& verdict_;
};

std::vector<std::unique_ptr<Oracle>> make_oracles(Verdict& verdict);

// "" when the record has no such field.
const std::string& text_or_empty(const TraceRecord& record, std::string_view key);
std::int64_t number_or_zero(const TraceRecord& record, std::string_view key);

}  // namespace reliant::sim
