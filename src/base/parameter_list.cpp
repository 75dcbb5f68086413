#include "base/parameter_list.h"

#include "base/text.h"

namespace reliant {

std::string parameter_list(std::size_t rows, std::size_t columns) {
  std::string text;
  std::size_t number = 0;
  for (std::size_t row = 0; row < rows; ++row) {
    text += row == 0 ? "(" : ", (";
    for (std::size_t column = 0; column < columns; ++column) text += concat(column == 0 ? "$" : ", $", ++number);
    text += ")";
  }
  return text;
}

}  // namespace reliant
