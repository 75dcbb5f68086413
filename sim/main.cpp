// reliant-sim: runs scenarios of the whole system in simulated time. `reliant-sim` alone says how.
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <iterator>
#include <optional>
#include <sstream>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "base/text.h"
#include "cluster/cluster.h"
#include "kernel/trace_schema.h"
#include "scenario/batch.h"
#include "scenario/judge.h"
#include "scenario/plan.h"
#include "scenario/scenario.h"
#include "scenario/trace_page.h"
#include "world/sim_database.h"

namespace {

using namespace reliant;
using namespace reliant::sim;

constexpr std::string_view kUsage = R"(usage:
  reliant-sim run FILE... [options]    runs scenarios
    --seed N             one run of each, with this seed (without: 1)
    --seeds A..B         one run of each for every seed, both ends included
    --jobs N             so many at a time (without: 1)
    --check-determinism  each twice; they must not differ
    --check-schema       every record must be as `reliant-sim schema trace` says
    --json FILE          a line of JSON for each run ("-": standard output)
    --trace FILE         everything that happened, as lines of JSON; for one run
    --quiet              says nothing of runs that held
  reliant-sim run --world real FILE [options]   the same scenario on a cluster of real processes, in real time, as far as a real
                       machine can show its faults; judged by the same oracles
    --seed N             what is drawn (without: 1)
    --trace FILE         as above
    --binary RELIANT     the program to run (without: the one beside this)
    --keep DIR           keeps the logs of the processes there
  reliant-sim plan FILE --seed N       what the seed draws, as JSON
  reliant-sim judge FILE TRACE STORE EFFECTS    the oracles on a real run: its trace, its store's rows as SQL, and what its
                       machines have seen
  reliant-sim report TRACE -o FILE     a page (HTML, one file) that shows what --trace has written
  reliant-sim list [DIRECTORY]         the scenarios below it (without: scenarios)
  reliant-sim schema [trace]           the JSON schema of a scenario file, or of a line of a trace
exit code: 0 held, 1 usage or bad file, 2 invariant broken, 3 not live in time, 4 crash, 5 same seed differed
)";

int complain(std::string_view what) {
  std::cerr << "reliant-sim: " << what << "\n";
  return 1;
}

std::optional<std::string> content_of(const std::string& file) {
  std::ifstream in(file);
  if (!in || std::filesystem::is_directory(file)) return std::nullopt;
  std::ostringstream text;
  text << in.rdbuf();
  return text.str();
}

Result<Scenario> load(const std::string& file) {
  const auto text = content_of(file);
  if (!text) return not_found(file, ": cannot be read; `reliant-sim list` shows the scenarios there are");
  TRY_ASSIGN(Scenario scenario, read_scenario(*text, file));
  if (const std::string stem = std::filesystem::path(file).stem().string(); stem != scenario.name) {
    return invalid_argument(file, ":1: \"name\" is \"", scenario.name, "\"; name it as the file, \"", stem, "\"");
  }
  return scenario;
}

std::optional<std::uint64_t> number_of(std::string_view text) {
  std::uint64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  return error == std::errc() && end == text.data() + text.size() && !text.empty() ? std::optional(number) : std::nullopt;
}

struct Arguments {
  std::vector<std::string> files;
  BatchOptions batch;
  std::string json_file;
  bool quiet = false;
};

class ArgumentReader {
 public:
  explicit ArgumentReader(std::vector<std::string> words) : words_(std::move(words)) {}

  Result<Arguments> read() {
    while (next_ < words_.size()) {
      const std::string word = words_[next_++];
      if (word.starts_with("--")) {
        TRY_OK(take_option(word));
      } else {
        arguments_.files.push_back(word);
      }
    }
    if (arguments_.files.empty()) return invalid_argument("run: name at least one scenario file");
    const BatchOptions& batch = arguments_.batch;
    if (!batch.trace_file.empty() && (arguments_.files.size() > 1 || batch.first_seed != batch.last_seed)) {
      return invalid_argument("--trace: of one run only; give one file and --seed");
    }
    return std::move(arguments_);
  }

