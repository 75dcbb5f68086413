#include "daemon/records.h"

#include <algorithm>
#include <utility>

#include "base/cause.h"
#include "base/text.h"
#include "runtime/sleep.h"

namespace reliant::daemon {
namespace {

constexpr std::size_t kUnsentBytes = 8 << 20;

}  // namespace

Task<Status> Records::settle() {
  CO_TRY_OK(co_await journal_.settle(soon()));
  CO_TRY_ASSIGN(const std::vector<RequestId> waiting, co_await journal_.unacknowledged(soon()));
  offers_.insert(waiting.begin(), waiting.end());
  co_return ok_status();
}

Task<Result<Admission>> Records::admit(const Run& run) {
  if (run.is_recorded())
    co_return co_await journal_.admit({run.id, run.request.tool(), run.request.arguments(), run.effect}, soon());
  if (model::durability_of(run.effect) == model::Durability::kRecorded) {
    co_return failed_precondition("\"", run.request.tool(), "\" does more than read on this daemon (",
                                  model::to_string(run.effect),
                                  "), and was asked for as one that only reads. Upgrade the older of daemon and server");
  }
  Admission admission{.last_chunk = run.request.resume_output_after()};  // of an earlier run: numbers go on from there
  if (is_refused(run.id)) {
    admission.result = model::error_result(model::Outcome::kNotExecuted, "Cancelled before it came.");
    reads_.keep(run.id, *admission.result);
  }
  co_return admission;
}

Task<bool> Records::is_settled(const Run& run) {
  if (!run.is_recorded()) co_return is_refused(run.id) || model::durability_of(run.effect) == model::Durability::kRecorded;
  const auto known = co_await journal_.result(run.id, soon());
  co_return known.ok() && known->has_value();
}

Task<Result<bool>> Records::knows(const Run& run) {
  if (!run.is_recorded()) co_return false;
  co_return co_await journal_.knows(run.id, soon());
}

// A result that the journal will not take is offered all the same: the server's copy is what counts in the end.
Task<void> Records::finish(const Run& run, model::ToolResult result, bool admitted) {
  if (!run.is_recorded()) co_return reads_.keep(run.id, std::move(result));
  if (admitted) {
    const Status kept = co_await journal_.finish(run.id, result, soon());
    admitted = kept.ok();
    if (!kept.ok()) log_.warning("daemon.result.not_journaled", {{"request_id", run.id.str()}, {"error", described(kept)}});
  }
  if (!admitted) {
    unsaved_.insert_or_assign(run.id, std::move(result));
  } else if (unsent_bytes_ + result.content.size() <= kUnsentBytes) {  // beyond that, the journal has it
    unsent_bytes_ += result.content.size();
    unsent_.insert_or_assign(run.id, std::move(result));
  }
}

Task<bool> Records::has_unacknowledged(RequestId id) {
  const auto stored = co_await journal_.unacknowledged(soon());
  co_return stored.ok() && std::find(stored->begin(), stored->end(), id) != stored->end();
}

bool Records::acknowledge(const RequestId& id) {
  if (reads_.acknowledge(id) || offers_.erase(id) == 0) return false;
  log_.info("daemon.result.acknowledged", {{"request_id", id.str()}, {"daemon", daemon_.str()}});
  if (const auto kept = unsent_.find(id); kept != unsent_.end()) {
    unsent_bytes_ -= kept->second.content.size();
    unsent_.erase(kept);
  }
  return true;
}

std::optional<Records::Ended> Records::ended_in_memory(const RequestId& id) {
  if (const model::ToolResult* read = reads_.result(id)) return Ended{read->output_chunks, model::Durability::kUnrecorded};
  const auto kept = unsaved_.find(id);
  if (kept == unsaved_.end()) return std::nullopt;
  return Ended{kept->second.output_chunks, model::Durability::kRecorded};
}

Task<std::optional<model::ToolResult>> Records::result(RequestId id, model::Durability durability) {
  if (durability == model::Durability::kUnrecorded) {
    const model::ToolResult* read = reads_.result(id);
    co_return read ? std::optional(*read) : std::nullopt;
  }
  if (const auto kept = unsaved_.find(id); kept != unsaved_.end()) co_return kept->second;
  if (const auto kept = unsent_.find(id); kept != unsent_.end()) co_return kept->second;
  auto stored = co_await journal_.result(id, soon());
  if (!stored.ok()) {
    log_.warning("daemon.journal.unreadable", {{"request_id", id.str()}, {"error", described(stored.status())}});
    co_return std::nullopt;
  }
  co_return *std::move(stored);
}

Task<void> Records::add_output(const Run& run, OutputChunk chunk, std::uint64_t forget) {
  if (!run.is_recorded()) co_return reads_.add_output(run.id, std::move(chunk), forget);
  const Status kept = co_await journal_.add_output(run.id, std::move(chunk), forget, soon());
  if (!kept.ok()) log_.warning("daemon.output.lost", {{"request_id", run.id.str()}, {"error", described(kept)}});
}

Task<std::optional<OutputChunk>> Records::output_after(RequestId id, std::uint64_t chunk) {
  if (auto read = reads_.output_after(id, chunk)) co_return read;
  auto stored = co_await journal_.output_after(id, chunk, soon());
  if (stored.ok()) co_return *std::move(stored);
  log_.warning("daemon.journal.unreadable", {{"request_id", id.str()}, {"error", described(stored.status())}});
  co_return std::nullopt;
}

Task<void> Records::record_acknowledgement(RequestId id) {
  if (const auto kept = unsaved_.find(id); kept != unsaved_.end()) {
    const model::ToolResult result = std::move(kept->second);
    unsaved_.erase(kept);
    (void)co_await journal_.finish(id, result, soon());  // it may have room again
  }
  const Status kept = co_await journal_.acknowledge(id, soon());
  // It will be offered once more in our next life, and acknowledged again.
  if (!kept.ok()) log_.warning("daemon.ack.not_journaled", {{"request_id", id.str()}, {"error", described(kept)}});
}

Task<void> Records::prune_for_ever() {
  for (;;) {
    const Status pruned = co_await journal_.prune(soon());
    if (!pruned.ok()) log_.warning("daemon.journal.not_pruned", {{"error", described(pruned)}});
    co_await sleep_for(Journal::kTextKept);  // waits for no event: rows grow old by the clock
  }
}

}  // namespace reliant::daemon
