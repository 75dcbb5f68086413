#include "daemon/runner.h"

#include <algorithm>
#include <deque>
#include <exception>
#include <utility>
#include <variant>

#include "base/cause.h"
#include "base/json.h"
#include "base/text.h"
#include "base/utf8.h"
#include "runtime/failure_handler.h"
#include "runtime/race.h"
#include "runtime/sleep.h"
#include "runtime/this_context.h"
#include "tools/bounded_text.h"

namespace reliant::daemon {
namespace {

constexpr std::int64_t kDefaultTimeoutMs = 120'000;
// A reader that has acknowledged nothing for so long does not count as one.
constexpr Duration kReaderPatience = std::chrono::seconds(2);
// What was killed ends at once, unless the kernel waits for a disk on its behalf.
constexpr Duration kEndLeftBehind = std::chrono::seconds(10);
constexpr std::size_t kUnsentBytes = 8 << 20;
// For a tool that is cancelled: more than `bash` needs for TERM and then KILL.
constexpr Duration kStopGrace = std::chrono::seconds(5);

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

// Until a run that was cancelled has had its time to end in order, or is killed.
Task<bool> end_of_grace(Event& cancelled, Event& killed) {
  const Context& context = co_await ThisContext{};
  co_await cancelled.wait();
  co_await killed.wait(after(context.executor->now(), kStopGrace));
  co_return true;
}

std::string bounded(std::string content, std::size_t limit) {
  std::string valid = text_from_bytes(content);
  if (valid.size() <= limit) return valid;
  tools::HeadAndTail ends(limit);
  ends.add(valid);
  return ends.text();
}

}  // namespace

struct Runner::Run {
  struct Spooled {
    std::uint64_t chunk;
    std::size_t size;
  };

  explicit Run(proto::ExecuteTool asked)
      : request(std::move(asked)), id(request.request_id()), unrecorded(request.unrecorded()) {}

  proto::ExecuteTool request;
  RequestId id;
  bool unrecorded;
  tools::Tool* tool = nullptr;
  model::Effect effect = model::Effect::kNonIdempotent;
  std::uint64_t last_chunk = 0;
  std::uint64_t acknowledged = 0;
  std::deque<Spooled> spool;
  std::size_t spooled = 0;  // bytes
  Instant reader_seen{};    // when somebody asked for the output, or acknowledged some
  Event acknowledgement;
  bool admitted = false;
  bool started = false;  // the tool itself
  Event cancelled;
  Event killed;
  Event leaves;  // the queue: it is not to be started any more
};

class Runner::SpooledOutput final : public tools::ToolOutput {
 public:
  SpooledOutput(Runner& runner, Run& run) : runner_(runner), run_(run) {}

  Task<void> write(std::string data) override {
    for (std::string_view rest = data; !rest.empty();) {
      const std::size_t size = tools::whole_characters(rest, runner_.options_.chunk_size);
      co_await add(std::string(rest.substr(0, size)));
      rest.remove_prefix(size);
    }
  }

 private:
  Task<void> add(std::string data) {
    // The number is taken even if the chunk cannot be kept: then the gap shows.
    OutputChunk chunk{++run_.last_chunk, std::move(data)};
    co_await wait_for_reader(chunk.data.size());
    run_.spool.push_back({chunk.number, chunk.data.size()});
    run_.spooled += chunk.data.size();
    while (run_.spooled > runner_.options_.spool_limit && run_.spool.size() > 1) forget_oldest();
    if (run_.unrecorded) {
      runner_.reads_.add_output(run_.id, std::move(chunk), forgotten_);
    } else {
      co_await write_down(std::move(chunk));
    }
    if (runner_.listener_) runner_.listener_->on_output(run_.id, run_.last_chunk);
  }

  Task<void> write_down(OutputChunk chunk) {
    const Status kept = co_await runner_.journal_.add_output(run_.id, std::move(chunk), forgotten_, runner_.soon());
    if (!kept.ok()) runner_.log_.warning("daemon.output.lost", {{"request_id", run_.id.str()}, {"error", described(kept)}});
  }

