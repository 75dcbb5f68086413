#include "world/sim_process.h"

#include <algorithm>
#include <charconv>
#include <optional>

#include "kernel/sim_clock.h"
#include "runtime/event.h"
#include "runtime/scope.h"
#include "runtime/sleep.h"
#include "runtime/this_context.h"
#include "world/sim_process_shell.h"

namespace reliant::sim {
namespace {

using ports::ExitStatus;
using ports::ProcessOutput;
using ports::ProcessSignal;

constexpr std::size_t kPipe = 64 * 1024;  // as on Linux: a writer of more bytes waits for a reader
constexpr std::int32_t kSigInt = 2;
constexpr std::int32_t kSigKill = 9;
constexpr std::int32_t kSigTerm = 15;
constexpr std::string_view kRequestVariable = "RELIANT_REQUEST_ID";

std::string variable(const ports::ProcessSpec& spec, std::string_view name) {
  const auto found = spec.environment.find(std::string(name));
  return found == spec.environment.end() ? "" : found->second;
}

std::optional<double> number(const std::string& word) {
  double value = 0;
  const auto [end, error] = std::from_chars(word.data(), word.data() + word.size(), value);
  if (error != std::errc{} || end != word.data() + word.size()) return std::nullopt;
  return value;
}

// The process itself. The machine owns it, and it lives on when the daemon that started it is killed.
class Running final : public SimRunning {
 public:
  Running(SimMachine& machine, const Context& context, ports::ProcessSpec spec)
      : machine_(machine),
        pid_(machine.next_pid++),
        spec_(std::move(spec)),
        request_(variable(spec_, kRequestVariable)),
        scope_(*context.executor, context.node) {
    ++machine_.running;
    scope_.spawn(run(spec_.argv.size() > 2 ? spec_.argv[2] : ""));
  }
  Running(const Running&) = delete;
  Running& operator=(const Running&) = delete;

  std::int64_t pid() const { return pid_; }
  bool runs() const override { return !exited_.is_set(); }
  const std::map<std::string, std::string>& environment() const override { return spec_.environment; }
  void kill() override { (void)signal(ProcessSignal::kKill); }
  // The daemon was killed: the process's output from now on is lost.
  void lose_reader() {
    read_ = false;
    room_.set();
  }

  Task<Result<std::optional<ProcessOutput>>> read(Instant deadline) {
    for (;;) {
      for (std::string* pipe : {&out_, &err_}) {
        if (pipe->empty()) continue;
        const auto stream = pipe == &out_ ? ProcessOutput::Stream::kStdout : ProcessOutput::Stream::kStderr;
        ProcessOutput output{stream, std::exchange(*pipe, {})};
        room_.set();
        co_return output;
      }
      if (exited_.is_set()) co_return std::nullopt;
      activity_.reset();
      if (!co_await activity_.wait(deadline)) co_return deadline_exceeded("timed out: the process has written nothing");
    }
  }

  Task<Result<ExitStatus>> wait(Instant deadline) {
    if (!co_await exited_.wait(deadline)) co_return deadline_exceeded("timed out: the process still runs");
    co_return status_;
  }

  Status signal(ProcessSignal signal) {
    if (exited_.is_set()) return not_found("process group ", pid_, " has ended");
    if (signal != ProcessSignal::kKill && stubborn_) return ok_status();
    switch (signal) {
      case ProcessSignal::kInterrupt:
        end({0, kSigInt});
        break;
      case ProcessSignal::kTerminate:
        end({0, kSigTerm});
        break;
      case ProcessSignal::kKill:
        end({0, kSigKill});
        break;
    }
    scope_.cancel();
    return ok_status();
  }

 private:
  void end(ExitStatus status) {
    status_ = status;
    --machine_.running;
    exited_.set();
    activity_.set();
  }

  Task<void> run(std::string script) {
    std::int32_t code = 0;
    for (const ShellCommand& command : parse_shell(script, spec_.environment)) {
      if (command.only_after_success && code != 0) continue;
      co_await yield();
      if (command.words[0] == "exit") {
        code = static_cast<std::int32_t>(command.words.size() > 1 ? number(command.words[1]).value_or(2) : code);
        break;
      }
      code = co_await execute(command);
    }
    end({code, 0});
  }

