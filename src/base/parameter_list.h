// The parameters of a statement that takes as many as it is given rows.
#pragma once

#include <cstddef>
#include <string>

namespace reliant {

// "($1, $2), ($3, $4)": two rows of two.
std::string parameter_list(std::size_t rows, std::size_t columns);

}  // namespace reliant