 private:
  Status take_option(const std::string& option) {
    BatchOptions& batch = arguments_.batch;
    if (option == "--check-determinism") return batch.check_determinism = true, ok_status();
    if (option == "--check-schema") return batch.check_schema = true, ok_status();
    if (option == "--quiet") return arguments_.quiet = true, ok_status();
    for (const std::string_view known : {"--seed", "--seeds", "--jobs", "--json", "--trace", "--world"}) {
      if (option != known) continue;
      if (next_ == words_.size()) return invalid_argument(option, ": needs a value");
      return take_value(option, words_[next_++]);
    }
    return invalid_argument(option, ": unknown option; `reliant-sim` alone lists them");
  }

  Status take_value(const std::string& option, const std::string& value) {
    BatchOptions& batch = arguments_.batch;
    if (option == "--json") return arguments_.json_file = value, ok_status();
    if (option == "--trace") return batch.trace_file = value, ok_status();
    if (option == "--world") {
      if (value == "sim") return ok_status();
      return invalid_argument("--world: \"", value, "\" is none; there is sim, which needs no word, and real");
    }
    if (option == "--seeds") {
      const std::size_t dots = value.find("..");
      const auto first = number_of(std::string_view(value).substr(0, dots));
      const auto last = dots == std::string::npos ? first : number_of(std::string_view(value).substr(dots + 2));
      if (!first || !last || *first > *last) return invalid_argument("--seeds: \"", value, "\" is not of the form 1..100");
      batch.first_seed = *first;
      batch.last_seed = *last;
      return ok_status();
    }
    const auto number = number_of(value);
    if (!number) return invalid_argument(option, ": \"", value, "\" is not a whole number");
    if (option == "--seed") batch.first_seed = batch.last_seed = *number;
    if (option == "--jobs") {
      if (*number == 0 || *number > 256) return invalid_argument("--jobs: must be from 1 to 256");
      batch.jobs = static_cast<std::size_t>(*number);
    }
    return ok_status();
  }

  std::vector<std::string> words_;
  std::size_t next_ = 0;
  Arguments arguments_;
};

int run(std::vector<std::string> words) {
  auto read = ArgumentReader(std::move(words)).read();
  if (!read.ok()) return complain(message_of(read.status()));
  Arguments arguments = *std::move(read);
  for (const std::string& file : arguments.files) {
    auto scenario = load(file);
    if (!scenario.ok()) return complain(message_of(scenario.status()));
    arguments.batch.scenarios.push_back(*std::move(scenario));
  }
  std::ofstream json_file;
  const bool json_to_output = arguments.json_file == "-";
  if (!arguments.json_file.empty() && !json_to_output) {
    json_file.open(arguments.json_file);
    if (!json_file) return complain(concat("--json: ", arguments.json_file, " cannot be written"));
  }
  std::ostream& people = json_to_output ? std::cerr : std::cout;
  std::uint64_t held = 0;
  std::uint64_t failed = 0;
  const Outcome outcome = run_batch(arguments.batch, [&](const BatchLine& line) {
    const bool good = line.outcome == Outcome::kHeld;
    ++(good ? held : failed);
    if (!good || !arguments.quiet) {
      people << line.options << "\n" << line.human << "\n" << line.failure << std::flush;
    }
    if (json_to_output) std::cout << line.json << "\n" << std::flush;
    if (json_file.is_open()) json_file << line.json << "\n" << std::flush;
  });
  people << held << " held, " << failed << " failed\n";
  if (json_file.is_open() && !json_file) return complain(concat("--json: writing ", arguments.json_file, " failed"));
  return static_cast<int>(outcome);
}

int report(const std::vector<std::string>& words) {
  if (words.size() != 3 || words[1] != "-o") return complain("report: takes a trace file, and -o with the page's name");
  std::ifstream trace(words[0]);
  if (!trace) return complain(concat("report: ", words[0], " cannot be read"));
  std::ofstream page(words[2]);
  if (!page) return complain(concat("report: ", words[2], " cannot be written"));
  const auto counts = write_trace_page(trace, page);
  if (!counts.ok()) return complain(concat(words[0], ": ", message_of(counts.status())));
  if (!page.flush()) return complain(concat("report: writing ", words[2], " failed"));
  std::cout << words[2] << ": " << counts->records << " records, " << counts->violations << " violations\n";
  return 0;
}

