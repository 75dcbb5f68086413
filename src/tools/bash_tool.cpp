#include "tools/bash_tool.h"

#include <algorithm>
#include <optional>

#include "base/utf8.h"
#include "runtime/event.h"
#include "runtime/executor.h"
#include "runtime/race.h"
#include "runtime/this_context.h"
#include "tools/bounded_text.h"
#include "tools/tool_support.h"

namespace reliant::tools {
namespace {

using ports::ExitStatus;
using ports::ProcessOutput;
using ports::ProcessSignal;

constexpr std::string_view kUsage = R"({"command": string, "timeout_ms"?: integer, "working_directory"?: string})";
constexpr std::int64_t kMaxTimeoutMs = 24 * 60 * 60 * 1000;
constexpr std::int64_t kTimedOut = 124;  // as timeout(1) says

enum class ProcessEnd { kExited, kTimedOut, kStopped };

// One run: what the process writes goes to the stream and to the summary.
class BashRun {
 public:
  BashRun(const Executor& executor, ports::Process& process, ToolOutput& output)
      : executor_(executor), process_(process), output_(output), seen_(BashTool::kContentLimit) {}

  Task<ProcessEnd> until_end_or(Instant deadline, Event* stop) {
    if (!stop) co_return co_await until_end(deadline) ? ProcessEnd::kExited : ProcessEnd::kTimedOut;
    const auto first = co_await race(until_end(deadline), stop->wait());
    if (const bool* ended = std::get_if<0>(&first)) co_return *ended ? ProcessEnd::kExited : ProcessEnd::kTimedOut;
    co_return ProcessEnd::kStopped;
  }

  // Ends the whole group, politely at first; output is read until it has ended.
  Task<std::string_view> end_group() {
    (void)process_.signal(ProcessSignal::kTerminate);
    const bool ended = co_await until_end(after(executor_.now(), BashTool::kTermGrace));
    const bool left = process_.signal(ProcessSignal::kKill).ok();
    if (!ended) co_await until_end(after(executor_.now(), BashTool::kTermGrace));
    co_return ended && !left ? "SIGTERM" : "SIGTERM, then SIGKILL";
  }

  Task<void> finish_text() {
    co_await pass_on(out_.finish());
    co_await pass_on(err_.finish());
  }
  std::string text() const { return seen_.text(); }
  bool needs_newline() const { return !seen_.ends_with_newline(); }
  const ExitStatus& exit() const { return exit_; }

 private:
  // True: all output was read and the process has ended. False: `deadline` came first.
  Task<bool> until_end(Instant deadline) {
    while (!read_to_end_) {
      if (executor_.now() >= deadline) co_return false;  // also for one that never stops writing
      auto read = co_await process_.read(deadline);
      if (!read.ok()) co_return false;
      read_to_end_ = !read->has_value();
      if (read_to_end_) break;
      const bool out = (*read)->stream == ProcessOutput::Stream::kStdout;
      co_await pass_on((out ? out_ : err_).feed((*read)->bytes));
    }
    auto status = co_await process_.wait(deadline);
    if (!status.ok()) co_return false;
    exit_ = *status;
    co_return true;
  }

  Task<void> pass_on(std::string text) {
    if (text.empty()) co_return;
    seen_.add(text);
    co_await output_.write(std::move(text));
  }

