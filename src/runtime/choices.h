// Choices: what picks from an executor's ready list where the seed does not: a fuzzer, which steers by coverage. Borrowed by the
// executor. Never in production, whose order is first in, first out.
#pragma once

#include <cstdint>

namespace reliant {

class Choices {
 public:
  // One of 0 … count - 1; count is at least 2.
  virtual std::uint32_t choose(std::uint32_t count) = 0;

 protected:
  ~Choices() = default;
};

}  // namespace reliant
