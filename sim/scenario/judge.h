// Judge: the simulator's oracles on a run that was not simulated. A trace is a trace: what the processes of a real cluster have
// recorded, put in order by their common clock (tools/real_world does it), is judged by the same classes.
//
// What only a simulation can show is not looked at: messages between processes, times to the nanosecond, and what is left in
// memory at the end.
#pragma once

#include <istream>
#include <string>
#include <vector>

#include "base/status.h"
#include "oracle/verdict.h"
#include "scenario/scenario.h"

namespace reliant::sim {

struct RealRun {
  std::istream& trace;    // records of JSON, a line each, as JsonLinesSink writes them, in order; client.update has, instead of
                          // a digest, the text "shown"
  std::string store;      // SQL: INSERTs of what the store holds at the end, for a database with the newest schema
  std::istream& effects;  // what the machines have seen, a line of JSON each: {"user","daemon","request"} with "effect", or
                          // with "out" and "err", what the request's processes have written
};

struct JudgedRun {
  std::vector<Violation> violations;
  std::size_t records = 0;
};

// INVALID_ARGUMENT: one of the three cannot be read; the line is named.
Result<JudgedRun> judge_run(const Scenario& scenario, RealRun run);

}  // namespace reliant::sim
