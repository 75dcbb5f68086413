// What `reliant workflow validate` and `reliant workflow test` do. The exit code: kFailed when a problem was found, or a test failed.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace reliant::app {

// Files, or folders of files.
int validate_workflows(const std::vector<std::string>& paths);
// Each test with `count` seeds from `first` on.
int test_workflows(const std::vector<std::string>& paths, std::uint64_t first, std::uint64_t count);

}  // namespace reliant::app
