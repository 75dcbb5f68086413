// Runner: one run of a scenario with one seed: everything starts and warms up; clients and faults (chaos); every fault is
// healed; every accepted message is answered (quiesce); the final check.
//
// It reads no real clock, starts no process and writes no file: the same seed gives the same report on every machine.
#pragma once

#include <cstdint>
#include <iosfwd>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "cluster/cluster.h"
#include "faults/fault_engine.h"
#include "kernel/hash_ladder.h"
#include "oracle/verdict.h"
#include "scenario/scenario.h"

namespace reliant::sim {

// In order of severity; the values are the exit codes of reliant-sim.
enum class Outcome : std::uint8_t {
  kHeld = 0,
  kBadFile = 1,   // the scenario contradicts itself
  kBroken = 2,    // an invariant
  kNotLive = 3,   // in time
  kCrashed = 4,   // the simulator itself, by a failed assertion
  kDiffered = 5,  // from another run of the same seed
};

std::string_view to_string(Outcome outcome);

struct RunOptions {
  std::uint64_t seed = 1;
  std::ostream* trace = nullptr;                  // JSON lines; borrowed
  SimulationOptions simulation{.trace_keep = 0};  // oracles and the trace file are sinks; kept records have no reader
  DatabaseBeginnings* beginnings = nullptr;       // shared by the runs of a process, one after the other; null: its own
  Decorators decorators;                          // of tests, to plant bugs
  bool check_schema = false;                      // a record that does not match sim/kernel/trace_schema.h breaks the run
};

struct RunReport {
  std::string scenario;
  std::string file;
  std::uint64_t seed = 0;
  std::string options;  // every drawn one
  Outcome outcome = Outcome::kHeld;
  std::uint64_t hash = 0;
  std::uint64_t events = 0;
  Duration sim_time{};
  std::vector<Violation> violations;
  std::map<std::string, std::int64_t> counters;  // trace records by name
  std::vector<std::string> unreached;            // events of at_least of which there was none
  std::vector<FaultHistory> faults;              // by number
  HashLadder ladder{1};
};

RunReport run_scenario(Scenario scenario, const RunOptions& options);

// Runs twice. If the second run differs from the first, the report's outcome is kDiffered, and its first violation names the
// first step that differed, with the next records of both runs.
RunReport run_twice(const Scenario& scenario, const RunOptions& options);

}  // namespace reliant::sim
