// Options of a run: each number of a scenario is fixed, or a range out of which the seed draws. The drawn values are
// printed with the seed, so that two runs can be distinguished at a glance.
//
// Written "5" or "2..8"; times with a unit (ns us ms s m h), chances as a percentage ("0.5%..2%"). A section of options is
// a struct with a function template `describe(visitor, section)` that names every field, once: reading a file, the JSON
// schema, drawing and printing are visitors of it (sim/scenario/option_*.h).
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/status.h"
#include "runtime/random.h"
#include "runtime/time.h"

namespace reliant::sim {

template <class T>
struct Drawn {
  T low{};
  T high{};
  T value{};  // after drawing

  constexpr explicit Drawn(T fixed) : low(fixed), high(fixed), value(fixed) {}
  constexpr Drawn(T lowest, T highest) : low(lowest), high(highest), value(lowest) {}
};

struct Count : Drawn<std::int64_t> {
  using Drawn::Drawn;
};
struct Span : Drawn<Duration> {
  using Drawn::Drawn;
};
// In millionths.
struct Chance : Drawn<std::int64_t> {
  using Drawn::Drawn;
};
// When something happens: drawn again each time, and seen in the trace.
struct When {
  Duration low{};
  Duration high{};

  Duration draw(Random& random) const { return random.duration(low, high); }
};

inline constexpr std::int64_t kMillion = 1'000'000;

// INVALID_ARGUMENT: what is wrong with the text, and how it would be right.
Status read_option(std::string_view text, Count& option);
Status read_option(std::string_view text, Span& option);
Status read_option(std::string_view text, Chance& option);
Status read_option(std::string_view text, When& option);

std::string to_text(Duration time);                // "1500ms", "2s"
std::string chance_text(std::int64_t millionths);  // "0.5%"

}  // namespace reliant::sim
