#include "app/monolith_main.h"

#include <cstdio>
#include <memory>
#include <utility>

#include "adapters/asio_executor.h"
#include "adapters/beast_http.h"
#include "adapters/json_event_log.h"
#include "adapters/signals.h"
#include "adapters/system_clock.h"
#include "app/data_directory.h"
#include "app/log_file.h"
#include "app/model_choice.h"
#include "app/monolith.h"
#include "app/options.h"
#include "app/report.h"
#include "app/server_certificate.h"
#include "base/text.h"
#include "runtime/race.h"
#include "runtime/sleep.h"

namespace reliant::app {
namespace {

// Beyond the grace: what is left by then is cut off by the end of the process.
constexpr Duration kLastWords = std::chrono::seconds(2);

void say(const std::string& line) {
  std::printf("%s\n", line.c_str());
  std::fflush(stdout);
}

void greet(const Monolith& monolith, const DataDirectory& directory) {
  const std::string token = directory.file("token");
  if (monolith.user().created)
    say(concat("made the local user and its token, which is in ", token, " (keep it to yourself)"));
  const std::string& tls = monolith.tls_address();
  say(concat("reliant is ready on http://", monolith.address(), tls.empty() ? "" : " and https://", tls,
             ", data in ", directory.path()));
  say(concat("go on with: reliant chat send \"…\" --watch --data-dir ", directory.path(),
             "   (Ctrl-C stops)"));
}

Task<void> stop_in_order(Monolith& monolith, Instant deadline) {
  co_await monolith.stop(deadline);
}
Task<void> second_signal(adapters::Signals& signals) {
  (void)co_await signals.next();
}
Task<void> until(Instant when) {
  co_await sleep_until(when);
}

struct Life {
  adapters::AsioExecutor& executor;
  Monolith& monolith;
  const DataDirectory& directory;
  Duration grace;
  int exit_code = 0;
};

// From the start to the end of the process.
Task<void> live(Life& life) {
  adapters::Signals signals(life.executor);
  const Status started = co_await life.monolith.start();
  if (!started.ok()) {
    life.exit_code = report(started);
  } else {
    greet(life.monolith, life.directory);
    (void)co_await signals.next();
    say("stopping; once more stops at once");
    const Instant deadline = after(life.executor.now(), life.grace);
    const auto ended = co_await race(stop_in_order(life.monolith, deadline), second_signal(signals),
                                     until(after(deadline, kLastWords)));
    if (ended.index() != 0) life.exit_code = kFailed;
  }
  life.executor.stop();
}

}  // namespace

int monolith_main(const Arguments& arguments, const Environment& environment) {
  auto options = monolith_options(arguments, environment);
  if (!options.ok()) {
    const int code = report(options.status());
    return options.status().code() == StatusCode::kInvalidArgument ? kUsage : code;
  }
  auto directory = DataDirectory::open(options->data_dir);
  if (!directory.ok()) return report(directory.status());
  const auto log_file =
      LogFile::open(options->log.file.empty() ? directory->file("reliant.log") : options->log.file);
  if (!log_file.ok()) return report(log_file.status());
  adapters::AsioExecutor executor;
  adapters::SystemClock clock(executor);
  const adapters::JsonEventLogOptions log_options = {
      .level = options->log.level,
      .format = options->log.as_text ? adapters::LogFormat::kText : adapters::LogFormat::kJson,
      .role = "monolith"};
  adapters::JsonEventLog log(clock, log_file->file(), log_options);
  adapters::BeastHttp http(executor);
  const auto model = choose_model(options->model, http);
  if (!model.ok()) return report(model.status());
  auto databases = Databases::open(*directory);
  if (!databases.ok()) return report(databases.status());
  std::optional<adapters::TlsCredentials> tls;
  if (!options->tls_listen_address.empty()) {
    auto certificate = prepare_server_certificate(*directory, clock.wall_now());
    if (!certificate.ok()) return report(certificate.status());
    if (!certificate->replaced.empty()) say(certificate->replaced);
    tls = std::move(certificate->credentials);
  }
  const Duration grace = options->grace;
  Monolith monolith({executor, clock, log, *databases, *directory, http, **model, std::move(tls)},
                    *std::move(options), environment);
  Life life{executor, monolith, *directory, grace};
  TaskScope scope(executor, 0);
  scope.spawn(live(life));
  executor.run_loop();
  return life.exit_code;
}

}  // namespace reliant::app
