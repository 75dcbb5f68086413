// Which of the suite's tests are not ours to pass, and by which rule.
#pragma once

#include <string>

#include "suite.h"

namespace reliant::cel {

// "": the test is to pass.
std::string exclusion(const TestFile& file, const Test& test);

}  // namespace reliant::cel
