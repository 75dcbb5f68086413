// ChatWatcher: follows the updates of one chat as a client does: over server-sent events, resumed with the last sequence
// number after every loss, at any replica. It records every update ("client.update"), and oracles judge the records.
//
// Owner: a client's program. Executor: its node's.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "kernel/node.h"
#include "runtime/event.h"
#include "runtime/random.h"
#include "runtime/task.h"
#include "workload/rest_client.h"

namespace reliant::sim {

class ChatWatcher {
 public:
  // All references outlive it. `drops`: the chance, in millionths, that it drops the stream after an event.
  ChatWatcher(RestClient client, Node& node, std::string user, std::string chat, std::int64_t drops);

  // Runs until it is destroyed.
  Task<void> run();
  // True: a final status (idle, failed, cancelled) followed that sequence number. False: `deadline` came first.
  Task<bool> wait_for_end(std::uint64_t sequence, Instant deadline);
  std::uint64_t last_end() const { return last_end_; }

 private:
  Task<Status> follow_once();
  bool take(std::string_view frame);
  void note_status(std::string_view data);

  RestClient client_;
  Node& node_;
  std::string user_;
  std::string chat_;
  std::int64_t drops_;
  Random random_;
  std::uint64_t last_ = 0;
  std::uint64_t last_end_ = 0;
  Event moved_;
};

}  // namespace reliant::sim
