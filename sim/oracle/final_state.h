// FinalState: what the stores and the machines hold when a run has come to rest, read without network and faults. Oracles
// compare it with the trace; they never look into a role.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "base/status.h"
#include "ports/database.h"
#include "runtime/task.h"
#include "world/sim_process.h"

namespace reliant::sim {

struct FinalUpdate {
  std::uint64_t sequence = 0;
  std::string kind;
  std::string payload;
};

struct FinalMessage {
  std::string id;
  std::uint64_t sequence = 0;
  std::string role;
  bool signalled = true;
};

struct FinalChat {
  std::string id;
  std::string user;
  std::string status;
  std::uint64_t last_sequence = 0;
  std::vector<FinalUpdate> updates;    // in order
  std::vector<FinalMessage> messages;  // in order
};

struct FinalExecution {
  std::string request;
  std::string user;
  std::string daemon;
  std::string chat;
  std::string tool;
  std::string effect;
  std::string state;
  std::string outcome;
  std::int64_t exit_code = 0;
  bool is_error = false;
};

struct FinalState {
  std::map<std::string, FinalChat> chats;
  std::map<std::string, FinalExecution> executions;
  std::map<std::string, const EffectRecord*> machines;  // by daemon id
  std::map<std::string, std::string> owners;            // of daemons: user ids
};

// Fills in chats and executions.
Task<Status> read_final_state(ports::Database& database, FinalState& state);

}  // namespace reliant::sim
