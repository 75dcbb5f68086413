#include "app/daemon_explanation.h"

#include <gtest/gtest.h>

namespace reliant::app {
namespace {

std::string shown(std::string_view answer) { return daemon_explanation(parse_json(answer)->as_object()); }

TEST(DaemonExplanation, NamesTheStepEachCandidateAndWhatWouldChangeTheChoice) {
  EXPECT_EQ(
      shown(R"({"daemon_id":"home","source":"chat","step":"session","selector":{"id":"home"},"must_resume":false,"problem":"",
    "candidates":[
      {"id":"home","name":"home","type":"local","status":"active","chosen":true,"why":"chosen for the chat","failed":[],"remedy":""},
      {"id":"x1","name":"my\u001b[2J box","type":"cloud","status":"disconnected","chosen":false,"why":"passed over: it sleeps",
       "failed":[],"remedy":"wake it"}]})"),
      "Daemon home would run the chat's next tool call.\n"
      "Decided by the chat's active daemon: {\"id\":\"home\"}\n"
      "\n* home  local  active      \n    chosen for the chat\n"
      "\n  x1    cloud  disconnected  \"my[2J box\"\n    passed over: it sleeps\n    to have it chosen: wake it\n");
}

TEST(DaemonExplanation, SaysWhyNoneCanBeUsed) {
  EXPECT_EQ(shown(R"({"daemon_id":"","step":"default","selector":null,"problem":"none is connected","candidates":[]})"),
            "No daemon would run the chat's next tool call: none is connected\n"
            "Decided by default: no node, workflow or chat asks for a daemon.\n");
  EXPECT_EQ(
      shown(R"({"daemon_id":"m","step":"workflow","selector":{"type":"cloud"},"problem":"it is suspended","candidates":[]})"),
      "Daemon m is to run the chat's next tool call, but not now: it is suspended\n"
      "Decided by the workflow's selector: {\"type\":\"cloud\"}\n");
}

}  // namespace
}  // namespace reliant::app
