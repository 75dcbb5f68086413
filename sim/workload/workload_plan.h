// WorkloadPlan: the behaviour of the clients of a run. Options of a scenario (kernel/option.h).
#pragma once

#include <string>

#include "kernel/option.h"

namespace reliant::sim {

struct WorkloadPlan {
  Count chats{4, 12};
  Count messages{1, 3};
  Span spread{std::chrono::seconds(0), std::chrono::seconds(10)};
  Span pause{std::chrono::milliseconds(0), std::chrono::seconds(5)};
  Chance cancel{0, 200'000};
  Chance impatient{0, 200'000};
  Chance reconnect{0, 300'000};
  Chance default_daemon{250'000};
  std::string script;  // YAML of the model's answers, with its lines where the file has them
};

template <class Visitor>
void describe(Visitor& visitor, WorkloadPlan& plan) {
  visitor.option("chats", plan.chats, 1, 10'000, "chats, shared out among the users");
  visitor.option("messages", plan.messages, 1, 1'000, "messages that a chat gets");
  visitor.option("spread", plan.spread, "time over which the chats begin");
  visitor.option("pause", plan.pause, "at most, between an answer and the next message");
  visitor.option("cancel", plan.cancel, "messages that are cancelled while their turn runs");
  visitor.option("impatient", plan.impatient, "messages that are followed by the next one at once");
  visitor.option("reconnect", plan.reconnect, "events after which a client drops its stream by itself");
  visitor.option("default_daemon", plan.default_daemon, "chats that leave the choice of the daemon to the system");
  visitor.block("script", plan.script,
                "the model's script (src/llm/scripted_provider.h), as a map; without it, a default script");
}

}  // namespace reliant::sim
