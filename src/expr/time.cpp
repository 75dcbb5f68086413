#include "expr/time.h"

#include <array>

#include "absl/time/civil_time.h"
#include "absl/time/time.h"
#include "base/text.h"

namespace reliant::expr {
namespace {

constexpr std::int64_t kNanos = 1'000'000'000;

bool is_digit(char c) { return c >= '0' && c <= '9'; }

// Takes exactly `count` digits off the front.
std::optional<int> take_digits(std::string_view& text, std::size_t count) {
  if (text.size() < count) return std::nullopt;
  int out = 0;
  for (std::size_t i = 0; i < count; ++i) {
    if (!is_digit(text[i])) return std::nullopt;
    out = out * 10 + (text[i] - '0');
  }
  text.remove_prefix(count);
  return out;
}

bool take(std::string_view& text, char c) {
  if (!text.starts_with(c)) return false;
  text.remove_prefix(1);
  return true;
}

// ".5" is 500,000,000; further digits than nine are cut off.
std::optional<std::int32_t> take_fraction(std::string_view& text) {
  if (!take(text, '.')) return 0;
  if (text.empty() || !is_digit(text.front())) return std::nullopt;
  std::int32_t out = 0;
  std::int32_t unit = kNanos / 10;
  for (; !text.empty() && is_digit(text.front()); text.remove_prefix(1), unit /= 10) out += (text.front() - '0') * unit;
  return out;
}

// "Z", "+05:30"; in seconds.
std::optional<int> take_offset(std::string_view& text) {
  if (take(text, 'Z') || take(text, 'z')) return 0;
  const bool negative = text.starts_with('-');
  if (!take(text, '+') && !take(text, '-')) return std::nullopt;
  const auto hours = take_digits(text, 2);
  if (!hours || *hours > 23 || !take(text, ':')) return std::nullopt;
  const auto minutes = take_digits(text, 2);
  if (!minutes || *minutes > 59) return std::nullopt;
  const int seconds = *hours * 3600 + *minutes * 60;
  return negative ? -seconds : seconds;
}

std::string padded(std::int64_t number, std::size_t width) {
  std::string out = concat(number);
  return out.size() < width ? std::string(width - out.size(), '0') + out : out;
}

// ".5"; "" for none.
std::string fraction_text(std::int64_t nanos) {
  if (nanos == 0) return "";
  std::string out = "." + padded(nanos, 9);
  while (out.ends_with('0')) out.pop_back();
  return out;
}

struct Unit {
  std::string_view name;
  std::int64_t nanos;
};
// "ms" stands before "m", which it begins with.
constexpr std::array kUnits{Unit{"ns", 1},         Unit{"us", 1'000}, Unit{"µs", 1'000},      Unit{"μs", 1'000},
                            Unit{"ms", 1'000'000}, Unit{"s", kNanos}, Unit{"m", 60 * kNanos}, Unit{"h", 3600 * kNanos}};

// "1.5h" off the front, in nanoseconds.
std::optional<__int128> take_part(std::string_view& text) {
  __int128 whole = 0;
  __int128 fraction = 0;
  __int128 scale = 1;
  bool digits = false;
  for (; !text.empty() && is_digit(text.front()); text.remove_prefix(1), digits = true) {
    whole = whole * 10 + (text.front() - '0');
    if (whole > INT64_MAX) return std::nullopt;
  }
  if (take(text, '.')) {
    for (; !text.empty() && is_digit(text.front()); text.remove_prefix(1), digits = true) {
      if (scale > 1'000'000'000'000'000) continue;  // less than a nanosecond of an hour
      fraction = fraction * 10 + (text.front() - '0');
      scale *= 10;
    }
  }
  if (!digits) return std::nullopt;
  for (const Unit& unit : kUnits) {
    if (!text.starts_with(unit.name)) continue;
    text.remove_prefix(unit.name.size());
    return whole * unit.nanos + fraction * unit.nanos / scale;
  }
  return std::nullopt;
}

}  // namespace

std::optional<Timestamp> read_timestamp(std::string_view text) {
  const auto year = take_digits(text, 5 <= text.size() && is_digit(text[4]) ? 5 : 4);
  if (!year || !take(text, '-')) return std::nullopt;
  const auto month = take_digits(text, 2);
  if (!month || !take(text, '-')) return std::nullopt;
  const auto day = take_digits(text, 2);
  if (!day || (!take(text, 'T') && !take(text, 't'))) return std::nullopt;
  const auto hour = take_digits(text, 2);
  if (!hour || *hour > 23 || !take(text, ':')) return std::nullopt;
  const auto minute = take_digits(text, 2);
  if (!minute || *minute > 59 || !take(text, ':')) return std::nullopt;
  const auto second = take_digits(text, 2);
  if (!second || *second > 59) return std::nullopt;
  const auto nanos = take_fraction(text);
  if (!nanos) return std::nullopt;
  const auto offset = take_offset(text);
  if (!offset || !text.empty()) return std::nullopt;
  const absl::CivilSecond civil(*year, *month, *day, *hour, *minute, *second);
  if (civil.month() != *month || civil.day() != *day) return std::nullopt;  // there is no such day
  const std::int64_t seconds = absl::ToUnixSeconds(absl::FromCivil(civil, absl::UTCTimeZone()));
  return Timestamp{seconds - *offset, *nanos};
}

std::string to_string(const Timestamp& timestamp) {
  const absl::CivilSecond civil = absl::ToCivilSecond(absl::FromUnixSeconds(timestamp.seconds), absl::UTCTimeZone());
  return concat(padded(civil.year(), 4), "-", padded(civil.month(), 2), "-", padded(civil.day(), 2), "T",
                padded(civil.hour(), 2), ":", padded(civil.minute(), 2), ":", padded(civil.second(), 2),
                fraction_text(timestamp.nanos), "Z");
}

std::optional<Duration> read_duration(std::string_view text) {
  const bool negative = text.starts_with('-');
  if (!take(text, '-')) take(text, '+');
  if (text == "0") return Duration{0};
  if (text.empty()) return std::nullopt;
  __int128 total = 0;
  while (!text.empty()) {
    const auto part = take_part(text);
    if (!part) return std::nullopt;
    total += *part;
    if (total > static_cast<__int128>(INT64_MAX) + 1) return std::nullopt;
  }
  if (negative) total = -total;
  if (total > INT64_MAX) return std::nullopt;
  return Duration{static_cast<std::int64_t>(total)};
}

std::string to_string(const Duration& duration) {
  const bool negative = duration.nanos < 0;
  const auto size = negative ? 0 - static_cast<std::uint64_t>(duration.nanos) : static_cast<std::uint64_t>(duration.nanos);
  return concat(negative ? "-" : "", size / kNanos, fraction_text(static_cast<std::int64_t>(size % kNanos)), "s");
}

}  // namespace reliant::expr
