#include "temporal/engine/engine.h"

#include <temporal/api/errordetails/v1/message.pb.h>

#include <algorithm>
#include <utility>

#include "absl/strings/cord.h"
#include "base/cause.h"
#include "base/finally.h"
#include "base/text.h"
#include "base/url.h"
#include "runtime/sleep.h"
#include "temporal/engine/engine_impl.h"
#include "temporal/engine/limits.h"

namespace reliant::temporal::engine {

namespace {
constexpr std::int64_t kSecond = 1'000'000'000;
constexpr Duration kLongestSleep = std::chrono::seconds(60);  // the wall clock may jump during a sleep
constexpr Duration kKeepTimeWorking = std::chrono::seconds(1);
constexpr Duration kKeepTimeWaiting = std::chrono::seconds(60);
constexpr Duration kInternalDeadline = std::chrono::seconds(30);
constexpr Duration kTimerRetry = std::chrono::seconds(1);
constexpr Duration kSweepEvery = std::chrono::hours(1);

Instant earliest(Instant a, Instant b) { return std::min(a, b); }
}  // namespace

// --- the public class ------------------------------------------------------------------------------------------------

Engine::Engine(Context& context, const Clock& clock, Random random, EventLog& log, ports::Database& database,
               EngineOptions options)
    : impl_(std::make_unique<Impl>(context, clock, random, log, database, std::move(options))) {}

Engine::~Engine() = default;

Task<Status> Engine::start(Instant deadline) { return impl_->start(deadline); }

#define RELIANT_ENGINE_METHOD(name, Name)                                                                    \
  Task<Result<ports::wf::Name##Response>> Engine::name(ports::wf::Name##Request request, Instant deadline) { \
    return impl_->name(std::move(request), deadline);                                                        \
  }
RELIANT_TEMPORAL_METHODS(RELIANT_ENGINE_METHOD)
#undef RELIANT_ENGINE_METHOD

Status with_detail(Status status, const google::protobuf::Message& detail) {
  const std::string url = concat("type.googleapis.com/", detail.GetDescriptor()->full_name());
  const std::string bytes = serialize(detail);
  status.SetPayload(url, absl::Cord(absl::string_view(bytes)));
  return status;
}

// --- a transaction on its way ----------------------------------------------------------------------------------------

class Engine::Impl::PendingCommit final : public Commit {
 public:
  PendingCommit(Impl& impl, Session owner) : impl_(impl), session(std::move(owner)) {}
  void ended(const Status& status) override {
    if (status.ok()) {
      impl_.committed(*this);
    } else {
      impl_.not_committed(*this);
    }
    reply->set(status);
  }

 private:
  Impl& impl_;

 public:
  struct Part {
    std::shared_ptr<Run> run;
    std::vector<Dispatch> dispatches;
  };
  Session session;
  std::vector<Part> parts;  // the last one is the current run
  bool replaces_current = false;
  bool removes = false;
  Reply reply = std::make_shared<OneShot<Status>>();
};

// --- life ------------------------------------------------------------------------------------------------------------

Engine::Impl::Impl(Context& context, const Clock& clock, Random random, EventLog& log, ports::Database& database,
                   EngineOptions options)
    : clock_(clock),
      random_(random),
      log_(log),
      options_(std::move(options)),
      executor_(*context.executor),
      store_(database),
      visibility_(database),
      matching_(executor_),
      committer_(executor_, database, log),
      scope_(context) {}

