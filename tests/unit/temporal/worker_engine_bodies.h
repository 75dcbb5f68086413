// The activities and workflows that the tests of workers against the embedded engine run, and the records of the activities.
#pragma once

#include <algorithm>
#include <functional>
#include <memory>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "runtime/all.h"
#include "runtime/race.h"
#include "runtime/sleep.h"
#include "unit/temporal/temporal_world.h"

namespace reliant::tests {

inline temporal::ActivityOptions watched() {
  temporal::ActivityOptions options;
  options.start_to_close = std::chrono::minutes(5);
  options.heartbeat = std::chrono::seconds(10);
  return options;
}

// What activities saw, over all workers and lives.
struct Seen {
  std::vector<std::string> calls;
  std::vector<temporal::CancelReason> cancelled;
  int destroyed = 0;

  int count(const std::string& call) const { return static_cast<int>(std::count(calls.begin(), calls.end(), call)); }
};

struct Destroyed {
  explicit Destroyed(Seen& where) : seen(where) {}
  ~Destroyed() { ++seen.destroyed; }
  Seen& seen;
};

// --- activities -------------------------------------------------------------------------------------------

inline Task<Result<std::string>> echo(Seen& seen, temporal::ActivityContext& context, std::string input) {
  seen.calls.push_back(concat("echo ", context.info().attempt));
  co_return input;
}
// Fails as often as its input says.
inline Task<Result<std::string>> flaky(Seen& seen, temporal::ActivityContext& context, std::string input) {
  seen.calls.push_back(concat("flaky ", context.info().attempt, " ", context.info().heartbeat_details));
  context.heartbeat(concat(context.info().attempt));
  co_await sleep_for(std::chrono::seconds(1));
  if (context.info().attempt <= input[0] - '0') co_return unavailable("not yet");
  co_return concat(context.info().attempt);
}
inline Task<Result<std::string>> forbidden(Seen& seen, temporal::ActivityContext&, std::string) {
  seen.calls.push_back("forbidden");
  co_return with_reason(permission_denied("no entry"), "LOCKED");
}
inline Task<Result<std::string>> throwing(Seen& seen, temporal::ActivityContext& context, std::string) {
  seen.calls.push_back("throwing");
  if (context.info().attempt == 1) throw std::runtime_error("boom");
  co_return "\"recovered\"";
}
// A minute of cancellable work.
inline Task<Result<std::string>> polite(Seen& seen, temporal::ActivityContext& context, std::string) {
  seen.calls.push_back(concat("polite ", context.info().attempt));
  const bool told = co_await context.cancelled().wait(after(context.info().deadline, -std::chrono::minutes(4)));
  if (!told) co_return "\"worked\"";
  seen.cancelled.push_back(context.cancel_reason());
  co_await sleep_for(std::chrono::seconds(1));  // simulated work
  co_return cancelled("stopped");
}
inline Task<Result<std::string>> stubborn(Seen& seen, temporal::ActivityContext&, std::string) {
  const Destroyed destroyed(seen);
  seen.calls.push_back("stubborn");
  co_await never();
  co_return "";
}

inline std::function<void(temporal::Worker&, sim::Node&)> with(Seen& seen,
                                                               std::vector<std::pair<std::string, WorkflowBody>> bodies) {
  return [&seen, bodies](temporal::Worker& worker, sim::Node&) {
    for (const auto& [type, body] : bodies) worker.register_workflow(type, workflow_of(body));
    using Activity = Task<Result<std::string>> (*)(Seen&, temporal::ActivityContext&, std::string);
    const std::pair<const char*, Activity> activities[] = {{"echo", &echo},           {"flaky", &flaky},
                                                           {"forbidden", &forbidden}, {"throwing", &throwing},
                                                           {"polite", &polite},       {"stubborn", &stubborn}};
    for (const auto& [type, activity] : activities) {
      worker.register_activity(type, [&seen, function = activity](temporal::ActivityContext& context, std::string input) {
        return function(seen, context, std::move(input));
      });
    }
  };
}

// --- workflows --------------------------------------------------------------------------------------------

// Input "type input": runs that activity.
inline Task<Result<std::string>> one_activity(temporal::WorkflowContext& context, std::string input) {
  const std::size_t space = input.find(' ');
  temporal::ActivityOptions options = watched();
  options.cancel_when = &context.cancel_requested();
  co_return co_await context.execute_activity(input.substr(1, space - 1), input.substr(space + 1, input.size() - space - 2),
                                              options);
}
inline Task<Result<std::string>> many_steps(temporal::WorkflowContext& context, std::string) {
  std::string log;
  for (int i = 0; i < 5; ++i) {
    std::vector<Task<Result<std::string>>> tasks;
    tasks.reserve(3);
    for (int j = 0; j < 3; ++j) tasks.push_back(context.execute_activity("echo", concat(i, j), watched()));
    for (const auto& result : co_await all(std::move(tasks))) log += result.value_or("?");
    co_await context.sleep(std::chrono::seconds(20));
  }
  co_return log;
}
inline Task<Result<std::string>> hour(temporal::WorkflowContext& context, std::string) {
  const WallTime begin = context.now();
  co_await context.sleep(std::chrono::minutes(60));
  co_return concat((context.now() - begin) / std::chrono::minutes(1));
}
// Collects words until "end".
inline Task<Result<std::string>> listener(temporal::WorkflowContext& context, std::string) {
  std::string heard = "\"";
  for (;;) {
    const std::string word = co_await context.receive_signal("word");
    if (word == "\"end\"") break;
    (void)co_await context.execute_activity("echo", word, watched());
    heard += word.substr(1, word.size() - 2);
  }
  co_return heard + "\"";
}
inline Task<Result<std::string>> counts_down(temporal::WorkflowContext& context, std::string input) {
  if (input == "0") co_return concat("\"", context.info().run_id == context.info().first_run_id ? "first" : "later", "\"");
  (void)co_await context.execute_activity("echo", input, watched());
  co_return context.continue_as_new(concat(input[0] - '0' - 1));
}
inline Task<Result<std::string>> impatient(temporal::WorkflowContext& context, std::string) {
  auto first = co_await race(context.execute_activity("stubborn", "", watched()), context.sleep(std::chrono::seconds(5)));
  if (first.index() == 0) co_return "\"?\"";
  co_await context.sleep(std::chrono::minutes(1));
  co_return "\"gave up\"";
}

class Answering final : public temporal::Workflow {
 public:
  Task<Result<std::string>> run(temporal::WorkflowContext& context, std::string) override {
    for (; count_ < 3; ++count_) (void)co_await context.receive_signal("word");
    co_return concat(count_);
  }
  Result<std::string> query(std::string_view name, std::string_view arguments) override {
    if (name == "count") return concat(count_, arguments);
    return Workflow::query(name, arguments);
  }

 private:
  int count_ = 0;
};

}  // namespace reliant::tests
