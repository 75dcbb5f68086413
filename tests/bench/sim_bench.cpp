// How fast the whole system runs in simulation: the smoke scenario of 29 nodes (3 api, 3 workers, 3 gateways, 20 daemons,
// with database, bus and Temporal beside them) with faults, one run an iteration, each with another seed.
// Targets: 300 simulated seconds a second, 500 thousand events a second.
#include <benchmark/benchmark.h>

#include <fstream>
#include <sstream>

#include "scenario/runner.h"

namespace reliant::sim {
namespace {

void run(benchmark::State& state, const char* file) {
  std::ifstream in(file);
  std::ostringstream text;
  text << in.rdbuf();
  const auto scenario = read_scenario(text.str(), file);
  if (!scenario.ok()) return state.SkipWithError("the scenario cannot be read: run it in the root of the checkout");
  double simulated = 0;
  double events = 0;
  RunOptions options;
  for (auto _ : state) {
    const RunReport report = run_scenario(*scenario, options);
    if (report.outcome != Outcome::kHeld) return state.SkipWithError("the run did not hold");
    simulated += std::chrono::duration<double>(report.sim_time).count();
    events += static_cast<double>(report.events);
    ++options.seed;
  }
  state.counters["times_real_time"] = benchmark::Counter(simulated, benchmark::Counter::kIsRate);
  state.counters["events_per_second"] = benchmark::Counter(events, benchmark::Counter::kIsRate);
}

BENCHMARK_CAPTURE(run, gateway_crash_during_tools, "scenarios/smoke/gateway_crash_during_tools.yaml")
    ->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(run, monolith_crash_and_restart, "scenarios/smoke/monolith_crash_and_restart.yaml")
    ->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace reliant::sim
