// Verdict: what the oracles have to say against a run. The first few complaints of each are kept, all are counted.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "kernel/trace.h"

namespace reliant::sim {

enum class Severity : std::uint8_t {
  kBroken,   // something happened that must never happen
  kNotLive,  // something that must happen at last has not happened in time
};

struct Violation {
  Severity severity = Severity::kBroken;
  std::string oracle;
  std::string what;
  Instant time{};
  std::uint64_t step = 0;  // of the run; 0 = found at its end
};

class Verdict {
 public:
  static constexpr std::size_t kKept = 5;  // of each oracle

  void broken(std::string_view oracle, std::string what, const TraceRecord* where = nullptr) {
    add(Severity::kBroken, oracle, std::move(what), where);
  }
  void not_live(std::string_view oracle, std::string what, const TraceRecord* where = nullptr) {
    add(Severity::kNotLive, oracle, std::move(what), where);
  }

  const std::vector<Violation>& violations() const { return violations_; }
  bool any(Severity severity) const;

 private:
  void add(Severity severity, std::string_view oracle, std::string what, const TraceRecord* where);

  std::map<std::string, std::size_t, std::less<>> counts_;
  std::vector<Violation> violations_;
};

}  // namespace reliant::sim