  // While there is a reader that gets on, a full spool slows the tool down; without one, the oldest output
  // goes.
  Task<void> wait_for_reader(std::size_t size) {
    for (;;) {
      forget_acknowledged();
      const Instant patience = after(run_.reader_seen, kReaderPatience);
      if (run_.spooled + size <= runner_.options_.spool_limit || runner_.clock_.now() >= patience) co_return;
      run_.acknowledgement.reset();
      co_await run_.acknowledgement.wait(patience);
    }
  }

  void forget_acknowledged() {
    while (!run_.spool.empty() && run_.spool.front().chunk <= run_.acknowledged) forget_oldest();
  }
  void forget_oldest() {
    forgotten_ = run_.spool.front().chunk;
    run_.spooled -= run_.spool.front().size;
    run_.spool.pop_front();
  }

  Runner& runner_;
  Run& run_;
  std::uint64_t forgotten_ = 0;
};

Runner::Runner(Context& context, Clock& clock, EventLog& log, tools::ToolRegistry& tools, ports::Processes& processes,
               Journal& journal, RunnerOptions options)
    : clock_(clock),
      log_(log),
      tools_(tools),
      processes_(processes),
      journal_(journal),
      options_(std::move(options)),
      permits_(options_.max_running),
      reads_(clock),
      scope_(context) {}

Runner::~Runner() = default;

Task<Status> Runner::open() {
  CO_TRY_ASSIGN(std::vector<RequestId> begun, co_await journal_.open(soon()));
  CO_TRY_OK(co_await end_left_behind(std::move(begun)));
  CO_TRY_OK(co_await journal_.settle(soon()));
  CO_TRY_ASSIGN(const std::vector<RequestId> waiting, co_await journal_.unacknowledged(soon()));
  offers_.insert(waiting.begin(), waiting.end());
  co_return ok_status();
}

// The model is told "unknown" of them, or they are run again: neither may meet a first run that goes on.
Task<Status> Runner::end_left_behind(std::vector<RequestId> begun) {
  if (begun.empty()) co_return ok_status();
  std::set<std::string> ids;
  for (const RequestId& id : begun) ids.insert(id.str());
  const auto ended =
      co_await processes_.kill_by_environment(std::string(tools::kRequestVariable), std::move(ids), after(clock_.now(), kEndLeftBehind));
  if (!ended.ok()) co_return ended.status();
  for (const std::string& id : *ended)
    log_.warning("daemon.left_behind.ended", {{"request_id", id}, {"daemon", options_.daemon.str()}});
  co_return ok_status();
}

void Runner::execute(proto::ExecuteTool request) {
  const RequestId id(request.request_id());
  const Instant reader_seen = request.without_output() ? Instant{} : clock_.now();
  if (take_up(id, reader_seen)) return;
  const bool unrecorded = request.unrecorded();
  // Refused, unless the journal knows its end.
  if (!unrecorded && (request.must_not_start() || reads_.is_refused(id))) return cancel(id);
  if (closed_) return;  // not accepted: the caller asks again, here or in our next life
  auto run_state = std::make_shared<Run>(std::move(request));
  run_state->reader_seen = reader_seen;
  runs_.emplace(id, run_state);
  scope_.spawn(unrecorded ? read(std::move(run_state)) : run(std::move(run_state)));
}

// What runs, or has ended and is in memory.
bool Runner::take_up(const RequestId& id, Instant reader_seen) {
  if (const auto running = runs_.find(id); running != runs_.end()) {
    running->second->reader_seen = std::max(running->second->reader_seen, reader_seen);
    if (!listener_ || !running->second->admitted) return true;
    if (!running->second->unrecorded) listener_->on_accepted(id);
    if (running->second->last_chunk > 0) listener_->on_output(id, running->second->last_chunk);
    return true;
  }
  if (const model::ToolResult* known = reads_.result(id)) {
    if (!listener_) return true;
    listener_->on_output(id, known->output_chunks);
    listener_->on_read(id);
    return true;
  }
  const auto kept = unsaved_.find(id);
  if (kept == unsaved_.end()) return false;
  if (!listener_) return true;
  listener_->on_accepted(id);
  listener_->on_output(id, kept->second.output_chunks);
  listener_->on_finished(id);
  return true;
}

Status Runner::crowded() const {
  return resource_exhausted("RESOURCE_EXHAUSTED: this daemon runs ", options_.max_running, " tools and as many as may (",
                            options_.max_waiting, ") wait; ask again when some have ended");
}

Task<std::optional<Semaphore::Permit>> Runner::wait_for_permit(std::shared_ptr<Run> run) {
  log_.info("daemon.request.waits", {{"request_id", run->id.str()},
                                     {"daemon", options_.daemon.str()},
                                     {"ahead", permits_.waiting()}});
  auto first = co_await race(permits_.acquire(), run->leaves.wait());
  if (first.index() == 1) co_return std::nullopt;
  co_return std::get<0>(std::move(first));
}

Task<void> Runner::run(std::shared_ptr<Run> run) {
  run->tool = tools_.find(run->request.tool());
  run->effect = effect_of(run->request.effect());
  if (run->tool)
    run->effect = std::max(run->effect, run->tool->descriptor().effect);  // the more careful of both
  (void)co_await refusals_.lock(run->id);  // one that is being written down comes first
  std::optional<Semaphore::Permit> permit = permits_.try_acquire();
  if (!permit && !co_await has_ended(run->id)) {
    if (queue_is_full()) co_return co_await not_admitted(std::move(run), crowded());
    permit = co_await wait_for_permit(run);
    if (!permit) co_return co_await leave_queue(std::move(run));
  }
  co_await admit_and_run(std::move(run));
}

// Who asks again for what has ended need not wait.
Task<bool> Runner::has_ended(RequestId id) {
  const auto known = co_await journal_.result(std::move(id), soon());
  co_return known.ok() && known->has_value();
}

Task<void> Runner::leave_queue(std::shared_ptr<Run> run) {
  if (!run->cancelled.is_set()) co_return drop(*run);  // we stop: it was not accepted, the caller asks again
  const Status refused = co_await journal_.refuse(run->id, soon());
  if (!refused.ok()) co_return co_await not_admitted(std::move(run), reliant::cancelled("it was cancelled before it started"));
  run->admitted = true;
  if (listener_) listener_->on_accepted(run->id);
  announce_end(*run);
}

// Not accepted: nobody is told anything.
void Runner::drop(const Run& run) {
  const RequestId id = run.id;
  runs_.erase(id);
  a_run_ended_.set();
}

// The journal's way without the journal.
Task<void> Runner::read(std::shared_ptr<Run> run) {
  run->tool = tools_.find(run->request.tool());
  run->effect = run->tool ? run->tool->descriptor().effect : model::Effect::kReadOnly;
  model::ToolResult result;
  if (run->effect != model::Effect::kReadOnly) {
    result = error_result(model::Outcome::kNotExecuted,
                          concat("The tool was not run: \"", run->request.tool(), "\" does more than read on this daemon (",
                                 model::to_string(run->effect), "), and was asked for as one that only reads. Upgrade the older of "
                                 "daemon and server."));
  } else if (reads_.is_refused(run->id)) {
    result = error_result(model::Outcome::kNotExecuted, "Cancelled before it came.");
  } else {
    std::optional<Semaphore::Permit> permit = permits_.try_acquire();
    const bool crowd = !permit && queue_is_full();
    if (!permit && !crowd) permit = co_await wait_for_permit(run);
    if (!permit && !crowd && !run->cancelled.is_set()) co_return drop(*run);
    result = crowd ? error_result(model::Outcome::kNotExecuted, concat("The tool was not run: ", message_of(crowded()), "."))
                   : co_await read_with_permit(run);
  }
  end_read(*run, std::move(result));
}

Task<model::ToolResult> Runner::read_with_permit(std::shared_ptr<Run> run) {
  run->admitted = true;
  run->last_chunk = run->request.resume_output_after();  // of an earlier run: numbers go on from there
  model::ToolResult result = co_await run_or_cancel(run);
  result.content = bounded(std::move(result.content), options_.content_limit);
  result.output_chunks = run->last_chunk;
  co_return result;
}

void Runner::end_read(const Run& run, model::ToolResult result) {
  const RequestId id = run.id;
  const bool was_cancelled = run.cancelled.is_set();
  const bool was_running = run.started;
  reads_.keep(id, std::move(result));
  runs_.erase(id);
  if (listener_) listener_->on_read(id);
  if (was_cancelled && listener_) listener_->on_cancel_done(id, was_running);
  a_run_ended_.set();
}

Task<void> Runner::admit_and_run(std::shared_ptr<Run> run) {
  auto admission =
      co_await journal_.admit({run->id, run->request.tool(), run->request.arguments(), run->effect}, soon());
  if (!admission.ok()) co_return co_await not_admitted(std::move(run), admission.status());
  run->admitted = true;
  if (listener_) listener_->on_accepted(run->id);
  run->last_chunk = admission->last_chunk;
  if (run->last_chunk > 0 && listener_) listener_->on_output(run->id, run->last_chunk);
  if (admission->result) {
    announce_end(*run);
    co_return;
  }
  if (admission->again) {
    log_.info("daemon.tool.run_again", {{"request_id", run->id.str()},
                                        {"daemon", options_.daemon.str()},
                                        {"tool", run->request.tool()},
                                        {"effect", to_string(run->effect)}});
  }
  model::ToolResult result = co_await run_or_cancel(run);
  result.content = bounded(std::move(result.content), options_.content_limit);
  result.output_chunks = run->last_chunk;
  co_await record_end(run, std::move(result), true);
}

// That a request could not be written down now does not say that it has never run.
Task<void> Runner::not_admitted(std::shared_ptr<Run> run, Status why) {
  log_.warning("daemon.request.refused", {{"request_id", run->id.str()}, {"error", described(why)}});
  auto known = co_await journal_.knows(run->id, soon());
  if (why.code() == StatusCode::kInvalidArgument) known = false;  // it was another one that has run
  if (!known.ok()) co_return drop(*run);
  run->admitted = true;
  if (listener_) listener_->on_accepted(run->id);
  if (!*known) {
    co_return co_await record_end(
        run, error_result(model::Outcome::kNotExecuted, concat("The tool was not run: ", message_of(why), ".")), false);
  }
  if (const auto before = co_await journal_.result(run->id, soon()); before.ok() && *before) {
    announce_end(*run);
    co_return;
  }
  co_await record_end(run,
                      error_result(model::Outcome::kUnknown,
                                   concat("The tool was begun before; what became of it is not known (", message_of(why),
                                          "). Look at the state of things before you repeat it.")),
                      false);
}

Task<model::ToolResult> Runner::run_or_cancel(std::shared_ptr<Run> run) {
  if (run->cancelled.is_set())
    co_return error_result(model::Outcome::kNotExecuted, "Cancelled before it started.");
  auto first = co_await race(run_tool(run), end_of_grace(run->cancelled, run->killed));
  if (auto* result = std::get_if<model::ToolResult>(&first)) co_return std::move(*result);
  // The run has been destroyed, and with it the processes it had started.
  trace_effect("tool.effect.finished", *run);
  co_return error_result(
      model::Outcome::kExecuted,
      "Cancelled while it ran. It may have done a part of its work; what it had started was ended.");
}

// An exception, such as one for want of memory, is the result of this run alone. A tool that had begun ran, and it is not
// known how far it came.
Task<model::ToolResult> Runner::run_tool(std::shared_ptr<Run> run) {
  std::string thrown;
  try {
    co_return co_await invoke_tool(run);
  } catch (...) {
    thrown = what_of(std::current_exception());
  }
  log_.warning("daemon.tool.threw", {{"request_id", run->id.str()},
                                     {"daemon", options_.daemon.str()},
                                     {"tool", run->request.tool()},
                                     {"error", thrown}});
  if (!run->started)
    co_return error_result(model::Outcome::kNotExecuted, concat("The tool was not run: an internal error (", thrown, ")."));
  trace_effect("tool.effect.finished", *run);
  co_return error_result(model::Outcome::kExecuted,
                         concat("The tool failed with an internal error (", thrown, "). It may have done a part of its work: look at "
                                "the state of things before you repeat it, and ask it for less at a time."));
}

Task<model::ToolResult> Runner::invoke_tool(std::shared_ptr<Run> run) {
  const proto::ExecuteTool& request = run->request;
  if (!run->tool) {
    std::vector<std::string> names;
    for (const auto* descriptor : tools_.descriptors()) names.push_back(descriptor->name);
    co_return error_result(model::Outcome::kNotExecuted, concat("This daemon has no tool \"", request.tool(),
                                                                "\"; it has: ", join(names, ", "), "."));
  }
  auto arguments = parse_json(request.arguments().empty() ? "{}" : request.arguments());
  if (!arguments.ok())
    co_return error_result(model::Outcome::kNotExecuted,
                           concat("The arguments cannot be read: ", message_of(arguments.status()), "."));
  const std::int64_t timeout = request.timeout_ms() > 0 ? request.timeout_ms() : kDefaultTimeoutMs;
  tools::ToolInvocation invocation;
  invocation.request = run->id;
  invocation.arguments = *std::move(arguments);
  invocation.working_directory =
      request.working_directory().empty() ? options_.working_directory : request.working_directory();
  invocation.deadline = after(clock_.now(), std::chrono::duration_cast<Duration>(std::chrono::milliseconds(
                                                std::min(timeout, std::int64_t{1} << 40))));

  invocation.stop = &run->cancelled;
  run->started = true;
  trace_effect("tool.effect.started", *run);
  SpooledOutput output(*this, *run);
  model::ToolResult result = co_await run->tool->run(std::move(invocation), output);
  trace_effect("tool.effect.finished", *run);
  co_return result;
}

// Around the run itself: what happened between the two is what really happened.
void Runner::trace_effect(std::string_view name, const Run& run) {
  log_.info(name, {{"request_id", run.id.str()},
                   {"tool", run.request.tool()},
                   {"effect", to_string(run.effect)},
                   {"daemon", options_.daemon.str()},
                   {"user", user_.str()},
                   {"chat", run.request.chat_id()}});
}

// A result that the journal will not take is offered all the same: the server's copy is what counts in the
// end.
Task<void> Runner::record_end(std::shared_ptr<Run> run, model::ToolResult result, bool journaled) {
  if (journaled) {
    const Status kept = co_await journal_.finish(run->id, result, soon());
    journaled = kept.ok();
    if (!kept.ok()) log_.warning("daemon.result.not_journaled", {{"request_id", run->id.str()}, {"error", described(kept)}});
  }
  if (journaled) {
    keep_unsent(run->id, std::move(result));
  } else {
    unsaved_.insert_or_assign(run->id, std::move(result));
  }
  announce_end(*run);
}

void Runner::keep_unsent(const RequestId& id, model::ToolResult result) {
  if (unsent_bytes_ + result.content.size() > kUnsentBytes) return;  // the journal has it
  unsent_bytes_ += result.content.size();
  unsent_.insert_or_assign(id, std::move(result));
}

void Runner::forget_unsent(const RequestId& id) {
  const auto kept = unsent_.find(id);
  if (kept == unsent_.end()) return;
  unsent_bytes_ -= kept->second.content.size();
  unsent_.erase(kept);
}

void Runner::announce_end(const Run& run) {
  const RequestId id = run.id;
  const bool was_cancelled = run.cancelled.is_set();
  const bool was_running = run.started;
  runs_.erase(id);
  offers_.insert(id);
  if (listener_) listener_->on_finished(id);
  if (was_cancelled && listener_) listener_->on_cancel_done(id, was_running);
  a_run_ended_.set();
}

void Runner::cancel(RequestId id) {
  if (const auto running = runs_.find(id); running != runs_.end()) {
    running->second->cancelled.set();  // confirmed when it has ended
    running->second->leaves.set();
  } else {
    scope_.spawn(cancel_absent(std::move(id)));
  }
}

void Runner::cancel_unrecorded(const RequestId& id) {
  if (runs_.contains(id)) return cancel(id);
  reads_.refuse(id);
  if (listener_) listener_->on_cancel_done(id, false);
}

bool Runner::kill(const RequestId& id) {
  const auto running = runs_.find(id);
  if (running == runs_.end()) return false;
  running->second->killed.set();
  running->second->cancelled.set();
  running->second->leaves.set();
  return true;
}

// Also a request that never came is written down, so that it is not run when it comes late (C9). When it comes while that
// goes on, it waits: the journal takes what was begun and is not running for the run of an earlier life.
Task<void> Runner::cancel_absent(RequestId id) {
  const auto lock = co_await refusals_.lock(id);
  if (const auto running = runs_.find(id); running != runs_.end()) {
    running->second->cancelled.set();
    running->second->leaves.set();
    co_return;
  }
  const Status refused = co_await journal_.refuse(id, soon());
  if (!refused.ok()) {
    log_.warning("daemon.cancel.not_journaled", {{"request_id", id.str()}, {"error", described(refused)}});
    co_return;  // not confirmed: whoever asked will ask again
  }
  const auto stored = co_await journal_.unacknowledged(soon());
  // One that came in the meantime waits behind the refusal, and answers for itself.
  if (!runs_.contains(id) && stored.ok() && std::find(stored->begin(), stored->end(), id) != stored->end() &&
      offers_.insert(id).second && listener_)
    listener_->on_finished(id);
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

void Runner::acknowledge_result(RequestId id) {
  if (reads_.acknowledge(id) || offers_.erase(id) == 0) return;
  log_.info("daemon.result.acknowledged", {{"request_id", id.str()}, {"daemon", options_.daemon.str()}});
  forget_unsent(id);
  scope_.spawn(record_acknowledgement(std::move(id)));
}

Task<void> Runner::record_acknowledgement(RequestId id) {
  if (const auto kept = unsaved_.find(id); kept != unsaved_.end()) {
    const model::ToolResult result = std::move(kept->second);
    unsaved_.erase(kept);
    (void)co_await journal_.finish(id, result, soon());  // it may have room again
  }
  const Status kept = co_await journal_.acknowledge(id, soon());
  // It will be offered once more in our next life, and acknowledged again.
  if (!kept.ok()) log_.warning("daemon.ack.not_journaled", {{"request_id", id.str()}, {"error", described(kept)}});
}

Task<std::optional<model::ToolResult>> Runner::result(RequestId id) {
  if (const auto kept = unsaved_.find(id); kept != unsaved_.end()) co_return kept->second;
  if (const auto kept = unsent_.find(id); kept != unsent_.end()) co_return kept->second;
  auto stored = co_await journal_.result(id, soon());
  if (!stored.ok()) {
    log_.warning("daemon.journal.unreadable", {{"request_id", id.str()}, {"error", described(stored.status())}});
    co_return std::nullopt;
  }
  co_return *std::move(stored);
}

Task<std::optional<OutputChunk>> Runner::output_after(RequestId id, std::uint64_t chunk) {
  if (auto read = reads_.output_after(id, chunk)) co_return read;
  auto stored = co_await journal_.output_after(id, chunk, soon());
  if (stored.ok()) co_return *std::move(stored);
  log_.warning("daemon.journal.unreadable", {{"request_id", id.str()}, {"error", described(stored.status())}});
  co_return std::nullopt;
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

Task<void> Runner::prune_for_ever() {
  for (;;) {
    const Status pruned = co_await journal_.prune(soon());
    if (!pruned.ok()) log_.warning("daemon.journal.not_pruned", {{"error", described(pruned)}});
    co_await sleep_for(Journal::kTextKept);
  }
}

}  // namespace reliant::daemon