  const Executor& executor_;
  ports::Process& process_;
  ToolOutput& output_;
  HeadAndTail seen_;
  Utf8Stream out_;
  Utf8Stream err_;
  bool read_to_end_ = false;
  ExitStatus exit_;
};

ports::ProcessSpec spec_for(const RequestId& request, std::string command, std::string directory) {
  ports::ProcessSpec spec;
  spec.argv = {"bash", "-c", std::move(command)};
  spec.working_directory = std::move(directory);
  // There is no terminal, so pagers and prompts are switched off.
  spec.environment = {{std::string(kRequestVariable), request.str()},
                      {"TERM", "dumb"},
                      {"PAGER", "cat"},
                      {"GIT_PAGER", "cat"},
                      {"GIT_TERMINAL_PROMPT", "0"}};
  return spec;
}

}  // namespace

BashTool::BashTool(ports::Processes& processes) : processes_(processes) {
  descriptor_.name = "bash";
  descriptor_.description =
      "Runs a bash command in the project's directory and returns its output (stdout and stderr together) "
      "and exit "
      "code. There is no terminal and no standard input: pass flags that avoid prompts. Long output is "
      "shortened in the "
      "middle. Start servers in the background with their output redirected to a file.";
  descriptor_.parameters = R"({"type":"object","additionalProperties":false,"required":["command"],"properties":{)"
                           R"("command":{"type":"string","description":"the bash script to run"},)"
                           R"("timeout_ms":{"type":"integer","minimum":1,"description":)"
                           R"("end it after this many milliseconds"},)"
                           R"("working_directory":{"type":"string","description":)"
                           R"("absolute, or relative to the project's directory"}}})";
  descriptor_.runs_on = model::RunsOn::kDaemon;
  descriptor_.effect = model::Effect::kNonIdempotent;
}

Task<model::ToolResult> BashTool::run(ToolInvocation invocation, ToolOutput& output) {
  JsonReader reader(invocation.arguments);
  std::string command = reader.required_string("command");
  const auto timeout_ms = reader.optional_int("timeout_ms");
  const std::string asked = reader.optional_string("working_directory").value_or(".");
  if (const Status status = reader.finish(); !status.ok()) co_return bad_arguments(status, kUsage);
  if (command.find_first_not_of(" \t\n") == std::string::npos)
    co_return refused("The command is empty; give the bash script to run.");
  if (timeout_ms && (*timeout_ms < 1 || *timeout_ms > kMaxTimeoutMs))
    co_return refused(concat("timeout_ms must be between 1 and ", kMaxTimeoutMs, "."));
  auto directory = resolve_path(invocation.working_directory, asked);
  if (!directory.ok()) co_return refused(std::string(message_of(directory.status())));

  const Executor& executor = *(co_await ThisContext{}).executor;
  const Instant begin = executor.now();
  Instant deadline = invocation.deadline;
  if (timeout_ms) deadline = std::min(deadline, after(begin, std::chrono::milliseconds(*timeout_ms)));

  auto process = co_await processes_.spawn(spec_for(invocation.request, std::move(command), *std::move(directory)));
  if (!process.ok()) co_return refused(concat("The command was not started: ", message_of(process.status()), "."));

  BashRun run(executor, **process, output);
  const ProcessEnd end = co_await run.until_end_or(deadline, invocation.stop);
  std::string_view signals;
  if (end != ProcessEnd::kExited) {
    const std::string request = invocation.request.str();
    signals = co_await run.end_group();
    // What has left the group.
    (void)co_await processes_.kill_by_environment(std::string(kRequestVariable), {request}, after(executor.now(), kTermGrace));
  }
  co_await run.finish_text();

  model::ToolResult result;
  result.exit_code = run.exit().signal != 0 ? 128 + run.exit().signal : run.exit().code;
  if (end == ProcessEnd::kTimedOut) result.exit_code = kTimedOut;
  result.is_error = result.exit_code != 0 || end != ProcessEnd::kExited;
  std::string note;
  if (end == ProcessEnd::kTimedOut) {
    const auto waited = std::chrono::duration_cast<std::chrono::milliseconds>(deadline - begin).count();
    note = concat("[timed out after ", waited, " ms and was ended with ", signals, "]");
  } else if (end == ProcessEnd::kStopped) {
    note = concat("[cancelled: was ended with ", signals, "]");
  } else if (run.exit().signal != 0) {
    note = concat("[ended by signal ", run.exit().signal, "]");
  } else if (run.exit().code != 0) {
    note = concat("[exit code ", run.exit().code, "]");
  }
  result.content = run.text();
  if (!note.empty() && run.needs_newline()) append(result.content, '\n');
  append(result.content, std::string_view(note));
  if (result.content.empty()) result.content = "[no output]";
  co_return result;
}

}  // namespace reliant::tools
