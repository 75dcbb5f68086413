// Arithmetic of timestamps and durations, and their parts: in UTC, or in a time zone by name ("Europe/Berlin") or offset ("+05:30").
#include <algorithm>
#include <array>
#include <charconv>

#include "absl/time/civil_time.h"
#include "absl/time/time.h"
#include "expr/function.h"
#include "expr/time.h"

namespace reliant::expr {
namespace {

using Arguments = std::span<const Value>;

constexpr std::int64_t kNanos = 1'000'000'000;

Value range_error() { return Value::error("range error: the result is outside the range of its type"); }

__int128 nanos_of(const Timestamp& timestamp) { return static_cast<__int128>(timestamp.seconds) * kNanos + timestamp.nanos; }

Value timestamp_from(__int128 nanos) {
  __int128 seconds = nanos / kNanos;
  __int128 rest = nanos % kNanos;
  if (rest < 0) {
    rest += kNanos;
    --seconds;
  }
  const Timestamp timestamp{static_cast<std::int64_t>(seconds), static_cast<std::int32_t>(rest)};
  return in_range(timestamp) ? Value::timestamp(timestamp) : range_error();
}
Value duration_from(__int128 nanos) {
  if (nanos > INT64_MAX || nanos < INT64_MIN) return range_error();
  return Value::duration({static_cast<std::int64_t>(nanos)});
}

__int128 wide(const Value& duration) { return duration.as_duration().nanos; }

Value timestamp_plus(Arguments a, Budget&) { return timestamp_from(nanos_of(a[0].as_timestamp()) + wide(a[1])); }
Value plus_timestamp(Arguments a, Budget&) { return timestamp_from(nanos_of(a[1].as_timestamp()) + wide(a[0])); }
Value timestamp_minus(Arguments a, Budget&) { return timestamp_from(nanos_of(a[0].as_timestamp()) - wide(a[1])); }
Value between(Arguments a, Budget&) { return duration_from(nanos_of(a[0].as_timestamp()) - nanos_of(a[1].as_timestamp())); }
Value add_durations(Arguments a, Budget&) { return duration_from(wide(a[0]) + wide(a[1])); }
Value subtract_durations(Arguments a, Budget&) { return duration_from(wide(a[0]) - wide(a[1])); }
Value negate_duration(Arguments a, Budget&) { return duration_from(-wide(a[0])); }

// "+05:30", "-00:30", "02:00"; seconds.
std::optional<int> fixed_offset(std::string_view text) {
  const bool negative = text.starts_with('-');
  if (negative || text.starts_with('+')) text.remove_prefix(1);
  if (text.size() != 5 || text[2] != ':') return std::nullopt;
  int hours = 0;
  int minutes = 0;
  const auto first = std::from_chars(text.data(), text.data() + 2, hours);
  const auto second = std::from_chars(text.data() + 3, text.data() + 5, minutes);
  if (first.ptr != text.data() + 2 || second.ptr != text.data() + 5 || hours > 23 || minutes > 59) return std::nullopt;
  const int seconds = hours * 3600 + minutes * 60;
  return negative ? -seconds : seconds;
}

std::optional<absl::TimeZone> zone_of(const std::string& name) {
  if (const auto offset = fixed_offset(name)) return absl::FixedTimeZone(*offset);
  // Of other names the library would read files by their paths.
  const auto plain = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '/' || c == '_' || c == '-' ||
           c == '+';
  };
  absl::TimeZone zone;
  if (name.empty() || name.size() > 48 || name.front() == '/' || !std::all_of(name.begin(), name.end(), plain))
    return std::nullopt;
  if (!absl::LoadTimeZone(name, &zone)) return std::nullopt;
  return zone;
}

template <class Part>
Value part_of_timestamp(Arguments a, Part part) {
  absl::TimeZone zone = absl::UTCTimeZone();
  if (a.size() > 1) {
    const auto found = zone_of(a[1].as_string());
    if (!found) return Value::error(concat("there is no time zone '", a[1].as_string(), "'; write Europe/Berlin, or +02:00"));
    zone = *found;
  }
  const absl::CivilSecond civil = absl::ToCivilSecond(absl::FromUnixSeconds(a[0].as_timestamp().seconds), zone);
  return Value::integer(part(civil));
}

Value full_year(Arguments a, Budget&) {
  return part_of_timestamp(a, [](const absl::CivilSecond& civil) { return civil.year(); });
}
Value month(Arguments a, Budget&) {
  return part_of_timestamp(a, [](const absl::CivilSecond& civil) { return civil.month() - 1; });
}
Value day_of_month(Arguments a, Budget&) {
  return part_of_timestamp(a, [](const absl::CivilSecond& civil) { return civil.day() - 1; });
}
Value date(Arguments a, Budget&) {
  return part_of_timestamp(a, [](const absl::CivilSecond& civil) { return civil.day(); });
}
Value day_of_week(Arguments a, Budget&) {
  return part_of_timestamp(a, [](const absl::CivilSecond& civil) {
    return (static_cast<int>(absl::GetWeekday(absl::CivilDay(civil))) + 1) % 7;  // Sunday is 0
  });
}
Value day_of_year(Arguments a, Budget&) {
  return part_of_timestamp(a, [](const absl::CivilSecond& civil) { return absl::GetYearDay(absl::CivilDay(civil)) - 1; });
}
Value hours(Arguments a, Budget&) {
  return part_of_timestamp(a, [](const absl::CivilSecond& civil) { return civil.hour(); });
}
Value minutes(Arguments a, Budget&) {
  return part_of_timestamp(a, [](const absl::CivilSecond& civil) { return civil.minute(); });
}
Value seconds(Arguments a, Budget&) {
  return part_of_timestamp(a, [](const absl::CivilSecond& civil) { return civil.second(); });
}
Value milliseconds(Arguments a, Budget&) { return Value::integer(a[0].as_timestamp().nanos / 1'000'000); }

Value duration_hours(Arguments a, Budget&) { return Value::integer(a[0].as_duration().nanos / (3600 * kNanos)); }
Value duration_minutes(Arguments a, Budget&) { return Value::integer(a[0].as_duration().nanos / (60 * kNanos)); }
Value duration_seconds(Arguments a, Budget&) { return Value::integer(a[0].as_duration().nanos / kNanos); }
// The part below a second, unlike its sisters.
Value duration_milliseconds(Arguments a, Budget&) { return Value::integer(a[0].as_duration().nanos % kNanos / 1'000'000); }

constexpr std::array kDeclarations{
    Declaration{"_+_(timestamp, duration): timestamp", timestamp_plus},
    Declaration{"_+_(duration, timestamp): timestamp", plus_timestamp},
    Declaration{"_+_(duration, duration): duration", add_durations},
    Declaration{"_-_(timestamp, duration): timestamp", timestamp_minus},
    Declaration{"_-_(timestamp, timestamp): duration", between},
    Declaration{"_-_(duration, duration): duration", subtract_durations},
    Declaration{"-_(duration): duration", negate_duration},
    Declaration{"timestamp.getFullYear(): int", full_year},
    Declaration{"timestamp.getFullYear(string): int", full_year},
    Declaration{"timestamp.getMonth(): int", month},
    Declaration{"timestamp.getMonth(string): int", month},
    Declaration{"timestamp.getDayOfMonth(): int", day_of_month},
    Declaration{"timestamp.getDayOfMonth(string): int", day_of_month},
    Declaration{"timestamp.getDate(): int", date},
    Declaration{"timestamp.getDate(string): int", date},
    Declaration{"timestamp.getDayOfWeek(): int", day_of_week},
    Declaration{"timestamp.getDayOfWeek(string): int", day_of_week},
    Declaration{"timestamp.getDayOfYear(): int", day_of_year},
    Declaration{"timestamp.getDayOfYear(string): int", day_of_year},
    Declaration{"timestamp.getHours(): int", hours},
    Declaration{"timestamp.getHours(string): int", hours},
    Declaration{"timestamp.getMinutes(): int", minutes},
    Declaration{"timestamp.getMinutes(string): int", minutes},
    Declaration{"timestamp.getSeconds(): int", seconds},
    Declaration{"timestamp.getSeconds(string): int", seconds},
    Declaration{"timestamp.getMilliseconds(): int", milliseconds},
    Declaration{"timestamp.getMilliseconds(string): int", milliseconds},
    Declaration{"duration.getHours(): int", duration_hours},
    Declaration{"duration.getMinutes(): int", duration_minutes},
    Declaration{"duration.getSeconds(): int", duration_seconds},
    Declaration{"duration.getMilliseconds(): int", duration_milliseconds},
};

}  // namespace

std::span<const Declaration> time_declarations() { return kDeclarations; }

}  // namespace reliant::expr