  Task<std::int32_t> execute(const ShellCommand& command) {
    const std::vector<std::string>& words = command.words;
    const std::string& name = words[0];
    if (name == "true") co_return 0;
    if (name == "false") co_return 1;
    if (name == "sleep" && words.size() == 2 && number(words[1])) {
      co_await sleep_for(Duration(static_cast<Duration::rep>(*number(words[1]) * 1e9)));
      co_return 0;
    }
    if (name == "stubborn") {
      stubborn_ = true;
      co_return 0;
    }
    if (name == "effect" && words.size() == 2) {
      co_await record(concat("effect ", words[1]));
      co_return 0;
    }
    if (name == "touch" && words.size() == 2) co_return co_await change(concat("touch ", path(words[1])), words[1], "");
    if (name == "append" && words.size() == 3)
      co_return co_await change(concat("append ", path(words[1]), " ", words[2]), words[1], words[2] + "\n");
    std::int32_t code = 0;
    const std::string text = output_of(words, code);
    co_return co_await put(command, text, code);
  }

  // The output of commands that only write.
  std::string output_of(const std::vector<std::string>& words, std::int32_t& code) {
    const std::string& name = words[0];
    if (name == "pwd") return directory() + "\n";
    if (name == "echo") {
      const bool line = words.size() < 2 || words[1] != "-n";
      return join({words.begin() + (line ? 1 : 2), words.end()}, " ") + (line ? "\n" : "");
    }
    if (name == "printf" && words.size() == 2) {
      std::string text;
      for (std::size_t i = 0; i < words[1].size(); ++i) {
        const bool line_end = words[1].compare(i, 2, "\\n") == 0;
        text += line_end ? '\n' : words[1][i];
        i += line_end ? 1 : 0;
      }
      return text;
    }
    if (name == "seq" && words.size() > 1 && words.size() < 4) {
      const auto first = static_cast<std::int64_t>(words.size() == 2 ? 1 : number(words[1]).value_or(1));
      const auto last = static_cast<std::int64_t>(number(words.back()).value_or(0));
      std::string text;
      for (std::int64_t i = first; i <= last; ++i) append(text, concat(i, "\n"));
      return text;
    }
    if (name == "cat") {
      if (words.size() == 1) return spec_.standard_input;
      std::string text;
      for (std::size_t i = 1; i < words.size(); ++i) {
        const auto content = machine_.disk.read(path(words[i]), kPipe * 1024);
        if (content.ok())
          text += *content;
        else
          code = 1;
        if (!content.ok()) complain(concat("cat: ", words[i], ": ", message_of(content.status()), "\n"));
      }
      return text;
    }
    code = 127;
    complain(concat("bash: ", name, ": command not found\n"));
    return "";
  }

  Task<std::int32_t> put(const ShellCommand& command, std::string text, std::int32_t code) {
    using Output = ShellCommand::Output;
    if (command.output == Output::kFile || command.output == Output::kAppendFile) {
      const std::string target = path(command.file);
      const std::string* old = machine_.disk.content(target);
      if (command.output == Output::kAppendFile && old) text = *old + text;
      const Status written = machine_.disk.write(target, std::move(text), co_await wall_now());
      if (written.ok()) co_await record(concat("write ", target));
      co_return written.ok() ? code : 1;
    }
    const bool to_stderr = command.output == Output::kStderr;
    std::string& pipe = to_stderr ? err_ : out_;
    for (std::string_view rest = text; !rest.empty();) {
      while (read_ && pipe.size() >= kPipe) {
        room_.reset();
        co_await room_.wait();
      }
      if (!read_) break;
      const std::size_t size = std::min(rest.size(), kPipe - pipe.size());
      pipe += rest.substr(0, size);
      note(to_stderr ? ProcessOutput::Stream::kStderr : ProcessOutput::Stream::kStdout, rest.substr(0, size));
      rest.remove_prefix(size);
      activity_.set();
    }
    activity_.set();
    co_return code;
  }

  // Adds `line` to a file, makes it if need be.
  Task<std::int32_t> change(std::string what, std::string file, std::string line) {
    const std::string target = path(file);
    const std::string* old = machine_.disk.content(target);
    const Status written = machine_.disk.write(target, (old ? *old : "") + line, co_await wall_now());
    if (!written.ok()) {
      complain(concat(message_of(written), "\n"));
      activity_.set();
      co_return 1;
    }
    co_await record(std::move(what));
    co_return 0;
  }

