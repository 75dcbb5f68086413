#include "app/project_files.h"

#include <algorithm>
#include <fstream>
#include <iterator>

#include "base/text.h"

namespace reliant::app {
namespace {

namespace fs = std::filesystem;

constexpr std::uintmax_t kLargestFile = 256 * 1024;  // bytes of one workflow, preset or test file

bool is_yaml(const fs::path& path) { return path.extension() == ".yaml" || path.extension() == ".yml"; }

}  // namespace

Result<std::string> read_workflow_file(const fs::path& path) {
  std::error_code error;
  const std::uintmax_t size = fs::file_size(path, error);
  if (error) return not_found(path.string(), ": ", error.message());
  if (size > kLargestFile)
    return invalid_argument(path.string(), ": has ", size, " bytes; a workflow has at most ", kLargestFile);
  std::ifstream file(path, std::ios::binary);
  std::string text(std::istreambuf_iterator<char>(file), {});
  if (!file) return unavailable(path.string(), ": cannot be read");
  return text;
}

std::vector<fs::path> yaml_files(const fs::path& folder) {
  std::vector<fs::path> files;
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(folder, error)) {
    if (is_yaml(entry.path())) files.push_back(entry.path());
  }
  std::ranges::sort(files);
  return files;
}

ProjectFiles::ProjectFiles(const fs::path& folder) {
  for (const fs::path& file : yaml_files(folder.parent_path() / "presets")) add(file, &workflow::Library::add_preset);
  for (const fs::path& file : yaml_files(folder)) add(file, &workflow::Library::add_workflow);
  library_.check_all();
  problems_.insert(problems_.end(), library_.problems().begin(), library_.problems().end());
}

void ProjectFiles::add(const fs::path& file, void (workflow::Library::*add)(std::string_view, std::string_view)) {
  const auto text = read_workflow_file(file);
  if (text.ok()) return (library_.*add)(*text, file.string());
  problems_.push_back(text.status());
}

}  // namespace reliant::app
