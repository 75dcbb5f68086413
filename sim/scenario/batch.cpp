#include "scenario/batch.h"

#include <poll.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstring>
#include <deque>
#include <fstream>
#include <map>
#include <optional>
#include <utility>

#include "base/text.h"
#include "scenario/report.h"

namespace reliant::sim {
namespace {

// A child's first run is more expensive than the others: it makes the state that runs share. Parallel children take so few
// runs that they end at about the same time.
constexpr std::size_t kMostRunsOfChild = 32;
constexpr std::size_t kRunsSideBySide = 8;

struct Job {
  std::size_t index = 0;
  const Scenario* scenario = nullptr;
  std::uint64_t seed = 0;
};

BatchLine line_of(const RunReport& report, double wall, std::string_view program) {
  BatchLine line{.scenario = title_of(report.file, report.scenario),
                 .seed = report.seed,
                 .outcome = report.outcome,
                 .json = json_line(report, wall),
                 .human = human_line(report, wall)};
  if (report.outcome != Outcome::kHeld) line.failure = failure_text(report, program);
  line.properties = broken_properties(report);
  line.unreached = report.unreached;
  line.faults = report.faults;
  return line;
}

BatchLine run_job(const Job& job, const BatchOptions& options, DatabaseBeginnings& beginnings) {
  RunOptions run;
  run.beginnings = &beginnings;
  run.seed = job.seed;
  run.check_schema = options.check_schema;
  std::ofstream trace;
  if (!options.trace_file.empty()) {
    trace.open(options.trace_file);
    run.trace = &trace;
  }
  const auto begin = std::chrono::steady_clock::now();
  const RunReport report = options.check_determinism ? run_twice(*job.scenario, run) : run_scenario(*job.scenario, run);
  double wall = std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
  if (options.check_determinism) wall /= 2;
  BatchLine line = line_of(report, wall, options.program);
  if (trace.is_open() && !trace.flush()) line.failure += concat("  the trace cannot be written to ", options.trace_file, "\n");
  return line;
}

// The line of a run whose process has died.
BatchLine crashed(const Job& job, int status, std::string_view program) {
  RunReport report;
  report.scenario = job.scenario->name;
  report.file = job.scenario->file;
  report.seed = job.seed;
  report.outcome = Outcome::kCrashed;
  const std::string how = WIFSIGNALED(status) ? concat("signal ", WTERMSIG(status)) : concat("exit code ", WEXITSTATUS(status));
  report.violations.push_back(
      {Severity::kBroken, "crash", concat("the process of the run died: ", how, "; its last output is on standard error")});
  Scenario drawn = *job.scenario;
  report.options = draw_options(drawn, RandomStreams(job.seed));
  return line_of(report, 0, program);
}

// Fields of a line between child and parent: each with its length before it.
void put(std::string& out, std::string_view field) { out += concat(field.size(), ":", field); }

bool take(std::string_view& in, std::string& field) {
  const std::size_t colon = in.find(':');
  if (colon == std::string_view::npos) return false;
  std::size_t size = 0;
  for (const char digit : in.substr(0, colon)) size = size * 10 + static_cast<std::size_t>(digit - '0');
  if (in.size() - colon - 1 < size) return false;
  field = in.substr(colon + 1, size);
  in.remove_prefix(colon + 1 + size);
  return true;
}

std::string encode(std::size_t index, const BatchLine& line) {
  std::string body;
  for (const std::string& field : {concat(index), concat(static_cast<int>(line.outcome)), line.json, line.human, line.failure,
                                   concat(line.properties.size()), concat(line.unreached.size())}) {
    put(body, field);
  }
  for (const std::string& property : line.properties) put(body, property);
  for (const std::string& event : line.unreached) put(body, event);
  for (const FaultHistory& fault : line.faults) {
    put(body, fault.what);
    put(body, fault.not_fired);
  }
  std::string frame;
  put(frame, body);
  return frame;
}

std::size_t take_count(std::string_view& in) {
  std::string digits;
  take(in, digits);
  std::size_t count = 0;
  for (const char digit : digits) count = count * 10 + static_cast<std::size_t>(digit - '0');
  return count;
}

void write_all(int pipe, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t written = write(pipe, bytes.data(), bytes.size());
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) _exit(1);  // the parent is gone
    bytes.remove_prefix(static_cast<std::size_t>(written));
  }
}

class Batch {
 public:
  Batch(const BatchOptions& options, const std::function<void(const BatchLine&)>& tell) : options_(options), tell_(tell) {
    if (options_.endless) return;
    for (const Scenario& scenario : options_.scenarios) {
      for (std::uint64_t seed = options_.first_seed;; ++seed) {
        waiting_.push_back(Job{jobs_++, &scenario, seed});
        if (seed == options_.last_seed) break;
      }
    }
  }

  Outcome run() {
    const std::size_t jobs = std::max<std::size_t>(options_.jobs, 1);
    const std::size_t share = options_.endless ? kRunsSideBySide : (waiting_.size() + jobs - 1) / jobs;
    share_ = std::clamp<std::size_t>(share, 1, jobs == 1 ? kMostRunsOfChild : kRunsSideBySide);
    while (true) {
      while (more_to_do() && children_.size() < jobs) begin_child();
      if (children_.empty()) break;
      wait_for_children();
      if (ended_) break;
    }
    for (const Child& child : children_) end_at_once(child);
    for (const auto& [index, line] : answers_)  // the runs between them have no result: time was up
      if (!ended_) tell(line);
    return gravest_;
  }

 private:
  struct Child {
    pid_t process = 0;
    int pipe = -1;
    std::deque<Job> jobs;  // not yet answered
    std::string buffer;
  };

