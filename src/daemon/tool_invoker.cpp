#include "daemon/tool_invoker.h"

#include <algorithm>
#include <deque>
#include <exception>
#include <utility>
#include <variant>

#include "base/json.h"
#include "base/text.h"
#include "base/utf8.h"
#include "runtime/failure_handler.h"
#include "runtime/race.h"
#include "runtime/this_context.h"
#include "tools/bounded_text.h"

namespace reliant::daemon {
namespace {

constexpr std::int64_t kDefaultTimeoutMs = 120'000;
// A reader that has acknowledged nothing for this time is ignored.
constexpr Duration kReaderTimeout = std::chrono::seconds(2);
// For a tool that is cancelled: more than `bash` needs for TERM and then KILL.
constexpr Duration kStopGrace = std::chrono::seconds(5);

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

class ToolInvoker::SpooledOutput final : public tools::ToolOutput {
 public:
  SpooledOutput(ToolInvoker& invoker, Run& run) : invoker_(invoker), run_(run) {}

  Task<void> write(std::string data) override {
    for (std::string_view rest = data; !rest.empty();) {
      const std::size_t size = tools::whole_characters(rest, invoker_.options_.chunk_size);
      co_await add(std::string(rest.substr(0, size)));
      rest.remove_prefix(size);
    }
  }

 private:
  struct Spooled {
    std::uint64_t chunk;
    std::size_t size;
  };

  Task<void> add(std::string data) {
    // The number is taken even if the chunk cannot be kept: then the gap shows.
    OutputChunk chunk{++run_.last_chunk, std::move(data)};
    co_await wait_for_reader(chunk.data.size());
    spool_.push_back({chunk.number, chunk.data.size()});
    spooled_ += chunk.data.size();
    while (spooled_ > invoker_.options_.spool_limit && spool_.size() > 1) forget_oldest();
    co_await invoker_.records_.add_output(run_, std::move(chunk), forgotten_);
    invoker_.on_output_(run_);
  }

  // While there is a reader that gets on, a full spool slows the tool down; without one, the oldest output
  // goes.
  Task<void> wait_for_reader(std::size_t size) {
    for (;;) {
      forget_acknowledged();
      const Instant timeout = after(run_.reader_seen, kReaderTimeout);
      if (spooled_ + size <= invoker_.options_.spool_limit || invoker_.clock_.now() >= timeout) co_return;
      run_.acknowledgement.reset();
      co_await run_.acknowledgement.wait(timeout);
    }
  }

  void forget_acknowledged() {
    while (!spool_.empty() && spool_.front().chunk <= run_.acknowledged) forget_oldest();
  }
  void forget_oldest() {
    forgotten_ = spool_.front().chunk;
    spooled_ -= spool_.front().size;
    spool_.pop_front();
  }

  ToolInvoker& invoker_;
  Run& run_;
  std::deque<Spooled> spool_;
  std::size_t spooled_ = 0;  // bytes
  std::uint64_t forgotten_ = 0;
};

ToolInvoker::ToolInvoker(Clock& clock, EventLog& log, tools::ToolRegistry& tools, Records& records,
                         const RunnerOptions& options, std::function<void(const Run&)> on_output)
    : clock_(clock), log_(log), tools_(tools), records_(records), options_(options), on_output_(std::move(on_output)) {}

Task<model::ToolResult> ToolInvoker::run(std::shared_ptr<Run> run) {
  model::ToolResult result = co_await run_or_cancel(run);
  result.content = bounded(std::move(result.content), options_.content_limit);
  result.output_chunks = run->last_chunk;
  co_return result;
}

Task<model::ToolResult> ToolInvoker::run_or_cancel(std::shared_ptr<Run> run) {
  if (run->cancelled.is_set()) co_return model::error_result(model::Outcome::kNotExecuted, "Cancelled before it started.");
  auto first = co_await race(run_tool(run), end_of_grace(run->cancelled, run->killed));
  if (auto* result = std::get_if<model::ToolResult>(&first)) co_return std::move(*result);
  // The run has been destroyed, and with it the processes it had started.
  trace_effect("tool.effect.finished", *run);
  co_return error_result(model::Outcome::kExecuted,
                         "Cancelled while it ran. It may have done a part of its work; what it had started was ended.");
}

// An exception, such as one for want of memory, is the result of this run alone. A tool that had begun ran, and it is not
// known how far it came.
Task<model::ToolResult> ToolInvoker::run_tool(std::shared_ptr<Run> run) {
  std::string thrown;
  try {
    co_return co_await invoke_tool(run);
  } catch (...) {
    thrown = what_of(std::current_exception());
  }
  log_.warning(
      "daemon.tool.threw",
      {{"request_id", run->id.str()}, {"daemon", options_.daemon.str()}, {"tool", run->request.tool()}, {"error", thrown}});
  if (!run->started)
    co_return model::error_result(model::Outcome::kNotExecuted,
                                  concat("The tool was not run: an internal error (", thrown, ")."));
  trace_effect("tool.effect.finished", *run);
  co_return model::error_result(model::Outcome::kExecuted,
                                concat("The tool failed with an internal error (", thrown,
                                       "). It may have done a part of its work: look at the state of things before you repeat "
                                       "it, and ask it for less at a time."));
}

Task<model::ToolResult> ToolInvoker::invoke_tool(std::shared_ptr<Run> run) {
  const proto::ExecuteTool& request = run->request;
  if (!run->tool) {
    std::vector<std::string> names;
    for (const auto* descriptor : tools_.descriptors()) names.push_back(descriptor->name);
    co_return model::error_result(model::Outcome::kNotExecuted,
                                  concat("This daemon has no tool \"", request.tool(), "\"; it has: ", join(names, ", "), "."));
  }
  auto arguments = parse_json(request.arguments().empty() ? "{}" : request.arguments());
  if (!arguments.ok())
    co_return model::error_result(model::Outcome::kNotExecuted,
                                  concat("The arguments cannot be read: ", message_of(arguments.status()), "."));
  const std::int64_t timeout = request.timeout_ms() > 0 ? request.timeout_ms() : kDefaultTimeoutMs;
  tools::ToolInvocation invocation;
  invocation.request = run->id;
  invocation.arguments = *std::move(arguments);
  invocation.working_directory = request.working_directory().empty() ? options_.working_directory : request.working_directory();
  invocation.deadline = after(
      clock_.now(), std::chrono::duration_cast<Duration>(std::chrono::milliseconds(std::min(timeout, std::int64_t{1} << 40))));

  invocation.stop = &run->cancelled;
  run->started = true;
  trace_effect("tool.effect.started", *run);
  SpooledOutput output(*this, *run);
  model::ToolResult result = co_await run->tool->run(std::move(invocation), output);
  trace_effect("tool.effect.finished", *run);
  co_return result;
}

// Around the run itself: what happened between the two is what really happened.
void ToolInvoker::trace_effect(std::string_view name, const Run& run) {
  log_.info(name, {{"request_id", run.id.str()},
                   {"tool", run.request.tool()},
                   {"effect", to_string(run.effect)},
                   {"daemon", options_.daemon.str()},
                   {"user", user_.str()},
                   {"chat", run.request.chat_id()}});
}

}  // namespace reliant::daemon