Task<Status> Engine::Impl::start(Instant deadline) {
  if (started_.is_set()) co_return ok_status();
  if (starting_) co_return failed_precondition("the engine is being started already");
  starting_ = true;
  const Finally ended([this] { starting_ = false; });
  CO_TRY_OK(co_await store_.migrate(deadline));
  // Once for a file of an earlier version, in transactions of its own: a large file takes its time.
  for (bool filled = false; !filled;) {
    CO_TRY_ASSIGN(filled, co_await visibility_.fill(after(executor_.now(), kInternalDeadline)));
  }
  CO_TRY_ASSIGN(RunStore::Unfinished left, co_await store_.unfinished(deadline));
  CO_TRY_ASSIGN(time_kept_, co_await store_.time_reached(deadline));
  const std::int64_t wall = clock_.wall_now().time_since_epoch().count();
  clock_offset_ = std::max(wall, time_kept_) - executor_.now().time_since_epoch().count();
  if (wall < time_kept_ - kSecond) {
    log_.warning("temporal.engine.clock.behind", {{"by_ms", (time_kept_ - wall) / 1'000'000}});
  }
  time_kept_ = now();
  CO_TRY_OK(co_await store_.keep_time(time_kept_, deadline));
  for (auto& timer : left.timers) arm(timer.run_id, {timer.at, std::move(timer.ns), std::move(timer.workflow_id)});
  for (const auto& run : left.waiting) {
    publish(*run, run->running() ? run->pending_dispatches() : std::vector<Dispatch>());
    if (!is_to_be_removed(*run)) continue;
    scope_.spawn(remove(run->state().namespace_(), run->state().workflow_id(), run->run_id()));
  }
  scope_.spawn(committer_.run());
  scope_.spawn(run_timers());
  started_.set();
  log_.info("temporal.engine.started", {{"timers", left.timers.size()}, {"waiting", left.waiting.size()}});
  co_return ok_status();
}

// The calendar for what must mean the same after a restart, but as steady as the executor's clock: it is followed
// forward (a laptop that slept), never back, also not over a restart (engine.h).
std::int64_t Engine::Impl::now() {
  const std::int64_t steady = executor_.now().time_since_epoch().count();
  const std::int64_t wall = clock_.wall_now().time_since_epoch().count();
  if (wall - (steady + clock_offset_) > kSecond) clock_offset_ = wall - steady;
  return steady + clock_offset_;
}

// True: the caller keeps it.
bool Engine::Impl::time_is_to_be_kept(std::int64_t time, Duration every) {
  if (time - time_kept_ < every.count()) return false;
  time_kept_ = time;
  return true;
}

Task<void> Engine::Impl::keep_time(std::int64_t time) {
  const Status kept = co_await store_.keep_time(time, after(executor_.now(), kInternalDeadline));
  if (!kept.ok()) log_.warning("temporal.engine.clock.not_kept", {{"error", described(kept)}});  // the next one is
}

void Engine::Impl::note_large_payload(std::string_view what, const std::string& workflow_id,
                                      const google::protobuf::MessageLite& payload) {
  const std::size_t bytes = payload.ByteSizeLong();
  if (bytes <= kBlobWarning) return;
  log_.warning("temporal.engine.payload.large",
               {{"workflow_id", workflow_id}, {"what", what}, {"bytes", static_cast<std::int64_t>(bytes)}});
}

Instant Engine::Impl::poll_end(Instant deadline, Duration longest) const {
  const Instant now = executor_.now();
  const Instant end = after(now, longest - std::min<Duration>(longest / 10, std::chrono::seconds(1)));
  if (deadline == kNever) return end;
  // A little before the caller gives up, so that the answer still reaches it.
  const Duration left = std::max(Duration::zero(), deadline - now);
  return earliest(end, deadline - std::min<Duration>(left / 10, std::chrono::seconds(1)));
}

Instant Engine::Impl::poll_end(Instant deadline) const { return poll_end(deadline, options_.long_poll); }

Status Engine::Impl::check_namespace(const std::string& ns) const {
  if (std::ranges::find(options_.namespaces, ns) != options_.namespaces.end()) return ok_status();
  api::errordetails::v1::NamespaceNotFoundFailure detail;
  detail.set_namespace_(ns);
  return with_reason(with_detail(not_found("Namespace ", ns, " is not found."), detail), "NAMESPACE_NOT_FOUND");
}

Task<Status> Engine::Impl::ready(std::string ns, Instant deadline) {
  CO_TRY_OK(check_namespace(ns));
  if (started_.is_set()) co_return ok_status();
  const bool started = co_await started_.wait(deadline);
  if (!started) co_return unavailable("the engine has not started yet");
  co_return ok_status();
}

