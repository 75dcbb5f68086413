// Workflow files out of anything. A refusal names file and line; what can be read is checked, twice with the same result, and what
// has no problem can be drawn in each language.
#include <string>
#include <vector>

#include "fuzz_input.h"
#include "workflow/format/check.h"
#include "workflow/format/definition.h"
#include "workflow/format/draw.h"

namespace reliant::workflow {
namespace {

void check_refusal(const Status& status) {
  fuzz::check_refusal(status);
  RELIANT_ASSERT(message_of(status).starts_with("w.yaml:"), "an error names file and line");
}

void check_workflow(std::string_view text) {
  const auto workflow = read_workflow(text, "w.yaml");
  if (!workflow.ok()) return check_refusal(workflow.status());
  const std::vector<Status> problems = check(*workflow, {});
  RELIANT_ASSERT(check(*workflow, {}) == problems, "a check has one result");
  for (const Status& problem : problems) check_refusal(problem);
  for (const DrawingLanguage language : {DrawingLanguage::kMermaid, DrawingLanguage::kDot}) {
    const auto drawing = draw(*workflow, language);
    if (!drawing.ok()) check_refusal(drawing.status());
    RELIANT_ASSERT(drawing.ok() || !problems.empty(), "what has no problem can be drawn");
  }
}

}  // namespace
}  // namespace reliant::workflow

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  reliant::workflow::check_workflow(reliant::fuzz::text_of(data, size));
  return 0;
}
