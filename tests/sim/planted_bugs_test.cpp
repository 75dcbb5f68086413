// The simulator finds what is broken: bugs planted in a port, in a role and in the engine, each within a few seeds, and by
// the oracle whose business it is.
#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>
#include <sstream>

#include "scenario/report.h"
#include "scenario/runner.h"
#include "sim/planted_bugs.h"

namespace reliant::sim {
namespace {

constexpr std::uint64_t kSeeds = 24;

Scenario load(const std::string& name) {
  const std::string file = concat("scenarios/smoke/", name, ".yaml");
  std::ifstream in(file);
  std::ostringstream text;
  text << in.rdbuf();
  auto scenario = read_scenario(text.str(), file);
  EXPECT_TRUE(scenario.ok()) << scenario.status();
  return *std::move(scenario);
}

// The first seed with which `oracle` complains; 0: none does.
std::uint64_t found_with_seed(const std::string& scenario, const Decorators& bug, std::string_view oracle) {
  const Scenario loaded = load(scenario);
  for (std::uint64_t seed = 1; seed <= kSeeds; ++seed) {
    RunOptions options;
    options.seed = seed;
    options.decorators = bug;
    const RunReport report = run_scenario(loaded, options);
    const auto complaint = std::ranges::find_if(
        report.violations, [&](const Violation& violation) { return violation.oracle.starts_with(oracle); });
    if (complaint == report.violations.end()) continue;
    std::printf("found with seed %llu: %s: %s\n", static_cast<unsigned long long>(seed), complaint->oracle.c_str(),
                complaint->what.c_str());
    return seed;
  }
  return 0;
}

TEST(PlantedBugs, ForgetfulJournalRunsAToolTwice) {
  EXPECT_NE(found_with_seed("gateway_crash_during_tools", journal_that_forgets(), "tool."), 0u);
}

TEST(PlantedBugs, MisroutingBusLeaksBetweenChats) {
  EXPECT_NE(found_with_seed("chats_with_parallel_tools", bus_that_misroutes(), "isolation.chat"), 0u);
}

TEST(PlantedBugs, GuessingGatewayViolatesHonesty) {
  EXPECT_NE(found_with_seed("gateway_crash_during_tools", gateway_that_guesses(), "tool.honest"), 0u);
}

TEST(PlantedBugs, EngineThatLosesSignalsLeavesAMessageUnanswered) {
  EXPECT_NE(found_with_seed("chats_with_parallel_tools", engine_that_loses_signals(), "liveness."), 0u);
}

// Without a bug the same runs hold: the violations above come from the bugs.
TEST(PlantedBugs, NoViolationWithoutAPlantedBug) {
  for (const char* name : {"chats_with_parallel_tools", "gateway_crash_during_tools"}) {
    const RunReport report = run_scenario(load(name), {.seed = 1});
    EXPECT_EQ(report.outcome, Outcome::kHeld) << failure_text(report, "reliant-sim");
  }
}

}  // namespace
}  // namespace reliant::sim
