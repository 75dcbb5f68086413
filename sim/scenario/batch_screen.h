// BatchScreen: the text output of a batch: a line for each run, the violations of a failed one, and at the end the failures by
// property and the events and faults that no run had. On a terminal there is also a counter, and colour.
#pragma once

#include <cstdint>
#include <map>
#include <ostream>
#include <string>
#include <vector>

#include "scenario/batch.h"

namespace reliant::sim {

struct ScreenOptions {
  bool quiet = false;  // no line for a run that held
  bool colours = false;
  bool counter = false;    // on standard error
  std::uint64_t runs = 0;  // in all; 0: until something else ends the batch
  double seconds = 0;      // at most; 0: no limit
};

class BatchScreen {
 public:
  BatchScreen(std::ostream& out, ScreenOptions options) : out_(out), options_(options) {}

  void show(const BatchLine& line);
  void finish();

 private:
  struct FaultSeen {
    std::string what;  // "crash of gateway"
    std::uint64_t runs = 0;
    std::uint64_t fired = 0;
    std::map<std::string, std::uint64_t> reasons;
  };
  void count(const BatchLine& line);
  void show_counter(double elapsed);
  void clear_counter();

  std::ostream& out_;
  ScreenOptions options_;
  std::uint64_t held_ = 0;
  std::uint64_t failed_ = 0;
  std::map<std::string, std::uint64_t> runs_;                                       // by scenario
  std::map<std::string, std::map<std::string, std::vector<std::uint64_t>>> seeds_;  // by property and scenario
  std::map<std::string, std::map<std::string, std::uint64_t>> unreached_;           // by scenario and event
  std::map<std::string, std::map<std::size_t, FaultSeen>> faults_;                  // by scenario and number
};

}  // namespace reliant::sim
