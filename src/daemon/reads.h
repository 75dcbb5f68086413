// Reads: the in-memory results of unrecorded requests (C7). Their tools only read, so a journal would gain nothing: a caller
// that misses the answer retries, and the tool runs again. The memory avoids that over a change of streams: a result and its
// output are kept until they are acknowledged (C8), and a request that was cancelled is not started when it arrives late (C9).
//
// Bounded by number, bytes and age of the results; the oldest are evicted first, as are the oldest refusals.
// Output of a run that goes on is bounded by the ToolInvoker.
//
// Owner: the Records. Executor: the logic thread. Nothing fails, nothing waits. It ends with the process.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <optional>

#include "base/ids.h"
#include "daemon/journal.h"
#include "model/tool.h"
#include "runtime/clock.h"

namespace reliant::daemon {

class Reads {
 public:
  static constexpr std::size_t kResults = 1024;
  static constexpr std::size_t kBytes = 16 << 20;  // of results and their output
  static constexpr Duration kKept = std::chrono::minutes(2);
  static constexpr std::size_t kRefusals = 4096;

  explicit Reads(Clock& clock) : clock_(clock) {}

  void keep(const RequestId& id, model::ToolResult result);
  // Nullptr: not known, not finished, or forgotten.
  const model::ToolResult* result(const RequestId& id);
  // False: there was no result.
  bool acknowledge(const RequestId& id);

  // Adds a chunk, and forgets all up to `forget`.
  void add_output(const RequestId& id, OutputChunk chunk, std::uint64_t forget);
  // The first chunk behind `after`; nullopt: there is none.
  std::optional<OutputChunk> output_after(const RequestId& id, std::uint64_t after) const;

  void refuse(const RequestId& id);
  bool is_refused(const RequestId& id) const { return refused_.contains(id); }

 private:
  struct Read {
    std::optional<model::ToolResult> result;
    std::deque<OutputChunk> output;
    std::size_t bytes = 0;
    std::uint64_t number = 0;  // of its result
    Instant since{};           // it has one
  };

  void forget(std::map<RequestId, Read>::iterator read);
  void forget_old();

  Clock& clock_;
  std::map<RequestId, Read> reads_;
  std::map<std::uint64_t, RequestId> results_;  // in the order in which they came
  std::size_t bytes_ = 0;                       // of those that have a result
  std::map<RequestId, std::uint64_t> refused_;
  std::map<std::uint64_t, RequestId> refusals_;
  std::uint64_t last_number_ = 0;
};

}  // namespace reliant::daemon
