// Interleavings of a small scenario, steered by coverage and judged by the simulator's oracles. The input is pairs of bytes: the
// number of choices until the next deviation from the seed's order, and the task that runs there instead.
#include <cstdio>
#include <string>

#include "fuzz_input.h"
#include "runtime/choices.h"
#include "runtime/random.h"
#include "scenario/report.h"
#include "scenario/runner.h"

namespace reliant::sim {
namespace {

// A gateway and the worker die, and a commit has no answer, while one chat runs its tools.
constexpr std::string_view kScenario = R"(
name: schedule
story: whatever runs first, every message is answered, and every tool runs once
topology: {api: 1, workers: 1, gateways: 2, daemons: 1, users: 1}
workload: {chats: 1, messages: 2, spread: 0s, cancel: 0%..20%}
faults:
  - database_lost: {while_committing: 1%, after_commit: 1%}
  - crash: {node: gateway, times: 1}
  - crash: {node: worker, times: 1}
phases: {warm_up: 2s, chaos: 10s, quiesce: 5m}
)";
constexpr std::uint64_t kSeed = 1;
constexpr std::uint32_t kStride = 16;  // choices for each unit of the first byte

class BytesChoose final : public Choices {
 public:
  explicit BytesChoose(std::string_view bytes) : bytes_(bytes) { next_pair(); }

  std::uint32_t choose(std::uint32_t count) override {
    if (left_ == 0 && pick_ >= 0) {
      const auto choice = static_cast<std::uint32_t>(pick_) % count;
      next_pair();
      return choice;
    }
    if (left_ > 0) --left_;
    return static_cast<std::uint32_t>(order_.below(count));
  }

 private:
  void next_pair() {
    pick_ = -1;
    if (bytes_.size() < 2) return;
    left_ = kStride * static_cast<unsigned char>(bytes_[0]);
    pick_ = static_cast<unsigned char>(bytes_[1]);
    bytes_.remove_prefix(2);
  }

  std::string_view bytes_;
  std::uint32_t left_ = 0;
  int pick_ = -1;
  Random order_{kSeed};
};

void check_schedule(std::string_view bytes) {
  auto scenario = read_scenario(kScenario, "fuzz/schedule_fuzz.cpp");
  RELIANT_ASSERT(scenario.ok(), "the scenario can be read");
  BytesChoose choices(bytes);
  RunOptions options;
  options.seed = kSeed;
  options.simulation.choices = &choices;
  options.check_schema = true;
  const RunReport report = run_scenario(*std::move(scenario), options);
  if (report.outcome == Outcome::kHeld) return;
  std::fputs(failure_text(report, "reliant-sim").c_str(), stderr);
  RELIANT_UNREACHABLE("every interleaving holds");
}

}  // namespace
}  // namespace reliant::sim

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  reliant::sim::check_schedule(reliant::fuzz::text_of(data, size));
  return 0;
}