// What the seed makes of a scenario, for a world that this program is not.
int plan(const std::vector<std::string>& words) {
  const auto seed = words.size() == 3 && words[1] == "--seed" ? number_of(words[2]) : std::nullopt;
  if (!seed) return complain("plan: takes a scenario file, and --seed with a number");
  auto scenario = load(words[0]);
  if (!scenario.ok()) return complain(message_of(scenario.status()));
  const std::string options = draw_options(*scenario, RandomStreams(*seed));
  if (scenario->workload.script.empty()) scenario->workload.script = default_script();
  json::object plan = plan_of(*scenario);
  plan["options"] = json::string(options.data(), options.size());
  plan["seed"] = *seed;
  std::cout << to_json(plan) << "\n";
  return 0;
}

int judge(const std::vector<std::string>& words) {
  if (words.size() != 4) return complain("judge: takes a scenario file, a trace, the store's rows as SQL, and the effects");
  const auto scenario = load(words[0]);
  if (!scenario.ok()) return complain(message_of(scenario.status()));
  std::ifstream trace(words[1]);
  if (!trace) return complain(concat("judge: ", words[1], " cannot be read"));
  auto store = content_of(words[2]);
  if (!store) return complain(concat("judge: ", words[2], " cannot be read"));
  std::ifstream effects(words[3]);
  if (!effects) return complain(concat("judge: ", words[3], " cannot be read"));
  const auto judged = judge_run(*scenario, {trace, *std::move(store), effects});
  if (!judged.ok()) return complain(concat("judge: ", message_of(judged.status())));
  Outcome outcome = Outcome::kHeld;
  for (const Violation& violation : judged->violations) {
    if (outcome != Outcome::kBroken) outcome = violation.severity == Severity::kBroken ? Outcome::kBroken : Outcome::kNotLive;
    std::cout << "  " << violation.oracle << ": " << violation.what << "\n";
  }
  std::cout << to_string(outcome) << " " << scenario->name << " records=" << judged->records << "\n";
  return static_cast<int>(outcome);
}

// The real world is processes, sockets and a clock that nobody holds: no part of this program. It calls `plan` and `judge`.
int run_in_the_real_world(const std::vector<std::string>& words) {
  const auto own = std::filesystem::canonical("/proc/self/exe");
  const std::string script = (own.parent_path() / "../../../tools/real_world").lexically_normal().string();
  if (!std::filesystem::exists(script)) return complain(concat("--world real: ", script, " is not there; run this from a checkout"));
  std::vector<std::string> arguments = {script, "--sim", own.string()};
  std::ranges::copy(words, std::back_inserter(arguments));
  std::vector<char*> raw;
  raw.reserve(arguments.size() + 1);
  for (std::string& argument : arguments) raw.push_back(argument.data());
  raw.push_back(nullptr);
  ::execv(script.c_str(), raw.data());
  return complain(concat("--world real: ", script, " cannot be run: ", std::strerror(errno)));
}

int list(const std::vector<std::string>& words) {
  if (words.size() > 1) return complain("list: takes one directory at most");
  const std::string root = words.empty() ? "scenarios" : words.front();
  if (!std::filesystem::is_directory(root)) return complain(concat("list: there is no directory ", root));
  std::vector<std::string> files;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(root)) {
    if (entry.path().extension() == ".yaml") files.push_back(entry.path().string());
  }
  std::ranges::sort(files);
  for (const std::string& file : files) {
    const auto scenario = load(file);
    if (!scenario.ok()) return complain(message_of(scenario.status()));
    std::cout << file << "\n    " << scenario->story << "\n";
  }
  return 0;
}

}  // namespace

int main(int count, char** words) {
  const std::vector<std::string> arguments(words + std::min(count, 2), words + count);
  const std::string_view command = count < 2 ? "" : words[1];
  const auto world = std::ranges::find(arguments, "--world");
  if (command == "run" && world != arguments.end() && world + 1 != arguments.end() && *(world + 1) == "real")
    return run_in_the_real_world(arguments);
  if (command == "run") return run(arguments);
  if (command == "plan") return plan(arguments);
  if (command == "judge") return judge(arguments);
  if (command == "list") return list(arguments);
  if (command == "report") return report(arguments);
  const bool of_trace = arguments.size() == 1 && arguments.front() == "trace";
  if (command == "schema" && (arguments.empty() || of_trace)) {
    std::cout << (of_trace ? trace_json_schema() : scenario_schema()) << "\n";
    return 0;
  }
  if (command == "--help" || command == "-h" || command == "help") {
    std::cout << kUsage;
    return 0;
  }
  std::cerr << kUsage;
  return 1;
}
