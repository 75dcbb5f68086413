#include "workflow/format/library.h"

#include <utility>

#include "base/text.h"

namespace reliant::workflow {
namespace {

constexpr std::string_view kProject = "project://";

}  // namespace

std::string_view name_of_file(std::string_view file) {
  if (const auto slash = file.rfind('/'); slash != std::string_view::npos) file.remove_prefix(slash + 1);
  return file.substr(0, file.rfind('.'));
}

void Library::add_workflow(std::string_view text, std::string_view file) {
  auto workflow = read_workflow(text, file);
  if (!workflow.ok()) {
    problems_.push_back(workflow.status());
    return;
  }
  if (workflow->name != name_of_file(file)) {
    problems_.push_back(
        workflow->error(workflow->name_place, concat("\"name\" is \"", workflow->name, "\", and the file's name says \"",
                                                     name_of_file(file), "\"; rename one of them")));
    return;
  }
  std::string name = workflow->name;
  workflows_.insert_or_assign(std::move(name), *std::move(workflow));
}

void Library::add_preset(std::string_view text, std::string_view file) {
  auto preset = read_preset(text, file);
  if (!preset.ok()) {
    problems_.push_back(preset.status());
    return;
  }
  std::string name = preset->name;
  presets_.insert_or_assign(std::move(name), *std::move(preset));
}

void Library::check_all() {
  Surroundings surroundings;
  surroundings.knows_preset = [this](std::string_view name) { return preset(name) != nullptr; };
  surroundings.find_workflow = [this](std::string_view reference) { return find(reference); };
  std::vector<std::string> broken;
  for (const auto& [name, workflow] : workflows_) {
    std::vector<Status> found = check(workflow, surroundings);
    if (!found.empty()) broken.push_back(name);
    problems_.insert(problems_.end(), found.begin(), found.end());
  }
  for (const std::string& name : broken) workflows_.erase(name);
}

const WorkflowDefinition* Library::find(std::string_view reference) const {
  if (reference.starts_with(kProject)) reference.remove_prefix(kProject.size());
  const auto found = workflows_.find(reference);
  return found == workflows_.end() ? nullptr : &found->second;
}

const Preset* Library::preset(std::string_view name) const {
  const auto found = presets_.find(name);
  return found == presets_.end() ? nullptr : &found->second;
}

}  // namespace reliant::workflow
