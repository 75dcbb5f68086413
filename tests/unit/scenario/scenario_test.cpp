// The scenario format: reading, errors, drawing.
#include "scenario/scenario.h"

#include <gtest/gtest.h>

#include <set>

#include "base/json.h"

namespace reliant::sim {
namespace {

constexpr std::string_view kHead = "name: x\nstory: y\n";

std::string error_of(std::string_view rest) {
  const auto scenario = read_scenario(concat(kHead, rest), "x.yaml");
  return scenario.ok() ? "no error" : std::string(message_of(scenario.status()));
}

TEST(Scenario, ReadsFixedNumbersRangesAndFaults) {
  const auto scenario = read_scenario(concat(kHead, R"(
topology: {mode: distributed, api: 2, daemons: 5..9}
network: {slow: 0.25%..1%}
phases: {chaos: 1.5s}
faults:
  - crash: {node: gateway, when: tool.effect.started, times: 3, restart_after: 10ms..2s}
  - database_lost: {after_commit: 5%}
  - stop: {node: worker, grace: 3s}
  - pause: {node: daemon, for: 121s}
  - half_open: {node: there, when: gateway.session.opened, from: gateway, believes: node, notices: 0%}
  - partition: {node: bus, way: in}
at_least: {fault.crash: 3, fault.pause target=api-1: 1}
at_most: {fault.stop: 2}
)"),
                                      "x.yaml");
  ASSERT_TRUE(scenario.ok()) << scenario.status();
  EXPECT_FALSE(scenario->topology.monolith());
  EXPECT_EQ(scenario->topology.api.low, 2);
  EXPECT_EQ(scenario->topology.daemons.high, 9);
  EXPECT_EQ(scenario->network.slow.low, 2'500);
  EXPECT_EQ(scenario->phases.chaos.low, std::chrono::milliseconds(1500));
  ASSERT_EQ(scenario->faults.size(), 6u);
  const auto& crash = std::get<Crash>(scenario->faults[0]);
  EXPECT_EQ(crash.node, "gateway");
  EXPECT_EQ(crash.timing.when, "tool.effect.started");
  EXPECT_EQ(crash.restart_after.high, std::chrono::seconds(2));
  EXPECT_EQ(std::get<DatabaseLost>(scenario->faults[1]).after_commit.low, 50'000);
  EXPECT_EQ(std::get<Stop>(scenario->faults[2]).grace.low, std::chrono::seconds(3));
  EXPECT_EQ(std::get<Pause>(scenario->faults[3]).lasts.high, std::chrono::seconds(121));
  EXPECT_EQ(std::get<HalfOpen>(scenario->faults[4]).believes, "node");
  EXPECT_EQ(std::get<Partition>(scenario->faults[5]).way, "in");
  EXPECT_EQ(scenario->at_least.at("fault.crash"), 3);
  EXPECT_EQ(scenario->at_least.at("fault.pause target=api-1"), 1);
  EXPECT_EQ(scenario->at_most.at("fault.stop"), 2);
}

TEST(Scenario, NamesFileAndLineOfWhatItDoesNotUnderstand) {
  EXPECT_EQ(
      error_of("topolgy: {}"),
      "x.yaml:3:1: unknown key \"topolgy\"; known here: name, story, topology, network, workload, faults, swarm, at_least, "
      "at_most, reconnect, phases");
  EXPECT_EQ(error_of("topology:\n  api: 3\n  apis: 3"),
            "x.yaml:5:3: unknown key \"apis\"; known here: mode, lane, api, workers, gateways, daemons, cloud_daemons, "
            "suspended_daemons, "
            "names, credentials, token_life, twins, intruders, users, silent_streams, floods");
  EXPECT_EQ(error_of("topology:\n  mode: both"), "x.yaml:4:3: \"mode\" must be one of distributed, monolith");
  EXPECT_EQ(error_of("topology: {api: 0}"), "x.yaml:3:12: \"api\" must be from 1 to 20");
  EXPECT_EQ(error_of("topology: {api: many}"),
            "x.yaml:3:12: \"api\": \"many\" is not a whole number, \"5\", or a range, \"2..8\"");
  EXPECT_EQ(error_of("topology: {api: 5..2}"),
            "x.yaml:3:12: \"api\": the range \"5..2\" runs backwards: write the smaller end first");
  EXPECT_EQ(error_of("phases: {chaos: 5}"),
            "x.yaml:3:10: \"chaos\": \"5\" is not a time with its unit, \"200ms\", or a range, \"1s..2s\" (ns us ms s m h)");
  EXPECT_EQ(error_of("workload: {cancel: 120%}"),
            "x.yaml:3:12: \"cancel\": \"120%\" is not a percentage, \"0.5%\", or a range, \"0%..2%\"");
  EXPECT_EQ(error_of("workload: {cancel: 0.5%, cancel: 1%}"), "x.yaml:3:26: key \"cancel\" is given twice");
  EXPECT_EQ(error_of("faults: {crash: {}}"), "x.yaml:3:1: \"faults\" must be a list: \"- crash: {node: gateway}\"");
  EXPECT_TRUE(error_of("faults:\n  - crush: {}").starts_with("x.yaml:4:5: \"crush\" is not a fault; known are crash, stop, "));
  EXPECT_EQ(error_of("faults:\n  - crash: {nod: api}"),
            "x.yaml:4:13: unknown key \"nod\"; known here: node, times, at, when, restart_after");
  EXPECT_EQ(error_of("at_least: {fault.crash: many}"), "x.yaml:3:12: \"fault.crash\" must be a number, 0 or more");
  EXPECT_EQ(
      error_of("at_most: {fault.crush: 0}"),
      "x.yaml:3:11: \"at_most\": \"fault.crush\" is not a trace record; did you mean \"fault.crash\"? (`reliant-sim schema "
      "trace` describes all)");
}

TEST(Scenario, ASwarmSwitchesFaultsOffAndRerollsNothing) {
  constexpr std::string_view kFaults = R"(
faults:
  - crash: {times: 0..100}
  - stop: {times: 0..100}
  - sleep: {clock_stands: 0%..100%}
  - bus_limits: {}
)";
  std::set<std::size_t> offs;
  for (std::uint64_t seed = 1; seed <= 50; ++seed) {
    auto all = read_scenario(concat(kHead, kFaults), "x.yaml");
    auto some = read_scenario(concat(kHead, "swarm: true", kFaults), "x.yaml");
    ASSERT_TRUE(all.ok() && some.ok());
    (void)draw_options(*all, RandomStreams(seed));
    const std::string line = draw_options(*some, RandomStreams(seed));
    EXPECT_NE(line.find("swarm.share="), std::string::npos);
    EXPECT_TRUE(all->faults_off.empty());
    offs.insert(some->faults_off.size());
    EXPECT_EQ(std::get<Crash>(all->faults[0]).timing.times.value, std::get<Crash>(some->faults[0]).timing.times.value);
    EXPECT_EQ(std::get<Sleep>(all->faults[2]).clock_stands.value, std::get<Sleep>(some->faults[2]).clock_stands.value);
  }
  EXPECT_EQ(offs.size(), 5u) << "from none to all four";
}

TEST(Scenario, RefusesATriggerThatNoRecordHas) {
  EXPECT_EQ(
      error_of("faults:\n  - crash: {node: gateway, when: tool.effect.strated}"),
      "x.yaml:4:28: \"when\": \"tool.effect.strated\" is not a trace record; did you mean \"tool.effect.started\"?; known are "
      "tool.effect.finished, tool.effect.started (`reliant-sim schema trace` describes all)");
  EXPECT_EQ(error_of("faults:\n  - crash: {when: tool.effect.started efect=read_only}"),
            "x.yaml:4:13: \"when\": \"tool.effect.started\" has no field \"efect\"; did you mean \"effect\"?; known are "
            "request_id, tool, effect, daemon, user, chat");
  EXPECT_EQ(error_of("at_least: {tool.effect.started read_only: 1}"),
            "x.yaml:3:12: \"at_least\": \"read_only\" after tool.effect.started is not a condition; give \"tool.effect.started "
            "field=value\"");
}

TEST(Scenario, RefusesAPlaceThatNotEveryRunHas) {
  EXPECT_EQ(error_of("faults:\n  - crash: {node: gatway}\ntopology: {users: 1, daemons: 2..5}"),
            "x.yaml:4:13: \"node\": \"gatway\" is not a node or role of this topology; did you mean \"gateway\"?; known are "
            "any, there, "
            "database, bus, temporal, api, worker, gateway, daemon, and the nodes api-1..3, worker-1..3, gateway-1..3, "
            "daemon-1..5");
  EXPECT_EQ(error_of("faults:\n  - crash: {node: daemon-2}\ntopology: {daemons: 2..5}"), "no error");
  EXPECT_TRUE(
      error_of("faults:\n  - crash: {node: daemon-3}\ntopology: {daemons: 2..5}")
          .starts_with("x.yaml:4:13: \"node\": \"daemon-3\" is not in every run: this topology has from 2 to 5 of daemon"));
  EXPECT_TRUE(error_of("faults:\n  - partition: {from: all, node: all}")
                  .starts_with("x.yaml:4:28: \"node\": \"all\" is not a node or role of this topology"));
  EXPECT_TRUE(
      error_of("topology: {mode: monolith}\nfaults:\n  - crash: {node: gateway}").ends_with("known are any, there, monolith"));
  EXPECT_EQ(error_of("faults:\n  - crash: {node: there}"),
            "x.yaml:4:13: \"node\": the place \"there\" needs \"when\", the event that it comes from");
}

TEST(Scenario, SaysWhereYamlEndsAndWhatWasExpected) {
  EXPECT_EQ(error_of("topology: {api: 1\n"),
            "x.yaml:4:1: missing comma in flow mapping: expected \",\" or \"}\" (in the map that begins at 3:11)");
  EXPECT_EQ(error_of("topology: {api: 1}}\n"),
            "x.yaml:3:19: flow mapping with invalid extra closing brace: expected no \"}\" or \"]\" here, since none was begun "
            "(in the map that begins at 1:1)");
}

TEST(Scenario, NeedsANameAndAStory) {
  const auto scenario = read_scenario("name: x\n", "x.yaml");
  EXPECT_EQ(message_of(scenario.status()), "x.yaml:1:1: key \"story\" is missing");
}

TEST(Scenario, KeepsTheLinesOfTheModelsScript) {
  const auto scenario = read_scenario(
      concat(kHead, "workload:\n  script:\n    name: a\n    answers:\n      - steps: [{text: \"x: y\"}]\n"), "x.yaml");
  ASSERT_TRUE(scenario.ok()) << scenario.status();
  const std::string& script = scenario->workload.script;
  const auto line_of = [&](std::string_view word) {
    return 1 + std::count(script.begin(), script.begin() + static_cast<std::ptrdiff_t>(script.find(word)), '\n');
  };
  EXPECT_EQ(script.find("answers") - script.rfind('\n', script.find("answers")), 5u) << "the column, too";
  EXPECT_EQ(line_of("name"), 5);
  EXPECT_EQ(line_of("answers"), 6);
  EXPECT_EQ(line_of("x: y"), 7);
}

TEST(Scenario, DrawsTheSameOptionsFromTheSameSeedOnly) {
  Scenario a;
  Scenario b;
  Scenario c;
  const std::string first = draw_options(a, RandomStreams(7));
  EXPECT_EQ(first, draw_options(b, RandomStreams(7)));
  EXPECT_NE(first, draw_options(c, RandomStreams(8)));
  EXPECT_NE(first.find("topology.users="), std::string::npos);
  EXPECT_EQ(first.find('\n'), std::string::npos);
}

TEST(Scenario, DrawsWithinTheRangeAndDoesNotRerollItsNeighbours) {
  for (std::uint64_t seed = 0; seed < 200; ++seed) {
    Scenario narrow;
    Scenario wide;
    narrow.topology.users = Count(3);
    draw_options(narrow, RandomStreams(seed));
    draw_options(wide, RandomStreams(seed));
    EXPECT_EQ(narrow.topology.users.value, 3);
    EXPECT_GE(wide.topology.users.value, wide.topology.users.low);
    EXPECT_LE(wide.topology.users.value, wide.topology.users.high);
    EXPECT_EQ(narrow.workload.chats.value, wide.workload.chats.value);
  }
}

TEST(Scenario, HasASchemaOfEveryKey) {
  const auto schema = parse_json(scenario_schema());
  ASSERT_TRUE(schema.ok()) << schema.status();
  const json::object& properties = schema->as_object().at("properties").as_object();
  for (const char* key : {"name", "story", "topology", "network", "workload", "faults", "at_least", "at_most", "phases"}) {
    EXPECT_TRUE(properties.contains(key)) << key;
  }
  EXPECT_EQ(schema->as_object().at("additionalProperties"), json::value(false));
  EXPECT_EQ(properties.at("faults").at("items").at("oneOf").as_array().size(), std::variant_size_v<Fault>);
}

}  // namespace
}  // namespace reliant::sim
