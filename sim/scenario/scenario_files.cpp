#include "scenario/scenario_files.h"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string_view>

#include "base/command_line.h"
#include "base/text.h"
#include "cluster/cluster.h"
#include "kernel/simulation.h"

namespace reliant::sim {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kStart =
    R"(# `reliant-sim check FILE` says what is wrong here; `reliant-sim schema` describes every field and fault.
# Wherever a number, a time or a share stands, a range may stand, "2..6": each seed draws a value of it.
story: >-
  What happens, and why the system must survive it.
# How many processes of each role. "mode: monolith" puts all roles into one process.
topology: {api: 2, workers: 2, gateways: 2, daemons: 6, users: 2}
# What the clients do: so many chats, begun within the spread, with so many messages each.
workload: {chats: 6, messages: 1..2, spread: 5s}
# The faults. "there" is the node that the event of "when" came from.
faults:
  - crash: {node: gateway, times: 1, at: 0s..2s, when: tool.effect.started, restart_after: 1s..10s}
# What every run must have: without it, a scenario that misses its fault would hold and show nothing.
at_least:
  fault.crash: 1
  tool.effect.started: 3
# The faults stop at the end of "chaos"; every message must be answered within "quiesce".
phases: {warm_up: 5s, chaos: 30s, quiesce: 5m}
)";

std::vector<std::string> files_below(const fs::path& folder) {
  std::vector<std::string> files;
  for (const auto& entry : fs::recursive_directory_iterator(folder))
    if (entry.path().extension() == ".yaml") files.push_back(entry.path().string());
  std::ranges::sort(files);
  return files;
}

// The scenarios of this folder, or else of the checkout that the program was built in.
fs::path scenarios_folder() {
  const fs::path here = "scenarios";
  if (fs::is_directory(here)) return here;
  return (fs::canonical("/proc/self/exe").parent_path() / "../../../scenarios").lexically_normal();
}

}  // namespace

std::optional<std::string> content_of(const std::string& file) {
  std::ifstream in(file);
  if (!in || fs::is_directory(file)) return std::nullopt;
  std::ostringstream text;
  text << in.rdbuf();
  return text.str();
}

Result<Scenario> load_scenario(const std::string& file) {
  const auto text = content_of(file);
  if (!text) return not_found(file, ": cannot be read; `reliant-sim list` shows all scenarios");
  TRY_ASSIGN(Scenario scenario, read_scenario(*text, file));
  if (const std::string stem = fs::path(file).stem().string(); stem != scenario.name) {
    return invalid_argument(file, ":1:1: \"name\" is \"", scenario.name, "\"; name it as the file, \"", stem, "\"");
  }
  return scenario;
}

Result<std::vector<std::string>> files_named(const std::string& word) {
  if (fs::is_directory(word)) {
    std::vector<std::string> files = files_below(word);
    if (files.empty()) return not_found(word, ": no file below this folder ends in .yaml");
    return files;
  }
  if (fs::exists(word) || word.find('/') != std::string::npos || word.ends_with(".yaml")) return std::vector{word};
  const fs::path folder = scenarios_folder();
  const std::vector<std::string> files = fs::is_directory(folder) ? files_below(folder) : std::vector<std::string>{};
  std::vector<std::string> stems;
  for (const std::string& file : files) {
    if (fs::path(file).stem() == word) return std::vector{file};
    stems.push_back(fs::path(file).stem().string());
  }
  const std::string meant = nearest(word, std::vector<std::string_view>(stems.begin(), stems.end()));
  return not_found(word, ": cannot be read, and no scenario has this name",
                   meant.empty() ? std::string() : concat("; did you mean \"", meant, "\"?"),
                   " (`reliant-sim list` shows all scenarios)");
}

Status check_scenario(const std::string& file) {
  TRY_ASSIGN(Scenario scenario, load_scenario(file));
  draw_options(scenario, RandomStreams(1));
  Simulation simulation(1);
  DatabaseBeginnings beginnings;
  const auto cluster =
      Cluster::make(simulation, {scenario.topology, scenario.network, scenario.workload.script, scenario.file}, {}, beginnings);
  simulation.shutdown();
  return cluster.status();
}

Result<std::string> write_new_scenario(const std::string& name) {
  const std::string file = name.ends_with(".yaml") ? name : concat(name, ".yaml");
  if (fs::exists(file)) return already_exists(file, " exists; choose another name");
  std::ofstream out(file);
  out << "name: " << fs::path(file).stem().string() << "\n" << kStart;
  if (!out.flush()) return invalid_argument(file, ": cannot be written; give the path of a folder that exists");
  return file;
}

}  // namespace reliant::sim
