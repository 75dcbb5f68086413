#include "scenario/batch.h"

#include <poll.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
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

// A child's first run is dearer than the others: what runs share is made in it. Side by side, children take so few that
// they end at about the same time.
constexpr std::size_t kMostRunsOfChild = 32;
constexpr std::size_t kRunsSideBySide = 8;

struct Job {
  std::size_t index = 0;
  const Scenario* scenario = nullptr;
  std::uint64_t seed = 0;
};

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
  BatchLine line{job.scenario->name,      job.seed, report.outcome, json_line(report, wall), options_line(report),
                 human_line(report, wall)};
  if (report.outcome != Outcome::kHeld) line.failure = failure_text(report);
  if (trace.is_open() && !trace.flush()) line.failure += concat("  the trace cannot be written to ", options.trace_file, "\n");
  return line;
}

// The line of a run whose process has died.
BatchLine crashed(const Job& job, int status) {
  RunReport report;
  report.scenario = job.scenario->name;
  report.file = job.scenario->file;
  report.seed = job.seed;
  report.outcome = Outcome::kCrashed;
  const std::string how = WIFSIGNALED(status) ? concat("signal ", WTERMSIG(status)) : concat("exit code ", WEXITSTATUS(status));
  report.violations.push_back(
      {Severity::kBroken, "crash", concat("the process of the run died: ", how, "; what it said last is on standard error")});
  Scenario drawn = *job.scenario;
  report.options = draw_options(drawn, RandomStreams(job.seed));
  return {report.scenario,     job.seed, report.outcome, json_line(report, 0), options_line(report), human_line(report, 0),
          failure_text(report)};
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
  for (const std::string& field :
       {concat(index), concat(static_cast<int>(line.outcome)), line.json, line.options, line.human, line.failure}) {
    put(body, field);
  }
  std::string frame;
  put(frame, body);
  return frame;
}

void write_all(int pipe, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t written = write(pipe, bytes.data(), bytes.size());
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) _exit(1);  // nobody listens any more
    bytes.remove_prefix(static_cast<std::size_t>(written));
  }
}

class Batch {
 public:
  Batch(const BatchOptions& options, const std::function<void(const BatchLine&)>& tell) : options_(options), tell_(tell) {
    for (const Scenario& scenario : options_.scenarios) {
      for (std::uint64_t seed = options_.first_seed;; ++seed) {
        waiting_.push_back(Job{waiting_.size(), &scenario, seed});
        if (seed == options_.last_seed) break;
      }
    }
  }

  Outcome run() {
    const std::size_t jobs = std::max<std::size_t>(options_.jobs, 1);
    const std::size_t share = (waiting_.size() + jobs - 1) / jobs;
    share_ = std::clamp<std::size_t>(share, 1, jobs == 1 ? kMostRunsOfChild : kRunsSideBySide);
    while (!waiting_.empty() || !children_.empty()) {
      while (!waiting_.empty() && children_.size() < std::max<std::size_t>(options_.jobs, 1)) begin_child();
      wait_for_children();
    }
    return gravest_;
  }

 private:
  struct Child {
    pid_t process = 0;
    int pipe = -1;
    std::deque<Job> jobs;  // not yet answered
    std::string buffer;
  };

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
      for (const Job& job : child.jobs) write_all(ends[1], encode(job.index, run_job(job, options_, beginnings)));
      _exit(0);
    }
    close(ends[1]);
    child.pipe = ends[0];
    children_.push_back(std::move(child));
  }
  void fail(const Child& child, std::string_view what) {
    std::fprintf(stderr, "reliant-sim: %.*s: %s\n", static_cast<int>(what.size()), what.data(), std::strerror(errno));
    for (const Job& job : child.jobs) answer(job.index, crashed(job, 0));
  }

  void wait_for_children() {
    std::vector<pollfd> pipes;
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
    BatchLine line{job.scenario->name, job.seed};
    take(frame, index);
    take(frame, outcome);
    for (std::string* field : {&line.json, &line.options, &line.human, &line.failure}) take(frame, *field);
    line.outcome = static_cast<Outcome>(outcome.front() - '0');
    answer(job.index, std::move(line));
  }

  void end_child(std::size_t number) {
    Child child = std::move(children_[number]);
    children_.erase(children_.begin() + static_cast<std::ptrdiff_t>(number));
    close(child.pipe);
    int status = 0;
    while (waitpid(child.process, &status, 0) < 0 && errno == EINTR) {}
    if (child.jobs.empty()) return;
    answer(child.jobs.front().index, crashed(child.jobs.front(), status));
    child.jobs.pop_front();
    waiting_.insert(waiting_.begin(), child.jobs.begin(), child.jobs.end());
  }

  // Tells in order, each as soon as those before it are known.
  void answer(std::size_t index, BatchLine line) {
    gravest_ = std::max(gravest_, line.outcome);
    answers_.emplace(index, std::move(line));
    while (!answers_.empty() && answers_.begin()->first == told_) {
      tell_(answers_.begin()->second);
      answers_.erase(answers_.begin());
      ++told_;
    }
  }

  const BatchOptions& options_;
  const std::function<void(const BatchLine&)>& tell_;
  std::deque<Job> waiting_;
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
