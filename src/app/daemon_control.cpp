#include "app/daemon_control.h"

#include <sys/stat.h>

#include <array>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <optional>
#include <string>
#include <utility>

#include "adapters/asio/asio_executor.h"
#include "app/daemon_options.h"
#include "app/daemon_state.h"
#include "app/holder.h"
#include "app/options.h"
#include "app/report.h"
#include "base/text.h"
#include "runtime/scope.h"
#include "runtime/sleep.h"

namespace reliant::app {
namespace {

constexpr int kNotConnected = 1;
constexpr int kNotRunning = 3;
// Beyond its grace time: its process writes its final state, and the machine may be busy.
constexpr Duration kBeyondGrace = std::chrono::seconds(5);
constexpr Duration kKillTakes = std::chrono::seconds(10);
constexpr Duration kLookEvery = std::chrono::milliseconds(200);

constexpr Flag kStatusFlags[] = {kJsonFlag, kDaemonDataDirFlag};
constexpr Flag kStopFlags[] = {{"--force", "", "", "", "kill it: what it runs is cut off, and its outcome not known"},
                               kDaemonDataDirFlag};
constexpr Flag kLogsFlags[] = {{"--lines", "N", "", "50", "so many of the last ones"},
                               {"--follow", "", "", "", "and what is written from now on, until Ctrl-C"},
                               kDaemonDataDirFlag};

// What there is in a data directory.
struct Found {
  std::string directory;
  std::optional<Holder> holder;      // the daemon that runs; nullopt: none does
  std::optional<DaemonState> state;  // its; or what the last one has left
};

Result<Found> find_daemon(const Arguments& arguments, const Environment& environment) {
  Found out;
  TRY_ASSIGN(out.directory, daemon_data_dir_of(arguments, environment));
  TRY_ASSIGN(out.holder, Holder::of(out.directory));
  out.state = read_daemon_state(out.directory);
  if (!out.holder || (out.state && out.state->process == out.holder->process())) return out;
  return failed_precondition(out.directory, " is in use by process ", out.holder->process(),
                             ", which is no daemon, or has only just begun");
}

std::string none_runs(const Found& found) { return concat("no daemon runs with ", found.directory); }

std::string text_of(const Found& found) {
  const std::optional<DaemonState>& state = found.state;
  if (!found.holder) {
    if (!state) return none_runs(found);
    if (!state->ended) return concat(none_runs(found), "; the last one, process ", state->process, ", did not end in order");
    return concat(none_runs(found), "; the last one ended at ", state->since, state->problem.empty() ? "" : ": ",
                  state->problem);
  }
  std::string out = concat("daemon ", state->name, " (", state->daemon, ") ");
  if (state->connected) {
    append(out, concat("is connected to ", state->address, " (gateway ", state->gateway, ") since ", state->since));
  } else {
    append(out,
           concat("runs, and has not been connected since ", state->since, state->problem.empty() ? "" : ": ", state->problem));
  }
  return concat(out, "\nprocess ", state->process, ", version ", state->version, ", started at ", state->started_at, ", log ",
                state->log);
}

json::object json_of(const Found& found) {
  json::object out = found.state ? to_object(*found.state) : json::object{};
  out["running"] = found.holder.has_value();
  out["connected"] = found.holder && found.state->connected;
  out["data_dir"] = found.directory;
  return out;
}

// Of a file whose name may become another file's: a log that has grown large is rotated when the daemon starts.
class Tail {
 public:
  explicit Tail(std::string path) : path_(std::move(path)) {}
  Tail(const Tail&) = delete;
  Tail& operator=(const Tail&) = delete;
  ~Tail() { close(); }

  // False: there is no such file.
  bool open() {
    close();
    file_ = std::fopen(path_.c_str(), "re");
    if (file_ == nullptr) return false;
    struct stat info{};
    if (::fstat(::fileno(file_), &info) == 0) number_ = info.st_ino;
    return true;
  }

