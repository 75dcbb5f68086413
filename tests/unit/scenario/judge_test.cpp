// The oracles on a run that was not simulated: its evidence is read correctly, and they report its violations.
#include "scenario/judge.h"

#include <gtest/gtest.h>

#include <sstream>

#include "base/text.h"

namespace reliant::sim {
namespace {

constexpr std::string_view kNodes =
    R"({"step":1,"time_ns":1,"node":0,"level":"info","name":"run.node","id":1,"called":"daemon-1","role":"daemon","user":"u","daemon":"d"}
{"step":2,"time_ns":2,"node":1,"level":"info","name":"node.started","called":"daemon-1","life":1}
)";
constexpr std::string_view kTool =
    R"({"step":3,"time_ns":3,"node":1,"level":"info","name":"tool.effect.started","request_id":"r","tool":"bash","effect":"non_idempotent","daemon":"d","user":"u","chat":"c"}
{"step":4,"time_ns":4,"node":1,"level":"info","name":"tool.effect.finished","request_id":"r","tool":"bash","effect":"non_idempotent","daemon":"d","user":"u","chat":"c"}
)";
constexpr std::string_view kStore =
    "INSERT INTO users (id, name, created_at) VALUES ('u', 'ann', 1);\n"
    "INSERT INTO projects (id, user_id, name, path, created_at) VALUES ('p', 'u', 'it''s', '/', 1);\n";

struct Evidence {
  std::string trace = concat(kNodes, kTool);
  std::string store = std::string(kStore);
  std::string effects = R"({"user":"u","daemon":"d","request":"r","effect":"effect once"})";
};

Result<JudgedRun> judge(const Evidence& evidence, Scenario scenario = {}) {
  std::istringstream trace(evidence.trace);
  std::istringstream effects(evidence.effects);
  return judge_run(scenario, {trace, evidence.store, effects});
}

std::string said(const Result<JudgedRun>& judged) {
  if (!judged.ok()) return std::string(message_of(judged.status()));
  std::string out;
  for (const Violation& violation : judged->violations) out += concat(violation.oracle, ": ", violation.what, "\n");
  return out;
}

TEST(Judge, HasNothingToSayOfARunThatHeld) {
  const auto judged = judge({});
  EXPECT_EQ(said(judged), "");
  ASSERT_TRUE(judged.ok());
  EXPECT_EQ(judged->records, 4u);
}

TEST(Judge, SeesAnEffectThatHappenedTwice) {
  Evidence evidence;
  evidence.effects = concat(evidence.effects, "\n", evidence.effects);
  EXPECT_NE(said(judge(evidence)).find("tool.at_most_once: machine of u/d: \"effect once\" happened twice"), std::string::npos);
}

TEST(Judge, MissesWhatTheScenarioExpects) {
  Scenario scenario;
  scenario.at_least["fault.crash"] = 1;
  EXPECT_NE(said(judge({}, scenario)).find("expectation: found 0 of fault.crash"), std::string::npos);
}

TEST(Judge, SaysWhichRecordIsNotOfTheSchema) {
  Evidence evidence;
  evidence.trace = concat(kNodes, R"({"step":3,"time_ns":3,"node":0,"level":"info","name":"fault.healed","by":"extra"})");
  EXPECT_NE(said(judge(evidence)).find("schema: "), std::string::npos);
}

TEST(Judge, NamesTheLineThatItCannotRead) {
  Evidence evidence;
  evidence.trace = concat(kNodes, "{\"step\":3}\n");
  EXPECT_NE(said(judge(evidence)).find("the trace, line 3: "), std::string::npos);
  evidence = {};
  evidence.effects = "nothing";
  EXPECT_NE(said(judge(evidence)).find("the effects, line 1: "), std::string::npos);
  evidence = {};
  evidence.store = "INSERT INTO nothing VALUES (1);";
  EXPECT_NE(said(judge(evidence)).find("the store: "), std::string::npos);
}

}  // namespace
}  // namespace reliant::sim
