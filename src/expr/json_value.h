// Values from and to JSON. Whole numbers are ints, so that one can count with them.
#pragma once

#include "base/json.h"
#include "expr/value.h"

namespace reliant::expr {

Value value_from_json(const json::value& value);

// Bytes become base64, timestamps and durations their texts, keys of maps strings. INVALID_ARGUMENT for what JSON has no form for
// (NaN, a type, an optional), and RESOURCE_EXHAUSTED when the budget is spent.
Result<json::value> json_from_value(const Value& value, Budget& budget);

}  // namespace reliant::expr