  void complain(std::string_view text) {
    err_ += text;
    note(ProcessOutput::Stream::kStderr, text);
  }
  void note(ProcessOutput::Stream stream, std::string_view bytes) {
    if (!request_.empty()) machine_.effects.write(request_, stream, bytes);
  }
  Task<void> record(std::string what) {
    const Instant now = (co_await ThisContext{}).executor->true_now();
    machine_.effects.add({now, request_, std::move(what)});
  }
  Task<WallTime> wall_now() { co_return kWallStart + (co_await ThisContext{}).executor->now().time_since_epoch(); }
  std::string directory() const { return spec_.working_directory.empty() ? "/" : spec_.working_directory; }
  std::string path(const std::string& word) const {
    return word.starts_with('/') ? word : concat(directory() == "/" ? "" : directory(), "/", word);
  }

  SimMachine& machine_;
  std::int64_t pid_;
  ports::ProcessSpec spec_;
  std::string request_;
  std::string out_;
  std::string err_;
  bool stubborn_ = false;
  bool read_ = true;  // by the daemon that started it
  Event activity_;
  Event room_;
  Event exited_;
  ExitStatus status_;
  TaskScope scope_;
};

// The daemon's handle to it.
class SimProcess final : public ports::Process {
 public:
  SimProcess(SimMachine& machine, std::optional<Incarnation> life, std::shared_ptr<Running> running)
      : machine_(machine), life_(life), running_(std::move(running)) {
    machine_.processes.emplace(running_->pid(), running_);
  }
  SimProcess(const SimProcess&) = delete;
  SimProcess& operator=(const SimProcess&) = delete;
  ~SimProcess() override {
    if (life_ && !life_->alive()) {
      running_->lose_reader();
      return;
    }
    running_->kill();
    machine_.processes.erase(running_->pid());
  }

  std::int64_t pid() const override { return running_->pid(); }
  Task<Result<std::optional<ProcessOutput>>> read(Instant deadline) override { return running_->read(deadline); }
  Task<Result<ExitStatus>> wait(Instant deadline) override { return running_->wait(deadline); }
  Status signal(ProcessSignal signal) override { return running_->signal(signal); }

 private:
  SimMachine& machine_;
  std::optional<Incarnation> life_;
  std::shared_ptr<Running> running_;
};

}  // namespace

std::size_t EffectRecord::count(std::string_view request) const {
  return static_cast<std::size_t>(
      std::count_if(effects_.begin(), effects_.end(), [&](const auto& e) { return e.request == request; }));
}
std::size_t EffectRecord::count(std::string_view request, std::string_view what) const {
  return static_cast<std::size_t>(
      std::count_if(effects_.begin(), effects_.end(), [&](const auto& e) { return e.request == request && e.what == what; }));
}

Task<Result<std::unique_ptr<ports::Process>>> SimProcesses::spawn(ports::ProcessSpec spec) {
  const Duration latency = random_.duration(Duration::zero(), machine_.spawn_latency);
  const bool fails = random_.chance(machine_.spawn_failures_per_million, 1'000'000);
  Context& context = co_await ThisContext{};
  co_await sleep_for(latency);
  if (spec.argv.empty() || spec.argv[0].empty()) co_return invalid_argument("a process needs the name of a program");
  if (!spec.working_directory.empty()) {
    const auto info = machine_.disk.info(spec.working_directory);
    if (!info.ok() || info->kind != ports::FileInfo::Kind::kDirectory)
      co_return not_found("working directory ", spec.working_directory, " does not exist");
  }
  const std::string& program = spec.argv[0];
  if ((program != "bash" && program != "sh") || spec.argv.size() != 3 || spec.argv[1] != "-c")
    co_return not_found("cannot start ", program, ": the simulated machine has bash -c and sh -c only");
  if (fails) co_return resource_exhausted("cannot start ", program, ": too many processes");
  co_return std::make_unique<SimProcess>(machine_, life_, std::make_shared<Running>(machine_, context, std::move(spec)));
}

Task<Result<std::set<std::string>>> SimProcesses::kill_by_environment(std::string name, std::set<std::string> values, Instant) {
  std::set<std::string> killed;
  for (const auto& [pid, process] : machine_.processes) {
    const auto found = process->environment().find(name);
    if (!process->runs() || found == process->environment().end() || !values.contains(found->second)) continue;
    killed.insert(found->second);
    process->kill();
  }
  co_return killed;
}

}  // namespace reliant::sim
