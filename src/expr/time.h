// Timestamps (RFC 3339) and durations (as Go writes them) from and to text, and their arithmetic.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "expr/value.h"

namespace reliant::expr {

// nullopt: not of this form. The timestamp may be outside of CEL's range.
std::optional<Timestamp> read_timestamp(std::string_view text);
std::string to_string(const Timestamp& timestamp);

// "1h30m", "-1.5s", "20ms", "0"; nullopt: not of this form, or more nanoseconds than an int64 holds.
std::optional<Duration> read_duration(std::string_view text);
// In seconds: "5400s", "0.02s".
std::string to_string(const Duration& duration);

}  // namespace reliant::expr
