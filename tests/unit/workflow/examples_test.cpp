// The example workflows of tools/demo: each is without a problem, has tests, and passes them with many seeds.

#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <set>
#include <string>
#include <vector>

#include "workflow/format/library.h"
#include "workflow/testing/test_file.h"
#include "workflow/testing/test_runner.h"

namespace reliant::workflow {
namespace {

namespace fs = std::filesystem;

std::string text_of(const fs::path& path) {
  std::ifstream file(path);
  return {std::istreambuf_iterator<char>(file), {}};
}

std::vector<fs::path> files_of(const fs::path& folder) {
  std::vector<fs::path> files;
  for (const auto& entry : fs::directory_iterator(folder)) {
    if (entry.path().extension() == ".yaml") files.push_back(entry.path());
  }
  std::ranges::sort(files);
  return files;
}

TEST(ExampleWorkflows, PassTheirTests) {
  Library library;
  for (const fs::path& file : files_of("tools/demo/presets")) library.add_preset(text_of(file), file.string());
  for (const fs::path& file : files_of("tools/demo/workflows")) library.add_workflow(text_of(file), file.string());
  library.check_all();
  for (const Status& problem : library.problems()) ADD_FAILURE() << problem;
  EXPECT_GE(library.workflows().size(), 10U);
  std::set<std::string> tested;
  for (const fs::path& path : files_of("tools/demo/workflows/tests")) {
    const auto file = read_test_file(text_of(path), path.string());
    ASSERT_TRUE(file.ok()) << file.status();
    tested.insert(file->workflow);
    for (const WorkflowTest& test : file->tests) {
      for (std::uint64_t seed = 1; seed <= 50; ++seed) {
        for (const std::string& complaint : run_test(*file, test, library, seed))
          ADD_FAILURE() << complaint << " (seed " << seed << ")";
      }
    }
  }
  for (const auto& [name, workflow] : library.workflows()) {
    if (!workflow.hidden) EXPECT_TRUE(tested.contains(name)) << name << " has no test";
  }
}

}  // namespace
}  // namespace reliant::workflow
