// Expectations: the trace events that a scenario requires, and those that it forbids (kernel/record_filter.h).
//
// Owner: the run; a sink of its trace.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "kernel/record_filter.h"
#include "kernel/trace.h"
#include "oracle/verdict.h"

namespace reliant::sim {

class Expectations final : public TraceSink {
 public:
  using Numbers = std::map<std::string, std::int64_t>;

  Expectations(const Numbers& at_least, const Numbers& at_most);
  void on_record(const TraceRecord& record) override;
  void judge(Verdict& verdict) const;
  std::vector<std::string> unreached() const;  // required, and never seen

 private:
  struct Expected {
    std::string text;  // as the file has it
    RecordFilter records;
    std::int64_t bound = 0;
    bool least = false;
    std::int64_t count = 0;
  };
  void add(const Numbers& numbers, bool least);

  std::vector<Expected> all_;
};

}  // namespace reliant::sim
