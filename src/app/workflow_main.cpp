#include <cstdint>
#include <cstdio>
#include <string>
#include <vector>

#include "app/mains.h"
#include "app/options.h"
#include "app/project_files.h"
#include "app/report.h"
#include "app/workflow_commands.h"
#include "base/text.h"
#include "workflow/format/definition.h"
#include "workflow/format/draw.h"

namespace reliant::app {
namespace {

constexpr std::string_view kProjectFolder = ".reliant/workflows";
constexpr std::string_view kTestFolder = ".reliant/workflows/tests";
constexpr std::int64_t kMostSeeds = 1'000'000;

constexpr Flag kTestFlags[] = {{"--seed", "N", "", "1", "the first seed"},
                               {"--seeds", "N", "", "10", "how many seeds each test runs with"}};
constexpr Flag kSchemaFlags[] = {{"--preset", "", "", "", "of the files of .reliant/presets"}};
constexpr Flag kGraphFlags[] = {{"--format", "LANGUAGE", "", "mermaid", "mermaid or dot"}};

constexpr Command kCommands[] = {
    {"workflow validate", "[PATH...]", 0, kAnyNumber,
     "Checks workflow files, or all of a folder; without a PATH those of .reliant/workflows."},
    {"workflow test", "[PATH...]", 0, kAnyNumber,
     "Runs test files, or all of a folder; without a PATH those of .reliant/workflows/tests.", kTestFlags},
    {"workflow schema", "", 0, 0, "Prints the JSON Schema of workflow files, for editors.", kSchemaFlags},
    {"workflow graph", "FILE", 1, 1, "Draws a workflow's order, as text for Mermaid or Graphviz.", kGraphFlags},
};

std::vector<std::string> paths_of(const Arguments& arguments, std::string_view otherwise) {
  if (arguments.positional().empty()) return {std::string(otherwise)};
  return arguments.positional();
}

int test(const Arguments& arguments) {
  const auto first = arguments.number("--seed", 0, INT64_MAX / 2);
  if (!first.ok()) return report(first.status());
  const auto count = arguments.number("--seeds", 1, kMostSeeds);
  if (!count.ok()) return report(count.status());
  return test_workflows(paths_of(arguments, kTestFolder), static_cast<std::uint64_t>(*first),
                        static_cast<std::uint64_t>(*count));
}

Status graph(const Arguments& arguments) {
  const std::string language = arguments.text("--format");
  if (language != "mermaid" && language != "dot") {
    return invalid_field("--format", concat("is \"", language, "\"; it must be mermaid or dot"));
  }
  const std::string& file = arguments.positional().front();
  TRY_ASSIGN(const std::string text, read_workflow_file(file));
  TRY_ASSIGN(const workflow::WorkflowDefinition workflow, workflow::read_workflow(text, file));
  const auto chosen = language == "dot" ? workflow::DrawingLanguage::kDot : workflow::DrawingLanguage::kMermaid;
  TRY_ASSIGN(const std::string drawing, workflow::draw(workflow, chosen));
  std::fputs(drawing.c_str(), stdout);
  return ok_status();
}

}  // namespace

const std::span<const Command> kWorkflowCommands = kCommands;

int workflow_main(const Command& command, const Arguments& arguments, const Environment&) {
  if (command.name == "workflow schema") {
    say(arguments.is_set("--preset") ? workflow::preset_schema() : workflow::workflow_schema());
    return 0;
  }
  if (command.name == "workflow graph") {
    const Status status = graph(arguments);
    return status.ok() ? 0 : report(status);
  }
  if (command.name == "workflow test") return test(arguments);
  return validate_workflows(paths_of(arguments, kProjectFolder));
}

}  // namespace reliant::app
