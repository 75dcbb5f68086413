#include "daemon/runner.h"

#include <algorithm>
#include <utility>

#include "base/cause.h"
#include "base/text.h"
#include "runtime/race.h"

namespace reliant::daemon {
namespace {

// What was killed ends at once, unless the kernel waits for a disk on its behalf.
constexpr Duration kEndLeftBehind = std::chrono::seconds(10);

model::Effect effect_of(proto::Effect effect) {
  switch (effect) {
    case proto::EFFECT_READ_ONLY:
      return model::Effect::kReadOnly;
    case proto::EFFECT_IDEMPOTENT:
      return model::Effect::kIdempotent;
    default:
      return model::Effect::kNonIdempotent;
  }
}

}  // namespace

Runner::Runner(Context& context, Clock& clock, EventLog& log, tools::ToolRegistry& tools, ports::Processes& processes,
               Journal& journal, RunnerOptions options)
    : clock_(clock),
      log_(log),
      tools_(tools),
      processes_(processes),
      options_(std::move(options)),
      permits_(options_.max_running),
      records_(clock, log, journal, options_.daemon),
      invoker_(clock, log, tools, records_, options_,
               [this](const Run& run) {
                 if (listener_) listener_->on_output(run.id, run.last_chunk);
               }),
      scope_(context) {}

Runner::~Runner() = default;

Task<Status> Runner::open() {
  CO_TRY_ASSIGN(std::vector<RequestId> begun, co_await records_.open());
  CO_TRY_OK(co_await end_left_behind(std::move(begun)));
  co_return co_await records_.settle();
}

// These requests are reported as "unknown" or run again: in both cases the first run must have ended.
Task<Status> Runner::end_left_behind(std::vector<RequestId> begun) {
  if (begun.empty()) co_return ok_status();
  std::set<std::string> ids;
  for (const RequestId& id : begun) ids.insert(id.str());
  const auto ended = co_await processes_.kill_by_environment(std::string(tools::kRequestVariable), std::move(ids),
                                                             after(clock_.now(), kEndLeftBehind));
  if (!ended.ok()) co_return ended.status();
  for (const std::string& id : *ended)
    log_.warning("daemon.left_behind.ended", {{"request_id", id}, {"daemon", options_.daemon.str()}});
  co_return ok_status();
}

void Runner::execute(proto::ExecuteTool request) {
  const Instant reader_seen = request.without_output() ? Instant{} : clock_.now();
  auto run = std::make_shared<Run>(std::move(request));
  if (take_up(run->id, reader_seen)) return;
  // Refused, unless the journal knows its end.
  if (run->is_recorded() && (run->request.must_not_start() || records_.is_refused(run->id)))
    return cancel(run->id, run->durability);
  if (closed_) return;  // not accepted: the caller asks again, here or in our next life
  run->reader_seen = reader_seen;
  runs_.emplace(run->id, run);
  scope_.spawn(serve(std::move(run)));
}

// What runs, or has ended and is in memory.
bool Runner::take_up(const RequestId& id, Instant reader_seen) {
  if (const auto running = runs_.find(id); running != runs_.end()) {
    Run& run = *running->second;
    run.reader_seen = std::max(run.reader_seen, reader_seen);
    if (!run.admitted) return true;
    tell_accepted(id, run.durability);
    if (run.last_chunk > 0 && listener_) listener_->on_output(id, run.last_chunk);
    return true;
  }
  const auto ended = records_.ended_in_memory(id);
  if (!ended) return false;
  if (!listener_) return true;
  tell_accepted(id, ended->durability);
  listener_->on_output(id, ended->output_chunks);
  listener_->on_finished(id, ended->durability);
  return true;
}

void Runner::tell_accepted(const RequestId& id, model::Durability durability) {
  if (listener_ && durability == model::Durability::kRecorded) listener_->on_accepted(id);
}

Status Runner::crowded() const {
  return resource_exhausted("RESOURCE_EXHAUSTED: this daemon runs ", options_.max_running, " tools and as many as may (",
                            options_.max_waiting, ") wait; ask again when some have ended");
}

Task<std::optional<Semaphore::Permit>> Runner::wait_for_permit(std::shared_ptr<Run> run) {
  log_.info("daemon.request.waits",
            {{"request_id", run->id.str()}, {"daemon", options_.daemon.str()}, {"ahead", permits_.waiting()}});
  auto first = co_await race(permits_.acquire(), run->leaves.wait());
  if (first.index() == 1) co_return std::nullopt;
  co_return std::get<0>(std::move(first));
}

Task<void> Runner::serve(std::shared_ptr<Run> run) {
  run->tool = tools_.find(run->request.tool());
  run->effect = effect_of(run->request.effect());
  if (run->tool) run->effect = std::max(run->effect, run->tool->descriptor().effect);  // the more careful of both
  (void)co_await refusals_.lock(run->id);  // one that is being written down comes first
  std::optional<Semaphore::Permit> permit = permits_.try_acquire();
  if (!permit && !co_await records_.is_settled(*run)) {
    if (queue_is_full()) co_return co_await not_admitted(std::move(run), crowded());
    permit = co_await wait_for_permit(run);
    if (!permit) co_return co_await leave_queue(std::move(run));
  }
  auto admission = co_await records_.admit(*run);
  if (!admission.ok()) co_return co_await not_admitted(std::move(run), admission.status());
  admitted(*run);
  run->last_chunk = admission->last_chunk;
  if (run->last_chunk > 0 && listener_) listener_->on_output(run->id, run->last_chunk);
  if (admission->result) co_return announce_end(*run);
  if (admission->again) {
    log_.info("daemon.tool.run_again", {{"request_id", run->id.str()},
                                        {"daemon", options_.daemon.str()},
                                        {"tool", run->request.tool()},
                                        {"effect", to_string(run->effect)}});
  }
  model::ToolResult result = co_await invoker_.run(run);
  co_await end(std::move(run), std::move(result), true);
}

Task<void> Runner::leave_queue(std::shared_ptr<Run> run) {
  if (!run->cancelled.is_set()) co_return drop(*run);  // we stop: it was not accepted, the caller asks again
  if (!run->is_recorded())
    co_return co_await end(run, model::error_result(model::Outcome::kNotExecuted, "Cancelled before it started."), false);
  const Status refused = co_await records_.refuse(run->id);
  if (!refused.ok()) co_return co_await not_admitted(std::move(run), reliant::cancelled("it was cancelled before it started"));
  admitted(*run);
  announce_end(*run);
}

void Runner::admitted(Run& run) {
  run.admitted = true;
  tell_accepted(run.id, run.durability);
}

// The request was not accepted, so nothing is sent.
void Runner::drop(const Run& run) {
  const RequestId id = run.id;
  runs_.erase(id);
  a_run_ended_.set();
}

// That a request could not be written down now does not say that it has never run.
Task<void> Runner::not_admitted(std::shared_ptr<Run> run, Status why) {
  log_.warning("daemon.request.refused", {{"request_id", run->id.str()}, {"error", described(why)}});
  auto known = co_await records_.knows(*run);
  if (why.code() == StatusCode::kInvalidArgument) known = false;  // it was another one that has run
  if (!known.ok()) co_return drop(*run);
  admitted(*run);
  if (!*known) {
    co_return co_await end(
        run, model::error_result(model::Outcome::kNotExecuted, concat("The tool was not run: ", message_of(why), ".")), false);
  }
  if (co_await records_.is_settled(*run)) co_return announce_end(*run);
  co_await end(run,
               model::error_result(model::Outcome::kUnknown,
                                   concat("The tool was begun before; what became of it is not known (", message_of(why),
                                          "). Look at the state of things before you repeat it.")),
               false);
}

Task<void> Runner::end(std::shared_ptr<Run> run, model::ToolResult result, bool admitted) {
  co_await records_.finish(*run, std::move(result), admitted);
  announce_end(*run);
}

void Runner::announce_end(const Run& run) {
  const RequestId id = run.id;
  const model::Durability durability = run.durability;
  const bool was_cancelled = run.cancelled.is_set();
  const bool was_running = run.started;
  runs_.erase(id);
  if (durability == model::Durability::kRecorded) records_.offer(id);
  if (listener_) listener_->on_finished(id, durability);
  if (was_cancelled && listener_) listener_->on_cancel_done(id, was_running);
  a_run_ended_.set();
}

void Runner::cancel(const RequestId& id, model::Durability durability) {
  if (const auto running = runs_.find(id); running != runs_.end()) return running->second->cancel();
  if (durability == model::Durability::kRecorded) return scope_.spawn(cancel_absent(id));
  records_.refuse_unrecorded(id);
  if (listener_) listener_->on_cancel_done(id, false);
}

bool Runner::kill(const RequestId& id) {
  const auto running = runs_.find(id);
  if (running == runs_.end()) return false;
  running->second->killed.set();
  running->second->cancel();
  return true;
}

// Also a request that never came is written down, so that it is not run when it comes late (C9). When it comes while that
// goes on, it waits: the journal takes what was begun and is not running for the run of an earlier life.
Task<void> Runner::cancel_absent(RequestId id) {
  const auto lock = co_await refusals_.lock(id);
  if (const auto running = runs_.find(id); running != runs_.end()) co_return running->second->cancel();
  const Status refused = co_await records_.refuse(id);
  if (!refused.ok()) {
    log_.warning("daemon.cancel.not_journaled", {{"request_id", id.str()}, {"error", described(refused)}});
    co_return;  // not confirmed: the caller will retry
  }
  const bool waits = co_await records_.has_unacknowledged(id);
  // One that came in the meantime waits behind the refusal, and answers for itself.
  if (waits && !runs_.contains(id) && records_.offer(id) && listener_) listener_->on_finished(id, model::Durability::kRecorded);
  if (listener_) listener_->on_cancel_done(id, false);
}

void Runner::acknowledge_output(const RequestId& id, std::uint64_t chunk) {
  const auto running = runs_.find(id);
  if (running == runs_.end()) return;  // the rest goes with the result
  Run& run = *running->second;
  run.acknowledged = std::max(run.acknowledged, std::min(chunk, run.last_chunk));
  run.reader_seen = clock_.now();
  run.acknowledgement.set();
}

void Runner::acknowledge_result(const RequestId& id) {
  if (records_.acknowledge(id)) scope_.spawn(records_.record_acknowledgement(id));
}

Task<bool> Runner::finish_all(Instant deadline) {
  closed_ = true;
  for (const auto& [id, run] : runs_) run->leaves.set();
  while (!runs_.empty()) {
    a_run_ended_.reset();
    if (!co_await a_run_ended_.wait(deadline)) co_return false;
  }
  co_return true;
}

}  // namespace reliant::daemon
