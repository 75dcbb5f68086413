// Random scripts for the differential test of ports::Temporal: what clients and workers do, one step after the other. A step
// chooses by numbers among what there is when it is played; what cannot be done then is left out, on either server alike.
#pragma once

#include <rapidcheck.h>

#include <cstddef>
#include <cstdint>
#include <ostream>
#include <string_view>
#include <utility>
#include <vector>

namespace reliant::tests {

// A command of a workflow task. `pick` chooses a variant, or which one of what there is.
struct Want {
  enum class Kind : std::uint8_t {
    kLongTimer,
    kShortTimer,
    kCancelTimer,
    kActivity,
    kActivityNobodyTakes,
    kActivityThatHangs,
    kCancelActivity,
    kMarker,
    kMemo,
    kChild,
    kSignalOther,
    kCancelOther,
    kComplete,
    kFail,
    kCancel,
    kContinueAsNew
  };
  Kind kind = Kind::kMarker;
  std::size_t pick = 0;

  bool ends_run() const { return kind >= Kind::kComplete; }
  // What comes of it comes by itself, a moment later: it is waited for. Of two, no server promises which comes first.
  bool is_awaited() const {
    switch (kind) {
      case Kind::kShortTimer:
      case Kind::kActivityNobodyTakes:
      case Kind::kActivityThatHangs:
      case Kind::kChild:
      case Kind::kSignalOther:
      case Kind::kCancelOther:
        return true;
      default:
        return false;
    }
  }
};

struct Step {
  enum class Kind : std::uint8_t {
    kStart,
    kSignal,
    kSignalWithStart,
    kRequestCancel,
    kTerminate,
    kQuery,
    kPoll,
    kAnswer,
    kFailTask,
    kPollActivity,
    kCompleteActivity,
    kFailActivity,
    kHeartbeat,
    kAnswerCanceled,
    kList,
    kCount,
    kDescribeQueue,
    kReadBackwards,
    kDelete,
    kCompleteById,
    kFailById,
    kHeartbeatById,
    kAnswerCanceledById
  };
  Kind kind = Kind::kPoll;
  std::size_t flow = 0;  // which workflow
  std::size_t pick = 0;
  std::vector<Want> wants;   // of an answer
  bool forces_task = false;  // and what it asks for
  bool takes_next = false;
  bool sticks = false;  // the next task is to come to the same worker
};
using Script = std::vector<Step>;

inline std::ostream& operator<<(std::ostream& out, const Want& want) {
  static constexpr std::string_view kNames[] = {
      "long timer",          "short timer",     "cancel timer", "activity", "activity without a worker",
      "activity that hangs", "cancel activity", "marker",       "memo",     "child",
      "signal other",        "cancel other",    "complete",     "fail",     "cancel",
      "continue as new"};
  return out << kNames[static_cast<std::size_t>(want.kind)] << " " << want.pick;
}

inline std::ostream& operator<<(std::ostream& out, const Step& step) {
  static constexpr std::string_view kNames[] = {"start",
                                                "signal",
                                                "signal with start",
                                                "request cancel",
                                                "terminate",
                                                "query",
                                                "poll",
                                                "answer",
                                                "fail task",
                                                "poll activity",
                                                "complete activity",
                                                "fail activity",
                                                "heartbeat",
                                                "answer canceled",
                                                "list",
                                                "count",
                                                "describe queue",
                                                "read backwards",
                                                "delete",
                                                "complete by id",
                                                "fail by id",
                                                "heartbeat by id",
                                                "answer canceled by id"};
  out << "\n  " << kNames[static_cast<std::size_t>(step.kind)] << " of " << step.flow << ", " << step.pick;
  if (step.kind != Step::Kind::kAnswer) return out;
  for (const Want& want : step.wants) out << " [" << want << "]";
  return out << (step.forces_task ? " forces a task" : "") << (step.takes_next ? " takes the next" : "")
             << (step.sticks ? " sticks" : "");
}

inline rc::Gen<Want> wants() {
  using Kind = Want::Kind;
  return rc::gen::build<Want>(rc::gen::set(&Want::kind, rc::gen::weightedElement<Kind>({{3, Kind::kLongTimer},
                                                                                        {2, Kind::kShortTimer},
                                                                                        {3, Kind::kCancelTimer},
                                                                                        {10, Kind::kActivity},
                                                                                        {1, Kind::kActivityNobodyTakes},
                                                                                        {1, Kind::kActivityThatHangs},
                                                                                        {3, Kind::kCancelActivity},
                                                                                        {1, Kind::kMarker},
                                                                                        {1, Kind::kMemo},
                                                                                        {4, Kind::kChild},
                                                                                        {2, Kind::kSignalOther},
                                                                                        {2, Kind::kCancelOther},
                                                                                        {2, Kind::kComplete},
                                                                                        {2, Kind::kFail},
                                                                                        {1, Kind::kCancel},
                                                                                        {2, Kind::kContinueAsNew}})),
                              rc::gen::set(&Want::pick, rc::gen::inRange<std::size_t>(0, 24)));
}

inline rc::Gen<Script> scripts() {
  using Kind = Step::Kind;
  return rc::gen::container<Script>(
      rc::gen::build<Step>(rc::gen::set(&Step::kind, rc::gen::weightedElement<Kind>({{6, Kind::kStart},
                                                                                     {5, Kind::kSignal},
                                                                                     {3, Kind::kSignalWithStart},
                                                                                     {3, Kind::kRequestCancel},
                                                                                     {1, Kind::kTerminate},
                                                                                     {4, Kind::kQuery},
                                                                                     {18, Kind::kPoll},
                                                                                     {18, Kind::kAnswer},
                                                                                     {2, Kind::kFailTask},
                                                                                     {9, Kind::kPollActivity},
                                                                                     {4, Kind::kCompleteActivity},
                                                                                     {4, Kind::kFailActivity},
                                                                                     {2, Kind::kHeartbeat},
                                                                                     {2, Kind::kAnswerCanceled},
                                                                                     {2, Kind::kList},
                                                                                     {2, Kind::kCount},
                                                                                     {1, Kind::kDescribeQueue},
                                                                                     {2, Kind::kReadBackwards},
                                                                                     {1, Kind::kDelete},
                                                                                     {2, Kind::kCompleteById},
                                                                                     {2, Kind::kFailById},
                                                                                     {1, Kind::kHeartbeatById},
                                                                                     {1, Kind::kAnswerCanceledById}})),
                           rc::gen::set(&Step::flow, rc::gen::inRange<std::size_t>(0, 3)),
                           rc::gen::set(&Step::pick, rc::gen::inRange<std::size_t>(0, 24)),
                           rc::gen::set(&Step::wants, rc::gen::scale(0.05, rc::gen::container<std::vector<Want>>(wants()))),
                           rc::gen::set(&Step::forces_task, rc::gen::weightedElement<bool>({{5, false}, {1, true}})),
                           rc::gen::set(&Step::takes_next, rc::gen::weightedElement<bool>({{4, false}, {1, true}})),
                           rc::gen::set(&Step::sticks, rc::gen::weightedElement<bool>({{3, false}, {1, true}}))));
}

}  // namespace reliant::tests
