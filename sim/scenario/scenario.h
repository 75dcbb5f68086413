// Scenario: one file of scenarios/: a topology, a network, a workload, faults, expectations, and the length of each phase.
// Every section names its fields once (`describe`); reading, the JSON schema, drawing and printing follow from it.
#pragma once

#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"
#include "cluster/topology.h"
#include "faults/fault_plan.h"
#include "kernel/option.h"
#include "runtime/random.h"
#include "workload/workload_plan.h"

namespace reliant::sim {

struct Phases {
  Span warm_up{std::chrono::seconds(5)};
  Span chaos{std::chrono::seconds(30)};
  Span quiesce{std::chrono::minutes(5)};
};

template <class Visitor>
void describe(Visitor& visitor, Phases& phases) {
  visitor.option("warm_up", phases.warm_up, "everything starts, before the first message");
  visitor.option("chaos", phases.chaos, "messages and faults");
  visitor.option("quiesce", phases.quiesce, "at most, after healing: by then every message was answered");
}

// Expectations of the start, and of the reconnect storm after a gateway's first crash.
struct ReconnectExpectation {
  Span first_within{Duration::zero()};
  Span within{Duration::zero()};
  Count peak_to_mean{0};
};

template <class Visitor>
void describe(Visitor& visitor, ReconnectExpectation& reconnect) {
  visitor.option("first_within", reconnect.first_within, "after the start, every daemon has its first stream; 0s: not checked");
  visitor.option("within", reconnect.within, "every daemon that has lost its stream has one again; 0s: not checked");
  visitor.option(
      "peak_to_mean", reconnect.peak_to_mean, 0, 1'000,
      "streams opened in the busiest second, in relation to the mean; the ratio must be lower than this; 0: not checked");
}

struct Scenario {
  std::string file;
  std::string name;
  std::string story;
  Topology topology;
  NetworkPlan network;
  WorkloadPlan workload;
  std::vector<Fault> faults;
  std::string swarm = "false";
  std::set<std::size_t> faults_off;              // by the swarm's draw
  std::map<std::string, std::int64_t> at_least;  // trace events (scenario/expectations.h), by the end
  std::map<std::string, std::int64_t> at_most;
  ReconnectExpectation reconnect;
  Phases phases;
};

template <class Visitor>
void describe(Visitor& visitor, Scenario& scenario) {
  visitor.required_text("name", scenario.name, "the name of the file, without .yaml");
  visitor.required_text("story", scenario.story, "what happens, and why the system must tolerate it");
  visitor.section("topology", scenario.topology, "the processes");
  visitor.section("network", scenario.network, "latency, loss and crashes of the network between the nodes");
  visitor.section("workload", scenario.workload, "the behaviour of the clients");
  visitor.list("faults", scenario.faults, "the faults");
  visitor.word("swarm", scenario.swarm, {"true", "false"}, "true: each seed switches some of the faults off");
  visitor.numbers(
      "at_least", scenario.at_least,
      "trace events, \"name\" or \"name field=value\", and the minimum of each in every run: a scenario whose fault never "
      "takes effect shows nothing");
  visitor.numbers("at_most", scenario.at_most, "likewise, with the maximum of each");
  visitor.section("reconnect", scenario.reconnect, "how fast the daemons connect, and reconnect when a gateway dies");
  visitor.section("phases", scenario.phases, "how long");
}

// INVALID_ARGUMENT "file:line:column: the error".
Result<Scenario> read_scenario(std::string_view text, std::string_view file);
// The JSON schema of such a file.
std::string scenario_schema();
// Draws every option, each from a stream of its own. Returns "topology.api=3 …", all of them, on one line.
std::string draw_options(Scenario& scenario, const RandomStreams& streams);

}  // namespace reliant::sim