// --- sessions --------------------------------------------------------------------------------------------------------

std::string Engine::Impl::key_of(std::string_view ns, std::string_view workflow_id) { return concat(ns, '\0', workflow_id); }

Engine::Impl::CachedWorkflow& Engine::Impl::cached(const std::string& key) {
  CachedWorkflow& workflow = cache_[key];
  if (workflow.used != 0) cache_by_use_.erase(workflow.used);
  workflow.used = ++uses_;
  cache_by_use_.emplace(workflow.used, key);
  return workflow;
}

// Dropping a run that is in use is harmless: the lock's holder keeps it, and commits it to the database.
void Engine::Impl::shrink_cache() {
  while (cache_.size() > options_.cached_workflows) {
    const auto oldest = cache_by_use_.begin();
    cache_.erase(oldest->second);
    cache_by_use_.erase(oldest);
  }
}

Task<Result<std::shared_ptr<Run>>> Engine::Impl::fetch(std::string key, std::string run_id, Instant deadline) {
  if (const auto found = cached(key).runs.find(run_id); found != cached(key).runs.end()) co_return found->second;
  CO_TRY_ASSIGN(std::shared_ptr<Run> run, co_await store_.load(run_id, deadline));
  if (run != nullptr && key_of(run->state().namespace_(), run->state().workflow_id()) == key) {
    cached(key).runs[run_id] = run;
    shrink_cache();
    co_return run;
  }
  co_return std::shared_ptr<Run>();
}

Task<Result<Engine::Impl::Session>> Engine::Impl::open_current(std::string ns, std::string workflow_id, Instant deadline) {
  std::string key = key_of(ns, workflow_id);
  auto lock = co_await locks_.lock(key, deadline);
  if (!lock) co_return unavailable("workflow ", workflow_id, " is busy");
  std::string run_id = cached(key).current_run_id;
  if (run_id.empty()) {
    CO_TRY_ASSIGN(auto found, co_await store_.current_run(ns, workflow_id, deadline));
    run_id = found.value_or("");
    cached(key).current_run_id = run_id;
  }
  std::shared_ptr<Run> run;
  if (!run_id.empty()) {
    CO_TRY_ASSIGN(run, co_await fetch(key, run_id, deadline));
  }
  shrink_cache();
  co_return Session{*std::move(lock), std::move(key), std::move(run)};
}

Task<Result<Engine::Impl::Session>> Engine::Impl::open(std::string ns, std::string workflow_id, std::string run_id,
                                                       Instant deadline) {
  if (workflow_id.empty()) co_return invalid_field("workflow_id", "WorkflowId is not set on request.");
  if (run_id.empty()) {
    CO_TRY_ASSIGN(Session session, co_await open_current(ns, workflow_id, deadline));
    if (session.run == nullptr) co_return not_found("workflow not found for ID: ", workflow_id);
    co_return session;
  }
  run_id = to_lower(run_id);
  if (!is_uuid(run_id)) {
    co_return invalid_field("run_id", "Invalid RunId: it has to be a UUID; leave it empty for the current run.");
  }
  std::string key = key_of(ns, workflow_id);
  auto lock = co_await locks_.lock(key, deadline);
  if (!lock) co_return unavailable("workflow ", workflow_id, " is busy");
  CO_TRY_ASSIGN(std::shared_ptr<Run> run, co_await fetch(key, run_id, deadline));
  if (run == nullptr) co_return not_found("workflow not found for ID: ", workflow_id, " and run ID: ", run_id);
  co_return Session{*std::move(lock), std::move(key), std::move(run)};
}

void Engine::Impl::discard(const Session& session) {
  const auto found = cache_.find(session.key);
  if (found == cache_.end()) return;
  cache_by_use_.erase(found->second.used);
  cache_.erase(found);
}

