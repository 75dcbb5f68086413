// FinalState: the contents of the stores and the machines at the end of a run, read without network and faults. Oracles
// compare it with the trace; they never look into a role.
#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "base/status.h"
#include "ports/database.h"
#include "runtime/task.h"
#include "world/sim_process.h"

namespace reliant::sim {

// User and daemon: two users may give their daemons the same name.
using DaemonKey = std::pair<std::string, std::string>;

inline std::string name_of(const DaemonKey& key) { return key.first + "/" + key.second; }

struct FinalUpdate {
  std::uint64_t sequence = 0;
  std::string kind;
  std::string payload;
};

struct FinalMessage {
  std::string id;
  std::uint64_t sequence = 0;
  std::string role;
  std::string content;  // of roles "assistant" and "tool"; JSON blocks
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
  std::string call;
  std::string tool;
  std::string effect;
  std::string state;
  std::string outcome;
  std::int64_t exit_code = 0;
  bool is_error = false;
  std::string content;
  std::uint64_t output_chunks = 0;
};

struct FinalDaemon {
  std::int64_t epoch = 0;
  std::string gateway;
  std::string connection;
};

struct FinalState {
  std::map<std::string, FinalChat> chats;
  std::map<std::string, FinalExecution> executions;
  std::map<DaemonKey, FinalDaemon> daemons;
  std::set<std::string> projects;
  // Of a daemon; several where machines share its name.
  std::multimap<DaemonKey, const EffectRecord*> machines;
};

// Fills in all but the machines.
Task<Status> read_final_state(ports::Database& database, FinalState& state);

}  // namespace reliant::sim
