// Judge: the simulator's oracles on a run that was not simulated. The records of a real cluster's processes, ordered by their
// common clock (tools/real_world does it), are a trace that the same classes judge.
//
// Not judged, because only a simulation shows it: messages between processes, times to the nanosecond, and leaks at the end.
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
  std::istream& effects;  // the effects on the machines, a line of JSON each: {"user","daemon","request"} with "effect", or
  // with "out" and "err", the output of the request's processes
};

struct JudgedRun {
  std::vector<Violation> violations;
  std::size_t records = 0;
};

// INVALID_ARGUMENT: one of the three cannot be read; the line is named.
Result<JudgedRun> judge_run(const Scenario& scenario, RealRun run);

}  // namespace reliant::sim
