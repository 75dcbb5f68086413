// Run: a request that the daemon works on, from its arrival to its end. Owner: the Runner, and its tasks that work on it.
// Executor: the logic thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>

#include "base/ids.h"
#include "model/tool.h"
#include "reliant/tools/v1/daemon.pb.h"
#include "runtime/event.h"
#include "runtime/time.h"
#include "tools/tool.h"

namespace reliant::daemon {

namespace proto = ::reliant::tools::v1;

struct RunnerOptions {
  DaemonId daemon;
  std::string working_directory;        // absolute, for requests that name none
  std::size_t chunk_size = 32 * 1024;   // bytes of output in one frame, far below any payload limit (C42)
  std::size_t spool_limit = 4 << 20;    // bytes of output kept for one run
  std::size_t content_limit = 1 << 20;  // bytes of a result
  std::size_t max_running = 32;         // tools at a time
  std::size_t max_waiting = 256;        // for a permit to run; more are refused
};

struct Run {
  explicit Run(proto::ExecuteTool asked)
      : request(std::move(asked)),
        id(request.request_id()),
        durability(request.unrecorded() ? model::Durability::kUnrecorded : model::Durability::kRecorded) {}

  bool is_recorded() const { return durability == model::Durability::kRecorded; }
  // It ends within the grace of ToolInvoker when it runs, and is not started otherwise.
  void cancel() {
    cancelled.set();
    leaves.set();
  }

  proto::ExecuteTool request;
  RequestId id;
  model::Durability durability;
  tools::Tool* tool = nullptr;
  model::Effect effect = model::Effect::kNonIdempotent;
  std::uint64_t last_chunk = 0;
  std::uint64_t acknowledged = 0;
  Instant reader_seen{};  // when somebody asked for the output, or acknowledged some
  Event acknowledgement;
  bool admitted = false;
  bool started = false;  // the tool itself
  Event cancelled;
  Event killed;
  Event leaves;  // the queue: it is not to be started any more
};

}  // namespace reliant::daemon
