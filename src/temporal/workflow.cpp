#include "temporal/workflow.h"

namespace reliant::temporal {

Result<std::string> Workflow::query(std::string_view name, std::string_view) {
  return not_found("this workflow answers no query \"", name, "\"");
}

}  // namespace reliant::temporal
