// Batch: many runs on several processors. Each run happens in a child process, so that a crash ends no other run and is
// reported like any other failure; the children are forked, since a simulation has no threads. A child makes several runs
// one after the other: the position of a run among them must not matter, and tests check that.
//
// The only place of the simulator that knows real time (how long a run took) and processes.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "scenario/runner.h"

namespace reliant::sim {

struct BatchOptions {
  std::vector<Scenario> scenarios;
  std::uint64_t first_seed = 1;
  std::uint64_t last_seed = 1;
  std::size_t jobs = 1;
  bool check_determinism = false;
  bool check_schema = false;
  std::string trace_file;               // "" = none; otherwise there is one run
  std::string program = "reliant-sim";  // the path that works in any folder, for the report of a failure
  bool endless = false;                 // seeds go on after `last_seed`, until one of these two ends it
  bool until_failure = false;           // ends with the first run that does not hold
  double seconds = 0;                   // no run begins later; 0: no limit
};

// The report of one run, in the order of scenarios and seeds.
struct BatchLine {
  std::string scenario;
  std::uint64_t seed = 0;
  Outcome outcome = Outcome::kHeld;
  std::string json;
  std::string human;
  std::string failure;                  // "" when it held
  std::vector<std::string> properties;  // violated ones
  std::vector<std::string> unreached;   // expected events that did not happen
  std::vector<FaultHistory> faults;     // by number
  double elapsed = 0;                   // seconds since the batch began
};

// Returns the gravest outcome.
Outcome run_batch(const BatchOptions& options, const std::function<void(const BatchLine&)>& tell);

}  // namespace reliant::sim
