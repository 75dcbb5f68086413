#include "app/workflow_commands.h"

#include <algorithm>
#include <filesystem>

#include "app/project_files.h"
#include "app/report.h"
#include "base/text.h"
#include "workflow/testing/test_file.h"
#include "workflow/testing/test_runner.h"

namespace reliant::app {
namespace {

namespace fs = std::filesystem;

class Validation {
 public:
  // Each file together with its neighbours, which it may refer to.
  int run(const std::vector<std::string>& paths) {
    std::vector<fs::path> folders;
    for (const std::string& path : paths) {
      const fs::path folder = fs::is_directory(path) ? fs::path(path) : fs::path(path).parent_path();
      if (folder != path && !fs::exists(path)) return report(not_found(path, ": there is no such file or folder"));
      if (std::ranges::find(folders, folder) == folders.end()) folders.push_back(folder);
      if (folder != path) wanted_.push_back(path);
    }
    for (const fs::path& folder : folders) validate(folder);
    for (const Status& problem : problems_) report(problem);
    return problems_.empty() ? 0 : kFailed;
  }

 private:
  void validate(const fs::path& folder) {
    const ProjectFiles project(folder);
    for (const Status& problem : project.problems()) {
      if (is_wanted(problem)) problems_.push_back(problem);
    }
    for (const auto& [name, workflow] : project.library().workflows()) {
      if (wanted_.empty() || std::ranges::find(wanted_, workflow.file) != wanted_.end()) say(concat("ok      ", workflow.file));
    }
  }
  // Problems begin with their file.
  bool is_wanted(const Status& problem) const {
    return wanted_.empty() || std::ranges::any_of(wanted_, [&](const std::string& file) {
             return message_of(problem).starts_with(concat(file, ":"));
           });
  }

  std::vector<std::string> wanted_;  // empty: all
  std::vector<Status> problems_;
};

class Tests {
 public:
  Tests(std::uint64_t first, std::uint64_t count) : first_(first), count_(count) {}

  int run(const std::vector<std::string>& paths) {
    for (const std::string& path : paths) {
      if (!fs::exists(path)) return report(not_found(path, ": there is no such file or folder"));
      for (const fs::path& file : fs::is_directory(path) ? yaml_files(path) : std::vector<fs::path>{path}) run_file(file);
    }
    if (passed_ + failed_ == 0) return report(not_found(join(paths, ", "), ": holds no tests"));
    say(concat(passed_, " passed, ", failed_, " failed"));
    return failed_ == 0 ? 0 : kFailed;
  }

 private:
  // The workflows under test are in the folder above that of the tests.
  void run_file(const fs::path& path) {
    const auto text = read_workflow_file(path);
    const auto file = text.ok() ? workflow::read_test_file(*text, path.string()) : Result<workflow::TestFile>(text.status());
    if (!file.ok()) {
      ++failed_;
      report(file.status());
      return;
    }
    const ProjectFiles project(fs::absolute(path).parent_path().parent_path());
    for (const workflow::WorkflowTest& test : file->tests) run_test(*file, test, project);
  }

  void run_test(const workflow::TestFile& file, const workflow::WorkflowTest& test, const ProjectFiles& project) {
    for (std::uint64_t seed = first_; seed < first_ + count_; ++seed) {
      const std::vector<std::string> complaints = workflow::run_test(file, test, project.library(), seed);
      if (complaints.empty()) continue;
      ++failed_;
      say(concat("FAILED  ", file.workflow, ": ", test.name, " (--seed ", seed, ")"));
      for (const std::string& complaint : complaints) say(concat("        ", complaint));
      if (project.library().find(file.workflow) == nullptr) {
        for (const Status& problem : project.problems()) say(concat("        ", message_of(problem)));
      }
      return;
    }
    ++passed_;
    say(concat("ok      ", file.workflow, ": ", test.name));
  }

  std::uint64_t first_;
  std::uint64_t count_;
  std::size_t passed_ = 0;
  std::size_t failed_ = 0;
};

}  // namespace

int validate_workflows(const std::vector<std::string>& paths) { return Validation().run(paths); }

int test_workflows(const std::vector<std::string>& paths, std::uint64_t first, std::uint64_t count) {
  return Tests(first, count).run(paths);
}

}  // namespace reliant::app
