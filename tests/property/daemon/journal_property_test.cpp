// The journal against a model of it: any sequence of requests, ends, acknowledgements and crashes (also in
// the middle of a transaction) leaves it knowing what really happened, and lets a request that may not be
// repeated run at most once.
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>
#include <rapidcheck/state.h>

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "adapters/sqlite/sqlite_database.h"
#include "daemon/journal.h"
#include "kernel/sim_clock.h"
#include "runtime/executor.h"
#include "runtime/scope.h"

namespace reliant::daemon {
namespace {

using model::Effect;
using model::Outcome;

// The real one, and how to call it.
class System {
 public:
  System() { restart(); }

  void restart() {
    journal_.reset();
    journal_ = std::make_unique<Journal>(process_.context(), *database_, clock_, Random(++life_));
    RC_ASSERT(call(journal_->open(kNever)).ok());
    RC_ASSERT(call(journal_->settle(kNever)).ok());
  }
  template <class T>
  T call(Task<T> task) {
    std::optional<T> value;
    TaskScope scope(executor_, 1);
    scope.spawn(keep(std::move(task), value));
    executor_.run();
    RC_ASSERT(value.has_value());
    return *std::move(value);
  }
  // The process dies after so many steps of the call. True: the call had ended before.
  template <class T>
  bool interrupt(Task<T> task, std::uint64_t steps) {
    std::optional<T> value;
    {
      TaskScope scope(executor_, 1);
      scope.spawn(keep(std::move(task), value));
      executor_.run(steps);
    }
    restart();
    return value.has_value();
  }
  Journal& journal() { return *journal_; }

 private:
  template <class T>
  static Task<void> keep(Task<T> task, std::optional<T>& value) {
    value.emplace(co_await std::move(task));
  }

  Executor executor_{1};
  TaskScope process_{executor_, 1};
  sim::SimClock clock_{executor_, 0};
  std::unique_ptr<adapters::SqliteDatabase> database_ = *adapters::SqliteDatabase::open(":memory:");
  std::uint64_t life_ = 0;
  std::unique_ptr<Journal> journal_;
};

constexpr int kRequests = 4;

struct Known {
  bool started = false;
  bool running = false;  // a run of this life
  bool finished = false;
  bool acknowledged = false;
  Outcome outcome = Outcome::kUnknown;
  std::string content;
  int runs = 0;
};

// Even requests may be repeated, odd ones may not.
struct Model {
  std::map<int, Known> requests;
};

Effect effect_of(int request) { return request % 2 == 0 ? Effect::kReadOnly : Effect::kNonIdempotent; }
RequestId id_of(int request) { return RequestId(concat("req_", request)); }
JournalRequest request_of(int request) { return {id_of(request), "bash", "{}", effect_of(request)}; }

void crash(Model& model) {
  for (auto& [request, known] : model.requests) {
    if (known.started && !known.finished && effect_of(request) == Effect::kNonIdempotent) {
      known.finished = true;
      known.outcome = Outcome::kUnknown;
    }
    known.running = false;
  }
}

// Conditions of several parts stand in brackets of their own: rapidcheck takes them apart and refers to their
// temporaries.
using Command = rc::state::Command<Model, System>;

struct Admit : Command {
  int request = *rc::gen::inRange(0, kRequests);

  void checkPreconditions(const Model& model) const override {
    const auto found = model.requests.find(request);
    RC_PRE((found == model.requests.end() || !found->second.running));  // the Runner's part
  }
  void apply(Model& model) const override {
    Known& known = model.requests[request];
    if (known.finished) return;
    known.started = known.running = true;
    ++known.runs;
  }
  void run(const Model& before, System& system) const override {
    Model after = before;
    apply(after);
    const Known& known = after.requests[request];
    const auto admission = system.call(system.journal().admit(request_of(request), kNever));
    RC_ASSERT(admission.ok());
    RC_ASSERT(admission->result.has_value() == known.finished);
    if (known.finished) RC_ASSERT(admission->result->outcome == known.outcome);
    if (known.finished && known.outcome == Outcome::kExecuted) RC_ASSERT(admission->result->content == known.content);
    if (effect_of(request) == Effect::kNonIdempotent) RC_ASSERT(known.runs <= 1);
  }
  void show(std::ostream& os) const override { os << "Admit(" << request << ")"; }
};

struct FinishRun : Command {
  int request = *rc::gen::inRange(0, kRequests);
  std::string content = *rc::gen::arbitrary<std::string>();

  void checkPreconditions(const Model& model) const override {
    const auto found = model.requests.find(request);
    RC_PRE((found != model.requests.end() && found->second.running));
  }
  void apply(Model& model) const override {
    Known& known = model.requests[request];
    known.running = false;
    known.finished = true;
    known.outcome = Outcome::kExecuted;
    known.content = content;
  }
  void run(const Model&, System& system) const override {
    model::ToolResult result;
    result.content = content;
    RC_ASSERT(system.call(system.journal().finish(id_of(request), result, kNever)).ok());
    const auto stored = system.call(system.journal().result(id_of(request), kNever));
    RC_ASSERT((stored.ok() && stored->has_value()));
    RC_ASSERT(**stored == result);
  }
  void show(std::ostream& os) const override { os << "Finish(" << request << ")"; }
};

struct RefuseRequest : Command {
  int request = *rc::gen::inRange(0, kRequests);

