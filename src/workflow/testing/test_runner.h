// Runs tests of workflows on the real interpreter: simulated time, one thread, the order of what is ready chosen by the seed.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "workflow/format/library.h"
#include "workflow/testing/test_file.h"

namespace reliant::workflow {

// What did not hold, each with file, line and column; empty: the test passed.
std::vector<std::string> run_test(const TestFile& file, const WorkflowTest& test, const Library& library, std::uint64_t seed);

}  // namespace reliant::workflow
