// Random scripts against the embedded engine, served over gRPC, and a real Temporal server: every call answers the same, and the
// histories are the same event by event, but for what tests/contract/README.md lists.
#include <rapidcheck.h>
#include <rapidcheck/gtest.h>

#include <algorithm>
#include <iostream>

#include "contract/temporal/temporal_contract_grpc.h"
#include "contract/temporal/temporal_contract_player.h"

namespace reliant::tests {
namespace {

TEST(TemporalDifferential, AnswersAndWritesWhatARealServerDoes) {
  Player<ServedEngineWorld> ours;
  Player<RealTemporalWorld> real;
  int number = 0;
  // RC_PARAMS in the environment says which scripts, and how many.
  const bool same = rc::check([&] {
    const Script script = *scripts();
    const std::string name = concat("script-", ++number);
    const Lines expected = real.play(name, script);
    const Lines got = ours.play(name, script);
    const auto [theirs, mine] = std::ranges::mismatch(expected, got);
    if (theirs == expected.end() && mine == got.end()) return;
    const auto before = static_cast<std::size_t>(theirs - expected.begin());
    std::string told;
    for (std::size_t i = before < 12 ? 0 : before - 12; i < before; ++i) told += concat(expected[i], "\n");
    const std::string difference = concat("both:\n", told, "real server: ", theirs == expected.end() ? "nothing" : *theirs,
                                          "\nengine:      ", mine == got.end() ? "nothing" : *mine);
    std::cout << difference << std::endl;  // flushed, so that a timeout does not lose it
    RC_FAIL(difference);
  });
  EXPECT_TRUE(same);
}

}  // namespace
}  // namespace reliant::tests