Engine::Impl::Reply Engine::Impl::submit(Session session, std::shared_ptr<Run> fresh, bool run_changed) {
  auto commit = std::make_unique<PendingCommit>(*this, std::move(session));
  const auto add = [&](std::shared_ptr<Run> run, bool insert) {
    Run::Changes changes = run->finish();
    if (insert) {
      RunStore::insert(*run, changes, commit->writes);
      commit->replaces_current = true;
    } else {
      RunStore::update(*run, changes, commit->writes);
    }
    commit->parts.push_back({run, std::move(changes.dispatches)});
    return std::shared_ptr<Run>(std::move(changes.next));
  };
  std::shared_ptr<Run> next;
  if (commit->session.run != nullptr && run_changed) next = add(commit->session.run, false);
  if (fresh != nullptr) next = std::move(fresh);
  if (next != nullptr) add(next, true);
  if (const std::int64_t time = now(); time_is_to_be_kept(time, kKeepTimeWorking)) {
    commit->writes.push_back(RunStore::time_write(time));
  }
  commit->run_id = commit->parts.front().run->run_id();
  commit->version = commit->parts.front().run->state().version();
  Reply reply = commit->reply;
  committer_.submit(std::move(commit));
  return reply;
}

Engine::Impl::Reply Engine::Impl::submit_removal(Session session) {
  auto commit = std::make_unique<PendingCommit>(*this, std::move(session));
  const Run& run = *commit->session.run;
  RunStore::remove(run, commit->writes);
  commit->removes = true;
  commit->run_id = run.run_id();
  commit->version = run.state().version() + 1;  // never there: in doubt, it is removed again
  Reply reply = commit->reply;
  committer_.submit(std::move(commit));
  return reply;
}

Task<void> Engine::Impl::sweep() {
  for (;;) {
    const Instant deadline = after(executor_.now(), kInternalDeadline);
    const auto old = co_await store_.closed_before(now() - options_.retention.count(), deadline);
    if (!old.ok() || old->empty()) co_return;
    for (const RunStore::Closed& closed : *old) {
      auto session = co_await open(closed.ns, closed.workflow_id, closed.run_id, deadline);
      if (!session.ok()) co_return;
      const Reply reply = submit_removal(*std::move(session));
      const Status removed = co_await wait(reply, deadline);
      if (!removed.ok()) co_return;  // the next closing tries again
    }
  }
}

Task<Status> Engine::Impl::wait(Reply reply, Instant deadline) {
  auto status = co_await reply->wait(deadline);
  if (!status) co_return deadline_exceeded("the transaction was not committed in time; it still may be");
  co_return *std::move(status);
}

void Engine::Impl::publish(const Run& run, std::vector<Dispatch> dispatches) {
  for (Dispatch& dispatch : dispatches) {
    matching_.add({run.state().namespace_(), run.state().workflow_id(), run.run_id(), std::move(dispatch), nullptr});
  }
  deliver(run);
}

// Wakes the calls that wait for a change of a run.
void Engine::Impl::changed(const std::string& run_id) {
  const auto watch = watches_.find(run_id);
  if (watch == watches_.end()) return;
  watch->second.changed.set();
  watch->second.changed.reset();
}

bool Engine::Impl::is_to_be_removed(const Run& run) {
  return run.state().deletion_requested() && !run.running() && run.next_delivery() == nullptr;
}

Task<void> Engine::Impl::remove(std::string ns, std::string workflow_id, std::string run_id) {
  for (;;) {
    auto session = co_await open(ns, workflow_id, run_id, after(executor_.now(), kInternalDeadline));
    if (session.status().code() == StatusCode::kNotFound) co_return;
    if (session.ok()) {
      const Reply reply = submit_removal(*std::move(session));
      const Status removed = co_await wait(reply, kNever);
      if (removed.ok()) co_return;
    }
    co_await sleep_for(kTimerRetry);  // a database that failed gives no notice of its recovery
  }
}

