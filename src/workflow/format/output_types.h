// What the output of each type of node holds, whatever the node did: for the types of expressions, and for the fields that are null
// in a node that was SKIPPED. A workflow's and a parallel node's outputs are the file's own.
#pragma once

#include <span>
#include <string_view>

#include "expr/type.h"

namespace reliant::workflow {

struct OutputField {
  std::string_view name;
  expr::Type type;
};

std::span<const OutputField> output_fields(std::string_view node_type);

}  // namespace reliant::workflow
