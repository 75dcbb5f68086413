#include "kernel/option.h"

#include <array>
#include <charconv>
#include <optional>
#include <utility>

namespace reliant::sim {
namespace {

struct Unit {
  std::string_view name;
  std::int64_t size;
};
constexpr std::array kTimeUnits = {Unit{"ns", 1},
                                   Unit{"us", 1'000},
                                   Unit{"ms", 1'000'000},
                                   Unit{"s", 1'000'000'000},
                                   Unit{"m", 60'000'000'000},
                                   Unit{"h", 3'600'000'000'000}};
constexpr std::int64_t kPercent = 10'000;  // millionths

constexpr std::string_view kCountForm = R"(a whole number, "5", or a range, "2..8")";
constexpr std::string_view kTimeForm = R"(a time with its unit, "200ms", or a range, "1s..2s" (ns us ms s m h))";
constexpr std::string_view kChanceForm = R"(a percentage, "0.5%", or a range, "0%..2%")";

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && text.front() == ' ') text.remove_prefix(1);
  while (!text.empty() && text.back() == ' ') text.remove_suffix(1);
  return text;
}

// A decimal number times `unit`, exactly: floating point has no place where runs must repeat.
std::optional<std::int64_t> scaled(std::string_view digits, std::int64_t unit) {
  const std::size_t point = digits.find('.');
  const std::string_view whole = digits.substr(0, point);
  std::int64_t value = 0;
  const auto [end, error] = std::from_chars(whole.data(), whole.data() + whole.size(), value);
  if (error != std::errc() || end != whole.data() + whole.size() || value < 0) return std::nullopt;
  if (value > 9'000'000'000'000'000'000 / unit) return std::nullopt;
  value *= unit;
  if (point == std::string_view::npos) return value;
  const std::string_view fraction = digits.substr(point + 1);
  if (fraction.empty() || fraction.size() > 9) return std::nullopt;
  for (const char digit : fraction) {
    if (digit < '0' || digit > '9') return std::nullopt;
    if (unit % 10 != 0) return std::nullopt;
    unit /= 10;
    value += (digit - '0') * unit;
  }
  return value;
}

std::optional<std::int64_t> count_of(std::string_view text) { return scaled(text, 1); }

std::optional<std::int64_t> time_of(std::string_view text) {
  if (text == "0") return 0;
  const std::size_t digits = text.find_first_not_of("0123456789.");
  if (digits == 0 || digits == std::string_view::npos) return std::nullopt;
  for (const Unit& unit : kTimeUnits) {
    if (text.substr(digits) == unit.name) return scaled(text.substr(0, digits), unit.size);
  }
  return std::nullopt;
}

std::optional<std::int64_t> chance_of(std::string_view text) {
  if (text == "0") return 0;
  if (text.empty() || text.back() != '%') return std::nullopt;
  const auto millionths = scaled(text.substr(0, text.size() - 1), kPercent);
  return millionths && *millionths <= kMillion ? millionths : std::nullopt;
}

using Pair = std::pair<std::int64_t, std::int64_t>;

Result<Pair> range_of(std::string_view text, std::optional<std::int64_t> (*one)(std::string_view), std::string_view form) {
  const std::size_t dots = text.find("..");
  const std::string_view first = trimmed(text.substr(0, dots));
  const std::string_view last = dots == std::string_view::npos ? first : trimmed(text.substr(dots + 2));
  const auto low = one(first);
  const auto high = one(last);
  if (!low || !high) return invalid_argument("\"", text, "\" is not ", form);
  if (*low > *high) return invalid_argument("the range \"", text, "\" runs backwards: write the smaller end first");
  return Pair(*low, *high);
}

}  // namespace

Status read_option(std::string_view text, Count& option) {
  TRY_ASSIGN(const Pair range, range_of(text, count_of, kCountForm));
  option = Count(range.first, range.second);
  return ok_status();
}

Status read_option(std::string_view text, Span& option) {
  TRY_ASSIGN(const Pair range, range_of(text, time_of, kTimeForm));
  option = Span(Duration(range.first), Duration(range.second));
  return ok_status();
}

Status read_option(std::string_view text, Chance& option) {
  TRY_ASSIGN(const Pair range, range_of(text, chance_of, kChanceForm));
  option = Chance(range.first, range.second);
  return ok_status();
}

Status read_option(std::string_view text, When& option) {
  TRY_ASSIGN(const Pair range, range_of(text, time_of, kTimeForm));
  option = When{Duration(range.first), Duration(range.second)};
  return ok_status();
}

std::string to_text(Duration time) {
  const std::int64_t count = time.count();
  const Unit* best = &kTimeUnits.front();
  for (const Unit& unit : kTimeUnits) {
    if (unit.name == "m" || unit.name == "h") break;
    if (count != 0 && count % unit.size == 0) best = &unit;
  }
  if (count == 0) return "0s";
  return concat(count / best->size, best->name);
}

std::string chance_text(std::int64_t millionths) {
  std::string text = concat(millionths / kPercent);
  std::int64_t rest = millionths % kPercent;
  if (rest != 0) {
    std::string digits = concat(rest + kPercent).substr(1);
    while (digits.back() == '0') digits.pop_back();
    text += "." + digits;
  }
  return text + "%";
}

}  // namespace reliant::sim
