// ByteFaults: how often, of a million, bytes that are not UTF-8 replace text. May be changed during a run. The nodes draw.
#pragma once

#include <cstdint>

namespace reliant::sim {

struct ByteFaults {
  std::uint32_t provider = 0;  // calls of the model that are answered with an error page of any encoding
  std::uint32_t daemon = 0;    // results that a daemon sends as any bytes
};

}  // namespace reliant::sim
