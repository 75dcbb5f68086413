#include "app/server_process.h"

#include <cstdio>
#include <cstdlib>
#include <utility>
#include <variant>

#include "adapters/posix/os_entropy.h"
#include "adapters/posix/process_start.h"
#include "app/private_directory.h"
#include "app/report.h"
#include "base/text.h"
#include "runtime/race.h"
#include "runtime/sleep.h"

namespace reliant::app {
namespace {

// Beyond the grace: what is left by then is cut off.
constexpr Duration kLastWords = std::chrono::seconds(2);
// A server has thousands of connections.
constexpr std::uint64_t kFilesOfMany = 8192;

adapters::JsonEventLogOptions log_options_of(const ProcessOptions& options) {
  return {.level = options.log.level,
          .format = options.log.as_text ? adapters::LogFormat::kText : adapters::LogFormat::kJson,
          .role = options.role};
}

}  // namespace

WallTime wall_now() {
  const adapters::AsioExecutor executor;
  return adapters::SystemClock(executor).wall_now();
}

Result<std::unique_ptr<ServerProcess>> ServerProcess::open(ProcessOptions options) {
  TRY_OK(adapters::check_open_files());
  std::string path = options.log.file;
  if (path.empty()) {
    TRY_OK(make_private_directory(options.data_dir));
    path = concat(options.data_dir, "/", options.role, ".log");
  }
  TRY_ASSIGN(LogFile file, LogFile::open(path, options.log.rotation));
  return std::unique_ptr<ServerProcess>(new ServerProcess(std::move(options), std::move(file)));
}

ServerProcess::ServerProcess(ProcessOptions options, LogFile file)
    : options_(std::move(options)),
      file_(std::move(file)),
      clock_(executor_),
      all_events_(clock_, file_, log_options_of(options_)),
      log_(all_events_, clock_, options_.log.limit),
      random_(adapters::os_seed()),
      signals_(executor_),
      scope_(executor_, 0) {
  executor_.set_failure_handler(this);
}

// No destructors: what they would wait for may be what is gone.
void ServerProcess::uncaught(std::uint32_t, const std::exception_ptr& error) noexcept {
  const std::string what = what_of(error);
  std::fprintf(stderr, "reliant: the process ends, because an exception left one of its tasks: %s\n", what.c_str());
  log_.error("process.failed", {{"error", what}, {"exit_code", kInternalError}});
  std::fflush(nullptr);
  std::_Exit(kInternalError);
}

int ServerProcess::run(Task<Status> life) {
  scope_.spawn(live(std::move(life)));
  scope_.spawn(summarise_log());
  executor_.run_loop();
  log_.summarise_all();
  return exit_code_;
}

Task<void> ServerProcess::live(Task<Status> life) {
  const auto ended = co_await race(std::move(life), cut_off());
  if (const Status* const end = std::get_if<0>(&ended)) {
    if (!end->ok()) exit_code_ = report(*end);
  } else {
    exit_code_ = kFailed;
  }
  executor_.stop();
}

// Also when nothing more happens: suppressed records are counted in the log.
Task<void> ServerProcess::summarise_log() {
  for (;;) {
    co_await sleep_for(options_.log.limit.period);
    log_.summarise_due();
  }
}

// Ends when the life has to.
Task<void> ServerProcess::cut_off() {
  (void)co_await signals_.next();
  deadline_ = after(clock_.now(), options_.grace);
  asked_.set();
  log_.info("process.stopping", {{"grace_seconds", std::chrono::floor<std::chrono::seconds>(options_.grace).count()}});
  say("stopping; once more stops at once");
  (void)co_await race(signals_.next(), sleep_until(after(deadline_, kLastWords)));
  log_.warning("process.cut_off");
}

void ServerProcess::warn_about_few_open_files() {
  const std::uint64_t allowed = adapters::allow_all_open_files();
  if (allowed < kFilesOfMany) {
    log_.warning("process.few_open_files",
                 {{"allowed", allowed}, {"remedy", "raise the hard limit (ulimit -Hn): each connection takes one"}});
  }
}

Task<Instant> ServerProcess::until_asked_to_stop(std::string ready) {
  say(ready);
  co_await asked_.wait();
  co_return deadline_;
}

void ServerProcess::leave_in_time() {
  const Duration left = deadline_ - clock_.now();
  if (left > Duration::zero()) return adapters::exit_within(left, exit_code_);
  log_.warning("process.stop_incomplete");
  log_.summarise_all();
  std::fflush(nullptr);
  std::_Exit(kFailed);
}

}  // namespace reliant::app
