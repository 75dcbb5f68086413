// reliant-sim: runs scenarios of the whole system in simulated time. See `reliant-sim --help`.
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <iterator>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/command_line.h"
#include "base/json.h"
#include "base/text.h"
#include "base/version.h"
#include "cluster/cluster.h"
#include "kernel/trace_schema.h"
#include "scenario/batch.h"
#include "scenario/batch_screen.h"
#include "scenario/judge.h"
#include "scenario/plan.h"
#include "scenario/report.h"
#include "scenario/scenario.h"
#include "scenario/scenario_files.h"
#include "scenario/trace_page.h"

namespace {

using namespace reliant;
using namespace reliant::sim;

constexpr Flag kSeedFlag = {"--seed", "N", "", "1", "the seed of all draws: one run of each scenario, with this seed"};
constexpr Flag kRunFlags[] = {
    kSeedFlag,
    {"--seeds", "A..B", "", "", "one run of each scenario for every seed, both ends included"},
    {"--jobs", "N", "", "1", "runs at a time"},
    {"--check-determinism", "", "", "", "runs each scenario twice; the two runs must not differ"},
    {"--check-schema", "", "", "", "every record must match `reliant-sim schema trace`"},
    {"--json", "FILE", "", "", "a line of JSON for each run; - is the standard output"},
    {"--trace", "FILE", "", "", "everything that happened, as lines of JSON; for one run"},
    {"--quiet", "", "", "", "prints no line for a run that held"},
    {"--until-failure", "", "", "",
     "ends with the first run that does not hold; without --seeds, seeds from --seed on, without end"},
    {"--minutes", "N", "", "", "starts no run after N minutes; without --seeds, seeds from --seed on"},
    {"--report", "FILE", "", "", "writes the page of the run, or of the first one that did not hold"},
    {"--no-color", "", "NO_COLOR", "", "no colours on a terminal"},
    under("Real processes", {"--world", "WORLD", "", "sim",
                             "sim; or real: one scenario on a cluster of real processes, in real time, as far as "
                             "a real machine can show its faults, "
                             "judged by the same oracles; with --seed, --trace and these"}),
    {"--binary", "RELIANT", "", "", "the program to run; without it the one beside this"},
    {"--keep", "DIR", "", "", "keeps the logs of the processes there"},
};
constexpr std::string_view kRealWorldFlags[] = {"--seed", "--trace", "--binary", "--keep"};
constexpr Flag kPlanFlags[] = {{"--seed", "N", "", "", "which seed; needed"}};
constexpr Flag kReportFlags[] = {{"-o", "FILE", "", "", "the page; needed"}};

constexpr Command kRunCommand = {"run",
                                 "FILE...",
                                 1,
                                 kAnyNumber,
                                 "Runs scenarios: files, all files below a folder, or names that `list` shows. Exit code: 0 "
                                 "held, 1 wrong usage or file, 2 invariant broken, 3 not live in time, "
                                 "4 crash, 5 the same seed differed.",
                                 kRunFlags};
constexpr Command kPlanCommand = {"plan", "FILE", 1, 1, "Shows what a seed draws, as JSON.", kPlanFlags};
constexpr Command kJudgeCommand = {
    "judge", "FILE TRACE STORE EFFECTS", 4, 4,
    "Runs the oracles on a real run: its trace, its store's rows as SQL, and the effects on its machines."};
constexpr Command kReportCommand = {
    "report", "TRACE", 1, 1, "Makes a page (HTML, one file) of a trace that run --trace has written.", kReportFlags};
constexpr Command kCheckCommand = {"check", "FILE...", 1, kAnyNumber,
                                   "Checks scenario files without running them. Exit code: 0 no errors, 1 errors."};
constexpr Command kNewCommand = {"new", "NAME", 1, 1, "Writes NAME.yaml, a scenario to start from, with comments."};
constexpr Command kListCommand = {"list", "[DIRECTORY]", 0, 1,
                                  "Lists the scenarios below it; without it those below scenarios/."};
constexpr Command kSchemaCommand = {"schema", "[trace]", 0, 1,
                                    "Shows the JSON schema of a scenario file, or of a line of a trace."};

int complain(std::string_view what) {
  std::cerr << "reliant-sim: " << what << "\n";
  return 1;
}

std::optional<std::uint64_t> number_of(std::string_view text) {
  std::uint64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  return error == std::errc() && end == text.data() + text.size() && !text.empty() ? std::optional(number) : std::nullopt;
}

struct RunOptions {
  BatchOptions batch;
  std::string json_file;
  std::string page_file;
  bool quiet = false;
};

Status bad_number(std::string_view flag, std::string_view text) {
  return invalid_argument(flag, " is \"", text, "\"; give a whole number");
}

Status take_seeds(const Arguments& arguments, BatchOptions& batch) {
  const std::string seed = arguments.text("--seed");
  const auto one = number_of(seed);
  if (!one) return bad_number("--seed", seed);
  batch.first_seed = batch.last_seed = *one;
  batch.endless = !arguments.is_set("--seeds") && (batch.until_failure || batch.seconds > 0);
  if (!arguments.is_set("--seeds")) return ok_status();
  if (arguments.is_set("--seed")) return invalid_argument("--seed and --seeds exclude each other; leave one out");
  const std::string seeds = arguments.text("--seeds");
  const std::size_t dots = seeds.find("..");
  const auto first = number_of(std::string_view(seeds).substr(0, dots));
  const auto last = dots == std::string::npos ? first : number_of(std::string_view(seeds).substr(dots + 2));
  if (!first || !last || *first > *last) return invalid_argument("--seeds is \"", seeds, "\"; give a range like 1..100");
  batch.first_seed = *first;
  batch.last_seed = *last;
  return ok_status();
}

bool is_one_run(const BatchOptions& batch) {
  return batch.scenarios.size() == 1 && batch.first_seed == batch.last_seed && !batch.endless;
}

Status trace_of_one_run() { return invalid_argument("--trace: of one run only; give one file and --seed"); }

Result<RunOptions> run_options(const Arguments& arguments) {
  RunOptions out;
  out.batch.until_failure = arguments.is_set("--until-failure");
  if (arguments.is_set("--minutes")) {
    TRY_ASSIGN(const std::int64_t minutes, arguments.number("--minutes", 1, 60 * 24 * 7));
    out.batch.seconds = 60.0 * static_cast<double>(minutes);
  }
  TRY_OK(take_seeds(arguments, out.batch));
  TRY_ASSIGN(const std::int64_t jobs, arguments.number("--jobs", 1, 256));
  out.batch.jobs = static_cast<std::size_t>(jobs);
  out.batch.check_determinism = arguments.is_set("--check-determinism");
  out.batch.check_schema = arguments.is_set("--check-schema");
  out.batch.trace_file = arguments.text("--trace");
  out.json_file = arguments.text("--json");
  out.page_file = arguments.text("--report");
  out.quiet = arguments.is_set("--quiet");
  if (!out.batch.trace_file.empty() && out.batch.first_seed != out.batch.last_seed) return trace_of_one_run();
  for (const std::string& word : arguments.positional()) {
    TRY_ASSIGN(const std::vector<std::string> files, files_named(word));
    for (const std::string& file : files) {
      TRY_ASSIGN(Scenario scenario, load_scenario(file));
      out.batch.scenarios.push_back(std::move(scenario));
    }
  }
  if (!out.batch.trace_file.empty() && !is_one_run(out.batch)) return trace_of_one_run();
  return out;
}

// Of a command that takes one scenario.
Result<std::string> file_named(const std::string& word) {
  TRY_ASSIGN(const std::vector<std::string> files, files_named(word));
  if (files.size() != 1)
    return invalid_argument(word, ": ", files.size(), " scenarios are below this folder; give one of them");
  return files[0];
}

// The program's path as it can be called from any folder.
std::string callable(std::string_view word) {
  return word.find('/') == std::string_view::npos ? std::string(word)
                                                  : std::filesystem::absolute(word).lexically_normal().string();
}

// The real world (processes, sockets and a real clock) is not part of this program: a script runs the cluster, and calls
// `plan` and `judge`.
int run_in_the_real_world(const Arguments& arguments) {
  for (const Flag& flag : kRunFlags) {
    const bool known = flag.name == "--world" || std::ranges::find(kRealWorldFlags, flag.name) != std::end(kRealWorldFlags);
    if (!known && arguments.is_set(flag.name)) return complain(concat(flag.name, " is not for --world real; leave it out"));
  }
  if (arguments.positional().size() != 1) return complain("--world real: runs one scenario; give one FILE");
  const auto own = std::filesystem::canonical("/proc/self/exe");
  const std::string script = (own.parent_path() / "../../../tools/real_world").lexically_normal().string();
  if (!std::filesystem::exists(script))
    return complain(concat("--world real: ", script, " is not there; run this from a checkout"));
  std::vector<std::string> words = {script, "--sim", own.string(), arguments.positional()[0]};
  for (const std::string_view flag : kRealWorldFlags)
    if (arguments.is_set(flag)) words.insert(words.end(), {std::string(flag), arguments.text(flag)});
  std::vector<char*> raw;
  raw.reserve(words.size() + 1);
  for (std::string& word : words) raw.push_back(word.data());
  raw.push_back(nullptr);
  ::execv(script.c_str(), raw.data());
  return complain(concat("--world real: ", script, " cannot be run: ", std::strerror(errno)));
}

int write_page(const std::string& trace_file, const std::string& page_file, std::ostream& people) {
  const auto counts = make_trace_page(trace_file, page_file);
  if (!counts.ok()) return complain(concat("report: ", message_of(counts.status())));
  if (counts->torn_line != 0)
    std::cerr << "reliant-sim: report: " << trace_file << ": line " << counts->torn_line << " is torn: it is left out\n";
  people << page_file << ": " << counts->records << " records, " << counts->violations << " violations\n";
  return 0;
}

ScreenOptions screen_options(const RunOptions& options, const Arguments& arguments, bool json_to_output) {
  ScreenOptions screen;
  screen.quiet = options.quiet;
  screen.colours = isatty(json_to_output ? STDERR_FILENO : STDOUT_FILENO) == 1 && !arguments.is_set("--no-color");
  screen.counter = isatty(STDERR_FILENO) == 1;
  screen.seconds = options.batch.seconds;
  if (!options.batch.endless)
    screen.runs = options.batch.scenarios.size() * (options.batch.last_seed - options.batch.first_seed + 1);
  return screen;
}

// A batch of one run.
BatchOptions only(const BatchOptions& batch, const BatchLine& line) {
  BatchOptions one;
  for (const Scenario& scenario : batch.scenarios)
    if (title_of(scenario.file, scenario.name) == line.scenario && one.scenarios.empty()) one.scenarios.push_back(scenario);
  one.first_seed = one.last_seed = line.seed;
  one.program = batch.program;
  return one;
}

int run(const Arguments& arguments, const std::string& program_invoked) {
  const std::string world = arguments.text("--world");
  if (world == "real") return run_in_the_real_world(arguments);
  if (world != "sim") return complain(concat("--world is \"", world, "\"; give sim or real"));
  for (const std::string_view flag : {"--binary", "--keep"})
    if (arguments.is_set(flag)) return complain(concat(flag, " is for --world real only; leave it out"));
  auto read = run_options(arguments);
  if (!read.ok()) return complain(message_of(read.status()));
  RunOptions options = *std::move(read);
  options.batch.program = program_invoked;
  std::ofstream json_file;
  const bool json_to_output = options.json_file == "-";
  if (!options.json_file.empty() && !json_to_output) {
    json_file.open(options.json_file);
    if (!json_file) return complain(concat("--json: ", options.json_file, " cannot be written"));
  }
  const bool one_run = is_one_run(options.batch);
  const std::string trace_of_page = concat(options.page_file, ".trace");
  if (one_run && !options.page_file.empty() && options.batch.trace_file.empty()) options.batch.trace_file = trace_of_page;
  std::ostream& people = json_to_output ? std::cerr : std::cout;
  BatchScreen screen(people, screen_options(options, arguments, json_to_output));
  std::optional<BatchOptions> first_failed;
  const Outcome outcome = run_batch(options.batch, [&](const BatchLine& line) {
    screen.show(line);
    if (json_to_output) std::cout << line.json << "\n" << std::flush;
    if (json_file.is_open()) json_file << line.json << "\n" << std::flush;
    if (line.outcome != Outcome::kHeld && !first_failed) first_failed = only(options.batch, line);
  });
  screen.finish();
  if (json_file.is_open() && !json_file) return complain(concat("--json: writing ", options.json_file, " failed"));
  if (options.page_file.empty() || (!one_run && !first_failed)) return static_cast<int>(outcome);
  if (!one_run) {
    first_failed->trace_file = trace_of_page;
    (void)run_batch(*first_failed, [](const BatchLine&) {});
  }
  const std::string trace_file = one_run ? options.batch.trace_file : trace_of_page;
  const int failed = write_page(trace_file, options.page_file, people);
  std::error_code ignored;
  if (trace_file == trace_of_page) std::filesystem::remove(trace_file, ignored);
  return failed != 0 ? failed : static_cast<int>(outcome);
}

int report(const Arguments& arguments) {
  const std::string page_file = arguments.text("-o");
  if (page_file.empty()) return complain("-o is missing; give it the page's name: -o FILE");
  return write_page(arguments.positional()[0], page_file, std::cout);
}

// The plan of a scenario with a seed, for real processes.
int plan(const Arguments& arguments) {
  if (!arguments.is_set("--seed")) return complain("--seed is missing; give it a whole number: --seed N");
  const auto seed = number_of(arguments.text("--seed"));
  if (!seed) return complain(message_of(bad_number("--seed", arguments.text("--seed"))));
  const auto file = file_named(arguments.positional()[0]);
  if (!file.ok()) return complain(message_of(file.status()));
  auto scenario = load_scenario(*file);
  if (!scenario.ok()) return complain(message_of(scenario.status()));
  const std::string options = draw_options(*scenario, RandomStreams(*seed));
  if (scenario->workload.script.empty()) scenario->workload.script = default_script();
  json::object plan = plan_of(*scenario);
  plan["options"] = json::string(options.data(), options.size());
  plan["seed"] = *seed;
  plan["file"] = json::string(file->data(), file->size());
  std::cout << to_json(plan) << "\n";
  return 0;
}

int judge(const Arguments& arguments) {
  const std::vector<std::string>& words = arguments.positional();
  const auto scenario = load_scenario(words[0]);
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

int list(const Arguments& arguments) {
  const std::string root = arguments.positional().empty() ? "scenarios" : arguments.positional()[0];
  if (!std::filesystem::is_directory(root)) return complain(concat("list: there is no directory ", root));
  const auto files = files_named(root);
  if (!files.ok()) return complain(message_of(files.status()));
  for (const std::string& file : *files) {
    const auto scenario = load_scenario(file);
    if (!scenario.ok()) return complain(message_of(scenario.status()));
    std::cout << file << "\n    " << scenario->story << "\n";
  }
  return 0;
}

int check(const Arguments& arguments) {
  int wrong = 0;
  std::size_t right = 0;
  for (const std::string& word : arguments.positional()) {
    const auto files = files_named(word);
    if (!files.ok()) wrong = complain(message_of(files.status()));
    for (const std::string& file : files.ok() ? *files : std::vector<std::string>{}) {
      const Status status = check_scenario(file);
      if (!status.ok()) wrong = complain(message_of(status));
      right += status.ok() ? 1 : 0;
    }
  }
  std::cout << right << " good\n";
  return wrong;
}

int new_scenario(const Arguments& arguments) {
  const auto file = write_new_scenario(arguments.positional()[0]);
  if (!file.ok()) return complain(message_of(file.status()));
  std::cout << *file << "\n";
  return 0;
}

int schema(const Arguments& arguments) {
  const std::vector<std::string>& words = arguments.positional();
  if (!words.empty() && words[0] != "trace")
    return complain(
        concat("schema: \"", words[0], "\" has no schema; give trace, or no argument for the schema of a scenario"));
  std::cout << (words.empty() ? scenario_schema() : trace_json_schema()) << "\n";
  return 0;
}

constexpr std::pair<const Command*, int (*)(const Arguments&)> kCommands[] = {
    {&kCheckCommand, check},   {&kNewCommand, new_scenario}, {&kPlanCommand, plan},    {&kJudgeCommand, judge},
    {&kReportCommand, report}, {&kListCommand, list},        {&kSchemaCommand, schema}};

}  // namespace

int main(int count, char** words) {
  Program program{"reliant-sim", kVersion, "runs scenarios of the whole system in simulated time", {}};
  program.commands.push_back({"Commands", &kRunCommand});
  for (const auto& [command, act] : kCommands) program.commands.push_back({"Commands", command});
  const std::vector<std::string> given(words + std::min(count, 1), words + count);
  const auto read = read_command_line(program, given, [](std::string_view name) {
    const char* value = std::getenv(std::string(name).c_str());
    return value == nullptr || *value == '\0' ? std::nullopt : std::optional<std::string>(value);
  });
  if (!read.ok()) return complain(message_of(read.status()));
  if (read->command == nullptr) {
    (read->incomplete ? std::cerr : std::cout) << read->text;
    return read->incomplete ? 1 : 0;
  }
  if (read->command == &kRunCommand) return run(read->arguments, callable(count > 0 ? words[0] : "reliant-sim"));
  return std::ranges::find(kCommands, read->command, [](const auto& entry) { return entry.first; })->second(read->arguments);
}
