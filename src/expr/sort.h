// Sorting, as sort() and sortBy() do it.
#pragma once

#include "expr/value.h"

namespace reliant::expr {

// `elements` in the order of their keys, equal ones as they stood; an error when the keys are of several types, or of one without an
// order.
Value sorted_by(const List& elements, const List& keys, Budget& budget);

}  // namespace reliant::expr
