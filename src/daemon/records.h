// Records: what this daemon knows of the requests that it was given, and of their output; one interface to both kinds of
// requests.
//
//             recorded (daemon/journal.h)                              unrecorded (daemon/reads.h)
//   admit     a row, before the tool starts                            if the tool only reads here; nothing is kept
//   output    in the journal                                           in memory
//   finish    in the journal; in memory if that fails                  in memory, for a while
//   offers    until it is acknowledged, by every life of the daemon    none: it is sent once for each time it is asked for
//   refuse    in the journal                                           in memory
//
// Owner: the Runner. Executor: the logic thread. Errors are the journal's; none of an unrecorded request.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "base/event_log.h"
#include "daemon/journal.h"
#include "daemon/reads.h"
#include "daemon/run.h"
#include "runtime/clock.h"
#include "runtime/task.h"

namespace reliant::daemon {

class Records {
 public:
  // How long the journal may take: until then a hiccup of the disk is waited out.
  static constexpr Duration kTimeout = std::chrono::seconds(30);

  struct Ended {
    std::uint64_t output_chunks;
    model::Durability durability;
  };

  // References outlive it.
  Records(Clock& clock, EventLog& log, Journal& journal, DaemonId daemon)
      : clock_(clock), log_(log), journal_(journal), daemon_(std::move(daemon)), reads_(clock) {}

  // As Journal::open and Journal::settle; then the offers are known.
  Task<Result<std::vector<RequestId>>> open() { return journal_.open(soon()); }
  Task<Status> settle();
  const std::string& journal_id() const { return journal_.id(); }

  // As Journal::admit. FAILED_PRECONDITION: the tool does more than read, and the request is not recorded.
  Task<Result<Admission>> admit(const Run& run);
  // Whether admit() would answer it without a run, so that it needs no permit.
  Task<bool> is_settled(const Run& run);
  // It was admitted once, in this life or in one before.
  Task<Result<bool>> knows(const Run& run);
  // `admitted`: the journal has a row of it.
  Task<void> finish(const Run& run, model::ToolResult result, bool admitted);
  // As Journal::refuse.
  Task<Status> refuse(RequestId id) { return journal_.refuse(std::move(id), soon()); }
  void refuse_unrecorded(const RequestId& id) { reads_.refuse(id); }
  bool is_refused(const RequestId& id) const { return reads_.is_refused(id); }  // as one that is not recorded

  // Recorded, finished and not acknowledged.
  const std::set<RequestId>& offers() const { return offers_; }
  bool offer(const RequestId& id) { return offers_.insert(id).second; }
  // Whether the journal has a result of it that is not acknowledged.
  Task<bool> has_unacknowledged(RequestId id);
  // True: the result was an offer; the caller then calls record_acknowledgement().
  bool acknowledge(const RequestId& id);
  Task<void> record_acknowledgement(RequestId id);

  // A request that has ended, and whose result only memory has.
  std::optional<Ended> ended_in_memory(const RequestId& id);
  // Nullopt: the journal cannot be read now, or there is none, or it was forgotten.
  Task<std::optional<model::ToolResult>> result(RequestId id, model::Durability durability);

  Task<void> add_output(const Run& run, OutputChunk chunk, std::uint64_t forget);
  Task<std::optional<OutputChunk>> output_after(RequestId id, std::uint64_t chunk);

  Task<void> prune_for_ever();

 private:
  Instant soon() const { return after(clock_.now(), kTimeout); }

  Clock& clock_;
  EventLog& log_;
  Journal& journal_;
  DaemonId daemon_;
  Reads reads_;
  std::set<RequestId> offers_;
  std::map<RequestId, model::ToolResult> unsaved_;  // results that the journal would not take
  // Results that are not acknowledged: to send one, the journal need not be read. At most kUnsentBytes of content.
  std::map<RequestId, model::ToolResult> unsent_;
  std::size_t unsent_bytes_ = 0;
};

}  // namespace reliant::daemon