void Engine::Impl::committed(PendingCommit& commit) {
  if (commit.removes) {
    changed(commit.session.run->run_id());
    return discard(commit.session);
  }
  CachedWorkflow& workflow = cached(commit.session.key);
  for (auto& part : commit.parts) {
    workflow.runs[part.run->run_id()] = part.run;
    arm(*part.run);
    publish(*part.run, std::move(part.dispatches));
    if (!part.run->running()) {
      release_queries(*part.run);
      if (executor_.now() >= next_sweep_) {
        next_sweep_ = after(executor_.now(), kSweepEvery);
        scope_.spawn(sweep());
      }
    }
    changed(part.run->run_id());
    if (is_to_be_removed(*part.run)) {
      const pb::RunState& state = part.run->state();
      scope_.spawn(remove(state.namespace_(), state.workflow_id(), state.run_id()));
    }
  }
  if (commit.replaces_current) workflow.current_run_id = commit.parts.back().run->run_id();
  // Closed runs are seldom asked for again; the current one may be.
  std::erase_if(workflow.runs,
                [&](const auto& entry) { return !entry.second->running() && entry.first != workflow.current_run_id; });
  shrink_cache();
}

void Engine::Impl::not_committed(PendingCommit& commit) {
  discard(commit.session);
  for (const auto& part : commit.parts) {
    const pb::RunState& state = part.run->state();
    scope_.spawn(recover(state.namespace_(), state.workflow_id(), state.run_id()));
  }
}

// The pollers' tasks and the timer of a run whose transaction was rolled back had been taken out of their queues.
Task<void> Engine::Impl::recover(std::string ns, std::string workflow_id, std::string run_id) {
  for (;;) {
    auto session = co_await open(ns, workflow_id, run_id, after(executor_.now(), kInternalDeadline));
    if (session.ok()) {
      arm(*session->run);
      publish(*session->run, session->run->pending_dispatches());
      co_return;
    }
    if (session.status().code() == StatusCode::kNotFound) co_return;
    co_await sleep_for(kTimerRetry);
  }
}

// --- timers ----------------------------------------------------------------------------------------------------------

void Engine::Impl::disarm(const std::string& run_id) {
  const auto found = armed_.find(run_id);
  if (found == armed_.end()) return;
  timers_.erase({found->second.at, run_id});
  armed_.erase(found);
}

void Engine::Impl::arm(const std::string& run_id, Armed armed) {
  const bool sooner = timers_.empty() || armed.at < timers_.begin()->first;
  disarm(run_id);
  timers_.emplace(armed.at, run_id);
  armed_.emplace(run_id, std::move(armed));
  if (sooner) timers_changed_.set();
}

void Engine::Impl::arm(const Run& run) {
  const std::int64_t at = run.next_timer();
  if (at == 0) return disarm(run.run_id());
  arm(run.run_id(), {at, run.state().namespace_(), run.state().workflow_id()});
}

Task<void> Engine::Impl::run_timers() {
  for (;;) {
    timers_changed_.reset();
    if (timers_.empty()) {
      co_await timers_changed_.wait();
      continue;
    }
    const std::int64_t time = now();
    const std::int64_t wait = timers_.begin()->first - time;
    if (wait > 0) {
      if (time_is_to_be_kept(time, kKeepTimeWaiting)) scope_.spawn(keep_time(time));
      co_await timers_changed_.wait(after(executor_.now(), std::min(Duration(wait), kLongestSleep)));
      continue;
    }
    const std::string run_id = timers_.begin()->second;
    const Armed armed = armed_.at(run_id);
    disarm(run_id);
    scope_.spawn(fire(armed.ns, armed.workflow_id, run_id));
  }
}

Task<void> Engine::Impl::fire(std::string ns, std::string workflow_id, std::string run_id) {
  auto session = co_await open(ns, workflow_id, run_id, after(executor_.now(), kInternalDeadline));
  if (!session.ok()) {
    if (session.status().code() == StatusCode::kNotFound) co_return;
    const std::int64_t again = now() + std::chrono::nanoseconds(kTimerRetry).count();
    arm(run_id, {again, std::move(ns), std::move(workflow_id)});
    co_return;
  }
  begin(*session);
  if (!session->run->fire_due()) {
    arm(*session->run);
    co_return;
  }
  submit(*std::move(session));
}

}  // namespace reliant::temporal::engine