  void checkPreconditions(const Model& model) const override {
    const auto found = model.requests.find(request);
    RC_PRE((found == model.requests.end() || !found->second.running));
  }
  void apply(Model& model) const override {
    Known& known = model.requests[request];
    if (known.finished) return;
    known.outcome = known.started ? Outcome::kUnknown : Outcome::kNotExecuted;
    known.started = known.finished = true;
  }
  void run(const Model& before, System& system) const override {
    Model after = before;
    apply(after);
    RC_ASSERT(system.call(system.journal().refuse(id_of(request), kNever)).ok());
    const auto stored = system.call(system.journal().result(id_of(request), kNever));
    RC_ASSERT((stored.ok() && stored->has_value()));
    RC_ASSERT((*stored)->outcome == after.requests[request].outcome);
  }
  void show(std::ostream& os) const override { os << "Refuse(" << request << ")"; }
};

struct AcknowledgeResult : Command {
  int request = *rc::gen::inRange(0, kRequests);

  void checkPreconditions(const Model& model) const override { RC_PRE(model.requests.contains(request)); }
  void apply(Model& model) const override {
    Known& known = model.requests[request];
    known.acknowledged = known.finished;
  }
  void run(const Model&, System& system) const override {
    RC_ASSERT(system.call(system.journal().acknowledge(id_of(request), kNever)).ok());
  }
  void show(std::ostream& os) const override { os << "Acknowledge(" << request << ")"; }
};

struct Crash : Command {
  void apply(Model& model) const override { crash(model); }
  void run(const Model& before, System& system) const override {
    Model after = before;
    apply(after);
    system.restart();
    std::set<RequestId> expected;
    for (const auto& [request, known] : after.requests) {
      if (known.finished && !known.acknowledged) expected.insert(id_of(request));
    }
    const auto offered = system.call(system.journal().unacknowledged(kNever));
    RC_ASSERT(offered.ok());
    RC_ASSERT(std::set<RequestId>(offered->begin(), offered->end()) == expected);
  }
  void show(std::ostream& os) const override { os << "Crash"; }
};

RC_GTEST_PROP(Journal, KnowsWhatHappenedAndNeverRunsTwice, ()) {
  System system;
  rc::state::check(Model(), system,
                   rc::state::gen::execOneOfWithArgs<Admit, FinishRun, RefuseRequest, AcknowledgeResult, Crash>());
}

// The process dies anywhere in a call: it has had all of its effect, or none.
RC_GTEST_PROP(Journal, IsWholeWhereverTheProcessDies, ()) {
  const auto steps = *rc::gen::inRange<std::uint64_t>(0, 12);
  {
    System system;
    const bool admitted = system.interrupt(system.journal().admit(request_of(1), kNever), steps);
    const auto again = system.call(system.journal().admit(request_of(1), kNever));
    RC_ASSERT(again.ok());
    // It was admitted: it may have run. Otherwise it did not run, and may run now, or is called unknown.
    if (admitted) RC_ASSERT((again->result.has_value() && again->result->outcome == Outcome::kUnknown));
  }
  {
    System system;
    RC_ASSERT(system.call(system.journal().admit(request_of(1), kNever)).ok());
    model::ToolResult result;
    result.content = "done";
    const bool finished = system.interrupt(system.journal().finish(id_of(1), result, kNever), steps);
    const auto stored = system.call(system.journal().result(id_of(1), kNever));
    RC_ASSERT((stored.ok() && stored->has_value()));
    if (finished)
      RC_ASSERT(**stored == result);
    else
      RC_ASSERT((**stored == result || (*stored)->outcome == Outcome::kUnknown));
  }
}

RC_GTEST_PROP(Journal, GivesOutputBackInOrderWithoutWhatWasForgotten, ()) {
  System system;
  RC_ASSERT(system.call(system.journal().admit(request_of(1), kNever)).ok());
  std::map<std::uint64_t, std::string> kept;
  const auto count = *rc::gen::inRange<std::uint64_t>(1, 20);
  for (std::uint64_t number = 1; number <= count; ++number) {
    const std::string data = *rc::gen::arbitrary<std::string>();
    const auto forget = *rc::gen::inRange<std::uint64_t>(0, number);
    RC_ASSERT(system.call(system.journal().add_output(id_of(1), {number, data}, forget, kNever)).ok());
    kept[number] = data;
    kept.erase(kept.begin(), kept.upper_bound(forget));
    if (*rc::gen::inRange(0, 5) == 0) system.restart();
  }
  std::map<std::uint64_t, std::string> read;
  for (std::uint64_t at = 0;;) {
    const auto chunk = system.call(system.journal().output_after(id_of(1), at, kNever));
    RC_ASSERT(chunk.ok());
    if (!chunk->has_value()) break;
    at = (*chunk)->number;
    read[at] = (*chunk)->data;
  }
  RC_ASSERT(read == kept);
  RC_ASSERT(system.call(system.journal().admit(request_of(1), kNever))->last_chunk == count);
}

}  // namespace
}  // namespace reliant::daemon
