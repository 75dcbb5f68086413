// A YAML value as JSON: quoted scalars are strings, others what they read as.
#pragma once

#include "base/json.h"
#include "base/yaml.h"

namespace reliant::workflow {

json::value json_from_yaml(const YamlNode& node);

}  // namespace reliant::workflow
