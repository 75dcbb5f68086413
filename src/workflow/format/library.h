// Library: the workflows and presets of one project, by name. A file that is broken is a problem of its own: the others stay.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"
#include "workflow/format/check.h"
#include "workflow/format/definition.h"

namespace reliant::workflow {

class Library {
 public:
  // What is wrong with a file is kept in problems().
  void add_workflow(std::string_view text, std::string_view file);
  void add_preset(std::string_view text, std::string_view file);
  // Compares the files with one another; after the last one was added. Workflows with a problem leave the library.
  void check_all();

  // NAME or project://NAME; null: there is none, or it has a problem.
  const WorkflowDefinition* find(std::string_view reference) const;
  const Preset* preset(std::string_view name) const;
  const std::map<std::string, WorkflowDefinition, std::less<>>& workflows() const { return workflows_; }
  const std::vector<Status>& problems() const { return problems_; }

 private:
  std::map<std::string, WorkflowDefinition, std::less<>> workflows_;
  std::map<std::string, Preset, std::less<>> presets_;
  std::vector<Status> problems_;
};

// "…/fix-tests.yaml" -> "fix-tests"
std::string_view name_of_file(std::string_view file);

}  // namespace reliant::workflow
