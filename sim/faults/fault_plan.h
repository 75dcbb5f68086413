// The faults that a scenario can order: typed, each with what it does, where and when. Options (kernel/option.h).
//
// A place is a node ("gateway-2"), a role ("gateway": the seed picks one that is up), "any", or, with `when`, "there": the
// node that the event came from. `at` counts from the beginning of the chaos, again for each of the `times`; with `when`,
// the fault waits from then on for the next event of that name.
#pragma once

#include <cstdint>
#include <string>
#include <variant>
#include <vector>

#include "kernel/option.h"

namespace reliant::sim {

enum class Places : std::uint8_t { kOne, kOneOrAll };  // what a field takes: a place, or "all" as well

struct FaultTiming {
  Count times{1};
  When at{std::chrono::seconds(0), std::chrono::seconds(20)};
  std::string when;  // the name of a trace event; "" = the time alone
};

template <class Visitor>
void describe_timing(Visitor& visitor, FaultTiming& timing) {
  visitor.option("times", timing.times, 0, 1'000, "how often");
  visitor.option("at", timing.at, "the earliest time, from the beginning of the chaos");
  visitor.trigger("when", timing.when, "then wait for the next trace event of this name, or \"name field=value\"");
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
  visitor.place("node", fault.node, Places::kOne, "a node, a role, \"any\" or \"there\"");
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
  visitor.place("node", fault.node, Places::kOne, "a node, a role, \"any\" or \"there\"");
  describe_timing(visitor, fault.timing);
  visitor.option("grace", fault.grace, "by then it has ended, or it is killed two seconds later");
  visitor.option("restart_after", fault.restart_after, "how long it is down");
}

struct Pause {
  static constexpr std::string_view kName = "pause";
  static constexpr std::string_view kAbout =
      "a process does not run for a while (SIGSTOP); its clock goes on, messages to it wait";
  FaultTiming timing;
  std::string node = "any";
  When lasts{std::chrono::seconds(1), std::chrono::seconds(60)};
};

template <class Visitor>
void describe(Visitor& visitor, Pause& fault) {
  visitor.place("node", fault.node, Places::kOne, "a node, a role, \"any\" or \"there\"");
  describe_timing(visitor, fault.timing);
  visitor.option("for", fault.lasts, "until it runs on");
}

struct LinkReset {
  static constexpr std::string_view kName = "link_reset";
  static constexpr std::string_view kAbout = "every connection of a node breaks; both sides are notified";
  FaultTiming timing;
  std::string node = "any";
};

template <class Visitor>
void describe(Visitor& visitor, LinkReset& fault) {
  visitor.place("node", fault.node, Places::kOne, "a node, a role, \"any\" or \"there\"");
  describe_timing(visitor, fault.timing);
}

struct HalfOpen {
  static constexpr std::string_view kName = "half_open";
  static constexpr std::string_view kAbout =
      "nothing passes any more on the connections that a node has; one side does not know";
  FaultTiming timing;
  std::string node = "any";
  std::string from = "all";
  std::string believes = "peer";
  Chance notices{500'000};
};

template <class Visitor>
void describe(Visitor& visitor, HalfOpen& fault) {
  visitor.place("node", fault.node, Places::kOne, "a node, a role, \"any\" or \"there\"");
  visitor.place("from", fault.from, Places::kOneOrAll, "those with a node or a role, or with \"all\" others");
  describe_timing(visitor, fault.timing);
  visitor.word("believes", fault.believes, {"peer", "node", "both"}, "the side that does not notice");
  visitor.option("notices", fault.notices, "the keepalive of that side times out in the end; otherwise something answers it");
}

struct LoseCredentials {
  static constexpr std::string_view kName = "lose_credentials";
  static constexpr std::string_view kAbout = "the file with a daemon's token is gone when its process is started again";
  FaultTiming timing;
  std::string node = "daemon";
  When restart_after{std::chrono::milliseconds(100), std::chrono::seconds(10)};
};

template <class Visitor>
void describe(Visitor& visitor, LoseCredentials& fault) {
  visitor.place("node", fault.node, Places::kOne, "a daemon with a token of its own, or a role of such");
  describe_timing(visitor, fault.timing);
  visitor.option("restart_after", fault.restart_after, "how long it is down");
}

struct Partition {
  static constexpr std::string_view kName = "partition";
  static constexpr std::string_view kAbout =
      "two nodes, or one and all others, cannot reach each other; neither side is notified";
  FaultTiming timing;
  std::string node = "any";
  std::string from = "all";
  std::string way = "both";
  When lasts{std::chrono::seconds(1), std::chrono::seconds(30)};
};

template <class Visitor>
void describe(Visitor& visitor, Partition& fault) {
  visitor.place("node", fault.node, Places::kOne, "a node, a role, \"any\" or \"there\"");
  visitor.place("from", fault.from, Places::kOneOrAll, "a node, a role, or \"all\" others");
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
  visitor.place("node", fault.node, Places::kOne, "a node, a role, \"any\" or \"there\"");
  visitor.place("from", fault.from, Places::kOne, "a node, a role or \"any\"");
  describe_timing(visitor, fault.timing);
  visitor.option("by", fault.by, "how much longer, each way");
  visitor.option("for", fault.lasts, "until it ends");
}

struct Silence {
  static constexpr std::string_view kName = "silence";
  static constexpr std::string_view kAbout =
      "the next message from a node to another arrives exactly a given time after the one before it";
  FaultTiming timing;
  std::string node = "daemon";
  std::string to = "gateway";
  When lasts{std::chrono::seconds(30), std::chrono::seconds(30)};
  std::string edge = "any";
};

template <class Visitor>
void describe(Visitor& visitor, Silence& fault) {
  visitor.place("node", fault.node, Places::kOne, "a node, a role, \"any\" or \"there\"");
  visitor.place("to", fault.to, Places::kOne, "a node or a role");
  describe_timing(visitor, fault.timing);
  visitor.option("for", fault.lasts, "the silence");
  visitor.word("edge", fault.edge, {"before", "at", "after", "any"}, "a nanosecond before that time, at it, or one after it");
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

struct Commit {
  static constexpr std::string_view kName = "commit";
  static constexpr std::string_view kAbout = "one commit of a role to the shared database ends in doubt";
  FaultTiming timing;
  std::string node = "any";
  Count after{0, 40};
  std::string outcome = "any";
};

template <class Visitor>
void describe(Visitor& visitor, Commit& fault) {
  visitor.place("node", fault.node, Places::kOne, "whose: a node, a role or \"any\"");
  describe_timing(visitor, fault.timing);
  visitor.option("after", fault.after, 0, 100'000, "how many of its commits go well first");
  visitor.word("outcome", fault.outcome, {"any", "lost_before", "lost_while", "lost_after", "aborted"},
               "as of database_lost, or what the seed says");
}

struct TornCommit {
  static constexpr std::string_view kName = "torn_commit";
  static constexpr std::string_view kAbout = "a daemon's machine dies in the middle of a write to its journal";
  FaultTiming timing;
  std::string node = "daemon";
  Count after{0, 20};
  Chance written{500'000};
  When restart_after{std::chrono::milliseconds(100), std::chrono::seconds(10)};
};

template <class Visitor>
void describe(Visitor& visitor, TornCommit& fault) {
  visitor.place("node", fault.node, Places::kOne, "a daemon, or the role");
  describe_timing(visitor, fault.timing);
  visitor.option("after", fault.after, 0, 100'000, "how many of its writes go well first");
  visitor.option("written", fault.written, "torn after the last byte, otherwise before");
  visitor.option("restart_after", fault.restart_after, "how long it is down");
}

struct DiskSlow {
  static constexpr std::string_view kName = "disk_slow";
  static constexpr std::string_view kAbout = "the disk of a daemon's machine is slow: journal and files";
  FaultTiming timing;
  std::string node = "daemon";
  When by{std::chrono::milliseconds(50), std::chrono::seconds(3)};
  When lasts{std::chrono::seconds(1), std::chrono::seconds(30)};
};

template <class Visitor>
void describe(Visitor& visitor, DiskSlow& fault) {
  visitor.place("node", fault.node, Places::kOne, "a daemon, the role or \"there\"");
  describe_timing(visitor, fault.timing);
  visitor.option("by", fault.by, "how long a write takes at most");
  visitor.option("for", fault.lasts, "until it ends");
}

struct DiskFull {
  static constexpr std::string_view kName = "disk_full";
  static constexpr std::string_view kAbout = "the disk of a daemon's machine is full: RESOURCE_EXHAUSTED of journal and files";
  FaultTiming timing;
  std::string node = "daemon";
  When lasts{std::chrono::seconds(1), std::chrono::seconds(30)};
};

template <class Visitor>
void describe(Visitor& visitor, DiskFull& fault) {
  visitor.place("node", fault.node, Places::kOne, "a daemon, the role or \"there\"");
  describe_timing(visitor, fault.timing);
  visitor.option("for", fault.lasts, "until there is room again");
}

// As long as the chaos lasts.
struct TemporalLost {
  static constexpr std::string_view kName = "temporal_lost";
  static constexpr std::string_view kAbout =
      "calls of Temporal that get lost, during the whole chaos: tasks are handed out again, answers come twice";
  Chance request{0, 20'000};
  Chance response{0, 20'000};
};

template <class Visitor>
void describe(Visitor& visitor, TemporalLost& fault) {
  visitor.option("request", fault.request, "the call has no effect, and the caller cannot know that");
  visitor.option("response", fault.response,
                 "the call has its effect: a polled task is received by no worker, a completion is repeated");
}

// As long as the chaos lasts.
struct BusLimits {
  static constexpr std::string_view kName = "bus_limits";
  static constexpr std::string_view kAbout = "a bus with many servers and small buffers, during the whole chaos";
  Span interest_lag{std::chrono::seconds(0), std::chrono::milliseconds(500)};
  Count max_pending{64, 4096};
  Count server_buffer_kib{64, 8192};
  Count max_payload_kib{64, 1024};
};

template <class Visitor>
void describe(Visitor& visitor, BusLimits& fault) {
  visitor.option("interest_lag", fault.interest_lag, "until all servers know of a subscription, at most");
  visitor.option("max_pending", fault.max_pending, 1, 1'000'000, "messages that a subscription holds; the newest are dropped");
  visitor.option("server_buffer_kib", fault.server_buffer_kib, 1, 1'000'000,
                 "for a client that does not read; then it is disconnected");
  visitor.option("max_payload_kib", fault.max_payload_kib, 1, 1'024, "larger messages are refused");
}

struct EngineRestored {
  static constexpr std::string_view kName = "engine_restored";
  static constexpr std::string_view kAbout =
      "the process with the workflow engine dies, and the engine's database is restored to an older state";
  FaultTiming timing;
  When age{std::chrono::milliseconds(10), std::chrono::seconds(20)};
  When restart_after{std::chrono::milliseconds(100), std::chrono::seconds(10)};
};

template <class Visitor>
void describe(Visitor& visitor, EngineRestored& fault) {
  describe_timing(visitor, fault.timing);
  visitor.option("age", fault.age, "of the state, when the process dies");
  visitor.option("restart_after", fault.restart_after, "how long it is down");
}

struct RunTerminated {
  static constexpr std::string_view kName = "run_terminated";
  static constexpr std::string_view kAbout = "an operator terminates a running workflow by hand, in the Temporal UI";
  FaultTiming timing;
};

template <class Visitor>
void describe(Visitor& visitor, RunTerminated& fault) {
  describe_timing(visitor, fault.timing);
}

// As long as the chaos lasts.
struct Bytes {
  static constexpr std::string_view kName = "bytes";
  static constexpr std::string_view kAbout = "outside parties that send bytes where text is expected, during the whole chaos";
  Chance provider{0, 100'000};
  Chance daemon{0, 200'000};
};

template <class Visitor>
void describe(Visitor& visitor, Bytes& fault) {
  visitor.option("provider", fault.provider, "a call of the model is answered with an error page that is not UTF-8");
  visitor.option("daemon", fault.daemon, "a daemon sends a tool's result as bytes that are not UTF-8");
}

struct RevokeToken {
  static constexpr std::string_view kName = "revoke_token";
  static constexpr std::string_view kAbout = "a user revokes a daemon's own token, for good";
  FaultTiming timing;
  std::string node = "daemon";
  Chance breaks{kMillion};
};

template <class Visitor>
void describe(Visitor& visitor, RevokeToken& fault) {
  visitor.place("node", fault.node, Places::kOne, "a daemon with a token of its own, the role or \"there\"");
  describe_timing(visitor, fault.timing);
  visitor.option("breaks", fault.breaks, "its connections break, too; otherwise its gateway must notice the revocation");
}

struct ClockJump {
  static constexpr std::string_view kName = "clock_jump";
  static constexpr std::string_view kAbout = "the wall clock of a node is set to a wrong time";
  FaultTiming timing;
  std::string node = "any";
  When by{std::chrono::seconds(1), std::chrono::hours(2)};
  Chance back{500'000};
};

template <class Visitor>
void describe(Visitor& visitor, ClockJump& fault) {
  visitor.place("node", fault.node, Places::kOne, "a node, a role, \"any\" or \"there\"");
  describe_timing(visitor, fault.timing);
  visitor.option("by", fault.by, "how far from where it is");
  visitor.option("back", fault.back, "into the past; otherwise into the future");
}

struct ClockDrift {
  static constexpr std::string_view kName = "clock_drift";
  static constexpr std::string_view kAbout = "the monotonic clock of a node runs at a wrong rate";
  FaultTiming timing;
  std::string node = "any";
  Chance rate{100, 20'000};
  Chance slow{500'000};
  When lasts{std::chrono::seconds(10), std::chrono::seconds(60)};
};

template <class Visitor>
void describe(Visitor& visitor, ClockDrift& fault) {
  visitor.place("node", fault.node, Places::kOne, "a node, a role, \"any\" or \"there\"");
  describe_timing(visitor, fault.timing);
  visitor.option("rate", fault.rate, "how wrong, at most; drawn each time");
  visitor.option("slow", fault.slow, "too slow; otherwise too fast");
  visitor.option("for", fault.lasts, "until it is right again (what it has gained, it keeps)");
}

struct Sleep {
  static constexpr std::string_view kName = "sleep";
  static constexpr std::string_view kAbout = "a laptop sleeps and wakes";
  FaultTiming timing;
  std::string node = "daemon";
  When lasts{std::chrono::seconds(5), std::chrono::hours(8)};
  Chance clock_stands{500'000};
  Chance moves{500'000};
};

template <class Visitor>
void describe(Visitor& visitor, Sleep& fault) {
  visitor.place("node", fault.node, Places::kOne, "a daemon, the role or \"there\"");
  describe_timing(visitor, fault.timing);
  visitor.option("for", fault.lasts, "until it wakes");
  visitor.option("clock_stands", fault.clock_stands, "its monotonic clock stands still during the sleep, as on Linux");
  visitor.option("moves", fault.moves, "it wakes in another network: its connections are gone, and the peers are not notified");
}

struct ThrowInTool {
  static constexpr std::string_view kName = "throw_in_tool";
  static constexpr std::string_view kAbout = "the next tool that a daemon runs throws std::bad_alloc";
  FaultTiming timing;
  std::string node = "daemon";
  Chance after{500'000};
};

template <class Visitor>
void describe(Visitor& visitor, ThrowInTool& fault) {
  visitor.place("node", fault.node, Places::kOne, "a daemon, the role or \"there\"");
  describe_timing(visitor, fault.timing);
  visitor.option("after", fault.after, "when the tool has done its work; otherwise before it does any");
}

using Fault = std::variant<Crash, Stop, Pause, Sleep, ClockJump, ClockDrift, LinkReset, HalfOpen, Partition, Delay, Silence,
                           BusLimits, TemporalLost, DatabaseLost, Commit, TornCommit, DiskSlow, DiskFull, RevokeToken,
                           LoseCredentials, ThrowInTool, EngineRestored, Bytes, RunTerminated>;

}  // namespace reliant::sim