  void go_to_last(std::int64_t lines) {
    std::array<char, 4096> some;
    (void)std::fseek(file_, 0, SEEK_END);
    if (lines == 0) return;
    long position = std::ftell(file_);
    bool last = true;  // the end of the last line is not the beginning of one
    while (position > 0) {
      const auto size = std::min<long>(position, some.size());
      position -= size;
      (void)std::fseek(file_, position, SEEK_SET);
      const auto got = static_cast<long>(std::fread(some.data(), 1, static_cast<std::size_t>(size), file_));
      for (long at = got - 1; at >= 0; --at) {
        if (some[static_cast<std::size_t>(at)] != '\n' || std::exchange(last, false) || --lines > 0) continue;
        (void)std::fseek(file_, position + at + 1, SEEK_SET);
        return;
      }
    }
    (void)std::fseek(file_, 0, SEEK_SET);
  }

  void print() {
    std::array<char, 4096> some;
    std::clearerr(file_);
    while (const std::size_t size = std::fread(some.data(), 1, some.size(), file_)) std::fwrite(some.data(), 1, size, stdout);
    std::fflush(stdout);
  }

  void print_new() {
    struct stat info{};
    if (file_ != nullptr) print();
    const bool other = ::stat(path_.c_str(), &info) == 0 && (file_ == nullptr || info.st_ino != number_);
    if (other && open()) print();
  }

 private:
  void close() {
    if (file_ != nullptr) std::fclose(file_);
    file_ = nullptr;
  }

  std::string path_;
  std::FILE* file_ = nullptr;
  ino_t number_ = 0;
};

Task<void> follow(Tail& tail) {
  for (;;) {
    co_await sleep_for(kLookEvery);  // not all file systems tell of a file that has grown
    tail.print_new();
  }
}

}  // namespace

const Command kDaemonStatusCommand = {
    "daemon status",
    "",
    0,
    0,
    "Tells whether the daemon runs and is connected. Exit code: 0 it is, 1 it runs only, 3 it does not.",
    kStatusFlags};
const Command kDaemonStopCommand = {"daemon stop", "", 0, 0, "Stops the daemon, and waits until it has ended.", kStopFlags};
const Command kDaemonLogsCommand = {"daemon logs", "", 0, 0, "Shows the daemon's log.", kLogsFlags};

int daemon_status(const Command&, const Arguments& arguments, const Environment& environment) {
  const auto found = find_daemon(arguments, environment);
  if (!found.ok()) return report(found.status());
  say(arguments.is_set("--json") ? to_json(json_of(*found)) : text_of(*found));
  if (!found->holder) return kNotRunning;
  return found->state->connected ? 0 : kNotConnected;
}

int daemon_stop(const Command&, const Arguments& arguments, const Environment& environment) {
  const auto found = find_daemon(arguments, environment);
  if (!found.ok()) return report(found.status());
  if (!found->holder) {
    say(none_runs(*found));
    return 0;
  }
  const bool force = arguments.is_set("--force");
  const Holder& daemon = *found->holder;
  if (const Status sent = daemon.signal(force ? SIGKILL : SIGTERM); !sent.ok()) return report(sent);
  const Duration timeout = force ? kKillTakes : std::chrono::seconds(found->state->grace_seconds) + kBeyondGrace;
  if (!daemon.wait_for_end(timeout)) {
    return report(deadline_exceeded("process ", daemon.process(), " has not ended within ",
                                    std::chrono::floor<std::chrono::seconds>(timeout).count(), " s",
                                    force ? "" : "; --force kills it"));
  }
  say(concat("daemon ", found->state->name, " (", found->state->daemon, "), process ", daemon.process(), ", has ended"));
  return 0;
}

int daemon_logs(const Command&, const Arguments& arguments, const Environment& environment) {
  const auto directory = daemon_data_dir_of(arguments, environment);
  if (!directory.ok()) return report(directory.status());
  const auto lines = arguments.number("--lines", 0, 1'000'000'000);
  if (!lines.ok()) return report(lines.status());
  const auto state = read_daemon_state(*directory);
  const std::string path = state ? state->log : concat(*directory, "/daemon.log");
  if (path == "-") return report(failed_precondition("the daemon's log goes to its standard error, not to a file"));
  Tail tail(path);
  const bool there = tail.open();
  if (there) tail.go_to_last(*lines);
  if (there) tail.print();
  if (!arguments.is_set("--follow")) return there ? 0 : report(not_found("there is no log in ", path));
  adapters::AsioExecutor executor;
  TaskScope scope(executor, 0);
  scope.spawn(follow(tail));
  executor.run_loop();
  return 0;
}

}  // namespace reliant::app
