// The workflow files of a folder, as `reliant workflow` reads them.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"
#include "workflow/format/library.h"

namespace reliant::app {

// NOT_FOUND, INVALID_ARGUMENT: larger than a workflow may be. Messages begin with the path.
Result<std::string> read_workflow_file(const std::filesystem::path& path);
// Sorted by name.
std::vector<std::filesystem::path> yaml_files(const std::filesystem::path& folder);

// The workflows of a folder and the presets beside it. A file that cannot be read is a problem, too.
class ProjectFiles {
 public:
  explicit ProjectFiles(const std::filesystem::path& folder);

  const workflow::Library& library() const { return library_; }
  const std::vector<Status>& problems() const { return problems_; }

 private:
  void add(const std::filesystem::path& file, void (workflow::Library::*add)(std::string_view, std::string_view));

  workflow::Library library_;
  std::vector<Status> problems_;
};

}  // namespace reliant::app
