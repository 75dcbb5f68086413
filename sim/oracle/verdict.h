// Verdict: the violations that the oracles have found in a run. The first few of each are kept, all are counted.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "kernel/trace.h"

namespace reliant::sim {

enum class Severity : std::uint8_t {
  kBroken,   // something happened that must never happen
  kNotLive,  // something that must happen eventually has not happened in time
};

// The ids that a violation is about, under their field names in the trace's records: {{"request_id", "req_…"}, …}. The
// narrowest comes first: the trace page shows its records.
using Subject = std::vector<std::pair<std::string, std::string>>;

Subject subject_of(const TraceRecord& record);

struct Moment {
  Instant time{};
  std::uint64_t step = 0;
};

struct Violation {
  Severity severity = Severity::kBroken;
  std::string oracle;
  std::string what;
  Subject subject{};
  Instant time{};
  std::uint64_t step = 0;  // of the run; 0 = found at its end
};

class Verdict {
 public:
  static constexpr std::size_t kKept = 5;  // of each oracle

  // With a record: the record at which the violation shows; the violation is about the ids in it.
  void broken(std::string_view oracle, std::string what, const TraceRecord* where = nullptr) {
    add(where, {Severity::kBroken, std::string(oracle), std::move(what)});
  }
  void not_live(std::string_view oracle, std::string what, const TraceRecord* where = nullptr) {
    add(where, {Severity::kNotLive, std::string(oracle), std::move(what)});
  }
  void broken(std::string_view oracle, std::string what, Subject subject, Moment at = {}) {
    add({Severity::kBroken, std::string(oracle), std::move(what), std::move(subject), at.time, at.step});
  }
  void not_live(std::string_view oracle, std::string what, Subject subject, Moment at = {}) {
    add({Severity::kNotLive, std::string(oracle), std::move(what), std::move(subject), at.time, at.step});
  }

  const std::vector<Violation>& violations() const { return violations_; }
  bool any(Severity severity) const;

 private:
  void add(const TraceRecord* where, Violation violation);
  void add(Violation violation);

  std::map<std::string, std::size_t, std::less<>> counts_;
  std::vector<Violation> violations_;
};

}  // namespace reliant::sim
