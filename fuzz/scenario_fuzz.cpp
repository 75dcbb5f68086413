// Scenarios: YAML from arbitrary bytes. A valid scenario is drawn, and its model script equals the YAML of the input.
#include <array>
#include <string>

#include "base/yaml.h"
#include "fuzz_input.h"
#include "scenario/scenario.h"

namespace reliant::sim {
namespace {

// What a reader can take the scalar for: quotes around a text that is neither a number nor a truth value make no difference.
std::array<bool, 3> types_of(const YamlNode& node) { return {node.as_int().ok(), node.as_double().ok(), node.as_bool().ok()}; }

bool same(const YamlNode& a, const YamlNode& b) {
  if (a.kind != b.kind || a.key != b.key || a.scalar != b.scalar || types_of(a) != types_of(b)) return false;
  if (a.items.size() != b.items.size() || a.fields.size() != b.fields.size()) return false;
  for (std::size_t i = 0; i < a.items.size(); ++i)
    if (!same(a.items[i], b.items[i])) return false;
  for (std::size_t i = 0; i < a.fields.size(); ++i)
    if (!same(a.fields[i], b.fields[i])) return false;
  return true;
}

void check_scenario(std::string_view text) {
  auto scenario = read_scenario(text, "s.yaml");
  if (!scenario.ok()) {
    fuzz::check_refusal(scenario.status());
    RELIANT_ASSERT(message_of(scenario.status()).starts_with("s.yaml:"), "an error names file and line");
    return;
  }
  const std::string options = draw_options(*scenario, RandomStreams(7));
  RELIANT_ASSERT(options.find('\n') == std::string::npos && !options.empty(), "options are one line");
  if (scenario->workload.script.empty()) return;
  const auto whole = parse_yaml(text, "s.yaml");
  const auto script = parse_yaml(scenario->workload.script, "s.yaml");
  RELIANT_ASSERT(whole.ok() && script.ok(), "a script that was taken out can be read");
  YamlNode given = *whole->find("workload")->find("script");
  given.key.clear();
  RELIANT_ASSERT(same(given, *script), "it is the one that was given");
}

}  // namespace
}  // namespace reliant::sim

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  reliant::sim::check_scenario(reliant::fuzz::text_of(data, size));
  return 0;
}