  double elapsed() const { return std::chrono::duration<double>(std::chrono::steady_clock::now() - begin_).count(); }
  bool time_is_up() const { return options_.seconds > 0 && elapsed() >= options_.seconds; }

  bool more_to_do() {
    if (time_is_up()) return false;
    while (options_.endless && waiting_.size() < share_) {
      for (const Scenario& scenario : options_.scenarios) waiting_.push_back(Job{jobs_++, &scenario, next_seed_});
      ++next_seed_;
    }
    return !waiting_.empty();
  }

  static void end_at_once(const Child& child) {
    kill(child.process, SIGKILL);
    close(child.pipe);
    while (waitpid(child.process, nullptr, 0) < 0 && errno == EINTR) {}
  }

  void begin_child() {
    Child child;
    for (std::size_t i = 0; i < share_ && !waiting_.empty(); ++i) {
      child.jobs.push_back(waiting_.front());
      waiting_.pop_front();
    }
    int ends[2];
    if (pipe(ends) != 0) return fail(child, "no pipe");
    std::fflush(nullptr);
    child.process = fork();
    if (child.process < 0) return fail(child, "no process");
    if (child.process == 0) {
      close(ends[0]);
      DatabaseBeginnings beginnings;
      for (const Job& job : child.jobs) {
        if (time_is_up()) break;
        write_all(ends[1], encode(job.index, run_job(job, options_, beginnings)));
      }
      _exit(0);
    }
    close(ends[1]);
    child.pipe = ends[0];
    children_.push_back(std::move(child));
  }
  void fail(const Child& child, std::string_view what) {
    std::fprintf(stderr, "reliant-sim: %.*s: %s\n", static_cast<int>(what.size()), what.data(), std::strerror(errno));
    for (const Job& job : child.jobs) answer(job.index, crashed(job, 0, options_.program));
  }

  void wait_for_children() {
    std::vector<pollfd> pipes;
    pipes.reserve(children_.size());
    for (const Child& child : children_) pipes.push_back({child.pipe, POLLIN, 0});
    if (poll(pipes.data(), pipes.size(), -1) < 0) return;
    for (std::size_t i = children_.size(); i-- > 0;) {
      if (pipes[i].revents != 0 && !read_from(children_[i])) end_child(i);
    }
  }

  // False: it has ended.
  bool read_from(Child& child) {
    char bytes[64 * 1024];
    const ssize_t count = read(child.pipe, bytes, sizeof bytes);
    if (count < 0) return errno == EINTR;
    if (count == 0) return false;
    child.buffer.append(bytes, static_cast<std::size_t>(count));
    std::string_view rest = child.buffer;
    std::string frame;
    while (take(rest, frame)) {
      decode(child.jobs.front(), frame);
      child.jobs.pop_front();
    }
    child.buffer.erase(0, child.buffer.size() - rest.size());
    return true;
  }

  void decode(const Job& job, std::string_view frame) {
    std::string index;
    std::string outcome;
    BatchLine line{.scenario = title_of(job.scenario->file, job.scenario->name), .seed = job.seed};
    take(frame, index);
    take(frame, outcome);
    for (std::string* field : {&line.json, &line.human, &line.failure}) take(frame, *field);
    line.properties.resize(take_count(frame));
    line.unreached.resize(take_count(frame));
    for (std::string& property : line.properties) take(frame, property);
    for (std::string& event : line.unreached) take(frame, event);
    for (FaultHistory fault; take(frame, fault.what) && take(frame, fault.not_fired);) line.faults.push_back(fault);
    line.outcome = static_cast<Outcome>(outcome.front() - '0');
    answer(job.index, std::move(line));
  }

  void end_child(std::size_t number) {
    Child child = std::move(children_[number]);
    children_.erase(children_.begin() + static_cast<std::ptrdiff_t>(number));
    close(child.pipe);
    int status = 0;
    while (waitpid(child.process, &status, 0) < 0 && errno == EINTR) {}
    if (child.jobs.empty() || (status == 0 && time_is_up())) return;
    answer(child.jobs.front().index, crashed(child.jobs.front(), status, options_.program));
    child.jobs.pop_front();
    waiting_.insert(waiting_.begin(), child.jobs.begin(), child.jobs.end());
  }

  void tell(const BatchLine& line) {
    gravest_ = std::max(gravest_, line.outcome);
    tell_(line);
  }

  // Reports in order, each run as soon as all before it have ended.
  void answer(std::size_t index, BatchLine line) {
    if (ended_) return;
    line.elapsed = elapsed();
    answers_.emplace(index, std::move(line));
    while (!ended_ && !answers_.empty() && answers_.begin()->first == told_) {
      const BatchLine& next = answers_.begin()->second;
      tell(next);
      ended_ = options_.until_failure && next.outcome != Outcome::kHeld;
      answers_.erase(answers_.begin());
      ++told_;
    }
  }

  const BatchOptions& options_;
  const std::function<void(const BatchLine&)>& tell_;
  const std::chrono::steady_clock::time_point begin_ = std::chrono::steady_clock::now();
  std::deque<Job> waiting_;
  std::size_t jobs_ = 0;  // ever made
  std::uint64_t next_seed_ = options_.first_seed;
  bool ended_ = false;  // by the first failure
  std::size_t share_ = 1;
  std::vector<Child> children_;
  std::map<std::size_t, BatchLine> answers_;
  std::size_t told_ = 0;
  Outcome gravest_ = Outcome::kHeld;
};

}  // namespace

Outcome run_batch(const BatchOptions& options, const std::function<void(const BatchLine&)>& tell) {
  return Batch(options, tell).run();
}

}  // namespace reliant::sim
