// The faults that a scenario can order: typed, each with what it does, where and when. Options (kernel/option.h).
//
// A place is a node ("gateway-2"), a role ("gateway": the seed picks one that is up), "any", or, with `when`, "there": the
// node that the event came from. `at` counts from the beginning of the chaos, again for each of the `times`; with `when`,
// the fault waits from then on for the next event of that name.
#pragma once

#include <string>
#include <variant>
#include <vector>

#include "kernel/option.h"

namespace reliant::sim {

struct FaultTiming {
  Count times{1};
  When at{std::chrono::seconds(0), std::chrono::seconds(20)};
  std::string when;  // the name of a trace event; "" = the time alone
};

template <class Visitor>
void describe_timing(Visitor& visitor, FaultTiming& timing) {
  visitor.option("times", timing.times, 0, 1'000, "how often");
  visitor.option("at", timing.at, "the earliest time, from the beginning of the chaos");
  visitor.text("when", timing.when, "then wait for the next trace event of this name");
}

struct Crash {
  static constexpr std::string_view kName = "crash";
  static constexpr std::string_view kAbout = "a process dies, and is started again";
  FaultTiming timing;
  std::string node = "any";
  When restart_after{std::chrono::milliseconds(100), std::chrono::seconds(10)};
};

template <class Visitor>
void describe(Visitor& visitor, Crash& fault) {
  visitor.text("node", fault.node, "a node, a role, \"any\" or \"there\"");
  describe_timing(visitor, fault.timing);
  visitor.option("restart_after", fault.restart_after, "how long it is down");
}

struct Stop {
  static constexpr std::string_view kName = "stop";
  static constexpr std::string_view kAbout = "a process is asked to end (SIGTERM), ends in order, and is started again";
  FaultTiming timing;
  std::string node = "any";
  When grace{std::chrono::seconds(1), std::chrono::seconds(10)};
  When restart_after{std::chrono::milliseconds(100), std::chrono::seconds(10)};
};

template <class Visitor>
void describe(Visitor& visitor, Stop& fault) {
  visitor.text("node", fault.node, "a node, a role, \"any\" or \"there\"");
  describe_timing(visitor, fault.timing);
  visitor.option("grace", fault.grace, "by then it has ended, or it is killed two seconds later");
  visitor.option("restart_after", fault.restart_after, "how long it is down");
}

struct Pause {
  static constexpr std::string_view kName = "pause";
  static constexpr std::string_view kAbout = "a process does not run for a while (SIGSTOP); its clock goes on, what is sent to it waits";
  FaultTiming timing;
  std::string node = "any";
  When lasts{std::chrono::seconds(1), std::chrono::seconds(60)};
};

template <class Visitor>
void describe(Visitor& visitor, Pause& fault) {
  visitor.text("node", fault.node, "a node, a role, \"any\" or \"there\"");
  describe_timing(visitor, fault.timing);
  visitor.option("for", fault.lasts, "until it runs on");
}

struct LinkReset {
  static constexpr std::string_view kName = "link_reset";
  static constexpr std::string_view kAbout = "every connection of a node breaks; both sides are told";
  FaultTiming timing;
  std::string node = "any";
};

template <class Visitor>
void describe(Visitor& visitor, LinkReset& fault) {
  visitor.text("node", fault.node, "a node, a role, \"any\" or \"there\"");
  describe_timing(visitor, fault.timing);
}

struct HalfOpen {
  static constexpr std::string_view kName = "half_open";
  static constexpr std::string_view kAbout = "nothing passes any more on the connections that a node has; one side does not know";
  FaultTiming timing;
  std::string node = "any";
  std::string from = "all";
  std::string believes = "peer";
  Chance notices{500'000};
};

template <class Visitor>
void describe(Visitor& visitor, HalfOpen& fault) {
  visitor.text("node", fault.node, "a node, a role, \"any\" or \"there\"");
  visitor.text("from", fault.from, "those with a node or a role, or with \"all\" others");
  describe_timing(visitor, fault.timing);
  visitor.word("believes", fault.believes, {"peer", "node", "both"}, "who goes on believing in them");
  visitor.option("notices", fault.notices, "whose keepalive tells them in the end; otherwise something answers it");
}

struct Partition {
  static constexpr std::string_view kName = "partition";
  static constexpr std::string_view kAbout = "two nodes, or one and all others, do not reach each other; nobody is told";
  FaultTiming timing;
  std::string node = "any";
  std::string from = "all";
  std::string way = "both";
  When lasts{std::chrono::seconds(1), std::chrono::seconds(30)};
};

template <class Visitor>
void describe(Visitor& visitor, Partition& fault) {
  visitor.text("node", fault.node, "a node, a role, \"any\" or \"there\"");
  visitor.text("from", fault.from, "a node, a role, or \"all\" others");
  visitor.word("way", fault.way, {"both", "in", "out"}, "what is cut: what comes to the node, what leaves it, or both");
  describe_timing(visitor, fault.timing);
  visitor.option("for", fault.lasts, "until it is healed");
}

struct Delay {
  static constexpr std::string_view kName = "delay";
  static constexpr std::string_view kAbout = "everything between two nodes takes longer";
  FaultTiming timing;
  std::string node = "any";
  std::string from = "any";
  When by{std::chrono::milliseconds(10), std::chrono::seconds(2)};
  When lasts{std::chrono::seconds(1), std::chrono::seconds(30)};
};

template <class Visitor>
void describe(Visitor& visitor, Delay& fault) {
  visitor.text("node", fault.node, "a node, a role, \"any\" or \"there\"");
  visitor.text("from", fault.from, "a node, a role or \"any\"");
  describe_timing(visitor, fault.timing);
  visitor.option("by", fault.by, "how much longer, each way");
  visitor.option("for", fault.lasts, "until it ends");
}

// As long as the chaos lasts.
struct DatabaseLost {
  static constexpr std::string_view kName = "database_lost";
  static constexpr std::string_view kAbout = "commits whose connection is lost, during the whole chaos";
  Chance before_commit{0, 20'000};
  Chance while_committing{0, 20'000};
  Chance after_commit{0, 20'000};
  Chance aborted{0, 20'000};
};

template <class Visitor>
void describe(Visitor& visitor, DatabaseLost& fault) {
  visitor.option("before_commit", fault.before_commit, "lost before the commit was sent: nothing is written");
  visitor.option("while_committing", fault.while_committing, "sent and not arrived: in doubt, and not written");
  visitor.option("after_commit", fault.after_commit, "written and the answer lost: in doubt, and written");
  visitor.option("aborted", fault.aborted, "a serialization failure: nothing is written");
}

using Fault = std::variant<Crash, Stop, Pause, LinkReset, HalfOpen, Partition, Delay, DatabaseLost>;

}  // namespace reliant::sim
